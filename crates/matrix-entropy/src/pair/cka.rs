use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array2, ArrayView2};

use super::information::same_side;
use crate::kernel::gram;
use crate::kernel::rows::{Prepared, prepare};
use crate::kernel::unbiased::{squared_lengths, unbiased_hsic};
use crate::spectrum::square;
use crate::{Conventions, Error, Result};

/// Whether HSIC's estimates are corrected for the number of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Debias {
    /// The plain estimate (Kornblith et al. 2019): in `[0, 1]`, but near 1 for any two representations
    /// with many more dimensions than items.
    #[default]
    No,
    /// The U-statistic (Song et al. 2012): about 0 for unrelated representations, and it may be
    /// negative. Needs four items.
    Unbiased,
}

/// Both estimates of linear CKA, from one set of products.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cka {
    /// The plain estimate.
    pub biased: f64,
    /// The debiased one; `None` for fewer than four items, or where the estimate of a
    /// representation's own HSIC is not positive.
    pub unbiased: Option<f64>,
    /// Items.
    pub rows: usize,
}

/// Linear CKA of two representations `[N, d₁]` and `[N, d₂]` of the same items (Kornblith et al. 2019):
/// `‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F)` of centred rows. Invariant to rotation, scale and shift.
///
/// Runs on features or on Gram matrices, whichever is smaller.
///
/// # Errors
/// [`Error::Shape`] for different numbers of items; those of [`Spectrum::of`](crate::Spectrum::of);
/// [`Error::ZeroTrace`] where one is constant.
///
/// ```
/// use matrix_entropy::pair::cka;
/// use ndarray::array;
/// let x = array![[1.0, 2.0], [0.0, 1.0], [-1.0, 0.5], [2.0, 2.0]];
/// assert!((cka(x.view(), (&x * 3.0 + 1.0).view())?.biased - 1.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn cka<T: Scalar>(x: ArrayView2<'_, T>, y: ArrayView2<'_, T>) -> Result<Cka> {
    const OPERATION: &str = "CKA";
    same_side(OPERATION, x.nrows(), y.nrows())?;
    let (x, y) = (Centred::new(OPERATION, x)?, Centred::new(OPERATION, y)?);
    let cross = if x.rows.nrows() <= x.rows.ncols().min(y.rows.ncols()) {
        let (k, l) = (gram::outer(x.rows.view())?, gram::outer(y.rows.view())?);
        inner(&k.finish(), &l.finish())
    } else {
        let product = matmul(x.rows.t(), y.rows.view())?;
        product.iter().map(|v| v.to_f64() * v.to_f64()).sum()
    };
    Ok(x.compare(&y, cross))
}

/// Centred rows and what CKA needs of them alone.
#[derive(Debug, Clone)]
pub(super) struct Centred<T> {
    pub(super) rows: Array2<T>,
    /// `‖x_i‖²`.
    lengths: Vec<f64>,
    trace: f64,
    /// `‖XᵀX‖²_F`.
    squares: f64,
}

impl<T: Scalar> Centred<T> {
    pub(super) fn new(operation: &'static str, x: ArrayView2<'_, T>) -> Result<Self> {
        let Prepared { rows, .. } = prepare(operation, x, Conventions::covariance())?;
        let lengths = squared_lengths(rows.view());
        let trace: f64 = lengths.iter().sum();
        // Scaled to trace 1, so that no square of a square leaves the range.
        if !(trace > 0.0 && trace.is_finite()) {
            return Err(Error::ZeroTrace { operation, trace });
        }
        let root = trace.sqrt();
        let rows = rows.mapv(|v| T::from_f64(v.to_f64() / root));
        let lengths: Vec<f64> = lengths.iter().map(|g| g / trace).collect();
        let squares = gram::smaller(rows.view())?.frobenius_squared();
        Ok(Self { rows, lengths, trace: 1.0, squares })
    }

    /// CKA from `‖XᵀY‖²_F`.
    pub(super) fn compare(&self, other: &Self, cross: f64) -> Cka {
        let n = self.rows.nrows() as f64;
        let biased = (cross / (self.squares.sqrt() * other.squares.sqrt())).clamp(0.0, 1.0);
        let diagonal = |a: &Self, b: &Self| -> f64 {
            a.lengths.iter().zip(&b.lengths).map(|(g, h)| g * h).sum()
        };
        let hsic = |a: &Self, b: &Self, product: f64| {
            unbiased_hsic(n, (product, diagonal(a, b)), a.trace, b.trace)
        };
        let unbiased = if self.rows.nrows() < 4 {
            None
        } else {
            let own = hsic(self, self, self.squares);
            let theirs = hsic(other, other, other.squares);
            (own > 0.0 && theirs > 0.0)
                .then(|| hsic(self, other, cross) / (own.sqrt() * theirs.sqrt()))
        };
        Cka { biased, unbiased, rows: self.rows.nrows() }
    }
}

/// `Σ_ij A_ij B_ij`.
pub(super) fn inner(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Biased HSIC of two kernel matrices: `tr(KHLH)/(n − 1)²` with the centring matrix `H`.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`]; [`Error::TooFewRows`] below two items.
pub fn hsic_biased(k: ArrayView2<'_, f64>, l: ArrayView2<'_, f64>) -> Result<f64> {
    let n = sides("biased HSIC", k, l, 2)?;
    let value = inner(&centred_kernel(k), &l.to_owned()) / ((n - 1.0) * (n - 1.0));
    finite("biased HSIC", value)
}

/// Unbiased HSIC of two kernel matrices (Song et al. 2012): with `K̃`, `L̃` their off-diagonal parts,
/// `[tr K̃L̃ + 1ᵀK̃1 1ᵀL̃1/((n−1)(n−2)) − 2/(n−2) 1ᵀK̃L̃1] / (n(n−3))`.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`]; [`Error::TooFewRows`] below four items.
pub fn hsic_unbiased(k: ArrayView2<'_, f64>, l: ArrayView2<'_, f64>) -> Result<f64> {
    let n = sides("unbiased HSIC", k, l, 4)?;
    let off = |a: ArrayView2<'_, f64>| {
        let mut a = a.to_owned();
        a.diag_mut().fill(0.0);
        a
    };
    let (k, l) = (off(k), off(l));
    let sums = |a: &Array2<f64>| a.sum_axis(ndarray::Axis(1));
    let (rows_k, rows_l) = (sums(&k), sums(&l));
    let total = rows_k.sum() * rows_l.sum() / ((n - 1.0) * (n - 2.0));
    let value = inner(&k, &l) + total - 2.0 / (n - 2.0) * rows_k.dot(&rows_l);
    finite("unbiased HSIC", value / (n * (n - 3.0)))
}

/// CKA of two kernel matrices, `HSIC(K, L)/√(HSIC(K, K) HSIC(L, L))`.
///
/// # Errors
/// As [`hsic_biased`] or [`hsic_unbiased`]; [`Error::Undefined`] where a matrix's own HSIC is not
/// positive.
pub fn cka_of_kernels(
    k: ArrayView2<'_, f64>,
    l: ArrayView2<'_, f64>,
    debias: Debias,
) -> Result<f64> {
    let hsic = match debias {
        Debias::No => hsic_biased,
        Debias::Unbiased => hsic_unbiased,
    };
    ratio("CKA of kernels", hsic(k, l)?, hsic(k, k)?, hsic(l, l)?)
}

/// `cross/√(own · theirs)`, where that is defined.
pub(super) fn ratio(operation: &'static str, cross: f64, own: f64, theirs: f64) -> Result<f64> {
    if own > 0.0 && theirs > 0.0 {
        return finite(operation, cross / (own.sqrt() * theirs.sqrt()));
    }
    let reason = "the HSIC of a representation with itself is not positive";
    Err(Error::Undefined { operation, reason })
}

/// Lets no NaN and no infinity out.
pub(super) fn finite(operation: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(Error::Overflow { operation, element: "f64" }) }
}

fn sides(
    operation: &'static str,
    k: ArrayView2<'_, f64>,
    l: ArrayView2<'_, f64>,
    needed: usize,
) -> Result<f64> {
    let n = square(operation, k)?;
    same_side(operation, n, square(operation, l)?)?;
    if n < needed {
        return Err(Error::TooFewRows { operation, needed, got: n });
    }
    Ok(n as f64)
}

/// `HKH`.
fn centred_kernel(k: ArrayView2<'_, f64>) -> Array2<f64> {
    let n = k.nrows() as f64;
    let rows = k.sum_axis(ndarray::Axis(1)) / n;
    let columns = k.sum_axis(ndarray::Axis(0)) / n;
    let all = rows.sum() / n;
    Array2::from_shape_fn(k.dim(), |(i, j)| k[[i, j]] - rows[i] - columns[j] + all)
}
