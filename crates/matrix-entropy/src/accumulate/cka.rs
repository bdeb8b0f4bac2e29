use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::{ArrayView2, Axis, concatenate};

use super::covariance::Covariance;
use super::state::compatible;
use crate::{Error, Result};

const KIND: Kind = *b"ckamomt\0";
const VERSION: u16 = 1;
const OPERATION: &str = "CKA from moments";

/// Linear CKA over data that do not fit in memory, exactly: the covariance of both representations side
/// by side, whose blocks are `Σxx`, `Σyy` and `Σxy`.
///
/// The report is the plain (biased) CKA, which over many rows is what one wants; for few rows and many
/// dimensions use [`cka`](crate::pair::cka()) or [`MiniBatchCka`](crate::pair::MiniBatchCka).
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::accumulate::CkaMoments;
/// use ndarray::array;
/// let x = array![[1.0, 2.0], [0.0, 1.0], [-1.0, 0.5]];
/// let mut moments = CkaMoments::new(2, 2)?;
/// moments.update((x.view(), x.view()))?;
/// assert!((moments.finish()? - 1.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CkaMoments {
    first: usize,
    both: Covariance,
}

impl CkaMoments {
    /// Nothing counted yet, for representations of these widths.
    ///
    /// # Errors
    /// [`Error::NoColumns`]; [`Error::Array`] when the triangle does not fit in memory's range.
    pub fn new(columns_x: usize, columns_y: usize) -> Result<Self> {
        if columns_x == 0 || columns_y == 0 {
            return Err(Error::NoColumns { operation: OPERATION, rows: 0 });
        }
        Ok(Self { first: columns_x, both: Covariance::new(columns_x.saturating_add(columns_y))? })
    }

    /// Counts a batch of both representations, of `f32` or `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for other widths or different numbers of rows; those of [`Covariance::extend`].
    pub fn extend<T: Scalar>(&mut self, x: ArrayView2<'_, T>, y: ArrayView2<'_, T>) -> Result<()> {
        let second = self.both.columns() - self.first;
        if x.nrows() != y.nrows() || x.ncols() != self.first || y.ncols() != second {
            let expected = format!("batches [N, {}] and [N, {second}]", self.first);
            let got = vec![x.nrows(), x.ncols(), y.nrows(), y.ncols()];
            return Err(Error::Shape { operation: OPERATION, expected, got });
        }
        let both = concatenate(Axis(1), &[x, y]).map_err(|_| Error::Shape {
            operation: OPERATION,
            expected: "rows side by side".to_owned(),
            got: vec![x.nrows(), y.nrows()],
        })?;
        self.both.extend(both.view())
    }

    /// Rows counted.
    pub fn rows(&self) -> u64 {
        self.both.rows()
    }
}

impl Mergeable for CkaMoments {
    type Batch<'a> = (ArrayView2<'a, f64>, ArrayView2<'a, f64>);
    /// The plain linear CKA, in `[0, 1]`.
    type Report = f64;
    type Error = Error;

    fn update(&mut self, (x, y): Self::Batch<'_>) -> Result<()> {
        self.extend(x, y)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the widths", self.first, other.first)?;
        self.both.merge(&other.both)
    }

    /// # Errors
    /// [`Error::ZeroTrace`] where a representation is constant or nothing was counted.
    fn finish(&self) -> Result<f64> {
        // Scaled to the largest magnitude, so that no square leaves the range.
        let largest = self.both.lower().iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let (mut own, mut cross, mut theirs) = (0.0, 0.0, 0.0);
        let (mut row, mut column) = (0, 0);
        for x in self.both.lower() {
            let square = (x / largest) * (x / largest);
            let twice = if row == column { square } else { 2.0 * square };
            match (row < self.first, column < self.first) {
                (true, _) => own += twice,
                (false, true) => cross += square,
                (false, false) => theirs += twice,
            }
            if row == column {
                (row, column) = (row + 1, 0);
            } else {
                column += 1;
            }
        }
        if own > 0.0 && theirs > 0.0 {
            return Ok((cross / (own.sqrt() * theirs.sqrt())).clamp(0.0, 1.0));
        }
        Err(Error::ZeroTrace { operation: OPERATION, trace: 0.0 })
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION).u64(self.first as u64).nested(&self.both.to_bytes()).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let first = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        let both = Covariance::from_bytes(reader.nested()?)?;
        if first == 0 || first >= both.columns() {
            return Err(reader.invalid("a width below both together", first).into());
        }
        reader.finish()?;
        Ok(Self { first, both })
    }
}
