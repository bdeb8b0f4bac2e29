//! Student's t for paired and for independent samples.

use assay_array::Scalar;

use super::{Alternative, finite, mean, pairs, variance};
use crate::interval::check_level;
use crate::special::{student_beyond, student_quantile};
use crate::{Error, Interval, Result};

/// What a t test reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TReport {
    /// The difference of the means.
    pub difference: f64,
    /// The difference divided by its standard error.
    pub statistic: f64,
    /// The degrees of freedom.
    pub degrees_of_freedom: f64,
    /// The p-value for the alternative asked for.
    pub p_value: f64,
    /// The two-sided interval of the difference.
    pub interval: Interval,
}

/// Student's t test of the mean of `x − y` (1908).
///
/// # Errors
/// [`Error::Length`] unless the lists are of one length, [`Error::TooFew`] for fewer than two pairs,
/// [`Error::Value`] for a value that is not finite, [`Error::Setting`] for a level outside `(0, 1)`,
/// [`Error::Undefined`] where all differences are equal.
pub fn paired_t<T: Scalar>(
    x: &[T],
    y: &[T],
    alternative: Alternative,
    level: f64,
) -> Result<TReport> {
    let operation = "paired t test";
    check_level(operation, level)?;
    let (x, y) = pairs(operation, x, y, 2)?;
    let differences: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
    let n = differences.len() as f64;
    let error = (variance(&differences) / n).sqrt();
    report(operation, mean(&differences), error, n - 1.0, alternative, level)
}

/// Welch's t test of the means of two samples (1947), whose variances may differ.
///
/// ```
/// use assay_score::statistics::{Alternative, welch_t};
/// let report = welch_t(&[5.1, 4.9, 5.6, 5.0], &[4.1, 4.4, 4.0], Alternative::TwoSided, 0.95)?;
/// assert!(report.interval.lower > 0.4 && report.p_value < 0.01);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// As [`paired_t`], but the lengths may differ.
pub fn welch_t<T: Scalar>(
    x: &[T],
    y: &[T],
    alternative: Alternative,
    level: f64,
) -> Result<TReport> {
    let operation = "Welch's t test";
    check_level(operation, level)?;
    let (x, y) = (finite(operation, x, 2)?, finite(operation, y, 2)?);
    let (a, b) = (variance(&x) / x.len() as f64, variance(&y) / y.len() as f64);
    // Satterthwaite's degrees of freedom; scaled so that no square over- or underflows.
    let largest = a.max(b).max(f64::MIN_POSITIVE);
    let (ra, rb) = (a / largest, b / largest);
    let denominator = ra * ra / (x.len() as f64 - 1.0) + rb * rb / (y.len() as f64 - 1.0);
    let degrees = (ra + rb).powi(2) / denominator;
    report(operation, mean(&x) - mean(&y), (a + b).sqrt(), degrees, alternative, level)
}

fn report(
    operation: &'static str,
    difference: f64,
    error: f64,
    degrees_of_freedom: f64,
    alternative: Alternative,
    level: f64,
) -> Result<TReport> {
    let statistic = difference / error;
    // Not greater than zero: constant data, or a spread lost in rounding.
    if !(error > 0.0 && statistic.is_finite()) {
        return Err(Error::Undefined { operation, reason: "the values do not vary" });
    }
    let beyond = student_beyond(degrees_of_freedom, statistic.abs());
    let toward = |greater: bool| {
        if (statistic > 0.0) == greater { beyond / 2.0 } else { 1.0 - beyond / 2.0 }
    };
    let p_value = match alternative {
        Alternative::TwoSided => beyond,
        Alternative::Less => toward(false),
        Alternative::Greater => toward(true),
    };
    let half = student_quantile(degrees_of_freedom, level) * error;
    let interval = Interval { lower: difference - half, upper: difference + half, level };
    Ok(TReport { difference, statistic, degrees_of_freedom, p_value, interval })
}
