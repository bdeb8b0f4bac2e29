use assay_array::random::{shuffle, stream};

use crate::error::Result;
use crate::weak_labels::{WeakLabels, same_count};

/// Weak labels of a whole data set with the instances that they are about, dealt out in batches.
///
/// Bags may have any sizes: a batch is ragged, its instances in a row and its labels with their lengths.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakSet {
    instances: Vec<usize>,
    labels: WeakLabels,
    starts: Vec<usize>,
}

/// Some bags of a [`WeakSet`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The instances as indices into the data set, bag after bag.
    pub instances: Vec<usize>,
    /// What is known of them.
    pub labels: WeakLabels,
}

impl Batch {
    /// This batch followed by another, as parts with means of their own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.instances.extend(other.instances);
        Self { instances: self.instances, labels: self.labels.and(other.labels) }
    }
}

impl WeakSet {
    /// `labels` say what is known of the `instances`, indices into the data set, bag after bag.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the bags' lengths do not sum to the number of
    /// instances, or when the labels have several parts: make a set of each, and join their batches with
    /// [`Batch::and`].
    pub fn new(instances: Vec<usize>, labels: WeakLabels) -> Result<Self> {
        same_count("instances of a weak set [N]", labels.num_instances(), instances.len())?;
        same_count("parts of a weak set", 1, labels.num_parts())?;
        let mut starts = Vec::with_capacity(labels.lengths().len());
        let mut start = 0;
        for length in labels.lengths() {
            starts.push(start);
            start += length;
        }
        Ok(Self { instances, labels, starts })
    }

    /// How many bags there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no bag.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The instances of one bag, or `None` when there is no such bag.
    pub fn bag(&self, bag: usize) -> Option<&[usize]> {
        let start = *self.starts.get(bag)?;
        self.instances.get(start..start + self.labels.lengths().get(bag)?)
    }

    /// What is known of all bags.
    pub fn labels(&self) -> &WeakLabels {
        &self.labels
    }

    /// The bags named, in that order; those that do not exist are left out.
    pub fn batch(&self, bags: &[usize]) -> Batch {
        let instances = bags.iter().filter_map(|&bag| self.bag(bag)).flatten().copied().collect();
        Batch { instances, labels: self.labels.select(bags) }
    }

    /// All bags in batches of `size`, at least 1, in an order that the seed and the pass decide; the last
    /// batch has what is left.
    pub fn batches(
        &self,
        size: usize,
        seed: u64,
        pass: u64,
    ) -> impl ExactSizeIterator<Item = Batch> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        shuffle(&mut stream(seed, "order of weak batches", pass), &mut order);
        let size = size.max(1);
        (0..order.len().div_ceil(size)).map(move |batch| {
            let end = order.len().min((batch + 1) * size);
            self.batch(&order[batch * size..end])
        })
    }
}
