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

/// Side of the tiles in which the triangle is mirrored.
const TILE: usize = 64;

/// Far from overflow, whatever is merged or added later.
const LARGEST_SUM: f64 = f64::MAX / 18_446_744_073_709_551_616.0;

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
    /// The lower triangle by rows, `columns · (columns + 1) / 2` numbers.
    sum: Vec<f64>,
}

/// Where row `i` of a packed lower triangle begins.
fn row_start(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Numbers in a packed lower triangle of that side; `None` when they cannot be in memory.
fn packed_length(columns: usize) -> Option<usize> {
    let length = columns as u128 * (columns as u128 + 1) / 2;
    usize::try_from(length).ok().filter(|&n| n <= isize::MAX as usize / size_of::<f64>())
}

impl Gram {
    /// Starts at zero rows of that many columns.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the square of `columns` overflows.
    pub fn new(columns: usize) -> Result<Self> {
        let Some(length) = packed_length(columns) else {
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
        let dense = Dense::new(batch);
        // Tasks own rows of the sum; the last panel, the longest, goes first.
        let mut panels = Vec::with_capacity(self.columns.div_ceil(PANEL));
        let mut rest = self.sum.as_mut_slice();
        for start in (0..self.columns).step_by(PANEL) {
            let end = (start + PANEL).min(self.columns);
            let (panel, after) = rest.split_at_mut(row_start(end) - row_start(start));
            panels.push((start, end - start, panel));
            rest = after;
        }
        panels.into_par_iter().rev().for_each(|(start, rows, sum)| {
            add_panel(dense.as_faer(), start, rows, sum);
        });
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

    /// Adds `weight · v vᵀ`, which counts as no row: what joins sums about two means (Chan, Golub and
    /// LeVeque 1979).
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another length; [`Error::Overflow`] for a NaN, an infinity, or products
    /// that leave the range of a sum. The sum is then as before the call.
    pub fn add_outer(&mut self, v: &[f64], weight: f64) -> Result<()> {
        let operation = "gram outer product";
        if v.len() != self.columns {
            let (left, right) = ([v.len(), 1], [self.columns; 2]);
            return Err(Error::Mismatch { operation, left, right });
        }
        let largest = v.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let fits = v.iter().all(|x| x.is_finite())
            && weight.is_finite()
            && (largest * weight.abs() * largest).is_finite()
            && largest * weight.abs() * largest <= LARGEST_SUM;
        if !fits {
            return Err(Error::Overflow { operation, element: f64::NAME });
        }
        for (i, &x) in v.iter().enumerate() {
            let row = &mut self.sum[row_start(i)..row_start(i + 1)];
            for (sum, y) in row.iter_mut().zip(v) {
                *sum += weight * x * y;
            }
        }
        Ok(())
    }

    /// The lower triangle by rows, `columns · (columns + 1) / 2` numbers: the state, to store or send.
    pub fn lower(&self) -> &[f64] {
        &self.sum
    }

    /// Continues from a stored state; nothing in it is trusted.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the triangle is not one of that many columns; [`Error::Overflow`] for a
    /// NaN or a magnitude that no sum reaches.
    ///
    /// ```
    /// use assay_array::linalg::Gram;
    /// let gram = Gram::from_lower(2, 3, vec![35.0, 44.0, 56.0])?;
    /// assert_eq!(gram.finish()[[0, 1]], 44.0);
    /// # Ok::<(), assay_array::Error>(())
    /// ```
    pub fn from_lower(columns: usize, rows: u64, lower: Vec<f64>) -> Result<Self> {
        let operation = "gram from its lower triangle";
        if packed_length(columns) != Some(lower.len()) {
            let (left, right) = ([columns; 2], [lower.len(), 1]);
            return Err(Error::Mismatch { operation, left, right });
        }
        if !lower.iter().all(|x| x.abs() <= LARGEST_SUM) {
            return Err(Error::Overflow { operation, element: f64::NAME });
        }
        Ok(Self { columns, rows, sum: lower })
    }

    /// `tr XᵀX`, the sum of squares of all elements.
    pub fn trace(&self) -> f64 {
        (0..self.columns).map(|i| self.sum[row_start(i) + i]).sum()
    }

    /// `‖XᵀX‖²_F`, the sum of its squared eigenvalues, in one pass and without a decomposition.
    /// Infinite where the squares leave the range of `f64`.
    pub fn frobenius_squared(&self) -> f64 {
        let mut total = 0.0;
        for i in 0..self.columns {
            let (diagonal, row) = (self.sum[row_start(i) + i], &self.sum[row_start(i)..][..i]);
            let (chunks, rest) = row.as_chunks::<8>();
            let mut lanes = [0.0; 8];
            for chunk in chunks {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane += x * x;
                }
            }
            let off: f64 = lanes.iter().sum::<f64>() + rest.iter().map(|x| x * x).sum::<f64>();
            total += 2.0 * off + diagonal * diagonal;
        }
        total
    }

    /// The symmetric matrix `XᵀX`, shape `[columns, columns]`; zeros before the first row.
    ///
    /// Divide by [`Gram::rows`] for the second moment.
    pub fn finish(&self) -> Array2<f64> {
        let d = self.columns;
        let mut full = Array2::zeros((d, d));
        // Tiles, so that neither side of the diagonal is walked against the cache.
        for top in (0..d).step_by(TILE) {
            for left in (0..=top).step_by(TILE) {
                for i in top..(top + TILE).min(d) {
                    let row = &self.sum[row_start(i)..row_start(i + 1)];
                    for (j, &x) in row.iter().enumerate().take(left + TILE).skip(left) {
                        full[[i, j]] = x;
                        full[[j, i]] = x;
                    }
                }
            }
        }
        full
    }
}

/// Adds rows `start..start + rows` of the lower triangle of `XᵀX` to `sum`, which holds just those.
fn add_panel<F: faer::traits::RealField + Scalar>(
    x: MatRef<'_, F>,
    start: usize,
    rows: usize,
    sum: &mut [f64],
) {
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
        let mut rest = &mut *sum;
        for (i, product) in product.chunks_exact(start + rows).enumerate() {
            let (row, after) = rest.split_at_mut(start + i + 1);
            for (sum, term) in row.iter_mut().zip(product) {
                *sum += term.to_f64();
            }
            rest = after;
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
        Self { columns: gram.columns, rows: gram.rows, lower: gram.sum }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<State> for Gram {
    type Error = Error;

    fn try_from(state: State) -> Result<Self> {
        Self::from_lower(state.columns, state.rows, state.lower)
    }
}
