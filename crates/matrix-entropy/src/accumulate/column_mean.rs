use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};
use ndarray::ArrayView2;

use super::state::{EXACT_COUNTS, compatible, empty_batch, some_columns};
use crate::kernel::rows::check;
use crate::no_eigen::mean_row;
use crate::{Error, Result};

const KIND: Kind = *b"colmean\0";
const VERSION: u16 = 1;
const OPERATION: &str = "column means";

/// The mean row: the first pass of the paper's normalisation over a whole corpus. Its report is what
/// [`CenteredMoment`](super::CenteredMoment) needs for the second.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::accumulate::{CenteredMoment, ColumnMean};
/// use matrix_entropy::RowPolicy;
/// use ndarray::{array, s};
/// let corpus = array![[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, -3.0]];
/// let mut mean = ColumnMean::new(2)?;
/// for batch in [corpus.slice(s![..1, ..]), corpus.slice(s![1.., ..])] {
///     mean.update(batch)?;
/// }
/// let mut moment = CenteredMoment::new(mean.finish()?, RowPolicy::Error)?;
/// moment.update(corpus.view())?;
/// assert!((moment.finish()?.effective_rank() - 2.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMean {
    rows: u64,
    mean: Vec<f64>,
}

impl ColumnMean {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// [`Error::NoColumns`].
    pub fn new(columns: usize) -> Result<Self> {
        some_columns(OPERATION, columns)?;
        Ok(Self { rows: 0, mean: vec![0.0; columns] })
    }

    /// Counts a batch of `f32` or `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width, [`Error::NotFinite`], [`Error::Overflow`].
    pub fn extend<T: Scalar>(&mut self, batch: ArrayView2<'_, T>) -> Result<()> {
        if empty_batch(OPERATION, batch, self.mean.len())? {
            return Ok(());
        }
        check(OPERATION, batch, 1)?;
        let part = Self { rows: batch.nrows() as u64, mean: mean_row(OPERATION, batch)? };
        self.merge(&part)
    }

    /// Rows counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// The mean of two parts' means.
pub(super) fn join(a: &[f64], rows_a: u64, b: &[f64], rows_b: u64) -> Vec<f64> {
    let share = rows_b as f64 / (rows_a as f64 + rows_b as f64);
    // Halves first: a difference of large numbers of different signs may overflow.
    a.iter().zip(b).map(|(a, b)| a + (b / 2.0 - a / 2.0) * share * 2.0).collect()
}

impl Mergeable for ColumnMean {
    type Batch<'a> = ArrayView2<'a, f64>;
    type Report = Vec<f64>;
    type Error = Error;

    fn update(&mut self, batch: ArrayView2<'_, f64>) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the columns", self.mean.len(), other.mean.len())?;
        if other.rows == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            self.clone_from(other);
            return Ok(());
        }
        self.mean = join(&self.mean, self.rows, &other.mean, other.rows);
        self.rows = self.rows.saturating_add(other.rows);
        Ok(())
    }

    /// # Errors
    /// [`Error::TooFewRows`] before the first row.
    fn finish(&self) -> Result<Vec<f64>> {
        if self.rows == 0 {
            return Err(Error::TooFewRows { operation: OPERATION, needed: 1, got: 0 });
        }
        Ok(self.mean.clone())
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION).u64(self.rows).f64s(&self.mean).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let (rows, mean) = (reader.u64()?, reader.f64s()?);
        let finite = mean.iter().all(|x| x.is_finite());
        let empty = rows == 0 && mean.iter().any(|x| x.to_bits() != 0);
        if mean.is_empty() || !finite || empty || rows > EXACT_COUNTS {
            return Err(reader
                .invalid("the mean of some rows", format_args!("{rows} rows"))
                .into());
        }
        reader.finish()?;
        Ok(Self { rows, mean })
    }
}
