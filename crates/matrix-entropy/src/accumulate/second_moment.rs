use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::ArrayView2;

use super::state::{Sum, compatible, empty_batch, policy_code, read_policy, some_columns};
use crate::kernel::rows::prepare;
use crate::{Conventions, Error, Result, RowNorm, RowPolicy, Spectrum};

const KIND: Kind = *b"moment2\0";
const VERSION: u16 = 1;
const OPERATION: &str = "second moment";

/// `Σ xxᵀ` over all rows, of length 1 or as they are: the Vendi score and cosine spectra of a corpus
/// that does not fit in memory.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::accumulate::SecondMoment;
/// use matrix_entropy::{RowNorm, RowPolicy};
/// use ndarray::array;
/// let mut here = SecondMoment::new(2, RowNorm::L2, RowPolicy::Error)?;
/// here.extend(array![[3.0_f32, 0.0], [0.0, 1.0]].view())?;
/// let mut there = SecondMoment::new(2, RowNorm::L2, RowPolicy::Error)?;
/// there.extend(array![[0.0_f32, 2.0], [5.0, 0.0]].view())?;
/// here.merge(&SecondMoment::from_bytes(&there.to_bytes())?)?;
/// assert!((here.finish()?.vendi_score(1.0)? - 2.0).abs() < 1e-6);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SecondMoment {
    conventions: Conventions,
    sum: Sum,
}

impl SecondMoment {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// [`Error::NoColumns`]; [`Error::Array`] when the triangle does not fit in memory's range.
    pub fn new(columns: usize, row_norm: RowNorm, zero_rows: RowPolicy) -> Result<Self> {
        some_columns(OPERATION, columns)?;
        let conventions = Conventions::cosine().with_row_norm(row_norm).with_zero_rows(zero_rows);
        Ok(Self { conventions, sum: Sum::new(columns)? })
    }

    /// Counts a batch `[any, d]` of `f32` or `f64`; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width; those of [`Spectrum::of`] about rows.
    pub fn extend<T: Scalar>(&mut self, batch: ArrayView2<'_, T>) -> Result<()> {
        if empty_batch(OPERATION, batch, self.columns())? {
            return Ok(());
        }
        self.sum.take(prepare(OPERATION, batch, self.conventions), batch.nrows())
    }

    /// Columns, `d`.
    pub fn columns(&self) -> usize {
        self.sum.gram.columns()
    }

    /// Rows counted, without those left out.
    pub fn rows(&self) -> u64 {
        self.sum.rows()
    }

    /// Rows left out.
    pub fn skipped(&self) -> u64 {
        self.sum.skipped
    }

    /// Rényi entropy of order 2, without eigenvalues.
    ///
    /// # Errors
    /// [`Error::ZeroTrace`] before the first row.
    pub fn renyi_2(&self) -> Result<f64> {
        self.sum.renyi_2(OPERATION)
    }
}

impl Mergeable for SecondMoment {
    type Batch<'a> = ArrayView2<'a, f64>;
    type Report = Spectrum;
    type Error = Error;

    fn update(&mut self, batch: ArrayView2<'_, f64>) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the conventions", self.conventions, other.conventions)?;
        compatible(OPERATION, "the columns", self.columns(), other.columns())?;
        self.sum.merge(&other.sum)
    }

    /// # Errors
    /// [`Error::TooFewRows`] before the first row, [`Error::ZeroTrace`] where all were zero.
    fn finish(&self) -> Result<Spectrum> {
        self.sum.spectrum(OPERATION, self.conventions)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(KIND, VERSION)
            .u64(u64::from(self.conventions.row_norm == RowNorm::L2))
            .u64(policy_code(self.conventions.zero_rows));
        self.sum.write(writer).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let row_norm = match reader.u64()? {
            0 => RowNorm::No,
            1 => RowNorm::L2,
            other => return Err(reader.invalid("a row norm", other).into()),
        };
        let zero_rows = read_policy(&mut reader)?;
        let sum = Sum::read(&mut reader)?;
        reader.finish()?;
        let conventions = Conventions::cosine().with_row_norm(row_norm).with_zero_rows(zero_rows);
        Ok(Self { conventions, sum })
    }
}
