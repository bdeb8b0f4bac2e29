//! The smaller of the two Gram matrices, which has all the eigenvalues that are not zero.

use assay_array::Scalar;
use assay_array::linalg::Gram;
use ndarray::ArrayView2;

use crate::Result;

/// `ZZᵀ` where `N ≤ d`, `ZᵀZ` otherwise.
pub(crate) fn smaller<T: Scalar>(z: ArrayView2<'_, T>) -> Result<Gram> {
    let (n, d) = z.dim();
    if n <= d { outer(z) } else { inner(z) }
}

/// `ZᵀZ`, one row and column a feature.
pub(crate) fn inner<T: Scalar>(z: ArrayView2<'_, T>) -> Result<Gram> {
    let mut gram = Gram::new(z.ncols())?;
    gram.update(z)?;
    Ok(gram)
}

/// `ZZᵀ`, one row and column a sample.
pub(crate) fn outer<T: Scalar>(z: ArrayView2<'_, T>) -> Result<Gram> {
    let mut gram = Gram::new(z.nrows())?;
    gram.update(z.reversed_axes())?;
    Ok(gram)
}
