use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::kernel::rows::{Prepared, prepare};
use crate::spectrum::{denominator, square};
use crate::{Conventions, Result};

/// A symmetric positive semi-definite matrix, known by its products.
pub trait Operator: Sync {
    /// Rows and columns, `d`.
    fn side(&self) -> usize;

    /// The product with a block of columns, `[d, p]` to `[d, p]`.
    ///
    /// # Errors
    /// Those of the product.
    fn apply(&self, block: ArrayView2<'_, f64>) -> Result<Array2<f64>>;

    /// `tr A`, exactly.
    fn trace(&self) -> f64;

    /// `tr A²`, if it is known: it makes [`slq_entropy`](super::slq_entropy) several times as precise.
    fn trace_of_square(&self) -> Option<f64>;
}

/// A matrix in memory. Products run in its element type.
#[derive(Debug, Clone)]
pub struct Dense<'a, T> {
    matrix: ArrayView2<'a, T>,
    trace: f64,
    trace_of_square: f64,
}

impl<'a, T: Scalar> Dense<'a, T> {
    /// A symmetric matrix `[d, d]`; both triangles are read.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) unless square,
    /// [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn new(matrix: ArrayView2<'a, T>) -> Result<Self> {
        square("dense operator", matrix)?;
        let trace = matrix.diag().iter().map(|x| x.to_f64()).sum();
        let trace_of_square = matrix.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        Ok(Self { matrix, trace, trace_of_square })
    }
}

impl<T: Scalar> Operator for Dense<'_, T> {
    fn side(&self) -> usize {
        self.matrix.nrows()
    }

    fn apply(&self, block: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let block = block.mapv(T::from_f64);
        Ok(matmul(self.matrix, block.view())?.mapv(Scalar::to_f64))
    }

    fn trace(&self) -> f64 {
        self.trace
    }

    fn trace_of_square(&self) -> Option<f64> {
        self.trace_of_square.is_finite().then_some(self.trace_of_square)
    }
}

/// The second moment `ZᵀZ/N` of rows as the conventions say, as an operator: a product costs `4Nd`
/// operations and no `d × d` matrix exists. Holds a prepared copy of the rows.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    z: Array2<T>,
    denominator: f64,
    trace: f64,
    trace_of_square: Option<f64>,
    skipped: usize,
}

/// Rows or columns whose products are held at once for the trace of the square.
const BLOCK: usize = 256;

impl<T: Scalar> Rows<T> {
    /// The operator of rows `[N, d]`.
    ///
    /// # Errors
    /// As [`Spectrum::of`](crate::Spectrum::of).
    pub fn new(x: ArrayView2<'_, T>, conventions: Conventions) -> Result<Self> {
        const OPERATION: &str = "rows as an operator";
        let Prepared { rows: z, skipped, .. } = prepare(OPERATION, x, conventions)?;
        let denominator = denominator(OPERATION, z.nrows() as f64, conventions.denominator)?;
        let squares: f64 = z.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let trace = squares / denominator;
        Ok(Self { z, denominator, trace, trace_of_square: None, skipped })
    }

    /// Computes `tr A²` by blocks of the smaller Gram matrix, none of which is kept: as many operations
    /// as the Gram matrix itself, but no decomposition follows.
    ///
    /// # Errors
    /// [`Error::Array`](crate::Error::Array) when a product leaves the element type's range.
    pub fn with_trace_of_square(self) -> Result<Self> {
        let z = if self.z.nrows() <= self.z.ncols() { self.z.view() } else { self.z.t() };
        let mut squares = 0.0;
        for top in (0..z.nrows()).step_by(BLOCK) {
            let end = (top + BLOCK).min(z.nrows());
            let block = z.slice_axis(Axis(0), Slice::from(top..end));
            let product = matmul(block, z.t())?;
            squares += product.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
        }
        let trace_of_square = Some(squares / self.denominator / self.denominator);
        Ok(Self { trace_of_square, ..self })
    }

    /// Rows left out under [`RowPolicy::Skip`](crate::RowPolicy::Skip).
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

impl<T: Scalar> Operator for Rows<T> {
    fn side(&self) -> usize {
        self.z.ncols()
    }

    fn apply(&self, block: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let forward = matmul(self.z.view(), block.mapv(T::from_f64).view())?;
        let back = matmul(self.z.t(), forward.view())?;
        Ok(back.mapv(|x| x.to_f64() / self.denominator))
    }

    fn trace(&self) -> f64 {
        self.trace
    }

    fn trace_of_square(&self) -> Option<f64> {
        self.trace_of_square
    }
}
