//! Settings that count within bags.

use ndarray::ArrayView2;

use super::{WeakLabels, check_probability, same_count};
use crate::constraint::Constraint;
use crate::error::{Error, Result};

impl WeakLabels {
    /// Label proportions: bag `b` holds exactly `counts[b]` instances of `class`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many counts as lengths. A count above the bag's length
    /// makes the bag infeasible, which the loss reports.
    pub fn label_proportions(class: usize, lengths: &[usize], counts: &[usize]) -> Result<Self> {
        same_count("label proportions [B]", lengths.len(), counts.len())?;
        let constraints = counts.iter().map(|&count| Constraint::Count { class, count });
        Ok(Self::from_parts(lengths.to_vec(), constraints.collect()))
    }

    /// Label proportions of all classes jointly: bag `b` holds exactly `counts[[b, c]]` instances of
    /// each class `c`; `counts` is `[B, C]`. See also [`one_vs_rest`](Self::one_vs_rest).
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many rows of counts as lengths.
    pub fn class_counts(lengths: &[usize], counts: ArrayView2<'_, usize>) -> Result<Self> {
        same_count("class counts [B]", lengths.len(), counts.nrows())?;
        let constraints = counts.outer_iter().map(|row| Constraint::CountVector(row.to_vec()));
        Ok(Self::from_parts(lengths.to_vec(), constraints.collect()))
    }

    /// Counts known to a range: bag `b` holds from `ranges[b].0` to `ranges[b].1` instances of `class`,
    /// ends included.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many ranges as lengths, [`Error::Interval`] for a range
    /// that ends before it starts. A range above the bag's length makes the bag infeasible.
    pub fn count_ranges(
        class: usize,
        lengths: &[usize],
        ranges: &[(usize, usize)],
    ) -> Result<Self> {
        same_count("count ranges [B]", lengths.len(), ranges.len())?;
        let constraints = ranges.iter().zip(lengths).map(|(&(low, high), &length)| {
            if low > high {
                return Err(Error::Interval { operation: "count ranges", low, high });
            }
            let log_weights = (0..=high.min(length))
                .map(|count| if count < low { f64::NEG_INFINITY } else { 0.0 })
                .collect();
            Ok(Constraint::SoftCount { class, log_weights })
        });
        Self::new(lengths.to_vec(), constraints.collect::<Result<Vec<_>>>()?)
    }

    /// Proportions of a population: the instances of bag `b` were drawn at random where a share
    /// `proportions[b]` is of `class`, so that the count is binomial. The count `k` weighs
    /// `C(n, k) π^k (1 − π)^(n−k)`.
    ///
    /// Use it where the proportion is known and the count in this very bag is not: a training batch of
    /// unlabelled instances does not hold exactly `π n` positives.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many proportions as lengths, [`Error::Parameter`] for one
    /// outside 0 to 1.
    pub fn population_proportions(
        class: usize,
        lengths: &[usize],
        proportions: &[f64],
    ) -> Result<Self> {
        same_count("population proportions [B]", lengths.len(), proportions.len())?;
        let constraints = proportions.iter().zip(lengths).map(|(&proportion, &length)| {
            Ok(Constraint::SoftCount {
                class,
                log_weights: binomial_log_weights(length, proportion)?,
            })
        });
        Self::new(lengths.to_vec(), constraints.collect::<Result<Vec<_>>>()?)
    }

    /// Multiple instances: whether bag `b` holds at least one instance of `class`, or none.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many answers as lengths.
    pub fn multiple_instances(class: usize, lengths: &[usize], present: &[bool]) -> Result<Self> {
        same_count("multiple instances [B]", lengths.len(), present.len())?;
        let constraint = |&present: &bool| {
            if present { Constraint::Present { class } } else { Constraint::Absent { class } }
        };
        let constraints = present.iter().map(constraint).collect();
        Ok(Self::from_parts(lengths.to_vec(), constraints))
    }

    /// Multiple instances of all classes jointly: the classes that occur in bag `b` are exactly those
    /// marked in row `b` of `present`, `[B, C]`. See also [`one_vs_rest`](Self::one_vs_rest).
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many rows as lengths.
    pub fn class_presence(lengths: &[usize], present: ArrayView2<'_, bool>) -> Result<Self> {
        same_count("class presence [B]", lengths.len(), present.nrows())?;
        let constraints = present.outer_iter().map(|row| Constraint::PresenceVector(row.to_vec()));
        Ok(Self::from_parts(lengths.to_vec(), constraints.collect()))
    }
}

/// `ln C(n, k) + k ln π + (n − k) ln(1 − π)` for `k = 0..=n`: the log probabilities of a binomial
/// distribution, the final weights of a soft count.
///
/// # Errors
/// [`Error::Parameter`] for a `proportion` outside 0 to 1, and [`Error::TooManyStates`] for more than
/// [`MAX_STATES`](crate::MAX_STATES) counts.
///
/// ```
/// let weights = glws_nfa::binomial_log_weights(2, 0.5)?;
/// assert!((weights[1] - 0.5_f64.ln()).abs() < 1e-15);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
pub fn binomial_log_weights(n: usize, proportion: f64) -> Result<Vec<f64>> {
    check_probability("proportion", proportion)?;
    crate::nfa::check_num_states("binomial weights", n.checked_add(1))?;
    let times = |count: usize, log: f64| if count == 0 { 0.0 } else { count as f64 * log };
    let (yes, no) = (proportion.ln(), (-proportion).ln_1p());
    let mut log_ways = 0.0;
    let weights = (0..=n).map(|k| {
        if k > 0 {
            log_ways += ((n - k + 1) as f64 / k as f64).ln();
        }
        log_ways + times(k, yes) + times(n - k, no)
    });
    Ok(weights.collect())
}
