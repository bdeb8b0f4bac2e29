//! The largest singular value of a matrix or a convolution: estimates from below, bounds from above.
//!
//! | function | result | cost for `[m, n]` |
//! |---|---|---|
//! | [`PowerState::step`] | estimate, warm start, one pass over `W` | `4mn` flops a step |
//! | [`sigma_max_lanczos`] | [`LowerBound`](crate::LowerBound), converged | `4mnk`, k ≈ 10 to 60 |
//! | [`sigma_max_svd`] | value and vectors to rounding | `O(mn·min(m, n))` |
//! | [`sigma_upper_gram`] | [`CertifiedUpper`](crate::CertifiedUpper), within `r^(2^−(K+1))` | K products |
//! | [`sigma_upper`] | [`CertifiedUpper`](crate::CertifiedUpper), within 1e-9 | one product, one Cholesky |
//! | [`conv`] | the same for convolutions | |

mod certify;
pub mod conv;
mod deflated;
mod exact;
mod gram;
mod lanczos;
mod power;
mod tridiagonal;

pub use certify::{is_upper_bound, sigma_upper};
pub use exact::{TopSingular, sigma_max_svd};
pub use gram::sigma_upper_gram;
pub use lanczos::{Lanczos, sigma_max_lanczos};
pub use power::{PowerOrder, PowerState};

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};

use crate::error::linalg;
use crate::kernel::Rows;
use crate::{Error, Result};

/// The matrix in `f64`, scaled by a power of two so that its largest entry is in `[1, 2)`, with the
/// exponent of that scale; exact but for entries 300 orders of magnitude below the largest. `None`
/// for a matrix of zeros.
pub(crate) fn scaled<T: Scalar>(
    operation: &'static str,
    w: ArrayView2<'_, T>,
) -> Result<Option<(Array2<f64>, f64)>> {
    let scale = scale(operation, w)?;
    Ok(scale.map(|(up, down)| (w.mapv(|x| x.to_f64() * up), down)))
}

/// The power of two that brings the largest entry into `[1, 2)`, and its inverse; `None` for a matrix of
/// zeros.
fn scale<T: Scalar>(operation: &'static str, w: ArrayView2<'_, T>) -> Result<Option<(f64, f64)>> {
    let lie = w.strides()[1] == 1 || w.strides()[0] != 1;
    let lines = Rows::new(if lie { w } else { w.reversed_axes() });
    let largest = lines.magnitude().map_err(|(i, j, value)| {
        let index = if lie { vec![i, j] } else { vec![j, i] };
        Error::NotFinite { operation, index, value }
    })?;
    // Clamped so that the factor and its inverse are normal numbers; the rest is left to the matrix.
    let exponent = largest.log2().floor().clamp(-1020.0, 1020.0);
    Ok((largest > 0.0).then(|| ((-exponent).exp2(), exponent.exp2())))
}

/// `WᵀW` or `WWᵀ`, whichever is smaller, in `f64`.
pub(crate) fn small_gram(operation: &'static str, w: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let w = if w.nrows() < w.ncols() { w.reversed_axes() } else { w };
    let error = linalg(operation);
    let mut gram = assay_array::linalg::Gram::new(w.ncols()).map_err(&error)?;
    gram.update(w).map_err(&error)?;
    Ok(gram.finish())
}
