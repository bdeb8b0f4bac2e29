use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::stored::{Fitted, fitted, require};
use crate::calibrator::{Calibrator, FitReport, Predictions};
use crate::kernel::row;
use crate::{Error, Probs, Result};

const OPERATION: &str = "density-ratio calibration";

/// How to fit density-ratio calibration: there is nothing to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DensityRatioConfig {}

/// A kernel density estimate over (confidence, proximity) with a product of Gaussians.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Density {
    /// Confidences in bandwidths.
    x: Vec<f64>,
    /// Proximities in bandwidths.
    y: Vec<f64>,
    bandwidth: [f64; 2],
}

impl Density {
    /// Bandwidths by the normal reference rule, `1.06 σ n^{−1/6}`, with the population's `σ`.
    fn new(points: &[(f64, f64)], sides: [&'static str; 3]) -> Result<Self> {
        let n = points.len() as f64;
        let undefined = |reason| Error::Undefined { operation: OPERATION, reason };
        if points.is_empty() {
            return Err(undefined(sides[0]));
        }
        let bandwidth = |of: fn(&(f64, f64)) -> f64, constant: &'static str| {
            let mean = points.iter().map(of).sum::<f64>() / n;
            let variance = points.iter().map(|point| (of(point) - mean).powi(2)).sum::<f64>() / n;
            let width = 1.06 * variance.sqrt() * n.powf(-1.0 / 6.0);
            // Equal values leave at most rounding.
            if width > 1e-12 { Ok(width) } else { Err(undefined(constant)) }
        };
        let h = [bandwidth(|point| point.0, sides[1])?, bandwidth(|point| point.1, sides[2])?];
        let (x, y) = points.iter().map(|point| (point.0 / h[0], point.1 / h[1])).unzip();
        Ok(Self { x, y, bandwidth: h })
    }

    /// `ln Σ_i exp(−½ ((c − c_i)²/h_c² + (d − d_i)²/h_d²)) − ln(h_c h_d)`: the log of the number of
    /// points times the density, up to a constant.
    fn log_mass(&self, confidence: f64, proximity: f64) -> f64 {
        let (a, b) = (confidence / self.bandwidth[0], proximity / self.bandwidth[1]);
        let (nearest, sum) = Arch::new().dispatch(LogSum { x: &self.x, y: &self.y, at: [a, b] });
        sum.ln() - 0.5 * nearest - (self.bandwidth[0] * self.bandwidth[1]).ln()
    }
}

/// The smallest squared distance from a point, and `Σ exp(−½ (d² − smallest))`.
struct LogSum<'a> {
    x: &'a [f64],
    y: &'a [f64],
    at: [f64; 2],
}

impl WithSimd for LogSum<'_> {
    type Output = (f64, f64);

    #[allow(clippy::inline_always)] // else it is not compiled for the instructions found at run time
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f64, f64) {
        const LANES: usize = 8;
        let Self { x, y, at: [a, b] } = self;
        let square = |x: f64, y: f64| (a - x) * (a - x) + (b - y) * (b - y);
        let mut nearest = [f64::INFINITY; LANES];
        let (xs, x_rest) = x.as_chunks::<LANES>();
        let (ys, y_rest) = y.as_chunks::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            for k in 0..LANES {
                let d = square(x[k], y[k]);
                nearest[k] = if d < nearest[k] { d } else { nearest[k] };
            }
        }
        let mut nearest = nearest.iter().fold(f64::INFINITY, |low, &d| low.min(d));
        for (&x, &y) in x_rest.iter().zip(y_rest) {
            nearest = nearest.min(square(x, y));
        }
        let mut sums = [0.0; LANES];
        for (x, y) in xs.iter().zip(ys) {
            for k in 0..LANES {
                sums[k] += (-0.5 * (square(x[k], y[k]) - nearest)).exp_branchless();
            }
        }
        let mut sum: f64 = sums.iter().sum();
        for (&x, &y) in x_rest.iter().zip(y_rest) {
            sum += (-0.5 * (square(x, y) - nearest)).exp_branchless();
        }
        (nearest, sum)
    }
}

/// Density-ratio calibration (Xiong et al. 2023, *Proximity-Informed Calibration*): the probability of
/// being right, given the confidence and the proximity of a sample, by Bayes' rule on two densities:
///
/// `p̂ = f₊(c, d) N₊ / (f₊(c, d) N₊ + f₋(c, d) N₋)`
///
/// with `f₊`, `f₋` kernel density estimates over the right and the wrong calibration samples. The
/// predicted class gets `p̂`, the others share the rest as before, so the prediction can change.
///
/// The ratio is taken in log space: far from all calibration samples it goes to that of the nearest
/// ones, where the published code returns 0 (its densities underflow below a floor of 1e-10).
///
/// Takes [`Predictions`] with a proximity for every sample.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DensityRatio {
    right: Density,
    wrong: Density,
    classes: usize,
    report: FitReport,
}

fitted!(DensityRatio { right: Density, wrong: Density, classes: usize, report: FitReport });

impl Fitted for DensityRatio {
    fn check(&self) -> Result<()> {
        let density = |density: &Density| {
            let all = density.x.iter().chain(&density.y);
            !density.x.is_empty()
                && density.x.len() == density.y.len()
                && all.clone().all(|x| x.is_finite())
                && density.bandwidth.iter().all(|&h| h > 0.0 && h.is_finite())
        };
        let holds = density(&self.right) && density(&self.wrong) && self.classes > 0;
        let expected = "two densities of some points and positive bandwidths";
        require(holds, OPERATION, expected, (self.right.bandwidth, self.wrong.bandwidth))
    }
}

impl DensityRatio {
    /// The bandwidths over right samples: of confidence and of proximity.
    pub fn right_bandwidth(&self) -> [f64; 2] {
        self.right.bandwidth
    }

    /// The bandwidths over wrong samples: of confidence and of proximity.
    pub fn wrong_bandwidth(&self) -> [f64; 2] {
        self.wrong.bandwidth
    }

    /// `N₋ / N₊`.
    pub fn wrong_to_right(&self) -> f64 {
        self.wrong.x.len() as f64 / self.right.x.len() as f64
    }

    /// The probability of being right.
    pub fn predict(&self, confidence: f64, proximity: f64) -> f64 {
        let right = self.right.log_mass(confidence, proximity);
        let wrong = self.wrong.log_mass(confidence, proximity);
        assay_array::numeric::sigmoid(right - wrong)
    }

    fn apply(&self, probs: &Probs<'_>, proximity: &[f64]) -> Probs<'static> {
        let mut out = probs.view().to_owned();
        let classes = self.classes;
        if let Some(all) = out.as_slice_mut() {
            all.par_chunks_mut(classes).zip(proximity).for_each(|(row, &proximity)| {
                let top = row::argmax(row);
                let confidence = row.get(top).copied().unwrap_or(0.0);
                with_top(row, top, self.predict(confidence, proximity));
            });
        }
        Probs::trusted(out)
    }
}

/// Gives one class a probability and lets the others share the rest in the proportions they had;
/// evenly where they had nothing. A single class keeps all.
pub(super) fn with_top(row: &mut [f64], top: usize, probability: f64) {
    let others = row.len() - 1;
    if others == 0 {
        return;
    }
    let kept: f64 = row.iter().enumerate().filter(|(k, _)| *k != top).map(|(_, p)| p).sum();
    let rest = 1.0 - probability;
    for (k, p) in row.iter_mut().enumerate() {
        *p = match (k == top, kept > 0.0) {
            (true, _) => probability,
            (false, true) => (*p * (rest / kept)).min(1.0),
            (false, false) => rest / others as f64,
        };
    }
}

impl Calibrator for DensityRatio {
    type Config = DensityRatioConfig;
    const NAME: &'static str = "density ratio";

    /// # Errors
    /// [`Error::NoProximity`]; [`Error::Length`] and [`Error::Label`] for labels that do not fit;
    /// [`Error::Undefined`] where no sample is right, none is wrong, or the confidences or
    /// proximities of either are all equal.
    fn fit<T: Scalar>(
        _: &DensityRatioConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        let proximity =
            predictions.proximity().ok_or(Error::NoProximity { operation: OPERATION })?;
        let probs = predictions.probs();
        let top = probs.top_label(labels)?;
        let side = |wanted: bool| -> Vec<(f64, f64)> {
            let points = top.probability().iter().copied().zip(proximity.iter().copied());
            let chosen = points.zip(top.outcome()).filter(|(_, right)| **right == wanted);
            chosen.map(|(point, _)| point).collect()
        };
        let right = Density::new(
            &side(true),
            [
                "no calibration sample is right",
                "all right calibration samples have one confidence",
                "all right calibration samples have one proximity",
            ],
        )?;
        let wrong = Density::new(
            &side(false),
            [
                "no calibration sample is wrong",
                "all wrong calibration samples have one confidence",
                "all wrong calibration samples have one proximity",
            ],
        )?;
        let before = FitReport::look(predictions, labels)?;
        let report = FitReport::direct(&before, &before, Vec::new());
        let mut fitted = Self { right, wrong, classes: probs.classes(), report };
        let after = FitReport::look_probs(&fitted.apply(&probs, proximity), labels)?;
        fitted.report = FitReport::direct(&before, &after, Vec::new());
        Ok(fitted)
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("density-ratio calibration [samples, classes]", self.classes)?;
        let proximity =
            predictions.proximity().ok_or(Error::NoProximity { operation: OPERATION })?;
        Ok(self.apply(&predictions.probs(), proximity))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}
