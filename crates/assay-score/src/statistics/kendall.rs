//! Kendall's rank correlation in `O(n log n)`.

use assay_array::Scalar;

use super::correlation::fisher;
use super::rank::dense_ranks;
use super::{Alternative, Method, normal_p, pairs};
use crate::interval::check_level;
use crate::{Interval, Result};

/// Up to here the exact distribution of pairs out of order is summed where nothing ties; as in scipy.
const EXACT: usize = 33;

/// What [`kendall`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KendallReport {
    /// `τ_b = (P − Q) / √((P + Q + T_x)(P + Q + T_y))` with `P` and `Q` the pairs in the same and in
    /// opposite order, `T_x` and `T_y` those tied in one list only.
    pub tau_b: f64,
    /// Stuart's `τ_c = 2 (P − Q) / (n² (m − 1)/m)` with `m` the smaller number of different values;
    /// can reach ±1 where those numbers differ.
    pub tau_c: f64,
    /// The two-sided p-value of no association.
    pub p_value: f64,
    /// How the p-value was found: exact up to 33 pairs without ties, else by the normal limit with
    /// the variance corrected for ties (Kendall 1970, chapter 4).
    pub method: Method,
    /// `tanh(atanh τ_b ± z √(0.437/(n − 4)))` (Fieller, Hartley and Pearson 1957); `None` for fewer
    /// than five pairs.
    pub interval: Option<Interval>,
    /// The number of pairs of values.
    pub count: u64,
}

/// Kendall's τ by Knight's method (1966): one sort, then exchanges counted while merging; `None`
/// where one side is constant.
///
/// ```
/// use assay_score::statistics::kendall;
/// let (x, y) = ([1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0], [2.0, 1.0, 3.0, 3.0, 5.0, 4.0, 6.0, 6.0]);
/// let report = kendall(&x, &y, 0.95)?.unwrap();
/// assert!((report.tau_b - 0.7692307692).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// As [`pearson`](super::pearson()).
pub fn kendall<T: Scalar>(x: &[T], y: &[T], level: f64) -> Result<Option<KendallReport>> {
    let operation = "Kendall correlation";
    check_level(operation, level)?;
    let (x, y) = pairs(operation, x, y, 2)?;
    let n = x.len();
    let (x, x_sizes) = dense_ranks(&x);
    let (y, y_sizes) = dense_ranks(&y);
    if x_sizes.len() == 1 || y_sizes.len() == 1 {
        return Ok(None);
    }
    // Ranks fit 32 bits, so that a pair sorts as one word.
    let mut order: Vec<u64> =
        x.iter().zip(&y).map(|(&x, &y)| u64::from(x) << 32 | u64::from(y)).collect();
    order.sort_unstable();
    let both: u64 = order.chunk_by(|a, b| a == b).map(|tie| choose_two(tie.len() as u64)).sum();
    let ties = |sizes: &[u64]| sizes.iter().map(|&size| choose_two(size)).sum::<u64>();
    let (tied_x, tied_y) = (ties(&x_sizes), ties(&y_sizes));
    let mut values: Vec<u32> = order.iter().map(|&pair| pair as u32).collect();
    let opposite = exchanges(&mut values);
    let all = choose_two(n as u64);
    let comparable = all - tied_x - tied_y + both;
    let same = comparable - opposite;
    let score = same as f64 - opposite as f64;
    let tau_b = score / (((all - tied_x) as f64).sqrt() * ((all - tied_y) as f64).sqrt());
    let classes = x_sizes.len().min(y_sizes.len()) as f64;
    let count = n as f64;
    let exact = n <= EXACT && tied_x == 0 && tied_y == 0;
    Ok(Some(KendallReport {
        tau_b: tau_b.clamp(-1.0, 1.0),
        tau_c: (2.0 * score / (count * count * (classes - 1.0) / classes)).clamp(-1.0, 1.0),
        p_value: if exact {
            exact_p(n, opposite.min(same))
        } else {
            limit_p(n, score, &x_sizes, &y_sizes)
        },
        method: if exact { Method::Exact } else { Method::Asymptotic },
        interval: (n > 4)
            .then(|| fisher(tau_b.clamp(-1.0, 1.0), (0.437 / (count - 4.0)).sqrt(), level)),
        count: n as u64,
    }))
}

fn choose_two(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// Sorts, and counts the pairs that stood in the wrong order.
fn exchanges(values: &mut [u32]) -> u64 {
    /// Runs this short are sorted by insertion.
    const RUN: usize = 16;
    let mut count = 0;
    for run in values.chunks_mut(RUN) {
        for end in 1..run.len() {
            let value = run[end];
            let mut place = end;
            while place > 0 && run[place - 1] > value {
                run[place] = run[place - 1];
                place -= 1;
            }
            run[place] = value;
            count += (end - place) as u64;
        }
    }
    let mut other = vec![0; values.len()];
    let (mut from, mut to) = (values, &mut other[..]);
    let mut width = RUN;
    while width < from.len() {
        for (block, out) in from.chunks(2 * width).zip(to.chunks_mut(2 * width)) {
            let (left, right) = block.split_at(width.min(block.len()));
            let (mut i, mut j) = (0, 0);
            for slot in out {
                // Without a branch on the values, which are as good as random.
                let take_right = j < right.len() && (i == left.len() || right[j] < left[i]);
                *slot = if take_right { right[j] } else { left[i] };
                count += u64::from(take_right) * (left.len() - i) as u64;
                j += usize::from(take_right);
                i += usize::from(!take_right);
            }
        }
        std::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    count
}

/// Twice the share of permutations with at most `fewer` pairs out of order.
fn exact_p(n: usize, fewer: u64) -> f64 {
    // Entry k is the share of permutations with k pairs out of order, one more item at a time.
    let mut shares = vec![1.0_f64];
    for items in 2..=n {
        let mut next = vec![0.0; shares.len() + items - 1];
        for (k, share) in shares.iter().enumerate() {
            for more in 0..items {
                next[k + more] += share / items as f64;
            }
        }
        shares = next;
    }
    let tail: f64 = shares.iter().take(fewer as usize + 1).sum();
    (2.0 * tail).min(1.0)
}

/// The normal limit with the variance of the score under ties.
fn limit_p(n: usize, score: f64, x_sizes: &[u64], y_sizes: &[u64]) -> f64 {
    let n = n as f64;
    let sum = |sizes: &[u64], term: &dyn Fn(f64) -> f64| {
        sizes.iter().map(|&t| term(t as f64)).sum::<f64>()
    };
    let first = |t: f64| t * (t - 1.0);
    let second = |t: f64| t * (t - 1.0) * (t - 2.0);
    let cubic = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let mut variance = (cubic(n) - sum(x_sizes, &cubic) - sum(y_sizes, &cubic)) / 18.0;
    variance += sum(x_sizes, &first) * sum(y_sizes, &first) / (2.0 * n * (n - 1.0));
    if n > 2.0 {
        variance +=
            sum(x_sizes, &second) * sum(y_sizes, &second) / (9.0 * n * (n - 1.0) * (n - 2.0));
    }
    if variance > 0.0 { normal_p(score / variance.sqrt(), Alternative::TwoSided) } else { 1.0 }
}
