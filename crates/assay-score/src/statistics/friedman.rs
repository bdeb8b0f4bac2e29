//! Do models differ over many tasks? Friedman's test, Kendall's W, Nemenyi's critical difference.

use super::finite;
use super::rank::midranks;
use crate::special::{chi_square_above, normal_cdf};
use crate::{Error, Result};

/// What [`friedman`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FriedmanReport {
    /// The statistic with the correction for ties.
    pub statistic: f64,
    /// The p-value from the chi-square distribution with `k − 1` degrees of freedom.
    pub p_value: f64,
    /// Kendall's coefficient of concordance, `χ² / (b (k − 1))`: 0 where the blocks rank at random, 1
    /// where they all agree.
    pub kendall_w: f64,
    /// The mean rank of each treatment, 1 for the smallest values.
    pub mean_ranks: Vec<f64>,
}

/// Friedman's test (1937): `blocks` (tasks) each hold one value for each of `k` treatments (models);
/// are the treatments alike?
///
/// `χ² = (k − 1) Σ_j (R_j − b (k + 1)/2)² / (Σ r² − b k (k + 1)²/4)` with rank sums `R_j` and ranks `r`,
/// which contains the correction for ties (Conover 1999).
///
/// ```
/// use assay_score::statistics::friedman;
/// let report = friedman(&[0.9, 0.8, 0.7, 0.6, 0.9, 0.5, 0.8, 0.7, 0.4], 3)?;
/// assert_eq!(report.mean_ranks, [8.0 / 3.0, 7.0 / 3.0, 1.0]);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for fewer than two treatments, [`Error::Length`] for an incomplete block,
/// [`Error::Empty`] for no block, [`Error::Value`] for a value that is not finite,
/// [`Error::Undefined`] where every block is one tie.
pub fn friedman(blocks: &[f64], treatments: usize) -> Result<FriedmanReport> {
    let operation = "Friedman test";
    if treatments < 2 {
        let (name, expected) = ("treatments", "at least 2");
        return Err(Error::Setting { operation, name, expected, got: treatments as f64 });
    }
    let values = finite(operation, blocks, 1)?;
    if values.len() % treatments != 0 {
        let (items, got) = ("values in the last block", values.len() % treatments);
        return Err(Error::Length { operation, items, expected: treatments, got });
    }
    let (mut sums, mut squares) = (vec![0.0; treatments], 0.0);
    for block in values.chunks(treatments) {
        for (sum, rank) in sums.iter_mut().zip(midranks(block)) {
            *sum += rank;
            squares += rank * rank;
        }
    }
    let (k, b) = (treatments as f64, (values.len() / treatments) as f64);
    let between: f64 = sums.iter().map(|sum| (sum - b * (k + 1.0) / 2.0).powi(2)).sum();
    let spread = squares - b * k * (k + 1.0).powi(2) / 4.0;
    if spread <= 0.0 {
        return Err(Error::Undefined { operation, reason: "every block is one tie" });
    }
    let statistic = (k - 1.0) * between / spread;
    Ok(FriedmanReport {
        statistic,
        p_value: chi_square_above(k - 1.0, statistic),
        kendall_w: (statistic / (b * (k - 1.0))).min(1.0),
        mean_ranks: sums.iter().map(|sum| sum / b).collect(),
    })
}

/// Nemenyi's critical difference of mean ranks (1963; Demšar 2006): two of `treatments` differ at the
/// level `alpha` where their mean ranks over `blocks` are further apart than
/// `q_α √(k (k + 1) / 6b)`, `q_α` the upper quantile of the range of `k` normal variables divided by
/// `√2`.
///
/// ```
/// use assay_score::statistics::critical_difference;
/// // Demšar's table: q = 2.728 for five classifiers at 0.05.
/// let q = critical_difference(5, 30, 0.05)? / (5.0 * 6.0 / (6.0 * 30.0_f64)).sqrt();
/// assert!((q - 2.728).abs() < 5e-4);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for fewer than two treatments, no block, or a level outside `(0, 1)`.
pub fn critical_difference(treatments: usize, blocks: usize, alpha: f64) -> Result<f64> {
    let operation = "critical difference";
    crate::interval::check_level(operation, alpha)?;
    for (name, got, least, expected) in
        [("treatments", treatments, 2, "at least 2"), ("blocks", blocks, 1, "at least 1")]
    {
        if got < least {
            return Err(Error::Setting { operation, name, expected, got: got as f64 });
        }
    }
    let k = treatments as f64;
    let (mut lower, mut upper) = (0.0, 100.0);
    // Bisection to the last bit of a range below 2^7.
    for _ in 0..64 {
        let middle = f64::midpoint(lower, upper);
        if range_below(k, middle) < 1.0 - alpha {
            lower = middle;
        } else {
            upper = middle;
        }
    }
    Ok(upper / std::f64::consts::SQRT_2 * (k * (k + 1.0) / (6.0 * blocks as f64)).sqrt())
}

/// The probability that the range of `k` standard normal variables is below `q`:
/// `k ∫ φ(x) (Φ(x) − Φ(x − q))^{k−1} dx`, by the trapezium rule, which converges geometrically for it.
fn range_below(k: f64, q: f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let term = |i: i32| {
        let x = f64::from(i) * STEP;
        density(x) * (normal_cdf(x) - normal_cdf(x - q)).powf(k - 1.0)
    };
    // Beyond ±9.4 the density is below 1e-19.
    k * STEP * (-300..=300).map(term).sum::<f64>()
}
