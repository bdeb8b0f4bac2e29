//! One row of logits at a time: its largest entry and sums of exponentials, in `f64` lanes.

use assay_array::Scalar;
use pulp::Arch;

/// Independent sums a loop keeps: two vectors of eight `f64`, which hides the latency of addition.
const LANES: usize = 16;
/// Distances from the largest logit are cut here: their exponential is 0 long before, and their square
/// must stay finite.
const LOWEST: f64 = -1e150;
/// Entries that one parallel task takes.
const BLOCK: usize = 1 << 16;

/// How many entries whole rows of a parallel task hold.
pub(crate) fn block(classes: usize) -> usize {
    (BLOCK / classes).max(1) * classes
}

/// What one row says about its prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prediction {
    /// The first class of the largest logit.
    pub(crate) class: usize,
    /// Its probability.
    pub(crate) confidence: f64,
    /// The probability of the label; 0 when it underflows.
    pub(crate) label: f64,
    /// `−ln` of it, exact where the probability underflows.
    pub(crate) nll: f64,
    /// `Σ_c p_c²`.
    pub(crate) square: f64,
    /// `−Σ_c p_c ln p_c`.
    pub(crate) entropy: f64,
    /// The slope of the loss in `β`: `E z − z_y` under the prediction.
    pub(crate) slope: f64,
    /// Its curvature in `β`: `Var z`.
    pub(crate) curvature: f64,
}

/// Predictions of rows of logits, scaled by `beta`; labels are below `classes`.
pub(crate) fn predictions<T: Scalar>(
    logits: &[T],
    classes: usize,
    beta: f64,
    labels: &[usize],
    mut each: impl FnMut(usize, Prediction),
) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (i, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
                let max = largest(row).to_f64();
                let class = first(row, max);
                let [sum, square, weighted, twice] = sums(row, max, beta);
                let mean = weighted / sum;
                let offset =
                    (beta * (row.get(label).map_or(max, |z| z.to_f64()) - max)).max(LOWEST);
                let log_sum = sum.ln();
                let prediction = Prediction {
                    class,
                    confidence: 1.0 / sum,
                    label: offset.exp() / sum,
                    nll: log_sum - offset,
                    square: square / (sum * sum),
                    entropy: (log_sum - mean).max(0.0),
                    slope: (mean - offset) / beta,
                    curvature: (twice / sum - mean * mean).max(0.0) / (beta * beta),
                };
                each(i, prediction);
            }
        },
    );
}

/// `Σ e`, `Σ e²`, `Σ e d` and `Σ e d²`, where `d = β(z − max)` and `e = exp(d)`.
#[inline(always)]
fn sums<T: Scalar>(row: &[T], max: f64, beta: f64) -> [f64; 4] {
    let (mut s, mut q, mut w, mut v) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for k in 0..LANES {
            let d = (beta * (chunk[k].to_f64() - max)).max(LOWEST);
            let e = d.exp_branchless();
            s[k] += e;
            q[k] += e * e;
            w[k] += e * d;
            v[k] += e * d * d;
        }
    }
    for (k, z) in rest.iter().enumerate() {
        let d = (beta * (z.to_f64() - max)).max(LOWEST);
        let e = d.exp();
        s[k] += e;
        q[k] += e * e;
        w[k] += e * d;
        v[k] += e * d * d;
    }
    [total(s), total(q), total(w), total(v)]
}

/// Sums over rows that temperature scaling needs: of the loss, its first and second derivative in
/// `β`: `ln Σ e^{βz} − βz_y`, `E z − z_y`, `Var z`, where the expectation is under `softmax(βz)`.
pub(crate) fn temperature_sums<T: Scalar>(
    logits: &[T],
    classes: usize,
    beta: f64,
    labels: &[usize],
) -> [f64; 3] {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let (mut loss, mut slope, mut curvature) = (0.0, 0.0, 0.0);
            for (row, &label) in logits.chunks_exact(classes).zip(labels) {
                let max = largest(row).to_f64();
                let (mut s, mut m, mut v) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
                let (chunks, rest) = row.as_chunks::<LANES>();
                for chunk in chunks {
                    for k in 0..LANES {
                        let d = (chunk[k].to_f64() - max).max(LOWEST);
                        let e = (beta * d).exp_branchless();
                        s[k] += e;
                        m[k] += e * d;
                        v[k] += e * d * d;
                    }
                }
                for (k, z) in rest.iter().enumerate() {
                    let d = (z.to_f64() - max).max(LOWEST);
                    let e = (beta * d).exp();
                    s[k] += e;
                    m[k] += e * d;
                    v[k] += e * d * d;
                }
                let (s, m, v) = (total(s), total(m), total(v));
                let mean = m / s;
                let offset = row.get(label).map_or(0.0, |z| (z.to_f64() - max).max(LOWEST));
                loss += s.ln() - beta * offset;
                slope += mean - offset;
                curvature += (v / s - mean * mean).max(0.0);
            }
            [loss, slope, curvature]
        },
    )
}

/// Writes `softmax(β z)` of every row into `out`.
pub(crate) fn softmax_rows<T: Scalar>(logits: &[T], classes: usize, beta: f64, out: &mut [f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, out) in logits.chunks_exact(classes).zip(out.chunks_exact_mut(classes)) {
                let max = largest(row).to_f64();
                for (o, z) in out.iter_mut().zip(row) {
                    *o = (beta * (z.to_f64() - max)).exp_branchless();
                }
                let mut sum = [0.0; LANES];
                let (chunks, rest) = out.as_chunks::<LANES>();
                for chunk in chunks {
                    for k in 0..LANES {
                        sum[k] += chunk[k];
                    }
                }
                for (k, e) in rest.iter().enumerate() {
                    sum[k] += e;
                }
                let scale = 1.0 / total(sum);
                for o in out {
                    *o *= scale;
                }
            }
        },
    );
}

/// The first index of the largest entry.
pub(crate) fn argmax<T: Scalar>(row: &[T]) -> usize {
    first(row, largest(row).to_f64())
}

#[inline(always)]
fn first<T: Scalar>(row: &[T], max: f64) -> usize {
    row.iter().position(|z| z.to_f64() == max).unwrap_or_default()
}

#[inline(always)]
fn largest<T: Scalar>(row: &[T]) -> T {
    let mut max = [T::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for k in 0..LANES {
            max[k] = if chunk[k] > max[k] { chunk[k] } else { max[k] };
        }
    }
    let max = max.iter().fold(T::NEG_INFINITY, |max, &z| max.max(z));
    rest.iter().fold(max, |max, &z| max.max(z))
}

/// The lanes' sum, always in the same order.
#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    lanes.iter().sum()
}

/// Whether no entry is NaN or infinite.
pub(crate) fn all_finite<T: Scalar>(values: &[T]) -> bool {
    values.iter().fold(true, |all, value| all & value.is_finite())
}

/// Whether all entries are in `[0, 1]` and sum to 1 within `tolerance`.
pub(crate) fn is_distribution<T: Scalar>(row: &[T], tolerance: f64) -> bool {
    let inside = row.iter().fold(true, |all, &p| all & (p >= T::ZERO) & (p <= T::ONE));
    let sum: f64 = row.iter().map(|p| p.to_f64()).sum();
    inside && (sum - 1.0).abs() <= tolerance
}
