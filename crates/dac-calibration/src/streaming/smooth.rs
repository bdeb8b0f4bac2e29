use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};

use super::cells::check_room;
use crate::measures::{Grid, SmoothEce};
use crate::{BinaryForecasts, Error, Result};

const KIND: Kind = *b"dacsmoot";
const VERSION: u16 = 1;
const OPERATION: &str = "smooth counts";
/// Shares and residuals are multiples of 2^-40.
const UNITS: f64 = (1_u64 << 40) as f64;

/// Spreads binary forecasts over the grid of a smooth ECE of fixed width.
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothCounts {
    width: f64,
    count: u64,
    /// Residuals `y − p`, in units.
    residual: Vec<i128>,
    /// Forecasts, in units.
    mass: Vec<i128>,
}

impl SmoothCounts {
    /// An empty grid for a kernel of this width.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a width outside `[0.001, 1]`.
    pub fn new(width: f64) -> Result<Self> {
        let points = Grid::points(width)?;
        Ok(Self { width, count: 0, residual: vec![0; points], mass: vec![0; points] })
    }

    /// Counts `f32` or `f64` forecasts; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// Beyond `2^53` forecasts.
    pub fn extend<T: Scalar>(&mut self, forecasts: &BinaryForecasts<'_, T>) -> Result<()> {
        check_room(OPERATION, self.count, forecasts.len() as u64)?;
        let points = self.mass.len();
        for (p, y) in forecasts.pairs() {
            for (place, share) in Grid::shares(points, p) {
                let cells = self.mass.get_mut(place).zip(self.residual.get_mut(place));
                if let Some((mass, residual)) = cells {
                    *mass += i128::from((share * UNITS).round() as i64);
                    *residual += i128::from((share * (y - p) * UNITS).round() as i64);
                }
            }
        }
        self.count += forecasts.len() as u64;
        Ok(())
    }
}

fn words(values: &[i128]) -> Vec<u64> {
    values
        .iter()
        .flat_map(|&v| [v.cast_unsigned() as u64, (v.cast_unsigned() >> 64) as u64])
        .collect()
}

fn read_values(reader: &mut Reader<'_>, points: usize, count: u64) -> Result<Vec<i128>> {
    let words = reader.u64s()?;
    let (pairs, rest) = words.as_chunks::<2>();
    let bound = (i128::from(count) + 1) << 41;
    let value =
        |&[low, high]: &[u64; 2]| (u128::from(low) | (u128::from(high) << 64)).cast_signed();
    let values: Vec<i128> = pairs.iter().map(value).collect();
    if !rest.is_empty()
        || values.len() != points
        || values.iter().any(|v| v.unsigned_abs() > bound.unsigned_abs())
    {
        return Err(reader
            .invalid("sums that their count allows, one a point", words.len())
            .into());
    }
    Ok(values)
}

impl Mergeable for SmoothCounts {
    type Batch<'a> = BinaryForecasts<'a>;
    type Report = SmoothEce;
    type Error = Error;

    fn update(&mut self, batch: BinaryForecasts<'_>) -> Result<()> {
        self.extend(&batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.width != other.width {
            let (left, right) = (self.width.to_string(), other.width.to_string());
            let error = assay_score::Error::Incompatible {
                operation: OPERATION,
                what: "widths",
                left,
                right,
            };
            return Err(error.into());
        }
        check_room(OPERATION, self.count, other.count)?;
        self.count += other.count;
        self.residual.iter_mut().zip(&other.residual).for_each(|(own, other)| *own += other);
        self.mass.iter_mut().zip(&other.mass).for_each(|(own, other)| *own += other);
        Ok(())
    }

    fn finish(&self) -> Result<SmoothEce> {
        if self.count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "forecast" });
        }
        let real = |values: &[i128]| values.iter().map(|&v| v as f64 / UNITS).collect();
        let grid = Grid { residual: real(&self.residual), mass: real(&self.mass) };
        let value = grid.smooth_ece(self.width);
        if !value.is_finite() {
            let reason = "the stored grid holds no forecasts";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        Ok(SmoothEce { value, width: self.width })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let writer = Writer::new(KIND, VERSION).f64(self.width).u64(self.count);
        writer.u64s(&words(&self.residual)).u64s(&words(&self.mass)).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let (width, count) = (reader.f64()?, reader.u64()?);
        let points = Grid::points(width).map_err(|error| reader.invalid("a width", error))?;
        check_room(OPERATION, count, 0)?;
        let residual = read_values(&mut reader, points, count)?;
        let mass = read_values(&mut reader, points, count)?;
        reader.finish()?;
        Ok(Self { width, count, residual, mass })
    }
}
