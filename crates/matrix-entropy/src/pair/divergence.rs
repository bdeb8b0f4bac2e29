use assay_array::Scalar;
use assay_array::linalg::{eigh, eigvalsh};
use assay_array::numeric::xlogx;
use ndarray::{Array2, ArrayView2};

use super::cka::finite;
use super::information::same_side;
use crate::kernel::gram;
use crate::kernel::rows::{Prepared, prepare};
use crate::spectrum::{NEGATIVE_LIMIT, denominator, square};
use crate::{Conventions, Error, Result};

/// Of the trace of `P`, how much may lie where `Q` is zero before the divergence is infinite.
const OUTSIDE: f64 = 1e-12;

/// The matrix `ZᵀZ/N`, `[d, d]`, of rows as the conventions say: the paper's `Σ`.
///
/// # Errors
/// As [`Spectrum::of`](crate::Spectrum::of).
pub fn second_moment<T: Scalar>(
    x: ArrayView2<'_, T>,
    conventions: Conventions,
) -> Result<Array2<f64>> {
    const OPERATION: &str = "second moment";
    let Prepared { rows, .. } = prepare(OPERATION, x, conventions)?;
    let n = denominator(OPERATION, rows.nrows() as f64, conventions.denominator)?;
    Ok(gram::inner(rows.view())?.finish() / n)
}

/// Matrix cross entropy `tr(−P log Q + Q)` of positive semi-definite matrices (Zhang et al. 2023),
/// least at `Q = P`.
///
/// # Errors
/// [`Error::Shape`] unless square of one size, [`Error::NotFinite`], [`Error::Indefinite`];
/// [`Error::Undefined`] where it is infinite: `P` reaches outside of the range of `Q`. Add a multiple of
/// the identity to `Q` then.
pub fn matrix_cross_entropy(p: ArrayView2<'_, f64>, q: ArrayView2<'_, f64>) -> Result<f64> {
    const OPERATION: &str = "matrix cross entropy";
    let n = square(OPERATION, p)?;
    same_side(OPERATION, n, square(OPERATION, q)?)?;
    check_positive(OPERATION, &eigvalsh(p)?.to_vec())?;
    let decomposed = eigh(q)?;
    let values = decomposed.values.to_vec();
    check_positive(OPERATION, &values)?;
    let threshold = n as f64 * f64::EPSILON * values.last().copied().unwrap_or(0.0);
    let trace: f64 = p.diag().sum();
    let mut total: f64 = q.diag().sum();
    // tr(P log Q) = Σ_k log μ_k · v_kᵀ P v_k.
    let projected = assay_array::linalg::matmul(mirrored(p).view(), decomposed.vectors.view())?;
    for (k, &value) in values.iter().enumerate() {
        let (vector, image) = (decomposed.vectors.column(k), projected.column(k));
        let mass = vector.dot(&image);
        if value > threshold {
            total -= mass * value.ln();
        } else if mass > OUTSIDE * trace.abs() {
            let reason = "P reaches outside of the range of Q";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
    }
    finite(OPERATION, total)
}

/// Matrix Kullback-Leibler divergence `tr(P log P − P log Q − P + Q)`, zero only at `Q = P`.
///
/// # Errors
/// As [`matrix_cross_entropy`].
pub fn matrix_kl(p: ArrayView2<'_, f64>, q: ArrayView2<'_, f64>) -> Result<f64> {
    const OPERATION: &str = "matrix KL divergence";
    let cross = matrix_cross_entropy(p, q)?;
    let trace: f64 = p.diag().sum();
    Ok(finite(OPERATION, cross - trace - entropy(OPERATION, p)?)?.max(0.0))
}

/// Quantum Jensen-Shannon divergence `H((P + Q)/2) − (H(P) + H(Q))/2` with `H(A) = −tr(A log A)`:
/// symmetric, and at most `log 2` for matrices of trace 1.
///
/// # Errors
/// As [`matrix_cross_entropy`], but it is never infinite.
pub fn jensen_shannon(p: ArrayView2<'_, f64>, q: ArrayView2<'_, f64>) -> Result<f64> {
    const OPERATION: &str = "Jensen-Shannon divergence";
    let n = square(OPERATION, p)?;
    same_side(OPERATION, n, square(OPERATION, q)?)?;
    let middle = (&p + &q) * 0.5;
    let entropy = |a: ArrayView2<'_, f64>| entropy(OPERATION, a);
    let value = entropy(middle.view())? - 0.5 * (entropy(p)? + entropy(q)?);
    Ok(finite(OPERATION, value)?.max(0.0))
}

/// `−tr(A log A)`; negative where eigenvalues above 1 prevail.
fn entropy(operation: &'static str, a: ArrayView2<'_, f64>) -> Result<f64> {
    let values = eigvalsh(a)?.to_vec();
    check_positive(operation, &values)?;
    Ok(-values.iter().map(|&v| xlogx(v.max(0.0))).sum::<f64>())
}

fn check_positive(operation: &'static str, ascending: &[f64]) -> Result<()> {
    match (ascending.first(), ascending.last()) {
        (Some(&smallest), Some(&largest)) if smallest < -NEGATIVE_LIMIT * largest.max(0.0) => {
            Err(Error::Indefinite { operation, smallest, largest })
        }
        _ => Ok(()),
    }
}

/// The symmetric matrix whose lower triangle is given.
fn mirrored(a: ArrayView2<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn(a.dim(), |(i, j)| a[[i.max(j), i.min(j)]])
}
