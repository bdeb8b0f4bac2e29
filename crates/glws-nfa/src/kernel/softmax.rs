//! Probabilities from logits.

use assay_array::Scalar;

/// The lowest log probability: far below what changes a result, and so that sums of a hundred
/// million of them stay finite.
pub(super) const LOWEST_LOG_PROBABILITY: f64 = -1e300;

/// Below this a product of two probabilities may have lost digits to underflow; then the sums run
/// over logarithms.
pub(super) const SMALLEST_TOTAL: f64 = 1e-280;

/// Writes `softmax(logits)` into `p`.
///
/// One short row at a time the library's exponential beats the branchless one, whose loops need
/// length to vectorise.
pub(super) fn softmax<T: Scalar>(logits: &[T], p: &mut [f64]) {
    let max = logits.iter().fold(T::NEG_INFINITY, |max, &z| max.max(z)).to_f64();
    let mut sum = 0.0;
    for (p, z) in p.iter_mut().zip(logits) {
        *p = (z.to_f64() - max).exp();
        sum += *p;
    }
    let scale = 1.0 / sum;
    for p in p {
        *p *= scale;
    }
}

/// Writes `ln softmax(logits)` into `log_p`.
pub(crate) fn log_softmax<T: Scalar>(logits: &[T], log_p: &mut [f64]) {
    let max = logits.iter().fold(T::NEG_INFINITY, |max, &z| max.max(z)).to_f64();
    let sum: f64 = logits.iter().map(|z| (z.to_f64() - max).exp()).sum();
    for (log_p, z) in log_p.iter_mut().zip(logits) {
        *log_p = ((z.to_f64() - max) - sum.ln()).max(LOWEST_LOG_PROBABILITY);
    }
}

/// Turns log weights into weights that sum to 1; returns the log of their sum. Not all are `−∞`.
///
/// The sum is of weights relative to the largest: next to a huge log weight its logarithm would
/// vanish.
pub(super) fn normalise(weights: &mut [f64]) -> f64 {
    let max = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for weight in &mut *weights {
        *weight = (*weight - max).exp();
        sum += *weight;
    }
    for weight in weights {
        *weight /= sum;
    }
    max + sum.ln()
}

/// Replaces each row `γ` of `rows` by `softmax(logits) − γ`.
pub(crate) fn minus_posterior<T: Scalar>(logits: &[T], classes: usize, rows: &mut [T]) {
    let mut p = vec![0.0; classes];
    for (row, logits) in rows.chunks_exact_mut(classes).zip(logits.chunks_exact(classes)) {
        softmax(logits, &mut p);
        for (r, p) in row.iter_mut().zip(&p) {
            *r = T::from_f64(p - r.to_f64());
        }
    }
}
