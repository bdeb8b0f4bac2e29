//! Ranks of values, with a rule for ties.

use assay_array::Scalar;

use super::finite;
use crate::Result;

/// Which end of a scale is good. There is no default: two columns of a published leaderboard were
/// ranked the wrong way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Direction {
    /// The largest value has rank 1.
    HigherBetter,
    /// The smallest value has rank 1.
    LowerBetter,
}

/// What tied values get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Ties {
    /// The best of their ranks, as in sport: 1, 2, 2, 4.
    #[default]
    Min,
    /// The mean of their ranks, as rank tests need: 1, 2.5, 2.5, 4.
    Average,
    /// Ranks without gaps: 1, 2, 2, 3.
    Dense,
}

/// The rank of each value, from 1 for the best.
///
/// ```
/// use assay_score::statistics::{Direction, Ties, rank};
/// let ranks = rank(&[0.9, 0.8, 0.8, 0.5], Direction::HigherBetter, Ties::Min)?;
/// assert_eq!(ranks, [1.0, 2.0, 2.0, 4.0]);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Value`](crate::Error::Value) for a value that is not finite.
pub fn rank<T: Scalar>(values: &[T], direction: Direction, ties: Ties) -> Result<Vec<f64>> {
    let mut values = finite("ranking", values, 0)?;
    if direction == Direction::HigherBetter {
        for value in &mut values {
            *value = -*value;
        }
    }
    Ok(ranks(&values, |group, before, size| match ties {
        Ties::Min => before as f64 + 1.0,
        Ties::Average => before as f64 + f64::midpoint(size as f64, 1.0),
        Ties::Dense => group as f64 + 1.0,
    }))
}

/// Mean ranks from 1 for the smallest.
pub(super) fn midranks(values: &[f64]) -> Vec<f64> {
    ranks(values, |_, before, size| before as f64 + f64::midpoint(size as f64, 1.0))
}

/// The rank of each value's group from 0 for the smallest, and the sizes of the groups.
pub(super) fn dense_ranks(values: &[f64]) -> (Vec<u32>, Vec<u64>) {
    let mut sizes = Vec::new();
    let ranks = ranks(values, |group, _, size| {
        sizes.push(size as u64);
        group as u32
    });
    (ranks, sizes)
}

/// What a rule gives each group of equal values, from the smallest: the rule sees the number of the
/// group, how many values are smaller, and how many there are in it.
fn ranks<R: Copy + Default>(
    values: &[f64],
    mut rule: impl FnMut(usize, usize, usize) -> R,
) -> Vec<R> {
    let mut order: Vec<(u64, u32)> =
        values.iter().zip(0..).map(|(&value, i)| (sortable(value), i)).collect();
    order.sort_unstable_by_key(|&(key, _)| key);
    let mut ranks = vec![R::default(); values.len()];
    let mut before = 0;
    for (group, tie) in order.chunk_by(|a, b| a.0 == b.0).enumerate() {
        let value = rule(group, before, tie.len());
        for &(_, index) in tie {
            ranks[index as usize] = value;
        }
        before += tie.len();
    }
    ranks
}

/// A whole number with the order of the value; both zeros are the same.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}
