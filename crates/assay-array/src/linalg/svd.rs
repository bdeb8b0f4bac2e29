use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd as decompose_svd, svd_scratch};
use faer::{Par, Spec};
use ndarray::{Array1, Array2, ArrayView2};

use super::all_finite;
use super::check::scaling;
use super::view::{Columns, Dense};
use crate::{Error, Result, Scalar};

/// A thin singular value decomposition `A = U diag(σ) Vᵀ` of an `[m, n]` matrix, `k = min(m, n)`.
///
/// - `u`, shape `[m, k]`, orthonormal columns;
/// - `values`, shape `[k]`: the singular values σ ≥ 0, descending;
/// - `vt`, shape `[k, n]`, orthonormal rows.
///
/// Columns of `u` and rows of `vt` are contiguous in memory. Signs of a pair are arbitrary.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd<T> {
    /// The left singular vectors, one a column.
    pub u: Array2<T>,
    /// The singular values, descending.
    pub values: Array1<T>,
    /// The right singular vectors, one a row.
    pub vt: Array2<T>,
}

/// Singular values of an `[m, n]` matrix, descending; `min(m, n)` of them.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] when one exceeds the element type;
/// [`Error::NoConvergence`].
///
/// ```
/// use assay_array::linalg::svdvals;
/// use assay_array::ndarray::array;
/// let values = svdvals(array![[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]].view())?;
/// assert!((values[0] - 4.0_f64).abs() < 1e-14 && (values[1] - 3.0).abs() < 1e-14);
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn svdvals<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    Ok(T::from_faer(decompose("svdvals", T::to_faer(a), ComputeSvdVectors::No)?.values))
}

/// The thin singular value decomposition of an `[m, n]` matrix.
///
/// # Errors
/// As [`svdvals`].
///
/// ```
/// use assay_array::linalg::svd;
/// use assay_array::ndarray::array;
/// let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let s = svd(a.view())?;
/// let product = (&s.u * &s.values).dot(&s.vt);
/// assert!((product - &a).iter().all(|r: &f64| r.abs() < 1e-13));
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn svd<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Svd<T>> {
    let Svd { u, values, vt } = decompose("svd", T::to_faer(a), ComputeSvdVectors::Thin)?;
    Ok(Svd { u: T::from_faer(u), values: T::from_faer(values), vt: T::from_faer(vt) })
}

fn decompose<F: faer::traits::RealField + Scalar>(
    operation: &'static str,
    a: ArrayView2<'_, F>,
    vectors: ComputeSvdVectors,
) -> Result<Svd<F>> {
    let (m, n) = a.dim();
    let k = m.min(n);
    let scale = scaling(all_finite(operation, a)?);
    let scaled = scale.map(|s| a.mapv(|x| x * F::from_f64(s)));
    let dense = Dense::new(scaled.as_ref().map_or(a, |scaled| scaled.view()));

    let wanted = vectors == ComputeSvdVectors::Thin;
    let mut values = vec![F::ZERO; k];
    let mut u = if wanted { Columns::zeros(m, k) } else { Columns::zeros(0, 0) };
    let mut v = if wanted { Columns::zeros(n, k) } else { Columns::zeros(0, 0) };
    if k > 0 {
        let scratch = svd_scratch::<F>(m, n, vectors, vectors, Par::Seq, Spec::default());
        decompose_svd(
            dense.as_faer(),
            DiagMut::from_slice_mut(&mut values),
            wanted.then(|| u.as_faer()),
            wanted.then(|| v.as_faer()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Spec::default(),
        )
        .map_err(|_| Error::NoConvergence { operation, rows: m, columns: n })?;
    }
    if let Some(scale) = scale {
        for value in &mut values {
            *value = F::from_f64(value.to_f64() / scale);
        }
    }
    let svd = Svd { u: u.into_array(), values: values.into(), vt: v.into_array().reversed_axes() };
    checked(operation, svd)
}

/// Lets no NaN and no infinity out.
pub(crate) fn checked<F: Scalar>(operation: &'static str, svd: Svd<F>) -> Result<Svd<F>> {
    if svd.values.iter().chain(&svd.u).chain(&svd.vt).all(|x| x.is_finite()) {
        Ok(svd)
    } else {
        Err(Error::Overflow { operation, element: F::NAME })
    }
}
