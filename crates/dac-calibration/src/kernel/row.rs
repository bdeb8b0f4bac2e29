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
    /// The first derivatives of the loss in `β`.
    pub(crate) slopes: Slopes,
}

/// The first five derivatives of the loss in `β`: `E z − z_y` under the prediction, and the cumulants of
/// `z` from the second, its variance, on.
pub(crate) type Slopes = [f64; 5];

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
                let mut slopes = cumulants(moments.map(|moment| moment / sum));
                let offset = offset(row, label, max, beta);
                let entropy = (sum.ln() - slopes[0]).max(0.0);
                slopes[0] -= offset;
                let prediction = Prediction {
                    class,
                    confidence: 1.0 / sum,
                    label: offset.exp() / sum,
                    nll: sum.ln() - offset,
                    square: square / (sum * sum),
                    entropy,
                    slopes: per_power(slopes, beta),
                };
                each(i, prediction);
            }
        });
    }
}

/// The first five cumulants from the moments, by way of the central moments.
#[inline(always)]
fn cumulants([first, second, third, fourth, fifth]: [f64; 5]) -> Slopes {
    let a = first;
    let c2 = (second - a * a).max(0.0);
    let c3 = third - a * (3.0 * c2 + a * a);
    let c4 = fourth - a * (4.0 * c3 + a * (6.0 * c2 + a * a));
    let c5 = fifth - a * (5.0 * c4 + a * (10.0 * c3 + a * (10.0 * c2 + a * a)));
    [a, c2, c3, c4 - 3.0 * c2 * c2, c5 - 10.0 * c3 * c2]
}

/// Derivatives in `β` from those in `ln β`-like units: the `k`-th divided by `β^k`.
#[inline(always)]
fn per_power(mut slopes: Slopes, beta: f64) -> Slopes {
    let mut power = 1.0;
    for slope in &mut slopes {
        power *= beta;
        *slope /= power;
    }
    slopes
}

/// `β(z_y − max)`.
#[inline(always)]
fn offset<T: Scalar>(row: &[T], label: usize, max: f64, beta: f64) -> f64 {
    (beta * (row.get(label).map_or(max, |z| z.to_f64()) - max)).max(LOWEST)
}

/// `Σ e`, `Σ e d` and so on to `Σ e d⁵`, and `Σ e²`, where `d = β(z − max)` and `e = exp(d)`.
#[inline(always)]
fn sums<S: Simd, T: Scalar>(
    simd: S,
    row: &[T],
    max: f64,
    beta: f64,
    madd: impl Fn(f64, f64, f64) -> f64 + Copy,
) -> [f64; 7] {
    let mut sums = [simd.splat_f64s(0.0); 7];
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
            let square = simd.mul_f64s(d, d);
            let third = simd.mul_f64s(first, square);
            sums[0] = simd.add_f64s(sums[0], e);
            sums[1] = simd.add_f64s(sums[1], first);
            sums[2] = simd.mul_add_e_f64s(e, square, sums[2]);
            sums[3] = simd.add_f64s(sums[3], third);
            sums[4] = simd.mul_add_e_f64s(third, d, sums[4]);
            sums[5] = simd.mul_add_e_f64s(third, square, sums[5]);
            sums[6] = simd.mul_add_e_f64s(e, e, sums[6]);
        }
    }
    sums.map(|sum| simd.reduce_sum_f64s(sum))
}

/// Sums over rows that temperature scaling needs: of the loss `ln Σ e^{βz} − βz_y` and its derivatives.
pub(crate) fn temperature_sums<T: Scalar>(
    logits: &[T],
    classes: usize,
    beta: f64,
    labels: &[usize],
) -> (f64, Slopes) {
    Arch::new().dispatch(TemperatureSums { logits, classes, beta, labels })
}

struct TemperatureSums<'a, T> {
    logits: &'a [T],
    classes: usize,
    beta: f64,
    labels: &'a [usize],
}

impl<T: Scalar> WithSimd for TemperatureSums<'_, T> {
    type Output = (f64, Slopes);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f64, Slopes) {
        let Self { logits, classes, beta, labels } = self;
        let (mut loss, mut slopes) = (0.0, Slopes::default());
        with_multiply_add!(S, madd => {
            for (row, &label) in logits.chunks_exact(classes).zip(labels) {
                let max = largest(row).to_f64();
                let [sum, moments @ .., _] = sums(simd, row, max, beta, madd);
                let own = cumulants(moments.map(|moment| moment / sum));
                slopes.iter_mut().zip(own).for_each(|(slope, own)| *slope += own);
                let offset = offset(row, label, max, beta);
                slopes[0] -= offset;
                loss += sum.ln() - offset;
            }
        });
        (loss, per_power(slopes, beta))
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
