//! Settings in which each instance is a bag of its own.

use ndarray::ArrayView2;

use super::{WeakLabels, check_probability, same_count};
use crate::constraint::Constraint;
use crate::error::{Error, Result};
use crate::languages::check_class;

/// What is known of a label on an ordered scale of classes, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Ordinal {
    /// The class is this one or below.
    AtMost(usize),
    /// The class is this one or above.
    AtLeast(usize),
    /// The class is from the first to the second.
    Between(usize, usize),
}

/// How far from 1 the rows of a transition matrix may sum.
const ROW_SUM_TOLERANCE: f64 = 1e-6;

impl WeakLabels {
    /// Ordinary labels: each instance has the class given.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`].
    pub fn labelled(num_classes: usize, labels: &[usize]) -> Result<Self> {
        instances(labels.iter().map(|&label| {
            check_class("labels", label, num_classes)?;
            Ok((0..num_classes).map(|class| indicator(class == label)).collect())
        }))
    }

    /// Nothing is known of any instance: `Z = 1`, and the posterior is the weak view's prediction.
    pub fn unlabelled(instances: usize) -> Self {
        Self::each(&vec![1; instances], Constraint::Unknown)
    }

    /// Partial labels: the class is one of the candidates, `candidates[[i, c]]`, of shape `[N, C]`.
    ///
    /// `Z = Σ_{c ∈ S} p(c)`, `γ(c) ∝ p(c)` within the candidates. An instance without candidates is
    /// infeasible.
    ///
    /// # Errors
    /// [`Error::NoClasses`].
    ///
    /// ```
    /// use glws_nfa::WeakLabels;
    /// use ndarray::array;
    /// let labels = WeakLabels::partial(array![[true, true, false], [false, true, true]].view())?;
    /// assert_eq!(labels.lengths(), [1, 1]);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn partial(candidates: ArrayView2<'_, bool>) -> Result<Self> {
        check_class("partial labels", 0, candidates.ncols())?;
        let rows = candidates.rows();
        instances(rows.into_iter().map(|row| Ok(row.iter().map(|&c| indicator(c)).collect())))
    }

    /// Complementary labels: the class is *not* the one given.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`].
    pub fn complementary(num_classes: usize, excluded: &[usize]) -> Result<Self> {
        instances(excluded.iter().map(|&excluded| {
            check_class("complementary labels", excluded, num_classes)?;
            Ok((0..num_classes).map(|class| indicator(class != excluded)).collect())
        }))
    }

    /// Ordinal labels that are known on one side: the class is at most or at least some class.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`], and [`Error::Interval`] when the lower end is above the upper.
    ///
    /// ```
    /// use glws_nfa::{Ordinal, WeakLabels};
    /// // Five grades; a five-star survey that was cut off, and a censored age group.
    /// let labels = WeakLabels::ordinal(5, &[Ordinal::AtMost(1), Ordinal::AtLeast(3)])?;
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn ordinal(num_classes: usize, known: &[Ordinal]) -> Result<Self> {
        instances(known.iter().map(|&known| {
            let (low, high) = match known {
                Ordinal::AtMost(high) => (0, high),
                Ordinal::AtLeast(low) => (low, num_classes.saturating_sub(1)),
                Ordinal::Between(low, high) => (low, high),
            };
            check_class("ordinal labels", low, num_classes)?;
            check_class("ordinal labels", high, num_classes)?;
            if low > high {
                return Err(Error::Interval { operation: "ordinal labels", low, high });
            }
            Ok((0..num_classes).map(|class| indicator((low..=high).contains(&class))).collect())
        }))
    }

    /// Confidence in each class, `[N, C]`: any evidence of 0 or more, such as the probability of what was
    /// seen given the class. `Z = Σ_c p(c) q(c)`, `γ(c) ∝ p(c) q(c)`.
    ///
    /// This is single-class confidence learning when all instances are of one class and `q` says how
    /// much each looks like every class.
    ///
    /// # Errors
    /// [`Error::Weight`] for a confidence that is negative or not finite, and [`Error::NoClasses`].
    pub fn class_confidence(confidence: ArrayView2<'_, f64>) -> Result<Self> {
        check_class("class confidence", 0, confidence.ncols())?;
        instances(confidence.rows().into_iter().map(|row| {
            match row.iter().find(|q| !(q.is_finite() && **q >= 0.0)) {
                Some(&weight) => Err(Error::Weight { operation: "class confidence", weight }),
                None => Ok(row.to_vec()),
            }
        }))
    }

    /// Positive confidence, two classes: instance `i` is positive (class 1) with confidence
    /// `confidence[i]`. `γ(1) = r p / (r p + (1 − r)(1 − p))`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a confidence outside 0 to 1.
    pub fn positive_confidence(confidence: &[f64]) -> Result<Self> {
        instances(confidence.iter().map(|&r| {
            check_probability("positive confidence", r)?;
            Ok(vec![1.0 - r, r])
        }))
    }

    /// Noisy labels with a known transition matrix, `transition[[c, y]] = P(label y is seen | class c)`,
    /// `[C, C]`, rows summing to 1. `Z = Σ_c p(c) T(c, y)`, `γ(c) ∝ p(c) T(c, y)`.
    ///
    /// To learn the matrix as well, see `tensor::NoiseMatrix`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a matrix that is not square, [`Error::Parameter`] for one whose rows are no
    /// distributions, [`Error::ClassOutOfRange`] for a label.
    pub fn noisy(transition: ArrayView2<'_, f64>, observed: &[usize]) -> Result<Self> {
        check_transition(transition)?;
        instances(observed.iter().map(|&observed| {
            check_class("noisy labels", observed, transition.ncols())?;
            Ok(transition.column(observed).to_vec())
        }))
    }

    /// Partial labels seen through noise: candidate sets `[N, C]` in which every candidate was added as
    /// an independent noisy label, `e(c) = Π_{s ∈ S} T(c, s)`.
    ///
    /// # Errors
    /// As [`noisy`](Self::noisy), and [`Error::Shape`] for candidates of another number of classes.
    pub fn noisy_partial(
        transition: ArrayView2<'_, f64>,
        candidates: ArrayView2<'_, bool>,
    ) -> Result<Self> {
        check_transition(transition)?;
        same_count("candidates [C]", transition.ncols(), candidates.ncols())?;
        instances(candidates.rows().into_iter().map(|candidates| {
            let evidence = transition.rows().into_iter().map(|row| {
                row.iter().zip(candidates).map(|(t, &s)| if s { *t } else { 1.0 }).product()
            });
            Ok(evidence.collect())
        }))
    }
}

fn instances(evidence: impl Iterator<Item = Result<Vec<f64>>>) -> Result<WeakLabels> {
    let constraints: Vec<Constraint> =
        evidence.map(|evidence| evidence.map(Constraint::Evidence)).collect::<Result<_>>()?;
    WeakLabels::new(vec![1; constraints.len()], constraints)
}

fn indicator(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

pub(crate) fn check_transition(transition: ArrayView2<'_, f64>) -> Result<()> {
    let classes = transition.nrows();
    check_class("transition matrix", 0, classes)?;
    if transition.ncols() != classes {
        return Err(Error::Shape {
            operation: "transition matrix [C, C]",
            expected: vec![classes, classes],
            got: transition.shape().to_vec(),
        });
    }
    transition.iter().try_for_each(|&t| check_probability("transition matrix", t))?;
    for row in transition.rows() {
        let sum = row.sum();
        if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            let (name, expected) = ("row of the transition matrix", "a sum of 1");
            return Err(Error::Parameter { name, expected, got: sum });
        }
    }
    Ok(())
}
