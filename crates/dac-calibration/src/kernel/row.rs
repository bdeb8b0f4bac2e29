//! One row of logits at a time: its largest entry and sums of exponentials, in `f64` lanes.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::exp;

/// Independent sums of a loop: one vector of `f64`.
const LANES: usize = 8;
/// Entries whose exponentials are taken before they are summed: each loop does one thing, which the
/// compiler then makes vector code of.
const BLOCK: usize = 64;
/// A label's distance from the largest logit is cut here, so that its loss stays finite.
const LOWEST: f64 = -1e150;
/// Entries that one parallel task takes.
const TASK: usize = 1 << 16;

/// How many entries whole rows of a parallel task hold.
pub(crate) fn block(classes: usize) -> usize {
    (TASK / classes).max(1) * classes
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
    /// Its third derivative in `β`: the third cumulant of `z`.
    pub(crate) third: f64,
}

/// Predictions of rows of logits, scaled by `beta`; labels are below `classes`.
pub(crate) fn predictions<T: Scalar>(
    logits: &[T],
    classes: usize,
    beta: f64,
    labels: &[usize],
    each: impl FnMut(usize, Prediction),
) {
    Arch::new().dispatch(Predict { logits, classes, beta, labels, each });
}

struct Predict<'a, T, E> {
    logits: &'a [T],
    classes: usize,
    beta: f64,
    labels: &'a [usize],
    each: E,
}

impl<T: Scalar, E: FnMut(usize, Prediction)> WithSimd for Predict<'_, T, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { logits, classes, beta, labels, mut each } = self;
        with_multiply_add!(S, madd => {
            for (i, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
                let max = largest(row).to_f64();
                let class = first(row, max);
                let [sum, moments @ .., square] = sums(simd, row, max, beta, madd);
                let [mean, variance, third] = cumulants(moments.map(|moment| moment / sum));
                let offset = offset(row, label, max, beta);
                let log_sum = sum.ln();
                let prediction = Prediction {
                    class,
                    confidence: 1.0 / sum,
                    label: offset.exp() / sum,
                    nll: log_sum - offset,
                    square: square / (sum * sum),
                    entropy: (log_sum - mean).max(0.0),
                    slope: (mean - offset) / beta,
                    curvature: variance / (beta * beta),
                    third: third / (beta * beta * beta),
                };
                each(i, prediction);
            }
        });
    }
}

/// The first three cumulants from the moments.
#[inline(always)]
fn cumulants([first, second, third]: [f64; 3]) -> [f64; 3] {
    let variance = second - first * first;
    [first, variance.max(0.0), third - first * (3.0 * variance + first * first)]
}

/// `β(z_y − max)`.
#[inline(always)]
fn offset<T: Scalar>(row: &[T], label: usize, max: f64, beta: f64) -> f64 {
    (beta * (row.get(label).map_or(max, |z| z.to_f64()) - max)).max(LOWEST)
}

/// `Σ e`, `Σ e d`, `Σ e d²`, `Σ e d³` and `Σ e²`, where `d = β(z − max)` and `e = exp(d)`.
#[inline(always)]
fn sums<S: Simd, T: Scalar>(
    simd: S,
    row: &[T],
    max: f64,
    beta: f64,
    madd: impl Fn(f64, f64, f64) -> f64 + Copy,
) -> [f64; 5] {
    let mut sums = [simd.splat_f64s(0.0); 5];
    let (mut d, mut e) = ([0.0; BLOCK], [0.0; BLOCK]);
    for block in row.chunks(BLOCK) {
        let mut padded;
        let block = if let Some(block) = block.as_array::<BLOCK>() {
            block
        } else {
            // The last one, filled up with terms that are 0 in any sum.
            padded = [T::NEG_INFINITY; BLOCK];
            padded.iter_mut().zip(block).for_each(|(to, from)| *to = *from);
            &padded
        };
        for ((d, e), z) in d.iter_mut().zip(&mut e).zip(block) {
            // Below the clip a term is 0 to the last bit of the sum.
            *d = (beta * (z.to_f64() - max)).max(exp::LOWEST);
            *e = exp::below_one(*d, madd);
        }
        for (&d, &e) in S::as_simd_f64s(&d).0.iter().zip(S::as_simd_f64s(&e).0) {
            let first = simd.mul_f64s(e, d);
            let second = simd.mul_f64s(first, d);
            sums[0] = simd.add_f64s(sums[0], e);
            sums[1] = simd.add_f64s(sums[1], first);
            sums[2] = simd.add_f64s(sums[2], second);
            sums[3] = simd.mul_add_e_f64s(second, d, sums[3]);
            sums[4] = simd.mul_add_e_f64s(e, e, sums[4]);
        }
    }
    sums.map(|sum| simd.reduce_sum_f64s(sum))
}

/// Sums over rows that temperature scaling needs: of the loss `ln Σ e^{βz} − βz_y` and its first three
/// derivatives in `β`: `E z − z_y` and the second and third cumulant of `z` under `softmax(βz)`.
pub(crate) fn temperature_sums<T: Scalar>(
    logits: &[T],
    classes: usize,
    beta: f64,
    labels: &[usize],
) -> [f64; 4] {
    Arch::new().dispatch(TemperatureSums { logits, classes, beta, labels })
}

struct TemperatureSums<'a, T> {
    logits: &'a [T],
    classes: usize,
    beta: f64,
    labels: &'a [usize],
}

impl<T: Scalar> WithSimd for TemperatureSums<'_, T> {
    type Output = [f64; 4];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 4] {
        let Self { logits, classes, beta, labels } = self;
        let (mut loss, mut slope, mut curvature, mut skew) = (0.0, 0.0, 0.0, 0.0);
        with_multiply_add!(S, madd => {
            for (row, &label) in logits.chunks_exact(classes).zip(labels) {
                let max = largest(row).to_f64();
                let [sum, moments @ .., _] = sums(simd, row, max, beta, madd);
                let [mean, variance, third] = cumulants(moments.map(|moment| moment / sum));
                let offset = offset(row, label, max, beta);
                loss += sum.ln() - offset;
                slope += mean - offset;
                curvature += variance;
                skew += third;
            }
        });
        [loss, slope / beta, curvature / (beta * beta), skew / (beta * beta * beta)]
    }
}

/// Writes `softmax(β z)` of every row into `out`.
pub(crate) fn softmax_rows<T: Scalar>(logits: &[T], classes: usize, beta: f64, out: &mut [f64]) {
    Arch::new().dispatch(SoftmaxRows { logits, classes, beta, out });
}

struct SoftmaxRows<'a, T> {
    logits: &'a [T],
    classes: usize,
    beta: f64,
    out: &'a mut [f64],
}

impl<T: Scalar> WithSimd for SoftmaxRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { logits, classes, beta, out } = self;
        with_multiply_add!(S, madd => {
            for (row, out) in logits.chunks_exact(classes).zip(out.chunks_exact_mut(classes)) {
                let max = largest(row).to_f64();
                for (o, z) in out.iter_mut().zip(row) {
                    let d = beta * (z.to_f64() - max);
                    let e = exp::below_one(d.max(exp::LOWEST), madd);
                    *o = if d < exp::LOWEST { 0.0 } else { e };
                }
                let mut sums = [0.0; LANES];
                let (chunks, rest) = out.as_chunks::<LANES>();
                for chunk in chunks {
                    for k in 0..LANES {
                        sums[k] += chunk[k];
                    }
                }
                let scale = 1.0 / (sums.iter().sum::<f64>() + rest.iter().sum::<f64>());
                for o in out {
                    *o *= scale;
                }
            }
        });
    }
}

/// The first index of the largest entry.
pub(crate) fn argmax<T: Scalar>(row: &[T]) -> usize {
    first(row, largest(row).to_f64())
}

#[inline(always)]
fn first<T: Scalar>(row: &[T], max: f64) -> usize {
    // Without branches inside a block, so that it is vector code.
    let holds = |block: &[T]| block.iter().fold(false, |any, z| any | (z.to_f64() == max));
    let start = BLOCK * row.chunks(BLOCK).position(holds).unwrap_or_default();
    let within = row[start..].iter().position(|z| z.to_f64() == max);
    start + within.unwrap_or_default()
}

#[inline(always)]
fn largest<T: Scalar>(row: &[T]) -> T {
    const LANES: usize = 32;
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
