use assay_array::Scalar;
use assay_array::linalg::cholesky;
use ndarray::Array2;

use super::density_ratio::with_top;
use super::stored::{Fitted, ascending, fitted, require, unit};
use crate::calibrator::{Calibrator, FitReport, Predictions};
use crate::kernel::row;
use crate::{BinaryForecasts, Error, Probs, Result};

const OPERATION: &str = "spline calibration";
/// Points of the stored function.
const TABLE: usize = 1000;

/// How to fit spline calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SplineConfig {
    knots: usize,
}

impl Default for SplineConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl SplineConfig {
    /// Six knots.
    pub fn new() -> Self {
        Self { knots: 6 }
    }

    /// Sets the number of knots, from 3 to 20.
    #[must_use]
    pub fn with_knots(self, knots: usize) -> Self {
        Self { knots }
    }
}

/// Spline calibration of the top label (Gupta et al. 2021).
///
/// With confidences sorted, `h(k/N) = (1/N) Σ_{i≤k} [right_i]` is the cumulated accuracy. A natural
/// cubic spline is fitted to it by least squares; its slope at the percentile of a confidence is the
/// accuracy there, the calibrated confidence. The other classes share the rest as before.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Spline {
    confidence: Vec<f64>,
    calibrated: Vec<f64>,
    classes: usize,
    report: FitReport,
}

fitted!(Spline {
    confidence: Vec<f64>,
    calibrated: Vec<f64>,
    classes: usize,
    report: FitReport,
});

impl Fitted for Spline {
    fn check(&self) -> Result<()> {
        let holds = !self.confidence.is_empty()
            && self.confidence.len() == self.calibrated.len()
            && ascending(&self.confidence)
            && unit(&self.calibrated)
            && self.classes > 0;
        let expected = "ascending confidences with a probability each";
        require(holds, OPERATION, expected, (self.confidence.len(), self.calibrated.len()))
    }
}

impl Spline {
    /// The calibrated confidence.
    pub fn predict(&self, confidence: f64) -> f64 {
        let above = self.confidence.partition_point(|&c| c < confidence);
        let at = |i: usize| Some((*self.confidence.get(i)?, *self.calibrated.get(i)?));
        match (above.checked_sub(1).and_then(at), at(above)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * ((confidence - x0) / (x1 - x0)),
            (_, Some((_, y))) | (Some((_, y)), None) => y,
            (None, None) => confidence,
        }
    }

    fn apply(&self, probs: &Probs<'_>) -> Probs<'static> {
        let mut out = probs.view().to_owned();
        for mut row in out.outer_iter_mut() {
            if let Some(row) = row.as_slice_mut() {
                let top = row::argmax(row);
                let confidence = row.get(top).copied().unwrap_or(0.0);
                with_top(row, top, self.predict(confidence));
            }
        }
        Probs::trusted(out)
    }
}

/// The natural cubic basis at `x`, and its slope: `1`, `x`, `d_k − d_{K−2}` with truncated cubes
/// (Hastie, Tibshirani and Friedman 2009, section 5.2.1), knots evenly spaced over `[0, 1]`.
fn basis(x: f64, knots: usize) -> Vec<(f64, f64)> {
    let at = |k: usize| k as f64 / (knots - 1) as f64;
    let cube = |k: usize| {
        let d = (x - at(k)).max(0.0);
        (d * d * d, 3.0 * d * d)
    };
    let last = cube(knots - 1);
    let d = |k: usize| {
        let (value, slope) = cube(k);
        let width = at(knots - 1) - at(k);
        ((value - last.0) / width, (slope - last.1) / width)
    };
    let reference = d(knots - 2);
    let mut all = vec![(1.0, 0.0), (x, 1.0)];
    all.extend((0..knots - 2).map(d).map(|(v, s)| (v - reference.0, s - reference.1)));
    all
}

/// Least squares by the normal equations: a basis of at most 20 functions, values of order 1.
fn least_squares(
    rows: impl Iterator<Item = (Vec<(f64, f64)>, f64)>,
    size: usize,
) -> Result<Vec<f64>> {
    let (mut gram, mut right) = (Array2::<f64>::zeros((size, size)), vec![0.0; size]);
    for (row, y) in rows {
        for (i, &(a, _)) in row.iter().enumerate() {
            right[i] += a * y;
            for (j, &(b, _)) in row.iter().enumerate().take(i + 1) {
                gram[[i, j]] += a * b;
            }
        }
    }
    // Fewer samples than knots leave the system singular: the smallest ridge that rounding allows.
    let ridge = 1e-12 * gram.diag().sum().max(f64::MIN_POSITIVE);
    gram.diag_mut().mapv_inplace(|d| d + ridge);
    let failed = |error: assay_array::Error| Error::Linalg {
        operation: OPERATION,
        message: error.to_string(),
    };
    let l = cholesky(gram.view()).map_err(failed)?;
    for i in 0..size {
        let sum: f64 = (0..i).map(|k| l[[i, k]] * right[k]).sum();
        right[i] = (right[i] - sum) / l[[i, i]];
    }
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|k| l[[k, i]] * right[k]).sum();
        right[i] = (right[i] - sum) / l[[i, i]];
    }
    Ok(right)
}

/// The stored function: confidences, strictly ascending, and their calibrated values.
fn table(forecasts: &BinaryForecasts<'_>, knots: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let sorted = forecasts.ascending();
    let n = sorted.len() as f64;
    let mut sum = 0.0;
    let points = sorted.iter().zip(1_u32..).map(|(&(_, y), k)| {
        sum += y;
        (basis(f64::from(k) / n, knots), sum / n)
    });
    let weights = least_squares(points, knots)?;
    let slope = |x: f64| {
        let terms = basis(x, knots).into_iter().zip(&weights);
        terms.map(|((_, slope), w)| slope * w).sum::<f64>().clamp(0.0, 1.0)
    };
    let (mut confidence, mut calibrated) = (Vec::new(), Vec::new());
    let stride = sorted.len().div_ceil(TABLE).max(1);
    let mut start = 0;
    while start < sorted.len() {
        let c = sorted[start].0;
        // Equal confidences take the slope in the middle of their run.
        let end = sorted.partition_point(|pair| pair.0 <= c);
        confidence.push(c);
        calibrated.push(slope((start + end) as f64 / 2.0 / n));
        start = end.max(start + stride);
    }
    Ok((confidence, calibrated))
}

impl Calibrator for Spline {
    type Config = SplineConfig;
    const NAME: &'static str = "spline";

    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Parameter`] for
    /// fewer than 3 knots or more than 20.
    fn fit<T: Scalar>(
        config: &SplineConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        if !(3..=20).contains(&config.knots) {
            let (name, expected) = ("knots of the spline", "from 3 to 20");
            return Err(Error::Parameter { name, expected, got: config.knots as f64 });
        }
        let probs = predictions.probs();
        let (confidence, calibrated) = table(&probs.top_label(labels)?, config.knots)?;
        let before = FitReport::look(predictions, labels)?;
        let report = FitReport::direct(&before, &before, Vec::new());
        let mut fitted = Self { confidence, calibrated, classes: probs.classes(), report };
        let after = FitReport::look_probs(&fitted.apply(&probs), labels)?;
        fitted.report = FitReport::direct(&before, &after, Vec::new());
        Ok(fitted)
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("spline calibration [samples, classes]", self.classes)?;
        Ok(self.apply(&predictions.probs()))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}
