//! A count that is known with weights: `Z = Σ_k w(k) P(count = k)`.
//!
//! The recursion of the count, `α_i(j) = q_i α_{i−1}(j) + p_i α_{i−1}(j−1)`, ends in `Σ_j α_L(j) w(j)`;
//! backwards `β_{i−1}(j) = q_i β_i(j) + p_i β_i(j+1)`, and `γ_i = p_i Σ_j α_{i−1}(j) β_i(j+1) / Z`.
//! Counts beyond the last one with a weight are left out.

use assay_array::{
    Scalar,
    numeric::{log_add_exp, sigmoid},
};

use super::Workspace;
use super::binary::{log_odds, restore};
use super::softmax::SMALLEST_TOTAL;

/// Most cells of the recursion's table: 256 MiB.
pub(crate) const MAX_CELLS: usize = 1 << 25;

/// How many counts, from 0 on, a bag's recursion has to tell apart: up to the last one with a weight.
pub(crate) fn width(log_weights: &[f64], length: usize) -> usize {
    let possible = &log_weights[..log_weights.len().min(length.saturating_add(1))];
    possible.iter().rposition(|&w| w > f64::NEG_INFINITY).map_or(0, |last| last + 1)
}

/// Returns `log Z`, or `None` when no count from 0 to the bag's length has a weight.
pub(super) fn posterior<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    log_weights: &[f64],
    posterior: &mut [T],
    workspace: &mut Workspace<T>,
) -> Option<f64> {
    let length = logits.len() / classes;
    if classes == 1 {
        // The only class has every instance.
        let log_z = log_weights.get(length).copied().filter(|&w| w > f64::NEG_INFINITY)?;
        posterior.fill(T::ONE);
        return Some(log_z);
    }
    let mut ends = log_weights[..width(log_weights, length)].to_vec();
    let highest = ends.iter().copied().reduce(f64::max)?;
    for end in &mut ends {
        *end -= highest;
    }
    let z = &mut workspace.binary.z;
    log_odds(logits, classes, class, z, posterior);
    let z: Vec<f64> = z[..length].iter().map(|z| z.to_f64()).collect();
    let (log_z, gamma) = linear(&z, &ends).unwrap_or_else(|| logarithmic(&z, &ends));
    restore(posterior, classes, class, gamma.into_iter().map(T::from_f64));
    Some(highest + log_z)
}

/// On probabilities; `None` when underflow may have mattered. A row of `α` sums to 1 at most and
/// `β ≤ 1`, so that all underflow together takes less than `2^−1022 L²` from `Z`.
fn linear(z: &[f64], ends: &[f64]) -> Option<(f64, Vec<f64>)> {
    let width = ends.len();
    let mut alpha = vec![0.0; (z.len() + 1) * width];
    alpha[0] = 1.0;
    for (i, &z) in z.iter().enumerate() {
        let (p, q) = (sigmoid(z), sigmoid(-z));
        let (before, after) = alpha[i * width..(i + 2) * width].split_at_mut(width);
        after[0] = q * before[0];
        for j in 1..width.min(i + 2) {
            after[j] = q * before[j] + p * before[j - 1];
        }
    }
    // A cell more, of weight 0, for the counts that were left out.
    let mut beta: Vec<f64> = ends.iter().map(|end| end.exp()).chain([0.0]).collect();
    let total: f64 = alpha[z.len() * width..].iter().zip(&beta).map(|(a, b)| a * b).sum();
    if total < SMALLEST_TOTAL {
        return None;
    }
    let mut gamma = vec![0.0; z.len()];
    for (i, &z) in z.iter().enumerate().rev() {
        let (p, q) = (sigmoid(z), sigmoid(-z));
        let alpha = &alpha[i * width..(i + 1) * width];
        let (mut yes, mut no) = (0.0, 0.0);
        for j in 0..width.min(i + 1) {
            yes += alpha[j] * beta[j + 1];
            no += alpha[j] * beta[j];
            beta[j] = q * beta[j] + p * beta[j + 1];
        }
        // Their sum is Z up to rounding; dividing by it keeps γ within 0 and 1.
        gamma[i] = p * yes / (p * yes + q * no);
    }
    Some((total.ln(), gamma))
}

/// On logarithms: right for every input, and an order of magnitude slower. Some end is finite, and so
/// is every log odds.
fn logarithmic(z: &[f64], ends: &[f64]) -> (f64, Vec<f64>) {
    let width = ends.len();
    let odds = |z: f64| {
        let tail = (-z.abs()).exp().ln_1p();
        (z.min(0.0) - tail, (-z).min(0.0) - tail)
    };
    let mut alpha = vec![f64::NEG_INFINITY; (z.len() + 1) * width];
    alpha[0] = 0.0;
    for (i, &z) in z.iter().enumerate() {
        let (p, q) = odds(z);
        let (before, after) = alpha[i * width..(i + 2) * width].split_at_mut(width);
        after[0] = q + before[0];
        for j in 1..width.min(i + 2) {
            after[j] = log_add_exp(q + before[j], p + before[j - 1]);
        }
    }
    let mut beta = ends.to_vec();
    beta.push(f64::NEG_INFINITY);
    let add = |sum, (a, b): (&f64, &f64)| log_add_exp(sum, a + b);
    let log_z = alpha[z.len() * width..].iter().zip(&beta).fold(f64::NEG_INFINITY, add);
    let mut gamma = vec![0.0; z.len()];
    for (i, &z) in z.iter().enumerate().rev() {
        let (p, q) = odds(z);
        let alpha = &alpha[i * width..(i + 1) * width];
        let (mut yes, mut no) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for j in 0..width.min(i + 1) {
            yes = log_add_exp(yes, alpha[j] + beta[j + 1]);
            no = log_add_exp(no, alpha[j] + beta[j]);
            beta[j] = log_add_exp(q + beta[j], p + beta[j + 1]);
        }
        let (yes, no) = (p + yes, q + no);
        gamma[i] = (yes - log_add_exp(yes, no)).exp();
    }
    (log_z, gamma)
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream};
    use assay_array::testing::assert_close;

    use super::*;

    #[test]
    fn both_recursions_agree() {
        let mut rng = stream(9, "soft count", 0);
        for (length, scale) in [(1, 1.0), (7, 3.0), (60, 10.0)] {
            let z: Vec<f64> = (0..length).map(|_| scale * normal(&mut rng)).collect();
            let ends: Vec<f64> =
                (0..=length).map(|k| -0.1 * (f64::from(k) - 3.0).powi(2)).collect();
            let (fast, slow) = (linear(&z, &ends).unwrap(), logarithmic(&z, &ends));
            assert_close(&[fast.0], &[slow.0], 1e-12, 1e-12);
            assert_close(&fast.1, &slow.1, 1e-10, 1e-13);
        }
        // The only count with a weight has a chance of e^−3000.
        let z = vec![-100.0; 40];
        let mut ends = vec![f64::NEG_INFINITY; 31];
        ends[30] = 0.0;
        assert_eq!(linear(&z, &ends), None);
        let (log_z, gamma) = logarithmic(&z, &ends);
        let ways = (1..=30).map(|k| (f64::from(10 + k) / f64::from(k)).ln()).sum::<f64>();
        assert_close(&[log_z], &[ways - 3000.0], 1e-12, 0.0);
        assert_close(&gamma, &vec![0.75; 40], 1e-12, 0.0);
    }
}
