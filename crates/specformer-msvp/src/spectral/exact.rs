use assay_array::Scalar;
use assay_array::linalg::{svd, svdvals};
use ndarray::ArrayView2;

use super::scaled;
use crate::Result;
use crate::error::linalg;

/// The largest singular value with its vectors, to the rounding of a singular value decomposition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TopSingular {
    /// The left vector, length `m`; zero for a zero matrix.
    pub u: Vec<f64>,
    /// The largest singular value.
    pub sigma: f64,
    /// The second largest; where it equals `sigma`, `u` and `v` are one choice of many.
    pub second: f64,
    /// The right vector, length `n`; zero for a zero matrix.
    pub v: Vec<f64>,
}

/// The largest singular value by a full decomposition in `f64`: the reference, and 10 to 100 times as
/// slow as [`sigma_max_lanczos`](super::sigma_max_lanczos).
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite); [`Error::Linalg`](crate::Error::Linalg) without
/// convergence.
pub fn sigma_max_svd<T: Scalar>(w: ArrayView2<'_, T>) -> Result<TopSingular> {
    let operation = "singular value decomposition";
    let (m, n) = w.dim();
    let Some((w, factor)) = scaled(operation, w)? else {
        return Ok(TopSingular { u: vec![0.0; m], sigma: 0.0, second: 0.0, v: vec![0.0; n] });
    };
    let s = svd(w.view()).map_err(linalg(operation))?;
    let value = |i: usize| s.values.get(i).map_or(0.0, |s| s * factor);
    let (u, v) = (s.u.column(0).to_vec(), s.vt.row(0).to_vec());
    Ok(TopSingular { u, sigma: value(0), second: value(1), v })
}

/// The largest singular value alone.
pub(crate) fn largest(operation: &'static str, w: ArrayView2<'_, f64>) -> Result<f64> {
    Ok(svdvals(w).map_err(linalg(operation))?.first().copied().unwrap_or(0.0))
}
