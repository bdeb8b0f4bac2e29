use assay_array::Scalar;
use assay_score::Mergeable;
use assay_score::bytes::{Kind, Reader, Writer};

use super::cells::{Counted, LossSum};
use crate::kernel::bin;
use crate::{BinaryForecasts, Binning, Error, Reliability, Result};

const KIND: Kind = *b"dacfcast";
const VERSION: u16 = 1;
const OPERATION: &str = "forecast counts";

/// Counts binary forecasts in bins with fixed edges: ECE and its relatives in constant memory.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastCounts {
    bins: Counted,
    brier: LossSum,
    nll: LossSum,
}

/// What [`ForecastCounts`] report.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForecastReport {
    /// The bins, and with them every binned measure.
    pub reliability: Reliability,
    /// The share of events that came true.
    pub rate: f64,
    /// The mean forecast.
    pub mean: f64,
    /// The mean of `(p − y)²`.
    pub brier: f64,
    /// The mean of `−ln P(y)`; `None` where an event of probability 0 came true, or one of
    /// probability 1 did not.
    pub nll: Option<f64>,
}

impl ForecastCounts {
    /// Empty bins of equal width or with given edges.
    ///
    /// # Errors
    /// For bins that are none; [`Error::Undefined`] for equal-mass bins, whose edges follow from all
    /// the data: [`MassSketch`](super::MassSketch) makes those.
    pub fn new(binning: &Binning) -> Result<Self> {
        let (brier, nll) = Default::default();
        Ok(Self { bins: Counted::new(OPERATION, binning)?, brier, nll })
    }

    /// Counts `f32` or `f64` forecasts; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// Beyond `2^53` forecasts.
    pub fn extend<T: Scalar>(&mut self, forecasts: &BinaryForecasts<'_, T>) -> Result<()> {
        self.bins.check_room(OPERATION, forecasts.len() as u64)?;
        let cells = bin::count(&self.bins.edges, forecasts.probability(), forecasts.outcome());
        self.bins.add(&cells);
        for (p, y) in forecasts.pairs() {
            self.brier.push((p - y).powi(2));
            self.nll.push(if y > 0.0 { -p.ln() } else { -(-p).ln_1p() });
        }
        Ok(())
    }
}

impl Mergeable for ForecastCounts {
    type Batch<'a> = BinaryForecasts<'a>;
    type Report = ForecastReport;
    type Error = Error;

    fn update(&mut self, batch: BinaryForecasts<'_>) -> Result<()> {
        self.extend(&batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.bins.same(OPERATION, &other.bins)?;
        self.bins.check_room(OPERATION, other.bins.count())?;
        self.bins.add(&other.bins.cells);
        self.brier.add(&other.brier);
        self.nll.add(&other.nll);
        Ok(())
    }

    fn finish(&self) -> Result<ForecastReport> {
        let cells = &self.bins.cells;
        let count = self.bins.count();
        if count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "forecast" });
        }
        let correct: u64 = cells.iter().map(|cell| cell.correct).sum();
        let sum: u128 = cells.iter().map(|cell| cell.sum).sum();
        Ok(ForecastReport {
            reliability: Reliability::from_cells(&self.bins.edges, cells),
            rate: correct as f64 / count as f64,
            mean: sum as f64 * bin::UNIT / count as f64,
            brier: self.brier.mean(count).unwrap_or(1.0),
            nll: self.nll.mean(count),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.nll.write(self.brier.write(self.bins.write(Writer::new(KIND, VERSION)))).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let bins = Counted::read(&mut reader)?;
        let count = bins.count();
        let brier = LossSum::read(&mut reader, count, 1.0)?;
        let nll = LossSum::read(&mut reader, count, 4096.0)?;
        reader.finish()?;
        Ok(Self { bins, brier, nll })
    }
}
