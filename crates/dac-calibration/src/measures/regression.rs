//! Calibration of regression: intervals, standard deviations and quantiles.

use crate::binning::{check_bins, even_parts};
use crate::kernel::order;
use crate::{Error, Result};

fn finite(operation: &'static str, values: &[f64], column: usize) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::NotFinite { operation, row, column, value: values[row] }),
        None => Ok(()),
    }
}

fn same_length(
    operation: &'static str,
    items: &'static str,
    targets: &[f64],
    other: &[f64],
) -> Result<()> {
    let (expected, got) = (targets.len(), other.len());
    if expected == 0 {
        return Err(Error::Empty { operation, item: "target" });
    }
    if expected != got {
        return Err(Error::Length { operation, items, expected, got });
    }
    Ok(())
}

/// How often intervals hold the target, and how wide they are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IntervalCoverage {
    /// Prediction interval coverage probability: the share of targets inside, ends included.
    pub picp: f64,
    /// The mean width.
    pub width: f64,
}

/// Prediction interval coverage probability (PICP) and mean width.
///
/// # Errors
/// [`Error::Empty`]; [`Error::Length`]; [`Error::NotFinite`] (column 0 targets, 1 lower, 2 upper);
/// [`Error::Value`] for an interval whose upper end is below its lower.
pub fn interval_coverage(
    targets: &[f64],
    lower: &[f64],
    upper: &[f64],
) -> Result<IntervalCoverage> {
    let operation = "interval coverage";
    same_length(operation, "lower ends", targets, lower)?;
    same_length(operation, "upper ends", targets, upper)?;
    for (column, values) in [targets, lower, upper].into_iter().enumerate() {
        finite(operation, values, column)?;
    }
    if let Some(index) = lower.iter().zip(upper).position(|(lower, upper)| lower > upper) {
        let expected = "upper ends not below the lower ones";
        return Err(Error::Value { operation, expected, index, value: upper[index] });
    }
    let n = targets.len() as f64;
    let inside =
        targets.iter().zip(lower.iter().zip(upper)).filter(|(y, (l, u))| (*l..=*u).contains(y));
    let picp = inside.count() as f64 / n;
    let width = lower.iter().zip(upper).map(|(lower, upper)| (upper - lower) / n).sum();
    Ok(IntervalCoverage { picp, width })
}

/// Calibration of predicted standard deviations over bins of them.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeviationCalibration {
    /// Of each bin, from small to large: its size, `RMV_b = √mean σ²` and `RMSE_b = √mean (y − μ)²`.
    pub bins: Vec<DeviationBin>,
}

/// One bin of a [`DeviationCalibration`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeviationBin {
    /// How many predictions it holds.
    pub count: usize,
    /// The root of the mean predicted variance.
    pub predicted: f64,
    /// The root of the mean squared error.
    pub observed: f64,
}

impl DeviationCalibration {
    /// Expected normalised calibration error (Levi et al. 2022): the mean over bins of
    /// `|RMV_b − RMSE_b| / RMV_b`.
    pub fn ence(&self) -> f64 {
        let terms = self.bins.iter().map(|b| (b.predicted - b.observed).abs() / b.predicted);
        terms.sum::<f64>() / self.bins.len().max(1) as f64
    }

    /// Uncertainty calibration error (Laves et al. 2020): `Σ n_b/N · |RMSE_b² − RMV_b²|`.
    pub fn uce(&self) -> f64 {
        let total: usize = self.bins.iter().map(|bin| bin.count).sum();
        let term = |b: &DeviationBin| {
            b.count as f64 / total as f64
                * (b.observed * b.observed - b.predicted * b.predicted).abs()
        };
        self.bins.iter().map(term).sum()
    }
}

/// Bins predictions `N(μ, σ²)` by `σ` into parts of equal size.
///
/// # Errors
/// [`Error::Empty`]; [`Error::Length`]; [`Error::NotFinite`] (column 0 targets, 1 means, 2
/// deviations); [`Error::Value`] for a deviation that is not positive; [`Error::Parameter`] for no
/// bins.
pub fn deviation_calibration(
    targets: &[f64],
    means: &[f64],
    deviations: &[f64],
    bins: usize,
) -> Result<DeviationCalibration> {
    let operation = "deviation calibration";
    check_bins(bins)?;
    same_length(operation, "means", targets, means)?;
    same_length(operation, "deviations", targets, deviations)?;
    for (column, values) in [targets, means, deviations].into_iter().enumerate() {
        finite(operation, values, column)?;
    }
    if let Some(index) = deviations.iter().position(|&s| s <= 0.0) {
        let expected = "positive deviations";
        return Err(Error::Value { operation, expected, index, value: deviations[index] });
    }
    let order = order::ascending(deviations);
    let part = |range: std::ops::Range<usize>| {
        let members = order.get(range).unwrap_or_default();
        let n = members.len() as f64;
        let mean =
            |f: &dyn Fn(usize) -> f64| members.iter().map(|&i| f(i as usize)).sum::<f64>() / n;
        DeviationBin {
            count: members.len(),
            predicted: mean(&|i| deviations[i].powi(2)).sqrt(),
            observed: mean(&|i| (targets[i] - means[i]).powi(2)).sqrt(),
        }
    };
    let parts = even_parts(targets.len(), bins).filter(|range| !range.is_empty());
    Ok(DeviationCalibration { bins: parts.map(part).collect() })
}

/// How often targets fall below predicted quantiles.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuantileCalibration {
    /// The levels asked for.
    pub levels: Vec<f64>,
    /// The share of targets at or below each.
    pub observed: Vec<f64>,
}

impl QuantileCalibration {
    /// The mean distance between level and share.
    pub fn mean_error(&self) -> f64 {
        let pairs = self.levels.iter().zip(&self.observed);
        pairs.map(|(level, observed)| (level - observed).abs()).sum::<f64>()
            / self.levels.len().max(1) as f64
    }

    /// The mean squared distance (Kuleshov, Fenner and Ermon 2018).
    pub fn mean_square_error(&self) -> f64 {
        let pairs = self.levels.iter().zip(&self.observed);
        pairs.map(|(level, observed)| (level - observed).powi(2)).sum::<f64>()
            / self.levels.len().max(1) as f64
    }
}

/// Compares probability integral transforms `F_i(y_i)`, in `[0, 1]`, with the uniform distribution: at
/// each level the share of targets below the predicted quantile of that level.
///
/// # Errors
/// [`Error::Empty`] for no targets or levels, [`Error::Value`] for either outside `[0, 1]`.
pub fn quantile_calibration(transforms: &[f64], levels: &[f64]) -> Result<QuantileCalibration> {
    let operation = "quantile calibration";
    for (item, values) in [("target", transforms), ("level", levels)] {
        if values.is_empty() {
            return Err(Error::Empty { operation, item });
        }
        crate::forecasts::check_unit(operation, values)?;
    }
    let sorted = crate::binning::sorted(transforms);
    let share = |level: &f64| sorted.partition_point(|t| t <= level) as f64 / sorted.len() as f64;
    Ok(QuantileCalibration {
        levels: levels.to_vec(),
        observed: levels.iter().map(share).collect(),
    })
}

/// The mean pinball loss of predicted quantiles of one level:
/// `level · (y − q)` where `y ≥ q`, `(1 − level) · (q − y)` elsewhere.
///
/// # Errors
/// [`Error::Empty`]; [`Error::Length`]; [`Error::NotFinite`] (column 0 targets, 1 quantiles);
/// [`Error::Parameter`] for a level outside `(0, 1)`.
pub fn pinball(targets: &[f64], quantiles: &[f64], level: f64) -> Result<f64> {
    let operation = "pinball loss";
    if !(level > 0.0 && level < 1.0) {
        let (name, expected) = ("level of the pinball loss", "in (0, 1)");
        return Err(Error::Parameter { name, expected, got: level });
    }
    same_length(operation, "quantiles", targets, quantiles)?;
    finite(operation, targets, 0)?;
    finite(operation, quantiles, 1)?;
    let loss =
        targets.iter().zip(quantiles).map(|(y, q)| (level * (y - q)).max((level - 1.0) * (y - q)));
    Ok(loss.sum::<f64>() / targets.len() as f64)
}
