use assay_array::Scalar;
use ndarray::Array2;

use super::isotonic::IsotonicCurve;
use super::stored::{Fitted, fitted, require, unit};
use crate::calibrator::{Calibrator, FitReport, Predictions};
use crate::{Probs, Result};

/// Added to every score in proportion to the probability it came from, so that equal scores keep
/// their order: the number of Mix-n-Match.
const TIE_BREAK: f64 = 1e-9;

/// How to fit multi-class isotonic regression: there is nothing to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiIsotonicConfig {}

/// Multi-class isotonic regression (IRM; Zhang, Kailkhura and Han 2020, *Mix-n-Match*): one function
/// for all classes, fitted on all `N·C` pairs of probability and outcome, so that predictions stay
/// the same up to ties.
///
/// [`transform`](Calibrator::transform) divides rows by their sum; [`scores`](Self::scores) are the
/// published code's, which are not.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MultiIsotonic {
    curve: IsotonicCurve,
    classes: usize,
    report: FitReport,
}

fitted!(MultiIsotonic { curve: IsotonicCurve, classes: usize, report: FitReport });

impl Fitted for MultiIsotonic {
    fn check(&self) -> Result<()> {
        let values = self.curve.knots().1;
        let holds = unit(values) && self.classes > 0;
        require(holds, "multi-class isotonic", "values in [0, 1] of some classes", values)
    }
}

impl MultiIsotonic {
    /// The function.
    pub fn curve(&self) -> &IsotonicCurve {
        &self.curve
    }

    /// Fitted values plus `1e-9 p`, not normalised: compatibility with Mix-n-Match.
    ///
    /// # Errors
    /// For another number of classes than fitted on.
    pub fn scores<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Array2<f64>> {
        predictions.check_classes("multi-class isotonic [samples, classes]", self.classes)?;
        Ok(scores(&self.curve, &predictions.probs()))
    }
}

fn scores(curve: &IsotonicCurve, probs: &Probs<'_>) -> Array2<f64> {
    probs.view().mapv(|p| curve.predict(p) + TIE_BREAK * p)
}

fn normalised(mut scores: Array2<f64>) -> Probs<'static> {
    for mut row in scores.outer_iter_mut() {
        // Positive: a row's largest probability is, and 1e-9 of it remains.
        let sum = row.sum();
        row.mapv_inplace(|score| (score / sum).min(1.0));
    }
    Probs::trusted(scores)
}

impl Calibrator for MultiIsotonic {
    type Config = MultiIsotonicConfig;
    const NAME: &'static str = "multi-isotonic";

    fn fit<T: Scalar>(
        _: &MultiIsotonicConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels("multi-class isotonic", labels)?;
        let probs = predictions.probs();
        let curve = IsotonicCurve::fit(&probs.all_classes(labels)?);
        let before = FitReport::look(predictions, labels)?;
        let after = FitReport::look_probs(&normalised(scores(&curve, &probs)), labels)?;
        let report = FitReport::direct(&before, &after, Vec::new());
        Ok(Self { curve, classes: probs.classes(), report })
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        Ok(normalised(self.scores(predictions)?))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}
