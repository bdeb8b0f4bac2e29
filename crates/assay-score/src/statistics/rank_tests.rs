//! Tests on signs and ranks.

use assay_array::Scalar;

use super::exact::{subset_sums, sums_of_drawn};
use super::rank::midranks;
use super::{Alternative, Method, finite, normal_p};
use crate::special::binomial_below;
use crate::{Error, Result};

/// Up to this many differences the signed-rank distribution is summed exactly: 40,000 sums.
const EXACT_PAIRS: usize = 200;
/// Up to this many values in both samples the rank-sum distribution is summed exactly.
const EXACT_VALUES: usize = 60;

/// What a test on ranks reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RankTestReport {
    /// The statistic: positive differences, the sum of positive ranks, or the U of the first sample.
    pub statistic: f64,
    /// The largest value that the statistic can take: `statistic / largest` is the effect, one half
    /// without a difference.
    pub largest: f64,
    /// The p-value for the alternative asked for.
    pub p_value: f64,
    /// How it was found.
    pub method: Method,
    /// How many differences were zero and left out.
    pub zeros: u64,
}

/// The sign test of differences: are positive and negative ones equally many? Zeros say nothing and
/// are left out. Exact for any number.
///
/// # Errors
/// [`Error::Undefined`] where all differences are zero, [`Error::Value`] for one that is not finite.
pub fn sign_test<T: Scalar>(differences: &[T], alternative: Alternative) -> Result<RankTestReport> {
    let operation = "sign test";
    let differences = finite(operation, differences, 1)?;
    let positive = differences.iter().filter(|&&d| d > 0.0).count() as u64;
    let zeros = differences.iter().filter(|&&d| d == 0.0).count() as u64;
    let n = differences.len() as u64 - zeros;
    if n == 0 {
        return Err(Error::Undefined { operation, reason: "all differences are zero" });
    }
    let at_least = |k: u64| binomial_below(n - k, n, 0.5);
    let p_value = match alternative {
        Alternative::Less => binomial_below(positive, n, 0.5),
        Alternative::Greater => at_least(positive),
        Alternative::TwoSided => (2.0 * at_least(positive.max(n - positive))).min(1.0),
    };
    let (statistic, largest) = (positive as f64, n as f64);
    Ok(RankTestReport { statistic, largest, p_value, method: Method::Exact, zeros })
}

/// Wilcoxon's signed-rank test of differences (1945): are they symmetric about zero?
///
/// The statistic is the sum of the ranks of `|d|` over positive `d`; ties share their mean rank,
/// zeros are left out and counted. Up to 200 differences the distribution over all signs is summed
/// exactly, ties included (where scipy takes a limit); beyond, the normal limit with the variance
/// corrected for ties.
///
/// ```
/// use assay_score::statistics::{Alternative, wilcoxon};
/// let differences = [0.3, -0.1, 0.25, 0.4, 0.05, -0.2, 0.15, 0.35];
/// let report = wilcoxon(&differences, Alternative::TwoSided)?;
/// assert_eq!((report.statistic, report.p_value), (30.0, 0.109375));
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// As [`sign_test`].
pub fn wilcoxon<T: Scalar>(differences: &[T], alternative: Alternative) -> Result<RankTestReport> {
    let operation = "signed-rank test";
    let mut differences = finite(operation, differences, 1)?;
    let all = differences.len();
    differences.retain(|&d| d != 0.0);
    if differences.is_empty() {
        return Err(Error::Undefined { operation, reason: "all differences are zero" });
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = midranks(&sizes);
    let statistic: f64 =
        ranks.iter().zip(&differences).filter(|(_, d)| **d > 0.0).map(|(r, _)| r).sum();
    let n = differences.len() as f64;
    let largest = n * (n + 1.0) / 2.0;
    let exact = differences.len() <= EXACT_PAIRS;
    let p_value = if exact {
        // Twice a mean rank is a whole number.
        let weights: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
        tail(&subset_sums(&weights), (2.0 * statistic) as usize, alternative)
    } else {
        let squares: f64 = ranks.iter().map(|rank| rank * rank).sum();
        normal_p((statistic - largest / 2.0) / (squares / 4.0).sqrt(), alternative)
    };
    let method = if exact { Method::Exact } else { Method::Asymptotic };
    Ok(RankTestReport {
        statistic,
        largest,
        p_value,
        method,
        zeros: (all - differences.len()) as u64,
    })
}

/// The Mann-Whitney test of two samples (1947): is a value of the first as often above one of the
/// second as below?
///
/// The statistic is `U = #{x > y} + ½ #{x = y}`, so that `U / (n₁ n₂)` is the probability of
/// superiority. Up to 60 values the distribution over all ways to part them is summed exactly, ties
/// included; beyond, the normal limit with the variance corrected for ties and for continuity.
///
/// # Errors
/// [`Error::Empty`] for an empty sample, [`Error::Value`] for a value that is not finite.
pub fn mann_whitney<T: Scalar>(
    x: &[T],
    y: &[T],
    alternative: Alternative,
) -> Result<RankTestReport> {
    let operation = "Mann-Whitney test";
    let (x, y) = (finite(operation, x, 1)?, finite(operation, y, 1)?);
    let (n1, n2) = (x.len() as f64, y.len() as f64);
    let all: Vec<f64> = x.iter().chain(&y).copied().collect();
    let ranks = midranks(&all);
    let sum: f64 = ranks[..x.len()].iter().sum();
    let statistic = sum - n1 * (n1 + 1.0) / 2.0;
    let largest = n1 * n2;
    let exact = all.len() <= EXACT_VALUES;
    let p_value = if exact {
        let weights: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
        tail(&sums_of_drawn(&weights, x.len()), (2.0 * sum) as usize, alternative)
    } else {
        let n = n1 + n2;
        let center = f64::midpoint(n, 1.0);
        // The variance of a rank sum is n₁ n₂ / (n − 1) times that of the ranks, ties or not.
        let spread: f64 = ranks.iter().map(|rank| (rank - center).powi(2)).sum::<f64>() / n;
        let deviation = (n1 * n2 / (n - 1.0) * spread).sqrt();
        let away = statistic - largest / 2.0;
        let toward = match alternative {
            Alternative::TwoSided => away.signum() * away.abs().min(0.5),
            Alternative::Less => -0.5,
            Alternative::Greater => 0.5,
        };
        if deviation > 0.0 { normal_p((away - toward) / deviation, alternative) } else { 1.0 }
    };
    let method = if exact { Method::Exact } else { Method::Asymptotic };
    Ok(RankTestReport { statistic, largest, p_value, method, zeros: 0 })
}

/// The p-value of a sum from its distribution; two-sided is twice the smaller tail.
fn tail(chances: &[f64], sum: usize, alternative: Alternative) -> f64 {
    let less: f64 = chances.iter().take(sum + 1).sum();
    let greater: f64 = chances.iter().skip(sum).sum();
    match alternative {
        Alternative::Less => less.min(1.0),
        Alternative::Greater => greater.min(1.0),
        Alternative::TwoSided => (2.0 * less.min(greater)).min(1.0),
    }
}
