use assay_score::{Interval, interval};

use crate::Result;
use crate::calibrators::stored::{Fitted, fitted, require};
use crate::outputs::check_labels;

/// A set of classes for every sample.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PredictionSets {
    sets: Vec<Vec<usize>>,
    classes: usize,
}

fitted!(PredictionSets { sets: Vec<Vec<usize>>, classes: usize });

impl Fitted for PredictionSets {
    fn check(&self) -> Result<()> {
        let ascends = |set: &Vec<usize>| set.windows(2).all(|pair| pair[0] < pair[1]);
        let within = |set: &Vec<usize>| set.last().is_none_or(|&class| class < self.classes);
        let holds = self.sets.iter().all(|set| ascends(set) && within(set));
        require(holds, "prediction sets", "ascending classes below their number", self)
    }
}

/// How often sets hold the label, and how large they are.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CoverageReport {
    /// The share of sets that hold the label.
    pub coverage: f64,
    /// The exact (Clopper-Pearson) 95 % interval of the coverage.
    pub interval: Interval,
    /// The mean number of classes in a set.
    pub mean_size: f64,
    /// How many sets have each size, from 0.
    pub sizes: Vec<u64>,
    /// The coverage of each class's samples; `None` for a class without any.
    pub by_class: Vec<Option<f64>>,
    /// The coverage of the samples whose sets have each size, from 0; `None` where there is none. An
    /// adaptive method keeps it even.
    pub by_size: Vec<Option<f64>>,
}

impl PredictionSets {
    pub(super) fn new(sets: Vec<Vec<usize>>, classes: usize) -> Self {
        Self { sets, classes }
    }

    /// The classes of each sample's set, ascending.
    pub fn sets(&self) -> &[Vec<usize>] {
        &self.sets
    }

    /// Compares the sets with labels.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) and [`Error::Label`](crate::Error::Label) for labels
    /// that do not fit; no sample.
    pub fn report(&self, labels: &[usize]) -> Result<CoverageReport> {
        check_labels("coverage report", labels, self.sets.len(), self.classes)?;
        let (mut class, mut size) =
            (vec![(0_u64, 0_u64); self.classes], vec![(0_u64, 0_u64); self.classes + 1]);
        for (set, &label) in self.sets.iter().zip(labels) {
            let covered = u64::from(set.binary_search(&label).is_ok());
            for count in class.get_mut(label).into_iter().chain(size.get_mut(set.len())) {
                count.0 += covered;
                count.1 += 1;
            }
        }
        let rate = |&(covered, all): &(u64, u64)| (all > 0).then(|| covered as f64 / all as f64);
        let (covered, all) = size.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let total: usize = self.sets.iter().map(Vec::len).sum();
        Ok(CoverageReport {
            interval: interval::clopper_pearson(covered, all, 0.95)?,
            coverage: covered as f64 / all as f64,
            mean_size: total as f64 / all as f64,
            sizes: size.iter().map(|part| part.1).collect(),
            by_class: class.iter().map(rate).collect(),
            by_size: size.iter().map(rate).collect(),
        })
    }
}
