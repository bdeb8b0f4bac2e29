use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::ArrayView2;

use super::state::{Sum, compatible, empty_batch, policy_code, read_policy, some_columns};
use crate::kernel::rows::{Mean, finite, prepare_about};
use crate::{Conventions, Error, Result, RowPolicy, Spectrum};

const KIND: Kind = *b"centred\0";
const VERSION: u16 = 1;
const OPERATION: &str = "centred second moment";

/// `Σ uuᵀ` with `u = (x − μ)/‖x − μ‖` about a mean that is known: the second pass of the paper's
/// normalisation over a whole corpus, such as one pooled vector a document. See
/// [`ColumnMean`](super::ColumnMean) for the first.
#[derive(Debug, Clone, PartialEq)]
pub struct CenteredMoment {
    mean: Vec<f64>,
    zero_rows: RowPolicy,
    sum: Sum,
}

impl CenteredMoment {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// [`Error::NoColumns`]; [`Error::NotFinite`] for a mean that is not finite.
    pub fn new(mean: Vec<f64>, zero_rows: RowPolicy) -> Result<Self> {
        some_columns(OPERATION, mean.len())?;
        if let Some(column) = mean.iter().position(|x| !x.is_finite()) {
            let (row, value) = (0, mean[column]);
            return Err(Error::NotFinite { operation: OPERATION, row, column, value });
        }
        Ok(Self { zero_rows, sum: Sum::new(mean.len())?, mean })
    }

    fn conventions(&self) -> Conventions {
        Conventions::paper().with_zero_rows(self.zero_rows)
    }

    /// Counts a batch of `f32` or `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width; those of [`Spectrum::of`] about rows.
    pub fn extend<T: Scalar>(&mut self, batch: ArrayView2<'_, T>) -> Result<()> {
        if empty_batch(OPERATION, batch, self.mean.len())? {
            return Ok(());
        }
        finite(OPERATION, batch)?;
        let dense = batch.as_standard_layout();
        let data = dense.as_slice().unwrap_or(&[]);
        let mean = Mean::given(&self.mean);
        let prepared = prepare_about(OPERATION, data, batch.dim(), Some(&mean), self.conventions());
        self.sum.take(prepared, batch.nrows())
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

impl Mergeable for CenteredMoment {
    type Batch<'a> = ArrayView2<'a, f64>;
    type Report = Spectrum;
    type Error = Error;

    fn update(&mut self, batch: ArrayView2<'_, f64>) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the columns", self.mean.len(), other.mean.len())?;
        compatible(OPERATION, "the row policy", self.zero_rows, other.zero_rows)?;
        if self.mean != other.mean {
            let first = self.mean.iter().zip(&other.mean).position(|(a, b)| a != b).unwrap_or(0);
            return compatible(OPERATION, "the mean", self.mean[first], other.mean[first]);
        }
        self.sum.merge(&other.sum)
    }

    /// # Errors
    /// [`Error::TooFewRows`] before the second row.
    fn finish(&self) -> Result<Spectrum> {
        self.sum.spectrum(OPERATION, self.conventions())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(KIND, VERSION).u64(policy_code(self.zero_rows)).f64s(&self.mean);
        self.sum.write(writer).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let zero_rows = read_policy(&mut reader)?;
        let mean = reader.f64s()?;
        let sum = Sum::read(&mut reader)?;
        if mean.len() != sum.gram.columns() || !mean.iter().all(|x| x.is_finite()) {
            return Err(reader.invalid("a mean of as many columns", mean.len()).into());
        }
        reader.finish()?;
        Ok(Self { mean, zero_rows, sum })
    }
}
