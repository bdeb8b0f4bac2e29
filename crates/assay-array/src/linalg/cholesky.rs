use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::{Par, Spec};
use ndarray::{Array2, ArrayView2, Axis, s};

use super::view::{Columns, copy_lower};
use super::{lower_finite, size_of_square};
use crate::{Error, Result, Scalar};

/// The lower triangular `L` with positive diagonal such that `A = L Lᵀ`, for a symmetric positive
/// definite `[n, n]` matrix; only the lower triangle is read.
///
/// Columns of the result are contiguous in memory; its upper triangle is zero.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`] for a NaN or infinity in the lower triangle;
/// [`Error::NotPositiveDefinite`] with the first pivot that is not positive.
///
/// ```
/// use assay_array::linalg::cholesky;
/// use assay_array::{Error, ndarray::array};
/// let l = cholesky(array![[4.0, 0.0], [2.0, 5.0]].view())?;
/// assert_eq!(l, array![[2.0, 0.0], [1.0, 2.0]]);
/// let indefinite = cholesky(array![[1.0, 2.0], [2.0, 1.0]].view());
/// assert!(matches!(indefinite, Err(Error::NotPositiveDefinite { pivot: 1, size: 2 })));
/// # Ok::<(), assay_array::Error>(())
/// ```
pub fn cholesky<T: Scalar>(a: ArrayView2<'_, T>) -> Result<Array2<T>> {
    Ok(T::from_faer(factor(T::to_faer(a))?))
}

fn factor<F: faer::traits::RealField + Scalar>(a: ArrayView2<'_, F>) -> Result<Array2<F>> {
    let operation = "cholesky";
    let n = size_of_square(operation, a)?;
    lower_finite(operation, a)?;
    let mut columns = Columns::zeros(n, n);
    let mut l = columns.as_faer();
    copy_lower(a, F::ONE, l.as_mut());
    let scratch = cholesky_in_place_scratch::<F>(n, Par::Seq, Spec::default());
    cholesky_in_place(
        l,
        LltRegularization::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .map_err(|LltError::NonPositivePivot { index }| Error::NotPositiveDefinite {
        pivot: index,
        size: n,
    })?;
    let mut l = columns.into_array();
    // faer uses the upper triangle as scratch.
    for (j, mut column) in l.axis_iter_mut(Axis(1)).enumerate() {
        column.slice_mut(s![..j]).fill(F::ZERO);
    }
    if l.iter().all(|x| x.is_finite()) {
        Ok(l)
    } else {
        Err(Error::Overflow { operation, element: F::NAME })
    }
}
