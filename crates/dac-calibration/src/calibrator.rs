//! What all calibrators share: their input, their trait and their report.

use std::borrow::Cow;

use assay_array::Scalar;

use crate::forecasts::check_unit;
use crate::outputs::check_labels;
use crate::{Error, Logits, Overview, Probs, Result};

/// Bins of the ECE in a [`Quality`].
const ECE_BINS: usize = 15;
/// An ECE has to rise by more than this share of itself to be called worse.
const ECE_NOISE: f64 = 0.02;

/// A classifier's outputs, as logits or as probabilities, with a proximity for every sample where a
/// calibrator needs one.
///
/// A calibrator that works on probabilities takes the softmax of logits, one that works on logits
/// the logarithm of probabilities ([`Probs::ln`]): whichever was given is known, so that no softmax
/// is taken twice.
///
/// ```
/// use dac_calibration::{Logits, Predictions};
/// use ndarray::array;
/// let z = array![[2.0, 0.0], [0.5, 1.0]];
/// let predictions = Predictions::from(Logits::new(z.view())?).with_proximity(&[0.7, 0.5])?;
/// assert_eq!(predictions.samples(), 2);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions<'a, T: Scalar = f64> {
    outputs: Outputs<'a, T>,
    proximity: Option<Cow<'a, [f64]>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Outputs<'a, T: Scalar> {
    Logits(Logits<'a, T>),
    Probs(Probs<'a, T>),
}

impl<'a, T: Scalar> From<Logits<'a, T>> for Predictions<'a, T> {
    fn from(logits: Logits<'a, T>) -> Self {
        Self { outputs: Outputs::Logits(logits), proximity: None }
    }
}

impl<'a, T: Scalar> From<Probs<'a, T>> for Predictions<'a, T> {
    fn from(probs: Probs<'a, T>) -> Self {
        Self { outputs: Outputs::Probs(probs), proximity: None }
    }
}

impl<'a, T: Scalar> From<&'a Logits<'_, T>> for Predictions<'a, T> {
    fn from(logits: &'a Logits<'_, T>) -> Self {
        logits.reborrow().into()
    }
}

impl<'a, T: Scalar> From<&'a Probs<'_, T>> for Predictions<'a, T> {
    fn from(probs: &'a Probs<'_, T>) -> Self {
        probs.reborrow().into()
    }
}

impl<'a, T: Scalar> Predictions<'a, T> {
    /// Adds a proximity in `[0, 1]` for every sample.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Value`].
    pub fn with_proximity(self, proximity: &'a [f64]) -> Result<Self> {
        let (expected, got) = (self.samples(), proximity.len());
        if expected != got {
            let (operation, items) = ("predictions", "proximities");
            return Err(Error::Length { operation, items, expected, got });
        }
        check_unit("predictions: proximity", proximity)?;
        Ok(Self { proximity: Some(proximity.into()), ..self })
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        match &self.outputs {
            Outputs::Logits(logits) => logits.samples(),
            Outputs::Probs(probs) => probs.samples(),
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        match &self.outputs {
            Outputs::Logits(logits) => logits.classes(),
            Outputs::Probs(probs) => probs.classes(),
        }
    }

    /// The proximities, if there are any.
    pub fn proximity(&self) -> Option<&[f64]> {
        self.proximity.as_deref()
    }

    /// The probabilities: those given, or the softmax of the logits.
    pub fn probs(&self) -> Probs<'static> {
        match &self.outputs {
            Outputs::Logits(logits) => logits.softmax(),
            Outputs::Probs(probs) => Probs::trusted(probs.view().mapv(Scalar::to_f64)),
        }
    }

    /// The logits: those given, or the logarithm of the probabilities.
    pub fn logits(&self) -> Logits<'static> {
        match &self.outputs {
            Outputs::Logits(logits) => Logits::trusted(logits.view().mapv(Scalar::to_f64)),
            Outputs::Probs(probs) => probs.ln(),
        }
    }

    /// The logits as they are, where logits were given.
    pub(crate) fn given_logits(&self) -> Option<&Logits<'a, T>> {
        match &self.outputs {
            Outputs::Logits(logits) => Some(logits),
            Outputs::Probs(_) => None,
        }
    }

    /// One pass over predictions and labels, as [`Logits::overview`].
    ///
    /// # Errors
    /// As [`Logits::overview`].
    pub fn overview(&self, labels: &[usize], bins: usize) -> Result<Overview> {
        match &self.outputs {
            Outputs::Logits(logits) => logits.overview(labels, bins),
            Outputs::Probs(probs) => probs.overview(labels, bins),
        }
    }

    /// The samples at these places.
    pub(crate) fn select(&self, rows: &[usize]) -> Predictions<'static, T> {
        let outputs = match &self.outputs {
            Outputs::Logits(logits) => {
                Outputs::Logits(Logits::trusted(logits.view().select(ndarray::Axis(0), rows)))
            }
            Outputs::Probs(probs) => {
                Outputs::Probs(Probs::trusted(probs.view().select(ndarray::Axis(0), rows)))
            }
        };
        let pick = |all: &[f64]| rows.iter().filter_map(|&row| all.get(row).copied()).collect();
        Predictions { outputs, proximity: self.proximity.as_deref().map(pick) }
    }

    pub(crate) fn check_labels(&self, operation: &'static str, labels: &[usize]) -> Result<()> {
        check_labels(operation, labels, self.samples(), self.classes())
    }

    /// Checks that the number of classes is the one fitted on.
    pub(crate) fn check_classes(&self, operation: &'static str, classes: usize) -> Result<()> {
        if self.classes() == classes {
            return Ok(());
        }
        let expected = vec![self.samples(), classes];
        Err(Error::Shape { operation, expected, got: vec![self.samples(), self.classes()] })
    }
}

/// How good predictions are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quality {
    /// The share of predictions that are right.
    pub accuracy: f64,
    /// The mean negative log likelihood; `None` where a label has probability 0.
    pub nll: Option<f64>,
    /// The mean Brier score over all classes.
    pub brier: f64,
    /// The expected calibration error over 15 bins of equal width.
    pub ece: f64,
}

impl From<&Overview> for Quality {
    fn from(overview: &Overview) -> Self {
        let Overview { accuracy, nll, brier, .. } = *overview;
        Self { accuracy, nll, brier, ece: overview.reliability.ece() }
    }
}

/// What a fit minimised.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Objective {
    /// Its value where the fit began: at the identity, unless the calibrator says otherwise.
    pub before: f64,
    /// Its value at the end, never above `before`.
    pub after: f64,
    /// The largest component of its gradient at the end.
    pub gradient: f64,
}

/// Something about a fit that a user should know.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Warning {
    /// The optimum lies at a bound of the parameter, or beyond.
    AtBound {
        /// Which parameter.
        parameter: String,
        /// The bound.
        bound: f64,
    },
    /// The log likelihood improved and the calibration error grew: the family does not fit the data.
    NllFallsEceRises {
        /// The calibration error before.
        ece_before: f64,
        /// The calibration error after.
        ece_after: f64,
    },
    /// The optimiser stopped before it reached its tolerance.
    NotConverged {
        /// The largest component of the gradient left.
        gradient: f64,
    },
    /// Some labels now have probability 0.
    ImpossibleLabels,
    /// The share of right predictions changed.
    AccuracyChanged {
        /// Before.
        before: f64,
        /// After.
        after: f64,
    },
    /// A class that no label names: its calibration is a guess.
    AbsentClass {
        /// Which.
        class: usize,
    },
    /// A group of samples too small or too uniform for a fit of its own; the fit of all is used.
    GroupFallsBack {
        /// Which group.
        group: usize,
        /// Its samples.
        samples: usize,
    },
}

/// How a fit went, on the samples that it was fitted on.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FitReport {
    /// How many samples it was fitted on.
    pub samples: usize,
    /// Whether the optimiser reached its tolerance; true where there is nothing to iterate.
    pub converged: bool,
    /// Passes over the data, or steps of the optimiser; 0 where the fit is direct.
    pub iterations: usize,
    /// What was minimised; `None` where the fit is direct.
    pub objective: Option<Objective>,
    /// The predictions as they came.
    pub before: Quality,
    /// The predictions after calibration.
    pub after: Quality,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

impl FitReport {
    /// Whether the optimum lies at a bound.
    pub fn at_bound(&self) -> bool {
        self.warnings.iter().any(|warning| matches!(warning, Warning::AtBound { .. }))
    }

    /// A report on a direct fit.
    pub(crate) fn direct(before: &Overview, after: &Overview, warnings: Vec<Warning>) -> Self {
        Self::iterated(before, after, None, warnings)
    }

    /// A report on an iterated fit: steps, objective, whether it converged.
    pub(crate) fn iterated(
        before: &Overview,
        after: &Overview,
        steps: Option<(usize, bool, Objective)>,
        mut warnings: Vec<Warning>,
    ) -> Self {
        let samples = before.samples;
        let (before, after) = (Quality::from(before), Quality::from(after));
        if let Some((_, false, objective)) = steps {
            warnings.push(Warning::NotConverged { gradient: objective.gradient });
        }
        match (before.nll, after.nll) {
            (Some(nll_before), Some(nll_after))
                if nll_after < nll_before && after.ece > before.ece * (1.0 + ECE_NOISE) =>
            {
                let (ece_before, ece_after) = (before.ece, after.ece);
                warnings.push(Warning::NllFallsEceRises { ece_before, ece_after });
            }
            (_, None) => warnings.push(Warning::ImpossibleLabels),
            _ => {}
        }
        if before.accuracy != after.accuracy {
            let (before, after) = (before.accuracy, after.accuracy);
            warnings.push(Warning::AccuracyChanged { before, after });
        }
        let (iterations, converged, objective) = match steps {
            Some((iterations, converged, objective)) => (iterations, converged, Some(objective)),
            None => (0, true, None),
        };
        Self { samples, converged, iterations, objective, before, after, warnings }
    }

    /// Warnings about classes that no label names.
    pub(crate) fn absent_classes(labels: &[usize], classes: usize) -> Vec<Warning> {
        let mut seen = vec![false; classes];
        for &label in labels {
            if let Some(seen) = seen.get_mut(label) {
                *seen = true;
            }
        }
        let absent = seen.iter().enumerate().filter(|(_, seen)| !**seen);
        absent.map(|(class, _)| Warning::AbsentClass { class }).collect()
    }

    /// The overview of calibrated predictions, as every report needs it.
    pub(crate) fn look<T: Scalar>(
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Overview> {
        predictions.overview(labels, ECE_BINS)
    }

    /// The same for probabilities.
    pub(crate) fn look_probs(probs: &Probs<'_>, labels: &[usize]) -> Result<Overview> {
        probs.overview(labels, ECE_BINS)
    }
}

/// A map from a classifier's outputs to calibrated probabilities, fitted on held-out samples.
///
/// ```
/// use dac_calibration::{Calibrator, Logits, Temperature};
/// use ndarray::array;
/// let z = array![[4.0, 0.0], [3.0, 0.0], [0.0, 5.0], [0.0, 2.0]];
/// let logits = Logits::new(z.view())?;
/// let fitted = Temperature::fit(&Default::default(), &(&logits).into(), &[0, 1, 1, 1])?;
/// assert!(fitted.report().converged);
/// let calibrated = fitted.transform(&(&logits).into())?;
/// assert!(calibrated.view()[[0, 0]] < logits.softmax().view()[[0, 0]]);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
pub trait Calibrator: Sized {
    /// Its settings.
    type Config;
    /// Its name, for tables.
    const NAME: &'static str;

    /// Fits on outputs and labels of samples that the classifier was not trained on.
    ///
    /// # Errors
    /// For labels that do not fit the outputs, settings out of range, and samples that the
    /// calibrator's family has no fit for.
    fn fit<T: Scalar>(
        config: &Self::Config,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self>;

    /// Calibrated probabilities `[samples, classes]`.
    ///
    /// # Errors
    /// For another number of classes than fitted on.
    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>>;

    /// How the fit went.
    fn report(&self) -> &FitReport;
}
