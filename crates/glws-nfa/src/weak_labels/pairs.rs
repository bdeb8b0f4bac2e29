//! Settings in which two instances make a bag: rows `2b` and `2b + 1` are pair `b`.

use std::sync::Arc;

use ndarray::Array2;

use super::{WeakLabels, check_probability};
use crate::constraint::Constraint;
use crate::error::Result;
use crate::languages::check_class;

impl WeakLabels {
    /// Pairwise similarity, any number of classes: whether the two instances of a pair are of one class.
    ///
    /// All `true` is similar-only, all `false` dissimilar-only learning.
    pub fn pairwise_similarity(similar: &[bool]) -> Self {
        let constraint =
            |&similar: &bool| if similar { Constraint::Similar } else { Constraint::Dissimilar };
        let constraints = similar.iter().map(constraint).collect();
        Self::from_parts(vec![2; similar.len()], constraints)
    }

    /// Pairwise comparison: the first instance of every pair is of a class not below that of the second.
    /// For two classes, "the first is at least as positive"; `Z = 1 − p_1(0) p_2(1)`.
    ///
    /// # Errors
    /// [`Error::NoClasses`](crate::Error::NoClasses).
    pub fn pairwise_comparison(num_classes: usize, pairs: usize) -> Result<Self> {
        check_class("pairwise comparison", 0, num_classes)?;
        let weights = weights(num_classes, |a, b| if a >= b { 1.0 } else { 0.0 });
        Ok(Self::each(&vec![2; pairs], weights))
    }

    /// Similarity confidence, any number of classes: the probability `c` that the two instances of a pair
    /// are of one class. Equal classes weigh `c`, different ones `1 − c`.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a confidence outside 0 to 1,
    /// [`Error::NoClasses`](crate::Error::NoClasses).
    pub fn similarity_confidence(num_classes: usize, confidence: &[f64]) -> Result<Self> {
        check_class("similarity confidence", 0, num_classes)?;
        let constraints = confidence.iter().map(|&c| {
            check_probability("similarity confidence", c)?;
            Ok(weights(num_classes, |a, b| if a == b { c } else { 1.0 - c }))
        });
        Self::new(vec![2; confidence.len()], constraints.collect::<Result<Vec<_>>>()?)
    }

    /// Confidence difference, two classes: `difference[b] = P(1 | second) − P(1 | first)`, from −1 to 1.
    /// Equal classes weigh `1 − |d|`; of the unequal ones only the one in the direction of `d` weighs,
    /// `|d|`.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a difference outside −1 to 1.
    pub fn confidence_difference(difference: &[f64]) -> Result<Self> {
        let constraints = difference.iter().map(|&d| {
            check_probability("size of a confidence difference", d.abs())?;
            let rising = if d >= 0.0 { (0, 1) } else { (1, 0) };
            Ok(weights(2, |a, b| match (a, b) {
                _ if a == b => 1.0 - d.abs(),
                unequal if unequal == rising => d.abs(),
                _ => 0.0,
            }))
        });
        Self::new(vec![2; difference.len()], constraints.collect::<Result<Vec<_>>>()?)
    }
}

fn weights(classes: usize, weight: impl Fn(usize, usize) -> f64) -> Constraint {
    Constraint::Pair(Arc::new(Array2::from_shape_fn((classes, classes), |(a, b)| weight(a, b))))
}
