//! The functions of [`linalg`] through LAPACK and BLAS (the system's OpenBLAS).
//!
//! Same names, same arguments, same results up to rounding, signs of vectors and the basis within a
//! repeated eigenvalue; same errors. Behind the feature `lapack`, which needs OpenBLAS's headers
//! (Debian: `apt-get install libopenblas-dev pkg-config`).
//!
//! faer is the default because it is as fast or faster here: ndarray-linalg always computes
//! eigenvectors, by `?syev`. This module is a second opinion, and a home for machines with a tuned
//! LAPACK. Input is copied into column-major order first. OpenBLAS starts threads of its own: set
//! `OPENBLAS_NUM_THREADS=1` when calling from inside rayon; with more, results depend on their number.
//! [`Gram`](crate::linalg::Gram) has no second version.
//!
//! LAPACK counts in 32 bits: a matrix of 2^31 elements or more is [`Error::TooLarge`].

use lax::error::Error as Code;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};
use ndarray_linalg::error::LinalgError;
use ndarray_linalg::{CholeskyInto, EigValshInto, EighInto, JobSvd, SVDDCInto, UPLO};

use crate::linalg::{self, Eigh, Svd, all_finite, lower_finite, size_of_square};
use crate::{Error, Result, Scalar};

/// Eigenvalues of a symmetric matrix, ascending; as [`linalg::eigvalsh`].
///
/// # Errors
/// As [`linalg::eigvalsh`], and [`Error::TooLarge`], [`Error::Lapack`].
pub fn eigvalsh<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    let operation = "eigvalsh";
    let n = size_of_square(operation, a)?;
    lower_finite(operation, a)?;
    if n == 0 {
        return Ok(Array1::default(0));
    }
    let a = column_major(operation, T::to_lapack(a), |i, j| (i.max(j), i.min(j)))?;
    let values = a.eigvalsh_into(UPLO::Lower).map_err(|error| failure(operation, n, n, &error))?;
    let (values, _) =
        linalg::sorted(operation, T::from_lapack_real(values), Array2::default((0, 0)))?;
    Ok(values)
}

/// Eigenvalues and eigenvectors of a symmetric matrix; as [`linalg::eigh`].
///
/// # Errors
/// As [`linalg::eigh`], and [`Error::TooLarge`], [`Error::Lapack`].
pub fn eigh<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Eigh<T>> {
    let operation = "eigh";
    let n = size_of_square(operation, a)?;
    lower_finite(operation, a)?;
    if n == 0 {
        return Ok(Eigh { values: Array1::default(0), vectors: Array2::default((0, 0)) });
    }
    let a = column_major(operation, T::to_lapack(a), |i, j| (i.max(j), i.min(j)))?;
    let (values, vectors) =
        a.eigh_into(UPLO::Lower).map_err(|error| failure(operation, n, n, &error))?;
    let (values, vectors) =
        linalg::sorted(operation, T::from_lapack_real(values), T::from_lapack(vectors))?;
    Ok(Eigh { values, vectors })
}

/// Singular values, descending; as [`linalg::svdvals`].
///
/// # Errors
/// As [`linalg::svdvals`], and [`Error::TooLarge`], [`Error::Lapack`].
pub fn svdvals<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array1<T>> {
    Ok(decompose("svdvals", a, JobSvd::None)?.values)
}

/// The thin singular value decomposition; as [`linalg::svd`].
///
/// # Errors
/// As [`linalg::svd`], and [`Error::TooLarge`], [`Error::Lapack`].
pub fn svd<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Svd<T>> {
    decompose("svd", a, JobSvd::Some)
}

fn decompose<T: Scalar>(
    operation: &'static str,
    a: ArrayView2<'_, T>,
    job: JobSvd,
) -> Result<Svd<T>> {
    let (m, n) = a.dim();
    all_finite(operation, a)?;
    if m.min(n) == 0 {
        let (u, vt) = (Array2::default((m, 0)), Array2::default((0, n)));
        return Ok(Svd { u, values: Array1::default(0), vt });
    }
    let a = column_major(operation, T::to_lapack(a), |i, j| (i, j))?;
    let (u, values, vt) = a.svddc_into(job).map_err(|error| failure(operation, m, n, &error))?;
    let vectors = |array: Option<_>| array.map_or(Array2::default((0, 0)), T::from_lapack);
    let values = T::from_lapack_real(values);
    linalg::checked_svd(operation, Svd { u: vectors(u), values, vt: vectors(vt) })
}

/// The lower Cholesky factor; as [`linalg::cholesky`].
///
/// # Errors
/// As [`linalg::cholesky`], and [`Error::TooLarge`], [`Error::Lapack`].
pub fn cholesky<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array2<T>> {
    let operation = "cholesky";
    let n = size_of_square(operation, a)?;
    lower_finite(operation, a)?;
    if n == 0 {
        return Ok(Array2::default((0, 0)));
    }
    let a = column_major(operation, T::to_lapack(a), |i, j| (i.max(j), i.min(j)))?;
    let l = a.cholesky_into(UPLO::Lower).map_err(|error| match error {
        LinalgError::Lapack(Code::LapackComputationalFailure { return_code }) => {
            let pivot = usize::try_from(return_code).map_or(0, |minor| minor.saturating_sub(1));
            Error::NotPositiveDefinite { pivot, size: n }
        }
        error => failure(operation, n, n, &error),
    })?;
    let l = T::from_lapack(l);
    if l.iter().all(|x| x.is_finite()) {
        Ok(l)
    } else {
        Err(Error::Overflow { operation, element: T::NAME })
    }
}

/// The product of two matrices; as [`linalg::matmul`], through ndarray's BLAS interface.
///
/// # Errors
/// As [`linalg::matmul`].
pub fn matmul<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Result<Array2<T>> {
    linalg::check_product(a.dim(), b.dim())?;
    let product = T::to_lapack(a).dot(&T::to_lapack(b));
    linalg::checked_product(a, b, T::from_lapack(product))
}

/// A column-major copy whose element `(i, j)` is the source's `from(i, j)`: a symmetric matrix is
/// completed from its lower triangle, so that no library's idea of “lower” matters.
fn column_major<L: Copy + ndarray_linalg::Lapack>(
    operation: &'static str,
    a: ArrayView2<'_, L>,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Result<Array2<L>> {
    let (m, n) = a.dim();
    let length = m.checked_mul(n).and_then(|length| i32::try_from(length).ok());
    if length.is_none() {
        let (array, shape) = (operation.to_owned(), vec![m as u64, n as u64]);
        return Err(Error::TooLarge { array, shape });
    }
    Ok(Array2::from_shape_fn((m, n).f(), |(i, j)| a[from(i, j)]))
}

fn failure(operation: &'static str, rows: usize, columns: usize, error: &LinalgError) -> Error {
    match error {
        LinalgError::Lapack(Code::LapackComputationalFailure { .. }) => {
            Error::NoConvergence { operation, rows, columns }
        }
        error => Error::Lapack { operation, problem: error.to_string() },
    }
}
