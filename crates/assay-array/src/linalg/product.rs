use faer::linalg::matmul;
use faer::{Accum, MatMut, Par};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::all_finite;
use super::check::all;
use super::view::Dense;
use crate::{Error, Result, Scalar};

/// Rows of the result that one task computes: enough for the packing of the right operand, which
/// each task does for itself, to cost little (about 1/PANEL of the arithmetic).
const PANEL: usize = 128;

/// The product `A B` of an `[m, k]` and a `[k, n]` matrix of any strides, row-major, shape `[m, n]`.
///
/// Sums run in the element type. An inner dimension of zero gives zeros.
///
/// # Errors
/// [`Error::Mismatch`] when the inner dimensions differ; [`Error::NotFinite`] for a NaN or infinity
/// in an operand; [`Error::Overflow`] when finite operands give one.
///
/// ```
/// use assay_array::linalg::matmul;
/// use assay_array::ndarray::array;
/// let a = array![[1.0_f32, 2.0], [3.0, 4.0]];
/// assert_eq!(matmul(a.view(), a.t())?, array![[5.0, 11.0], [11.0, 25.0]]);
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn matmul<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Result<Array2<T>> {
    Ok(T::from_faer(product(T::to_faer(a), T::to_faer(b))?))
}

fn product<F: faer::traits::RealField + Scalar>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
) -> Result<Array2<F>> {
    let (m, n, length) = check_product(a.dim(), b.dim())?;
    let (left, right) = (Dense::new(a), Dense::new(b));
    let mut out = vec![F::ZERO; length];
    // `max`: a chunk cannot be empty, and without columns there is nothing to compute.
    out.par_chunks_mut(PANEL.saturating_mul(n).max(1)).enumerate().for_each(|(index, panel)| {
        let rows = panel.len() / n;
        matmul::matmul(
            MatMut::from_row_major_slice_mut(panel, rows, n),
            Accum::Replace,
            left.as_faer().subrows(index * PANEL, rows),
            right.as_faer(),
            F::ONE,
            Par::Seq,
        );
    });
    // cannot fail: the vector was made with m · n elements.
    let out = Array2::from_shape_vec((m, n), out).expect("as many elements as made");
    checked(a, b, out)
}

/// Rows, columns and length of the product of matrices of these shapes.
pub(crate) fn check_product(
    (m, k): (usize, usize),
    (inner, n): (usize, usize),
) -> Result<(usize, usize, usize)> {
    if k != inner {
        let (left, right) = ([m, k], [inner, n]);
        return Err(Error::Mismatch { operation: "matmul", left, right });
    }
    // An empty inner dimension lets the outer ones be of any length.
    let fits = |&length: &usize| length <= isize::MAX as usize / size_of::<f64>();
    let Some(length) = m.checked_mul(n).filter(fits) else {
        let (array, shape) = ("matmul".to_owned(), vec![m as u64, n as u64]);
        return Err(Error::TooLarge { array, shape });
    };
    Ok((m, n, length))
}

/// A NaN or infinity in an operand reaches its whole row or column of the result, unless the result
/// is empty: looking at the result is enough to know that all is well.
pub(crate) fn checked<F: Scalar>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    out: Array2<F>,
) -> Result<Array2<F>> {
    let operation = "matmul";
    if all(&out, F::is_finite) {
        return Ok(out);
    }
    all_finite(operation, a)?;
    all_finite(operation, b)?;
    Err(Error::Overflow { operation, element: F::NAME })
}
