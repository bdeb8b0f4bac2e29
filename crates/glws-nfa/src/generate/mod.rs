//! Weak supervision made from a labelled set: for experiments, where the labels are known and only shown
//! in part, and for learning how much a kind of supervision is worth.
//!
//! What a teacher would say comes out as plain numbers ([`candidates`], [`flips`], bags of indices,
//! pairs of indices), which the constructors of [`WeakLabels`](crate::WeakLabels) take. A [`WeakSet`]
//! deals the result out in shuffled batches.
//!
//! Every random choice is drawn from a stream named by the seed, the purpose and the item, so that the
//! same call gives the same supervision on every machine, and asking for more items leaves the first
//! ones as they are.
//!
//! ```
//! use glws_nfa::WeakLabels;
//! use glws_nfa::generate::{BagSampler, WeakSet, bag_counts};
//!
//! // The digits of a hundred images, of which we only tell how many nines a bag has.
//! let digits: Vec<usize> = (0..100).map(|i| i % 10).collect();
//! let bags = BagSampler::new(30, 5.0, 1.0)?.draw(&digits, 42)?;
//! let lengths: Vec<usize> = bags.iter().map(Vec::len).collect();
//! let labels = WeakLabels::label_proportions(9, &lengths, &bag_counts(&bags, &digits, 9)?)?;
//! let set = WeakSet::new(bags.concat(), labels)?;
//! for batch in set.batches(4, 42, 0) {
//!     // Gather the images `batch.instances`, run the model, and give its logits and `batch.labels` to
//!     // the loss.
//!     assert_eq!(batch.instances.len(), batch.labels.num_instances());
//! }
//! # Ok::<(), glws_nfa::Error>(())
//! ```

mod bags;
mod instances;
mod pairs;
mod set;

pub use bags::{BagSampler, Balance, bag_class_counts, bag_counts};
pub use instances::{candidates, complements, draw, flips, symmetric_noise};
pub use pairs::{compared, confidence_differences, pairs, similarities, similarity_confidences};
pub use set::{Batch, WeakSet};

use crate::error::{Error, Result};
use crate::languages::check_class;

/// Checks that labels exist and are classes.
fn check_labels(operation: &'static str, labels: &[usize], num_classes: usize) -> Result<()> {
    check_class(operation, 0, num_classes)?;
    labels.iter().try_for_each(|&label| check_class(operation, label, num_classes))
}

/// The label of an instance, or an error that names what asked.
fn label(operation: &'static str, labels: &[usize], instance: usize) -> Result<usize> {
    labels.get(instance).copied().ok_or(Error::NoInstance {
        operation,
        instance,
        instances: labels.len(),
    })
}

fn check_rate(name: &'static str, rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::Parameter { name, expected: "a probability from 0 to 1", got: rate })
}
