//! Permutation tests of means, exact where all rearrangements can be counted.

use assay_array::Scalar;
use assay_array::random::{below, stream};
use rand_core::Rng;
use rayon::prelude::*;

use super::{Alternative, Method, finite, mean};
use crate::{Error, Result};

/// Up to this many differences all signs are counted: two halves of 2^16 sums.
const EXACT_PAIRS: usize = 32;
/// Sums count as equal within this share of the sum of all magnitudes, which is far above rounding.
const SLACK: f64 = 1e-12;

/// How many rearrangements to draw where there are too many to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PermutationConfig {
    /// Which deviations count.
    pub alternative: Alternative,
    /// The number of random rearrangements `m`; the smallest p-value is `1/(m + 1)`.
    pub draws: u32,
    /// The seed: draw `i` depends on it and on `i` alone, for any number of threads.
    pub seed: u64,
}

impl Default for PermutationConfig {
    fn default() -> Self {
        Self { alternative: Alternative::TwoSided, draws: 9999, seed: 0 }
    }
}

/// What a permutation test reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PermutationReport {
    /// The mean difference.
    pub difference: f64,
    /// The p-value: the share of rearrangements as extreme, with the data counted among the draws
    /// where they were drawn.
    pub p_value: f64,
    /// How many rearrangements were at least as extreme.
    pub extreme: u64,
    /// Of how many.
    pub rearrangements: u64,
    /// Whether they were all or drawn.
    pub method: Method,
}

impl PermutationReport {
    fn new(difference: f64, extreme: u64, rearrangements: u64, method: Method) -> Self {
        let more = u64::from(method == Method::MonteCarlo);
        let p_value = (extreme + more) as f64 / (rearrangements + more) as f64;
        Self { difference, p_value, extreme, rearrangements, method }
    }
}

/// The sign-flip test of paired differences (Fisher 1935): were the signs as good as tossed?
///
/// Up to 32 differences all `2^n` signs are counted, by pairing sorted sums of two halves; beyond,
/// signs are drawn. For differences that come in clusters, give the sum of each cluster: signs then
/// flip together.
///
/// ```
/// use assay_score::statistics::{PermutationConfig, paired_permutation};
/// let differences = [0.3, -0.1, 0.25, 0.4, 0.05, -0.2, 0.15, 0.35];
/// let report = paired_permutation(&differences, PermutationConfig::default())?;
/// assert_eq!((report.extreme, report.p_value), (28, 0.109375));
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for no differences, [`Error::Value`] for one that is not finite,
/// [`Error::Setting`] where rearrangements must be drawn and none is asked for.
pub fn paired_permutation<T: Scalar>(
    differences: &[T],
    config: PermutationConfig,
) -> Result<PermutationReport> {
    let operation = "paired permutation test";
    let differences = finite(operation, differences, 1)?;
    let observed: f64 = differences.iter().sum();
    let slack = SLACK * differences.iter().map(|d| d.abs()).sum::<f64>();
    let center = mean(&differences);
    if differences.len() <= EXACT_PAIRS {
        let (left, right) = differences.split_at(differences.len() / 2);
        let (left, right) = (signed_sums(left), signed_sums(right));
        let at_least = |limit: f64| pairs_at_least(&left, &right, limit);
        let all = 1 << differences.len();
        let extreme = match config.alternative {
            Alternative::Greater => at_least(observed - slack),
            // Signs are symmetric: as many sums are at most x as are at least −x.
            Alternative::Less => at_least(-observed - slack),
            Alternative::TwoSided if observed.abs() <= slack => all,
            Alternative::TwoSided => 2 * at_least(observed.abs() - slack),
        };
        return Ok(PermutationReport::new(center, extreme, all, Method::Exact));
    }
    let extreme = draw(operation, config, |index| {
        let mut rng = stream(config.seed, "sign flips", index);
        let mut sum = 0.0;
        for block in differences.chunks(64) {
            let mut bits = rng.next_u64();
            for d in block {
                sum += if bits & 1 == 0 { *d } else { -d };
                bits >>= 1;
            }
        }
        is_extreme(sum, observed, slack, config.alternative)
    })?;
    Ok(PermutationReport::new(center, extreme, u64::from(config.draws), Method::MonteCarlo))
}

/// The permutation test of the means of two samples: were the values parted at random?
///
/// Partings are drawn; see [`mann_whitney`](super::mann_whitney()) for an exact test on ranks.
///
/// # Errors
/// As [`paired_permutation`].
pub fn permutation<T: Scalar>(
    x: &[T],
    y: &[T],
    config: PermutationConfig,
) -> Result<PermutationReport> {
    let operation = "permutation test";
    let (x, y) = (finite(operation, x, 1)?, finite(operation, y, 1)?);
    let all: Vec<f64> = x.iter().chain(&y).copied().collect();
    // The difference of means rises with the sum of the first sample, which is quicker.
    let expected = mean(&all) * x.len() as f64;
    let observed = x.iter().sum::<f64>() - expected;
    let slack = SLACK * all.iter().map(|v| v.abs()).sum::<f64>();
    let extreme = draw(operation, config, |index| {
        let mut rng = stream(config.seed, "partings", index);
        let mut values = all.clone();
        // The first steps of a Fisher-Yates shuffle.
        for i in 0..x.len() {
            let j = i + below(&mut rng, values.len() - i);
            values.swap(i, j);
        }
        let sum = values[..x.len()].iter().sum::<f64>() - expected;
        is_extreme(sum, observed, slack, config.alternative)
    })?;
    let difference = mean(&x) - mean(&y);
    Ok(PermutationReport::new(difference, extreme, u64::from(config.draws), Method::MonteCarlo))
}

fn draw(
    operation: &'static str,
    config: PermutationConfig,
    extreme: impl Fn(u64) -> bool + Sync,
) -> Result<u64> {
    if config.draws == 0 {
        let (name, expected) = ("draws", "at least 1");
        return Err(Error::Setting { operation, name, expected, got: 0.0 });
    }
    let draws = (0..u64::from(config.draws)).into_par_iter();
    Ok(draws.filter(|&index| extreme(index)).count() as u64)
}

fn is_extreme(sum: f64, observed: f64, slack: f64, alternative: Alternative) -> bool {
    match alternative {
        Alternative::TwoSided => sum.abs() >= observed.abs() - slack,
        Alternative::Less => sum <= observed + slack,
        Alternative::Greater => sum >= observed - slack,
    }
}

/// The sums of all signs of some values, sorted.
fn signed_sums(values: &[f64]) -> Vec<f64> {
    // Sorted lists for each sign of the next value are merged, so nothing needs sorting.
    values.iter().fold(vec![0.0], |sums, value| {
        let step = value.abs();
        let (mut low, mut high) =
            (sums.iter().map(|s| s - step).peekable(), sums.iter().map(|s| s + step).peekable());
        let mut merged = Vec::with_capacity(2 * sums.len());
        while let (Some(a), Some(b)) = (low.peek(), high.peek()) {
            let next = if a <= b { low.next() } else { high.next() };
            merged.extend(next);
        }
        merged.extend(low.chain(high));
        merged
    })
}

/// How many pairs of one from each sorted list sum to at least the limit.
fn pairs_at_least(left: &[f64], right: &[f64], limit: f64) -> u64 {
    let mut from = right.len();
    let mut count = 0;
    for a in left {
        while from > 0 && a + right[from - 1] >= limit {
            from -= 1;
        }
        count += (right.len() - from) as u64;
    }
    count
}
