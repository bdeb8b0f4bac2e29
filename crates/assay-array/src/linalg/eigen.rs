use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, Par, Spec};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::check::{scaling, unit_scale};
use super::view::{Columns, Dense, copy_lower};
use super::{lower_finite, size_of_square, tridiagonal};
use crate::{Error, Result, Scalar};

/// Eigenvalues and eigenvectors of a symmetric matrix, `A = V diag(λ) Vᵀ`.
///
/// - `values`, shape `[n]`: the eigenvalues λ, ascending;
/// - `vectors`, shape `[n, n]`: column `j` is the unit eigenvector of `values[j]`. Columns are
///   contiguous in memory. Signs, and the basis within a repeated eigenvalue, are arbitrary.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigh<T> {
    /// The eigenvalues, ascending.
    pub values: Array1<T>,
    /// The eigenvectors, one a column.
    pub vectors: Array2<T>,
}

/// Eigenvalues of a symmetric `[n, n]` matrix, ascending; only the lower triangle is read.
///
/// The backward error is a small multiple of `ε‖A‖`, so eigenvalues far below `ε‖A‖` carry no
/// correct digits and may come out slightly negative.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`] for a NaN or infinity in the lower triangle;
/// [`Error::Overflow`] when an eigenvalue exceeds the element type; [`Error::NoConvergence`].
///
/// ```
/// use assay_array::linalg::eigvalsh;
/// use assay_array::ndarray::array;
/// let values = eigvalsh(array![[2.0, 0.0], [1.0, 2.0]].view())?; // the zero is not read
/// assert!((values[0] - 1.0_f64).abs() < 1e-15 && (values[1] - 3.0).abs() < 1e-15);
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn eigvalsh<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    Ok(T::from_faer(values(T::to_faer(a))?))
}

/// Eigenvalues and eigenvectors of a symmetric `[n, n]` matrix; only the lower triangle is read.
///
/// # Errors
/// As [`eigvalsh`].
///
/// ```
/// use assay_array::linalg::eigh;
/// use assay_array::ndarray::array;
/// let a = array![[2.0, 1.0], [1.0, 2.0]];
/// let e = eigh(a.view())?;
/// let residual = a.dot(&e.vectors) - &e.vectors * &e.values;
/// assert!(residual.iter().all(|r: &f64| r.abs() < 1e-14));
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn eigh<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Eigh<T>> {
    let (values, vectors) = decompose(T::to_faer(a))?;
    Ok(Eigh { values: T::from_faer(values), vectors: T::from_faer(vectors) })
}

fn values<F: faer::traits::RealField + Scalar>(a: ArrayView2<'_, F>) -> Result<Array1<F>> {
    let operation = "eigvalsh";
    let n = size_of_square(operation, a)?;
    let scale = unit_scale(lower_finite(operation, a)?);
    // faer's own matrix: its columns begin where vector loads are fastest.
    let mut lower = Mat::<F>::zeros(n, n);
    copy_lower(a, F::from_f64(scale), lower.as_mut());
    let mut reflections = Mat::zeros(1, n.saturating_sub(1));
    let scratch = tridiag_in_place_scratch::<F>(n, Par::Seq, Spec::default());
    tridiag_in_place(
        lower.as_mut(),
        reflections.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    );
    let mut values: Vec<f64> = (0..n).map(|i| lower[(i, i)].to_f64()).collect();
    let mut beside: Vec<f64> = (1..n).map(|i| lower[(i, i - 1)].to_f64()).collect();
    let failed = Error::NoConvergence { operation, rows: n, columns: n };
    tridiagonal::eigenvalues(&mut values, &mut beside).ok_or(failed)?;
    let values: Array1<F> = values.into_iter().map(|x| F::from_f64(x / scale)).collect();
    all_finite(operation, &values)?;
    Ok(values)
}

fn decompose<F: faer::traits::RealField + Scalar>(
    a: ArrayView2<'_, F>,
) -> Result<(Array1<F>, Array2<F>)> {
    let operation = "eigh";
    let n = size_of_square(operation, a)?;
    let scale = scaling(lower_finite(operation, a)?);
    let scaled = scale.map(|s| a.mapv(|x| x * F::from_f64(s)));
    let dense = Dense::new(scaled.as_ref().map_or(a, |scaled| scaled.view()));

    let mut values = vec![F::ZERO; n];
    let mut columns = Columns::zeros(n, n);
    if n > 0 {
        let vectors = ComputeEigenvectors::Yes;
        let scratch = self_adjoint_evd_scratch::<F>(n, vectors, Par::Seq, Spec::default());
        self_adjoint_evd(
            dense.as_faer(),
            DiagMut::from_slice_mut(&mut values),
            Some(columns.as_faer()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Spec::default(),
        )
        .map_err(|_| Error::NoConvergence { operation, rows: n, columns: n })?;
    }
    if let Some(scale) = scale {
        for value in &mut values {
            *value = F::from_f64(value.to_f64() / scale);
        }
    }
    sorted(operation, values.into(), columns.into_array())
}

/// Sorts, and lets no NaN and no infinity out.
pub(crate) fn sorted<F: Scalar>(
    operation: &'static str,
    values: Array1<F>,
    vectors: Array2<F>,
) -> Result<(Array1<F>, Array2<F>)> {
    all_finite(operation, values.iter().chain(&vectors))?;
    if values.iter().is_sorted() {
        return Ok((values, vectors));
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].to_f64().total_cmp(&values[j].to_f64()));
    let vectors = if vectors.is_empty() { vectors } else { vectors.select(Axis(1), &order) };
    Ok((values.select(Axis(0), &order), vectors))
}

/// Lets no NaN and no infinity out.
fn all_finite<'a, F: Scalar>(
    operation: &'static str,
    numbers: impl IntoIterator<Item = &'a F>,
) -> Result<()> {
    if numbers.into_iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    Err(Error::Overflow { operation, element: F::NAME })
}
