use std::borrow::Cow;

use faer::{MatMut, MatRef};
use ndarray::{Array2, ArrayView2, ShapeBuilder};

use crate::Scalar;

/// Views an ndarray matrix as a faer matrix, without a copy.
///
/// `None` when the elements do not lie in row-major or column-major order without gaps: copy such a
/// view first (`view.as_standard_layout()`).
///
/// ```
/// use assay_array::linalg::{from_faer, to_faer};
/// use assay_array::ndarray::array;
/// let a = array![[1.0, 2.0], [3.0, 4.0]];
/// let transposed = to_faer(a.t()).expect("a transposed matrix is column-major");
/// assert_eq!(transposed[(0, 1)], 3.0);
/// assert_eq!(from_faer(transposed), a.t());
/// ```
pub fn to_faer<T>(view: ArrayView2<'_, T>) -> Option<MatRef<'_, T>> {
    let (rows, columns) = view.dim();
    if let Some(slice) = view.to_slice() {
        return Some(MatRef::from_row_major_slice(slice, rows, columns));
    }
    let slice = view.reversed_axes().to_slice()?;
    Some(MatRef::from_column_major_slice(slice, rows, columns))
}

/// Copies a faer matrix into an ndarray in row-major order.
pub fn from_faer<T: Clone>(matrix: MatRef<'_, T>) -> Array2<T> {
    Array2::from_shape_fn(matrix.shape(), |(i, j)| matrix[(i, j)].clone())
}

/// A matrix that faer can view: the caller's elements, or a copy where they have gaps.
pub(super) struct Dense<'a, T: Clone> {
    elements: Cow<'a, [T]>,
    shape: (usize, usize),
    row_major: bool,
}

impl<'a, T: Copy> Dense<'a, T> {
    pub(super) fn new(view: ArrayView2<'a, T>) -> Self {
        let shape = view.dim();
        if let Some(slice) = view.to_slice() {
            return Self { elements: slice.into(), shape, row_major: true };
        }
        match view.reversed_axes().to_slice() {
            Some(slice) => Self { elements: slice.into(), shape, row_major: false },
            None => Self { elements: view.iter().copied().collect(), shape, row_major: true },
        }
    }

    pub(super) fn as_faer(&self) -> MatRef<'_, T> {
        let (rows, columns) = self.shape;
        if self.row_major {
            MatRef::from_row_major_slice(&self.elements, rows, columns)
        } else {
            MatRef::from_column_major_slice(&self.elements, rows, columns)
        }
    }
}

/// A column-major matrix that faer writes and ndarray then owns.
pub(super) struct Columns<T> {
    elements: Vec<T>,
    shape: (usize, usize),
}

impl<T: Copy + Default> Columns<T> {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { elements: vec![T::default(); rows * columns], shape: (rows, columns) }
    }

    pub(super) fn as_faer(&mut self) -> MatMut<'_, T> {
        MatMut::from_column_major_slice_mut(&mut self.elements, self.shape.0, self.shape.1)
    }
}

impl<T> Columns<T> {
    pub(super) fn into_array(self) -> Array2<T> {
        // cannot fail: the vector was made with rows · columns elements.
        Array2::from_shape_vec(self.shape.f(), self.elements).expect("as many elements as made")
    }
}

/// Copies the lower triangle, multiplied by a number.
pub(super) fn copy_lower<F: Scalar>(a: ArrayView2<'_, F>, factor: F, mut out: MatMut<'_, F>) {
    /// Columns that are copied together.
    const STRIP: usize = 16;
    let n = a.nrows();
    // Rows become columns, in strips as wide as a cache line or two: whole rows would touch a line of
    // every column before any is full.
    for strip in (0..n).step_by(STRIP) {
        for i in strip..n {
            for j in strip..(strip + STRIP).min(i + 1) {
                out[(i, j)] = a[[i, j]] * factor;
            }
        }
    }
}
