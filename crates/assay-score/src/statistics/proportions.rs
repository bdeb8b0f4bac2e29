//! Two proportions: their difference, and how many items it takes to see one.

use super::{Alternative, cohens_h, normal_p};
use crate::interval::{check_level, wilson};
use crate::special::{normal_cdf, normal_quantile};
use crate::{Error, Interval, Result};

/// What [`two_proportions`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TwoProportions {
    /// `k₁/n₁ − k₂/n₂`.
    pub difference: f64,
    /// Newcombe's hybrid score interval of the difference (1998, method 10).
    pub interval: Interval,
    /// The pooled score statistic `(p₁ − p₂) / √(p (1 − p)(1/n₁ + 1/n₂))`; `None` where all or none
    /// succeeded.
    pub z: Option<f64>,
    /// Its p-value; 1 where the statistic is not defined.
    pub p_value: f64,
    /// Cohen's h.
    pub cohens_h: f64,
}

/// Compares the rates of two independent groups: `k₁` of `n₁` against `k₂` of `n₂`.
///
/// For the same items answered by two models, use [`mcnemar`](super::mcnemar()).
///
/// ```
/// use assay_score::statistics::two_proportions;
/// let report = two_proportions((180, 200), (150, 200), 0.95)?;
/// assert!((report.interval.lower - 0.0761287866).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// As [`wilson`].
pub fn two_proportions(
    first: (u64, u64),
    second: (u64, u64),
    level: f64,
) -> Result<TwoProportions> {
    let (a, b) = (wilson(first.0, first.1, level)?, wilson(second.0, second.1, level)?);
    let [(k1, n1), (k2, n2)] = [first, second].map(|(k, n)| (k as f64, n as f64));
    let (p1, p2) = (k1 / n1, k2 / n2);
    let difference = p1 - p2;
    let down = ((p1 - a.lower).powi(2) + (b.upper - p2).powi(2)).sqrt();
    let up = ((a.upper - p1).powi(2) + (p2 - b.lower).powi(2)).sqrt();
    let pooled = (k1 + k2) / (n1 + n2);
    let error = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let z = (error > 0.0).then(|| difference / error);
    Ok(TwoProportions {
        difference,
        interval: Interval {
            lower: (difference - down).max(-1.0),
            upper: (difference + up).min(1.0),
            level,
        },
        z,
        p_value: z.map_or(1.0, |z| normal_p(z, Alternative::TwoSided)),
        cohens_h: cohens_h(p1, p2)?,
    })
}

/// The items in each group that give the two-sided score test at the level `alpha` this power to see
/// the difference between the rates `p₁` and `p₂` (Fleiss, Levin and Paik 2003, equation 4.14
/// without continuity correction):
///
/// `n = (z_{α/2} √(2 p̄ q̄) + z_β √(p₁q₁ + p₂q₂))² / (p₁ − p₂)²`, rounded up.
///
/// ```
/// use assay_score::statistics::{power, sample_size};
/// let n = sample_size(0.85, 0.90, 0.05, 0.8)?;
/// assert_eq!(n, 686);
/// assert!(power(0.85, 0.90, n, 0.05)? >= 0.8);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Value`] for a rate outside `[0, 1]`, [`Error::Setting`] for a level or power outside
/// `(0, 1)`, [`Error::Undefined`] where the rates are too close for any number below `2^53`.
pub fn sample_size(first: f64, second: f64, alpha: f64, power: f64) -> Result<u64> {
    let operation = "sample size";
    check_level(operation, alpha)?;
    check_level(operation, power)?;
    cohens_h(first, second)?;
    let middle = f64::midpoint(first, second);
    let together = (2.0 * middle * (1.0 - middle)).sqrt();
    let apart = (first * (1.0 - first) + second * (1.0 - second)).sqrt();
    let root = -normal_quantile(alpha / 2.0) * together + normal_quantile(power) * apart;
    let n = (root.max(0.0) / (first - second)).powi(2).ceil().max(1.0);
    if n <= crate::EXACT_COUNTS as f64 {
        return Ok(n as u64);
    }
    Err(Error::Undefined { operation, reason: "the rates are too close" })
}

/// The power of the two-sided score test at the level `alpha` with `n` items in each group: the
/// inverse of [`sample_size`].
///
/// # Errors
/// As [`sample_size`], and [`Error::Empty`] for no items.
pub fn power(first: f64, second: f64, n: u64, alpha: f64) -> Result<f64> {
    let operation = "power";
    check_level(operation, alpha)?;
    cohens_h(first, second)?;
    if n == 0 {
        return Err(Error::Empty { operation, item: "item" });
    }
    let middle = f64::midpoint(first, second);
    let together = (2.0 * middle * (1.0 - middle)).sqrt();
    let apart = (first * (1.0 - first) + second * (1.0 - second)).sqrt();
    let shift = (first - second).abs() * (n as f64).sqrt();
    let excess = shift + normal_quantile(alpha / 2.0) * together;
    if apart > 0.0 {
        return Ok(normal_cdf(excess / apart));
    }
    // Rates of zero and one: the outcome is certain.
    Ok(f64::from(u8::from(excess > 0.0)))
}
