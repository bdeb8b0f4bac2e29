use assay_array::random::{below, normal, stream};
use ndarray::Array2;

use super::{check_labels, label};
use crate::error::{Error, Result};
use crate::languages::check_class;

/// Which bags a [`BagSampler`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Balance {
    /// Whatever comes.
    #[default]
    None,
    /// Only bags with an instance of this class.
    With(usize),
    /// Every other bag has an instance of this class, and the others have none. Otherwise large bags
    /// nearly all show every class.
    Half(usize),
}

/// Draws bags of random sizes.
///
/// A bag has `max(2, ⌊mean + spread · z⌋)` instances with `z` standard normal, drawn with repetition
/// from all instances alike: the recipe of the paper's experiments.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BagSampler {
    bags: usize,
    mean: f64,
    spread: f64,
    balance: Balance,
}

/// Bags have at most so many instances, so that a wrong number does not become an allocation.
const MAX_LENGTH: f64 = 1_048_576.0;
/// A bag that must have, or must not have, a class is drawn anew at most so often.
const MAX_TRIALS: u64 = 10_000;

impl BagSampler {
    /// `bags` bags of the size `mean`, give or take `spread`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a mean or spread that is negative, not finite, or above 2^20.
    pub fn new(bags: usize, mean: f64, spread: f64) -> Result<Self> {
        for (name, value) in [("mean length of bags", mean), ("spread of bags' lengths", spread)] {
            if !(0.0..=MAX_LENGTH).contains(&value) {
                let expected = "a number from 0 to 2^20";
                return Err(Error::Parameter { name, expected, got: value });
            }
        }
        Ok(Self { bags, mean, spread, balance: Balance::None })
    }

    /// Sets which bags are given.
    #[must_use]
    pub fn with_balance(self, balance: Balance) -> Self {
        Self { balance, ..self }
    }

    /// The bags, as indices of the instances that `labels` are of.
    ///
    /// # Errors
    /// [`Error::NoInstance`] for no labels; [`Error::Parameter`] when the balance asks for bags that the
    /// labels (nearly) never give.
    pub fn draw(&self, labels: &[usize], seed: u64) -> Result<Vec<Vec<usize>>> {
        label("bags", labels, 0)?;
        (0..self.bags)
            .map(|bag| {
                let wanted = match self.balance {
                    Balance::None => None,
                    Balance::With(class) => Some((class, true)),
                    Balance::Half(class) => Some((class, bag % 2 == 0)),
                };
                let mut rng = stream(seed, "bags", bag as u64);
                for _ in 0..MAX_TRIALS {
                    let size = (self.mean + self.spread * normal(&mut rng)).floor();
                    let size = size.clamp(2.0, MAX_LENGTH) as usize;
                    let bag: Vec<usize> =
                        (0..size).map(|_| below(&mut rng, labels.len())).collect();
                    let fits = wanted.is_none_or(|(class, present)| {
                        bag.iter().any(|&instance| labels.get(instance) == Some(&class)) == present
                    });
                    if fits {
                        return Ok(bag);
                    }
                }
                Err(Error::Parameter {
                    name: "bags that fit the balance, of 10,000 draws",
                    expected: "at least 1",
                    got: 0.0,
                })
            })
            .collect()
    }
}

/// How many instances of `class` each bag has.
///
/// # Errors
/// [`Error::NoInstance`] for an index without a label.
pub fn bag_counts(bags: &[Vec<usize>], labels: &[usize], class: usize) -> Result<Vec<usize>> {
    bags.iter()
        .map(|bag| {
            let own = bag.iter().map(|&instance| label("bag counts", labels, instance));
            let own = own.collect::<Result<Vec<_>>>()?;
            Ok(own.into_iter().filter(|&label| label == class).count())
        })
        .collect()
}

/// How many instances of each class each bag has, `[B, C]`. Above 0, the class is present.
///
/// # Errors
/// [`Error::NoInstance`] for an index without a label, [`Error::ClassOutOfRange`] for a label.
pub fn bag_class_counts(
    bags: &[Vec<usize>],
    labels: &[usize],
    num_classes: usize,
) -> Result<Array2<usize>> {
    check_class("bag counts", 0, num_classes)?;
    check_labels("bag counts", labels, num_classes)?;
    let mut counts = Array2::zeros((bags.len(), num_classes));
    for (mut row, bag) in counts.rows_mut().into_iter().zip(bags) {
        for &instance in bag {
            row[label("bag counts", labels, instance)?] += 1;
        }
    }
    Ok(counts)
}
