//! Measures of rows that need no decomposition.

use assay_array::linalg::matmul;
use assay_array::{Scalar, numeric};
use ndarray::{Array2, ArrayView2, Axis};

use crate::kernel::gram;
use crate::kernel::rows::{Prepared, column_means, prepare};
use crate::kernel::unbiased::Sums;
use crate::{Center, Conventions, Error, Result, SpectrumKind};

/// Rényi entropy of order 2, `−log(‖ZᵀZ‖²_F / (tr ZᵀZ)²)`, without eigenvalues: `O(N d min(N, d))`
/// for the product and one pass over it.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of); [`Error::Undefined`] for singular values.
///
/// ```
/// use matrix_entropy::{Conventions, Spectrum, renyi_2};
/// use ndarray::array;
/// let x = array![[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]];
/// let exact = Spectrum::of(x.view(), Conventions::paper())?.renyi(2.0)?;
/// assert!((renyi_2(x.view(), Conventions::paper())? - exact).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn renyi_2<T: Scalar>(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<f64> {
    const OPERATION: &str = "Rényi entropy of order 2";
    let gram = gram::smaller(variance_rows(OPERATION, x, conventions)?.rows.view())?;
    let trace = positive(OPERATION, gram.trace())?;
    Ok(-(gram.frobenius_squared() / trace / trace).ln().min(0.0))
}

/// Rényi entropy of an integer order `α ≥ 2` as `log tr(Aᵅ)/(1 − α)` from matrix products alone.
///
/// # Errors
/// As [`renyi_2`]; [`Error::Setting`] for an order below 2; [`Error::Undefined`] where the power's
/// trace is below the range of `f64`.
pub fn renyi_integer<T: Scalar>(
    x: ArrayView2<'_, T>,
    order: u32,
    conventions: Conventions,
) -> Result<f64> {
    const OPERATION: &str = "Rényi entropy of integer order";
    if order < 2 {
        let (name, expected, got) = ("order", "of 2 or more", f64::from(order));
        return Err(Error::Setting { operation: OPERATION, name, expected, got });
    }
    let gram = gram::smaller(variance_rows(OPERATION, x, conventions)?.rows.view())?;
    let trace = positive(OPERATION, gram.trace())?;
    let a = gram.finish() / trace;
    // tr(Aᵅ) = Σ P∘Q with P = A^⌊α/2⌋ and Q = A^⌈α/2⌉, both symmetric.
    let p = power(&a, order / 2)?;
    let q = if order.is_multiple_of(2) { p.clone() } else { matmul(p.view(), a.view())? };
    let moment: f64 = p.iter().zip(&q).map(|(p, q)| p * q).sum();
    if moment <= f64::MIN_POSITIVE {
        let reason = "the trace of the power is below the range of f64";
        return Err(Error::Undefined { operation: OPERATION, reason });
    }
    Ok((moment.ln() / (1.0 - f64::from(order))).max(0.0))
}

/// `Aᵏ` for `k ≥ 1` by repeated squaring.
fn power(a: &Array2<f64>, exponent: u32) -> Result<Array2<f64>> {
    let mut result = a.clone();
    for bit in (0..exponent.ilog2()).rev() {
        result = matmul(result.view(), result.view())?;
        if exponent >> bit & 1 == 1 {
            result = matmul(result.view(), a.view())?;
        }
    }
    Ok(result)
}

/// The participation ratio of the covariance, corrected for the number of rows: the ratio of the
/// unbiased estimates (U-statistics) of `(tr Σ)²` and `tr Σ²`. The plug-in ratio of few rows is far too
/// small, because it cannot exceed `N − 1`.
///
/// Both estimates are exact in expectation for independent rows of any distribution; their ratio is
/// consistent, and for a dozen rows still too large by a sixth. `O(N d min(N, d))`.
///
/// # Errors
/// [`Error::TooFewRows`] below 4, and those of [`Spectrum::of`](crate::Spectrum::of);
/// [`Error::Undefined`] where the estimate of `tr Σ²` is not positive, as happens by chance for few rows
/// of many dimensions.
pub fn participation_ratio_unbiased<T: Scalar>(x: ArrayView2<'_, T>) -> Result<f64> {
    const OPERATION: &str = "unbiased participation ratio";
    if x.nrows() < 4 {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 4, got: x.nrows() });
    }
    let Prepared { rows, .. } = prepare(OPERATION, x, Conventions::covariance())?;
    let gram = gram::smaller(rows.view())?;
    positive(OPERATION, gram.trace())?;
    let sums = Sums::new(&rows, &gram);
    let below = sums.trace_of_square();
    if below <= 0.0 {
        let reason = "the unbiased estimate of tr Σ² is not positive";
        return Err(Error::Undefined { operation: OPERATION, reason });
    }
    Ok(sums.squared_trace() / below)
}

/// The nuclear norm `Σσ_k` of the rows as the conventions say.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of).
pub fn nuclear_norm<T: Scalar>(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<f64> {
    let Prepared { rows, .. } = prepare("nuclear norm", x, conventions)?;
    let values = assay_array::linalg::svdvals(rows.mapv(Scalar::to_f64).view())?;
    Ok(values.iter().rev().sum())
}

/// The Matrix Nuclear-Norm proxy (arXiv 2410.10672): the sum of the `min(N, d)` largest column lengths
/// of the rows as the conventions say. `O(N d)`. The paper divides by `N`, its code does not.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of).
pub fn l12_norm<T: Scalar>(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<f64> {
    let Prepared { rows, .. } = prepare("L1,2 norm", x, conventions)?;
    let mut squares = vec![0.0; rows.ncols()];
    for row in rows.outer_iter() {
        for (sum, x) in squares.iter_mut().zip(row) {
            *sum += x.to_f64() * x.to_f64();
        }
    }
    squares.sort_unstable_by(|a, b| b.total_cmp(a));
    let sum: f64 = squares.iter().take(rows.nrows()).rev().map(|s| s.sqrt()).sum();
    if sum.is_finite() {
        return Ok(sum);
    }
    Err(Error::Overflow { operation: "L1,2 norm", element: "f64" })
}

/// The mean cosine of all pairs of different rows, `(‖Σu_i‖² − N)/(N(N − 1))`, a measure of anisotropy:
/// near 1 where all rows point one way. Centring, if the conventions ask for it, comes first. `O(N d)`.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of); [`Error::TooFewRows`] where fewer than two remain.
pub fn average_cosine<T: Scalar>(x: ArrayView2<'_, T>, center: Center) -> Result<f64> {
    const OPERATION: &str = "average cosine";
    let conventions = Conventions::paper().with_center(center);
    let Prepared { rows, .. } = prepare(OPERATION, x, conventions)?;
    let n = rows.nrows() as f64;
    if rows.nrows() < 2 {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 2, got: rows.nrows() });
    }
    let squared = squared_length_of_sum(&rows);
    Ok((squared - n) / (n * (n - 1.0)))
}

/// Internal diversity `1 − mean_ij cos(x_i, x_j)`, pairs of a row with itself included, as generative
/// chemistry reports beside the Vendi score. `O(N d)`.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of).
pub fn internal_diversity<T: Scalar>(x: ArrayView2<'_, T>) -> Result<f64> {
    let Prepared { rows, .. } = prepare("internal diversity", x, Conventions::cosine())?;
    let n = rows.nrows() as f64;
    Ok(1.0 - squared_length_of_sum(&rows) / (n * n))
}

fn squared_length_of_sum<T: Scalar>(rows: &Array2<T>) -> f64 {
    rows.axis_iter(Axis(1))
        .map(|column| {
            let sum: f64 = column.iter().map(|x| x.to_f64()).sum();
            sum * sum
        })
        .sum()
}

/// Prepared rows for a measure of variances only.
fn variance_rows<T: Scalar>(
    operation: &'static str,
    x: ArrayView2<'_, T>,
    conventions: Conventions,
) -> Result<Prepared<T>> {
    if conventions.kind == SpectrumKind::Singular {
        let reason = "traces of powers are sums over variances, not over singular values";
        return Err(Error::Undefined { operation, reason });
    }
    prepare(operation, x, conventions)
}

fn positive(operation: &'static str, trace: f64) -> Result<f64> {
    if trace > 0.0 && trace.is_finite() {
        Ok(trace)
    } else {
        Err(Error::ZeroTrace { operation, trace })
    }
}

/// What [`two_nn`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TwoNn {
    /// The slope through the origin of `−log(1 − F)` on `log μ` (Facco et al. 2017).
    pub dimension: f64,
    /// The maximum-likelihood estimate `n / Σ log μ` from all ratios.
    pub maximum_likelihood: f64,
    /// Rows whose ratio counts.
    pub rows: usize,
    /// Rows left out because another lies at the same place.
    pub duplicates: usize,
}

/// Two-nearest-neighbour intrinsic dimension (Facco et al. 2017): with `μ_i = r₂/r₁` sorted and
/// `F_i = i/n`, the slope through the origin of `−log(1 − F_i)` on `log μ_i` over the first
/// `⌊(1 − discard) n⌋`; they discard 0.1.
///
/// `O(N² d)` by products of blocks; the distances that count are then computed without cancellation.
///
/// # Errors
/// [`Error::TooFewRows`] where fewer than three distinct rows remain, those of
/// [`Spectrum::of`](crate::Spectrum::of); [`Error::Setting`] for `discard` outside `[0, 1)`;
/// [`Error::Undefined`] where all ratios are 1, as on a lattice.
pub fn two_nn<T: Scalar>(x: ArrayView2<'_, T>, discard: f64) -> Result<TwoNn> {
    const OPERATION: &str = "TwoNN";
    if !(0.0..1.0).contains(&discard) {
        let (name, expected) = ("discard", "in [0, 1)");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: discard });
    }
    let Prepared { rows, .. } = prepare(OPERATION, x, Conventions::covariance())?;
    let nearest = crate::neighbours::two_nearest(&rows.mapv(Scalar::to_f64))?;
    let mut logs: Vec<f64> = nearest
        .iter()
        .filter(|(first, second)| *first > 0.0 && second.is_finite())
        .map(|(first, second)| (second / first).ln())
        .collect();
    logs.sort_unstable_by(f64::total_cmp);
    let n = logs.len();
    if n < 3 {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 3, got: n });
    }
    let kept = (((1.0 - discard) * n as f64).floor() as usize).clamp(1, n - 1);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, log) in logs.iter().take(kept).enumerate() {
        let f = (i as f64 + 1.0) / n as f64;
        xy += log * -numeric_ln_1m(f);
        xx += log * log;
    }
    let total: f64 = logs.iter().sum();
    if !(xx > 0.0 && total > 0.0) {
        let reason = "every row has its two nearest neighbours at one distance";
        return Err(Error::Undefined { operation: OPERATION, reason });
    }
    Ok(TwoNn {
        dimension: xy / xx,
        maximum_likelihood: n as f64 / total,
        rows: n,
        duplicates: nearest.len() - n,
    })
}

/// `ln(1 − f)`.
fn numeric_ln_1m(f: f64) -> f64 {
    numeric::log1m_exp(f.ln())
}

/// `mean_ij p_i p_j K_ij` subtracted from 1, for a kernel and probabilities of its items.
///
/// # Errors
/// As [`Spectrum::of_weighted_kernel`](crate::Spectrum::of_weighted_kernel), but for what a
/// decomposition finds.
pub fn internal_diversity_of_kernel<T: Scalar>(
    kernel: ArrayView2<'_, T>,
    probabilities: &[f64],
) -> Result<f64> {
    const OPERATION: &str = "internal diversity of a kernel";
    let n = crate::spectrum::square(OPERATION, kernel)?;
    crate::spectrum::distribution(OPERATION, probabilities, n)?;
    let mut mean = 0.0;
    for (row, p) in kernel.outer_iter().zip(probabilities) {
        mean += p * row.iter().zip(probabilities).map(|(k, q)| q * k.to_f64()).sum::<f64>();
    }
    Ok(1.0 - mean)
}

/// The mean row, for accumulators and readers.
pub(crate) fn mean_row<T: Scalar>(
    operation: &'static str,
    x: ArrayView2<'_, T>,
) -> Result<Vec<f64>> {
    let dense = x.as_standard_layout();
    Ok(column_means(operation, dense.as_slice().unwrap_or(&[]), x.ncols())?.0)
}
