use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::all_finite;
use super::check::all;
use super::view::Dense;
use crate::{Error, Result, Scalar};

/// Rows of a batch that are multiplied in the element type before their product is added in `f64`.
///
/// The fewer, the smaller the rounding (at worst `BLOCK · ε/2`, 3e-5 of `Σ|x_i x_j|` in `f32`; 1e-6
/// is typical) and the more the additions in `f64` cost beside the multiplications.
const BLOCK: usize = 512;

/// Rows of the result that one task computes: 64 cost a sixth more on one thread, 256 gain nothing.
const PANEL: usize = 128;

/// A Gram matrix `XᵀX` summed over batches of rows of `X`, for data that does not fit in memory.
///
/// Only one triangle is computed; [`Gram::finish`] mirrors it. Blocks of 512 rows are multiplied in
/// the batch's element type and added in `f64`, so that the error does not grow with the number of
/// rows. Splitting the rows into other batches changes the result by the rounding of one block, and
/// by nothing where every batch but the last has a multiple of 512 rows. Products of `f32` below
/// 1e-38 vanish: widen data that small first.
///
/// For the smaller Gram matrix of a wide `X`, which is `XXᵀ`, give the transposed view as one batch.
///
/// ```
/// use assay_array::linalg::Gram;
/// use assay_array::ndarray::{array, s};
/// let x = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let mut gram = Gram::new(2)?;
/// gram.update(x.slice(s![..2, ..]))?;
/// let mut other = Gram::new(2)?;
/// other.update(x.slice(s![2.., ..]))?;
/// gram.merge(&other)?;
/// assert_eq!(gram.rows(), 3);
/// assert_eq!(gram.finish(), array![[35.0, 44.0], [44.0, 56.0]]);
/// # Ok::<(), assay_array::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "State", into = "State"))]
pub struct Gram {
    columns: usize,
    rows: u64,
    /// Row-major; only the lower triangle is used.
    sum: Vec<f64>,
}

impl Gram {
    /// Starts at zero rows of that many columns.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the square of `columns` overflows.
    pub fn new(columns: usize) -> Result<Self> {
        let length = columns.checked_mul(columns).filter(|&n| n <= isize::MAX as usize / 8);
        let Some(length) = length else {
            let (array, shape) = ("gram".to_owned(), vec![columns as u64; 2]);
            return Err(Error::TooLarge { array, shape });
        };
        Ok(Self { columns, rows: 0, sum: vec![0.0; length] })
    }

    /// Columns of `X`.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows summed so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the products of a batch, shape `[any, columns]`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns; [`Error::NotFinite`] for a NaN or infinity;
    /// [`Error::Overflow`] for magnitudes whose squares might not add up within range (from 4e17 in
    /// `f32`, 1.5e144 in `f64`). The sum is then as before the call.
    pub fn update<T: Scalar>(&mut self, batch: ArrayView2<'_, T>) -> Result<()> {
        let batch = T::to_faer(batch);
        self.check(batch)?;
        let d = self.columns;
        let dense = Dense::new(batch);
        // Tasks own rows of the sum; the last panel, the longest, goes first.
        self.sum.par_chunks_mut(PANEL.saturating_mul(d).max(1)).enumerate().rev().for_each(
            |(index, sum)| {
                add_panel(dense.as_faer(), index * PANEL, sum);
            },
        );
        self.rows = self.rows.saturating_add(batch.nrows() as u64);
        Ok(())
    }

    fn check<F: Scalar>(&self, batch: ArrayView2<'_, F>) -> Result<()> {
        let operation = "gram";
        if batch.ncols() != self.columns {
            let (left, right) = ([batch.nrows(), batch.ncols()], [self.columns; 2]);
            return Err(Error::Mismatch { operation, left, right });
        }
        // A block's sum must fit the element type, the sum of 2^64 rows must fit f64. (The largest
        // finite number is about 4 / MIN_POSITIVE, so this leaves room.)
        let block = 1.0 / F::MIN_POSITIVE.to_f64() / BLOCK as f64;
        let total = 1.0 / f64::MIN_POSITIVE / 2.0_f64.powi(64);
        let limit = F::from_f64(block.min(total).sqrt());
        if all(&batch, |x| x.abs() <= limit) {
            return Ok(());
        }
        all_finite(operation, batch)?;
        Err(Error::Overflow { operation, element: F::NAME })
    }

    /// Adds what another sum holds.
    ///
    /// Merging is exact up to the rounding of one `f64` addition an element; it commutes.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if other.columns != self.columns {
            let (left, right) = ([self.columns; 2], [other.columns; 2]);
            return Err(Error::Mismatch { operation: "gram merge", left, right });
        }
        for (sum, term) in self.sum.iter_mut().zip(&other.sum) {
            *sum += term;
        }
        self.rows = self.rows.saturating_add(other.rows);
        Ok(())
    }

    /// The symmetric matrix `XᵀX`, shape `[columns, columns]`; zeros before the first row.
    ///
    /// Divide by [`Gram::rows`] for the second moment.
    pub fn finish(&self) -> Array2<f64> {
        let d = self.columns;
        Array2::from_shape_fn((d, d), |(i, j)| self.sum[i.max(j) * d + i.min(j)])
    }
}

/// Adds rows `start..` of the lower triangle of `XᵀX` to `sum`, which holds whole rows of the result.
fn add_panel<F: faer::traits::RealField + Scalar>(x: MatRef<'_, F>, start: usize, sum: &mut [f64]) {
    let d = x.ncols();
    let rows = sum.len() / d;
    // The panel of the triangle is a rectangle left of the diagonal and a triangle on it.
    let mut product = vec![F::ZERO; rows * (start + rows)];
    for top in (0..x.nrows()).step_by(BLOCK) {
        let block = x.subrows(top, BLOCK.min(x.nrows() - top));
        let left = block.subcols(start, rows).transpose();
        let out = MatMut::from_row_major_slice_mut(&mut product, rows, start + rows);
        let (rectangle, triangle) = out.split_at_col_mut(start);
        matmul(rectangle, Accum::Replace, left, block.subcols(0, start), F::ONE, Par::Seq);
        triangular::matmul(
            triangle,
            BlockStructure::TriangularLower,
            Accum::Replace,
            left,
            BlockStructure::Rectangular,
            left.transpose(),
            BlockStructure::Rectangular,
            F::ONE,
            Par::Seq,
        );
        for (i, (sum, product)) in
            sum.chunks_exact_mut(d).zip(product.chunks_exact(start + rows)).enumerate()
        {
            for (sum, term) in sum.iter_mut().zip(&product[..=start + i]) {
                *sum += term.to_f64();
            }
        }
    }
}

/// How a sum is written down: the lower triangle by rows.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct State {
    columns: usize,
    rows: u64,
    lower: Vec<f64>,
}

#[cfg(feature = "serde")]
impl From<Gram> for State {
    fn from(gram: Gram) -> Self {
        let d = gram.columns;
        let lower = (0..d).flat_map(|i| gram.sum[i * d..=i * d + i].iter().copied()).collect();
        Self { columns: d, rows: gram.rows, lower }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<State> for Gram {
    type Error = Error;

    fn try_from(state: State) -> Result<Self> {
        let d = state.columns;
        // Compared before anything is allocated: the state may come from a file.
        let expected = d as u128 * (d as u128 + 1) / 2;
        if state.lower.len() as u128 != expected {
            let (left, right) = ([d; 2], [state.lower.len(), 1]);
            return Err(Error::Mismatch { operation: "gram from its lower triangle", left, right });
        }
        let mut gram = Self { rows: state.rows, ..Self::new(d)? };
        let mut lower = state.lower.into_iter();
        for i in 0..d {
            for (element, value) in gram.sum[i * d..=i * d + i].iter_mut().zip(&mut lower) {
                // Far from overflow, whatever is merged or added later.
                if value.is_nan() || value.abs() > f64::MAX / 2.0_f64.powi(64) {
                    let operation = "gram from its lower triangle";
                    return Err(Error::Overflow { operation, element: f64::NAME });
                }
                *element = value;
            }
        }
        Ok(gram)
    }
}
