//! What the accumulators of products share: the packed sum, what was left out, the spectrum, and the
//! stored form.

use assay_array::Scalar;
use assay_array::linalg::Gram;
use assay_score::bytes::{Reader, Writer};
use ndarray::ArrayView2;

use crate::kernel::rows::Prepared;
use crate::spectrum::Facts;
use crate::{Center, Conventions, Error, Result, RowPolicy, Spectrum};

/// Counts go up to here, so that `f64` holds them exactly.
pub(super) const EXACT_COUNTS: u64 = 1 << 53;

/// Numbers that a vector can hold.
const MOST_COLUMNS: usize = isize::MAX as usize / size_of::<f64>();

/// Of what a Cauchy-Schwarz inequality between stored sums may be off by: above rounding, below a lie.
const SLACK: f64 = 1.0 + 1e-4;

/// A packed sum of products with its counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sum {
    pub(super) gram: Gram,
    /// Rows left out because they have no direction.
    pub(super) skipped: u64,
    /// The coarsest element type's rounding among the batches.
    pub(super) epsilon: f64,
}

impl Sum {
    pub(super) fn new(columns: usize) -> Result<Self> {
        Ok(Self { gram: Gram::new(columns)?, skipped: 0, epsilon: f64::EPSILON })
    }

    pub(super) fn rows(&self) -> u64 {
        self.gram.rows()
    }

    /// Adds products of prepared rows.
    pub(super) fn add<T: Scalar>(&mut self, rows: ArrayView2<'_, T>, skipped: usize) -> Result<()> {
        self.gram.update(rows)?;
        self.skipped = self.skipped.saturating_add(skipped as u64);
        self.epsilon = self.epsilon.max(T::EPSILON.to_f64());
        Ok(())
    }

    /// The same for what came of preparing `rows` rows. That all were left out is an error only where
    /// they are the whole input; here they count as left out.
    pub(super) fn take<T: Scalar>(
        &mut self,
        prepared: Result<Prepared<T>>,
        rows: usize,
    ) -> Result<()> {
        match prepared {
            Ok(prepared) => self.add(prepared.rows.view(), prepared.skipped),
            Err(Error::AllSkipped { .. }) => {
                self.skipped = self.skipped.saturating_add(rows as u64);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// `−log(‖S‖²_F/(tr S)²)`.
    pub(super) fn renyi_2(&self, operation: &'static str) -> Result<f64> {
        let trace = self.gram.trace();
        if trace > 0.0 && trace.is_finite() {
            return Ok(-(self.gram.frobenius_squared() / trace / trace).ln().min(0.0));
        }
        Err(Error::ZeroTrace { operation, trace })
    }

    /// The spectrum of what was summed.
    pub(super) fn spectrum(
        &self,
        operation: &'static str,
        conventions: Conventions,
    ) -> Result<Spectrum> {
        let rows = usize::try_from(self.rows()).unwrap_or(usize::MAX);
        let needed = if conventions.center == Center::Mean { 2 } else { 1 };
        if rows < needed {
            return Err(Error::TooFewRows { operation, needed, got: rows });
        }
        let facts = Facts::new::<f64>(operation, (rows, self.gram.columns()), conventions);
        let facts = Facts {
            skipped: usize::try_from(self.skipped).unwrap_or(usize::MAX),
            epsilon: self.epsilon,
            ..facts
        };
        Spectrum::of_gram(&self.gram, rows as f64, facts)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        self.gram.merge(&other.gram)?;
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.epsilon = self.epsilon.max(other.epsilon);
        Ok(())
    }

    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer
            .u64(self.gram.columns() as u64)
            .u64(self.gram.rows())
            .u64(self.skipped)
            .f64(self.epsilon)
            .f64s(self.gram.lower())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let (columns, rows, skipped) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let (epsilon, lower) = (reader.f64()?, reader.f64s()?);
        let known = epsilon == f64::EPSILON || epsilon == f64::from(f32::EPSILON);
        let columns = usize::try_from(columns).unwrap_or(usize::MAX);
        if !known || columns == 0 || rows > EXACT_COUNTS || skipped > EXACT_COUNTS {
            return Err(reader.invalid("a sum of products", "other counts").into());
        }
        if rows == 0 && lower.iter().any(|&x| x.to_bits() != 0) {
            return Err(reader.invalid("no products of no rows", "some").into());
        }
        // Compares the length with the columns and refuses NaN and magnitudes out of range.
        let gram = Gram::from_lower(columns, rows, lower)?;
        let diagonal: Vec<f64> = (0..columns).map(|i| gram.lower()[i * (i + 1) / 2 + i]).collect();
        let (mut row, mut column) = (0, 0);
        for &x in gram.lower() {
            let bound = diagonal[row].max(0.0).sqrt() * diagonal[column].max(0.0).sqrt();
            if x.abs() > bound * SLACK || (row == column && x < 0.0) {
                return Err(reader.invalid("a sum of products", "an impossible element").into());
            }
            if row == column {
                (row, column) = (row + 1, 0);
            } else {
                column += 1;
            }
        }
        Ok(Self { gram, skipped, epsilon })
    }
}

/// Checks a batch's width; `true` for a batch without rows, which changes nothing.
pub(super) fn empty_batch<T>(
    operation: &'static str,
    batch: ArrayView2<'_, T>,
    columns: usize,
) -> Result<bool> {
    if batch.ncols() != columns {
        let expected = format!("batches of {columns} columns");
        let got = vec![batch.nrows(), batch.ncols()];
        return Err(Error::Shape { operation, expected, got });
    }
    Ok(batch.nrows() == 0)
}

/// Refuses accumulators of other settings.
pub(super) fn compatible<V: PartialEq + std::fmt::Debug>(
    operation: &'static str,
    what: &'static str,
    left: V,
    right: V,
) -> Result<()> {
    if left == right {
        return Ok(());
    }
    let (left, right) = (format!("{left:?}"), format!("{right:?}"));
    Err(Error::Incompatible { operation, what, left, right })
}

/// Refuses an accumulator without columns, or with more than a vector of numbers can have.
pub(super) fn some_columns(operation: &'static str, columns: usize) -> Result<()> {
    if columns == 0 {
        return Err(Error::NoColumns { operation, rows: 0 });
    }
    if columns > MOST_COLUMNS {
        let (name, expected) = ("columns", "that a vector can hold");
        return Err(Error::Setting { operation, name, expected, got: columns as f64 });
    }
    Ok(())
}

/// A policy as a stored number, and back.
pub(super) fn policy_code(policy: RowPolicy) -> u64 {
    u64::from(policy == RowPolicy::Skip)
}

pub(super) fn read_policy(reader: &mut Reader<'_>) -> Result<RowPolicy> {
    match reader.u64()? {
        0 => Ok(RowPolicy::Error),
        1 => Ok(RowPolicy::Skip),
        other => Err(reader.invalid("a row policy", other).into()),
    }
}
