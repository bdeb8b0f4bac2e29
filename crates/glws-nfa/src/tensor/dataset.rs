//! Weak sets for burn's data loaders.

use assay_tensor::burn::data::dataloader::batcher::Batcher;
use assay_tensor::burn::data::dataset::{Dataset, DatasetError};
use assay_tensor::burn::prelude::Device;

use crate::generate::{Batch, WeakSet};
use crate::{Error, WeakLabels};

/// An item is a bag with what is known of it.
///
/// burn's [`DataLoaderBuilder`](assay_tensor::burn::data::dataloader::DataLoaderBuilder) shuffles items by
/// its own seed and loads on its own threads; [`WeakSet::batches`] needs neither.
///
/// ```
/// use assay_tensor::burn::data::dataloader::DataLoaderBuilder;
/// use glws_nfa::generate::{BagSampler, WeakSet, bag_counts};
/// use glws_nfa::{WeakLabels, tensor::RaggedBatcher};
///
/// let digits: Vec<usize> = (0..90).map(|i| i % 10).collect();
/// let bags = BagSampler::new(12, 6.0, 2.0)?.draw(&digits, 42)?;
/// let lengths: Vec<usize> = bags.iter().map(Vec::len).collect();
/// let labels = WeakLabels::label_proportions(9, &lengths, &bag_counts(&bags, &digits, 9)?)?;
/// let set = WeakSet::new(bags.concat(), labels)?;
///
/// let loader = DataLoaderBuilder::new(RaggedBatcher).batch_size(4).shuffle(42).build(set);
/// for batch in loader.iter() {
///     let batch = batch?;
///     // Images of `batch.instances` go through the network, `batch.labels` into the loss.
///     assert_eq!(batch.instances.len(), batch.labels.num_instances());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Dataset<Batch> for WeakSet {
    /// # Errors
    /// For an index that is no bag's, where other data sets of burn panic.
    fn get(&self, index: usize) -> Result<Batch, DatasetError> {
        if index < self.len() {
            return Ok(self.batch(&[index]));
        }
        let (operation, expected, got) =
            ("bag of a weak set, an index below", vec![self.len()], vec![index]);
        Err(DatasetError::new(Error::Shape { operation, expected, got }))
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// Puts bags of any sizes in a row: a ragged batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RaggedBatcher;

impl Batcher<Batch, Batch> for RaggedBatcher {
    fn batch(&self, items: Vec<Batch>, _device: &Device) -> Batch {
        let mut all = Batch { instances: Vec::new(), labels: WeakLabels::default() };
        for item in items {
            all.instances.extend(item.instances);
            all.labels.append(item.labels);
        }
        all
    }
}
