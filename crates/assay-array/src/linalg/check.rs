use ndarray::{ArrayBase, ArrayView2, Axis, Data, Ix2};

use crate::{Error, Result, Scalar};

pub(crate) fn size_of_square<T>(operation: &'static str, a: ArrayView2<'_, T>) -> Result<usize> {
    match a.dim() {
        (rows, columns) if rows == columns => Ok(rows),
        (rows, columns) => Err(Error::NotSquare { operation, rows, columns }),
    }
}

/// Refuses a NaN or an infinity anywhere; otherwise returns the largest magnitude.
pub(crate) fn all_finite<T: Scalar>(operation: &'static str, a: ArrayView2<'_, T>) -> Result<T> {
    magnitude(operation, a, |_, columns| columns)
}

/// The same for the lower triangle, the one that is read of a symmetric matrix.
pub(crate) fn lower_finite<T: Scalar>(operation: &'static str, a: ArrayView2<'_, T>) -> Result<T> {
    magnitude(operation, a, |row, _| row + 1)
}

fn magnitude<T: Scalar>(
    operation: &'static str,
    a: ArrayView2<'_, T>,
    end_of_row: impl Fn(usize, usize) -> usize,
) -> Result<T> {
    let mut largest = T::ZERO;
    for (row, elements) in a.axis_iter(Axis(0)).enumerate() {
        let end = end_of_row(row, a.ncols());
        for (column, &x) in elements.iter().take(end).enumerate() {
            if !x.is_finite() {
                return Err(Error::NotFinite { operation, row, column, value: x.to_f64() });
            }
            largest = largest.max(x.abs());
        }
    }
    Ok(largest)
}

/// Whether all elements pass, by blocks without branches inside, so that the loop is vector code.
pub(super) fn all<T: Copy>(
    a: &ArrayBase<impl Data<Elem = T>, Ix2>,
    pass: impl Fn(T) -> bool,
) -> bool {
    match a.as_slice_memory_order() {
        Some(slice) => {
            slice.chunks(1024).all(|block| block.iter().fold(true, |ok, &x| ok & pass(x)))
        }
        None => a.iter().all(|&x| pass(x)),
    }
}

/// The power of two by which to multiply a matrix of this largest magnitude before decomposing it;
/// `None` when its squares are far from overflow and underflow as they are.
///
/// LAPACK's drivers scale by the same bounds (`?syev`, `?gesdd`); a power of two keeps every digit.
pub(super) fn scaling<T: Scalar>(largest: T) -> Option<f64> {
    let smallest_safe = T::MIN_POSITIVE.to_f64().sqrt() / T::EPSILON.to_f64();
    let largest = largest.to_f64();
    if largest == 0.0 || (smallest_safe..=smallest_safe.recip()).contains(&largest) {
        return None;
    }
    Some(unit_scale(T::from_f64(largest)))
}

/// The power of two that brings the largest magnitude near 1.
pub(super) fn unit_scale<T: Scalar>(largest: T) -> f64 {
    // Both the factor and its reciprocal must be normal numbers of the element type.
    let limit = -T::MIN_POSITIVE.to_f64().log2() - 4.0;
    (-largest.to_f64().log2().floor()).clamp(-limit, limit).exp2()
}
