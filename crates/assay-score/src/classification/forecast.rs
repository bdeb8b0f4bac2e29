//! Whether stated probabilities are good: Brier score, log loss, calibration error.

use assay_array::Scalar;

use crate::bytes::{Kind, Reader, Writer};
use crate::moments::{Moments, MomentsReport};
use crate::{EdgeRule, Error, HistogramConfig, Mergeable, Result};

const KIND: Kind = *b"forecast";
const VERSION: u16 = 1;
const OPERATION: &str = "forecasts";
/// Probabilities are kept this far from 0 and 1 in logarithms, as scikit-learn does for `f64`: one
/// certain mistake costs 36 instead of everything.
const CLIP: f64 = f64::EPSILON;
/// What a row of probabilities may miss a sum of one by: `f32` softmax over thousands of classes.
const SUM_SLACK: f64 = 1e-4;

/// Mean Brier score and log loss of stated probabilities.
///
/// - Two classes, one probability `p` of the positive an item: `(p − y)²` and
///   `−y ln p − (1 − y) ln(1 − p)`. Made by [`Forecasts::binary`].
/// - `K` classes, one row of `K` probabilities an item: `Σ_k (p_k − y_k)²`, which is up to 2, and
///   `−ln p_y`. Made by [`Forecasts::of_classes`].
///
/// Both are proper: the true probabilities minimise their expectation (Brier 1950; Good 1952).
/// Merging is exact to rounding, as for [`Moments`].
///
/// ```
/// use assay_score::{Mergeable, classification::{Forecasts, ProbabilityRows}};
/// let mut forecasts = Forecasts::binary();
/// let (probabilities, truth) = (&[0.9, 0.2, 0.65, 0.4, 0.05], &[1, 0, 1, 1, 0]);
/// forecasts.update(ProbabilityRows { truth, probabilities })?;
/// let report = forecasts.finish()?;
/// assert!((report.brier.mean - 0.107).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Forecasts {
    /// Zero stands for one probability an item.
    classes: usize,
    brier: Moments,
    log_loss: Moments,
}

/// A batch for [`Forecasts`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbabilityRows<'a> {
    /// The class that came about: 0 or 1 for two classes.
    pub truth: &'a [usize],
    /// One probability of class 1 an item, or rows of one probability a class.
    pub probabilities: &'a [f64],
}

/// What [`Forecasts`] report; the standard errors are in [`MomentsReport::standard_error`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForecastsReport {
    /// Of the Brier score.
    pub brier: MomentsReport,
    /// Of the log loss, with probabilities clipped to `[ε, 1 − ε]`, `ε = 2.2e-16`.
    pub log_loss: MomentsReport,
}

impl Forecasts {
    /// For one probability an item.
    pub fn binary() -> Self {
        Self { classes: 0, brier: Moments::new(), log_loss: Moments::new() }
    }

    /// For one row of probabilities an item.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than two classes.
    pub fn of_classes(classes: usize) -> Result<Self> {
        if classes < 2 {
            let (name, expected) = ("classes", "at least 2");
            return Err(Error::Setting {
                operation: OPERATION,
                name,
                expected,
                got: classes as f64,
            });
        }
        Ok(Self { classes, ..Self::binary() })
    }
}

impl Mergeable for Forecasts {
    type Batch<'a> = ProbabilityRows<'a>;
    type Report = ForecastsReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Length`] unless there is a row for each class that came about, [`Error::Label`] for a
    /// class out of range, [`Error::Value`] for a probability that is none, and for a row whose sum
    /// is not 1 to within 1e-4, with the row as index and the sum as value.
    fn update(&mut self, batch: ProbabilityRows<'_>) -> Result<()> {
        let width = self.classes.max(1);
        let expected = batch.truth.len().saturating_mul(width);
        if batch.probabilities.len() != expected {
            let (items, got) = ("probabilities", batch.probabilities.len());
            return Err(Error::Length { operation: OPERATION, items, expected, got });
        }
        let limit = self.classes.max(2);
        if let Some(index) = batch.truth.iter().position(|&truth| truth >= limit) {
            let label = batch.truth[index];
            return Err(Error::Label { operation: OPERATION, index, label, limit });
        }
        check_probabilities(OPERATION, batch.probabilities)?;
        let rows = || batch.probabilities.chunks(width);
        if width > 1 {
            let off = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() > SUM_SLACK;
            if let Some(index) = rows().position(off) {
                let value = batch.probabilities[index * width..][..width].iter().sum();
                let (lower, upper) = (1.0 - SUM_SLACK, 1.0 + SUM_SLACK);
                return Err(Error::Value { operation: OPERATION, index, value, lower, upper });
            }
        }
        let losses = rows().zip(batch.truth).map(|(row, &truth)| losses(truth, row));
        let (brier, log_loss): (Vec<f64>, Vec<f64>) = losses.unzip();
        let mut updated = self.brier;
        updated.update(&brier)?;
        self.log_loss.update(&log_loss)?;
        self.brier = updated;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.classes != other.classes {
            return Err(Error::Incompatible {
                operation: "merge of forecasts",
                what: "the number of classes",
                left: self.classes.to_string(),
                right: other.classes.to_string(),
            });
        }
        let mut merged = self.brier;
        merged.merge(&other.brier)?;
        self.log_loss.merge(&other.log_loss)?;
        self.brier = merged;
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when nothing was counted.
    fn finish(&self) -> Result<ForecastsReport> {
        Ok(ForecastsReport { brier: self.brier.finish()?, log_loss: self.log_loss.finish()? })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let bytes = Writer::new(KIND, VERSION).u64(self.classes as u64).finish();
        [bytes, self.brier.to_bytes(), self.log_loss.to_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let empty = Self::binary().to_bytes().len();
        let moments = Moments::new().to_bytes().len();
        let (head, rest) = bytes.split_at(bytes.len().min(empty - 2 * moments));
        let mut reader = Reader::new(head, KIND, VERSION)?;
        let classes = reader.u64()?;
        let classes = usize::try_from(classes).ok().filter(|&classes| classes != 1);
        let Some(classes) = classes else {
            return Err(reader.invalid("a number of classes that exists", 1));
        };
        let (brier, log_loss) = rest.split_at(rest.len().min(moments));
        let (brier, log_loss) = (Moments::from_bytes(brier)?, Moments::from_bytes(log_loss)?);
        let count = |moments: &Moments| moments.finish().map_or(0, |report| report.count);
        let bounds = |moments: &Moments, upper: f64| {
            moments.finish().map_or(true, |report| report.min >= 0.0 && report.max <= upper)
        };
        if count(&brier) != count(&log_loss) || !bounds(&brier, 4.0) || !bounds(&log_loss, 40.0) {
            return Err(reader.invalid("losses of the same forecasts", count(&brier)));
        }
        reader.finish()?;
        Ok(Self { classes, brier, log_loss })
    }
}

/// The expected calibration error of the probability of the positive class,
/// `Σ_b n_b/n |mean p − share of positives|` over `bins` equal bins `(lower, upper]`, the first
/// closed (Naeini, Cooper and Hauskrecht 2015).
///
/// A biased measure that depends on the bins; see the crate `dac-calibration` for better ones.
///
/// # Errors
/// [`Error::Length`], [`Error::Empty`], [`Error::Value`] for a probability that is none, and
/// [`Error::Setting`] for no bins or too many.
pub fn expected_calibration_error<T: Scalar>(
    positive: &[bool],
    probabilities: &[T],
    bins: usize,
) -> Result<f64> {
    let operation = "expected calibration error";
    let (expected, got) = (positive.len(), probabilities.len());
    if expected != got {
        return Err(Error::Length { operation, items: "probabilities", expected, got });
    }
    if got == 0 {
        return Err(Error::Empty { operation, item: "probability" });
    }
    let probabilities: Vec<f64> = probabilities.iter().map(|p| p.to_f64()).collect();
    check_probabilities(operation, &probabilities)?;
    let grid =
        HistogramConfig::uniform(0.0, 1.0, bins).with_edge_rule(EdgeRule::UpperClosed).init()?;
    let edges = grid.finish()?.edges;
    let mut sums = vec![0.0; bins];
    for (&p, &positive) in probabilities.iter().zip(positive) {
        // The first bin whose upper edge is not below the probability.
        let bin = edges[1..].partition_point(|&upper| upper < p).min(bins - 1);
        sums[bin] += p - f64::from(u8::from(positive));
    }
    Ok(sums.iter().map(|sum| sum.abs()).sum::<f64>() / got as f64)
}

fn check_probabilities(operation: &'static str, probabilities: &[f64]) -> Result<()> {
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(index) => {
            let value = probabilities[index];
            Err(Error::Value { operation, index, value, lower: 0.0, upper: 1.0 })
        }
    }
}

/// The Brier score and log loss of one forecast.
fn losses(truth: usize, row: &[f64]) -> (f64, f64) {
    if let &[p] = row {
        let of_truth = if truth == 1 { p } else { 1.0 - p };
        return ((p - truth as f64).powi(2), -of_truth.clamp(CLIP, 1.0 - CLIP).ln());
    }
    let brier = row.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == truth))).powi(2));
    (brier.sum(), -row[truth].clamp(CLIP, 1.0 - CLIP).ln())
}
