use assay_array::Scalar;
use ndarray::Array2;

use super::stored::{Fitted, fitted};
use crate::calibrator::{Calibrator, FitReport, Predictions};
use crate::{BinaryForecasts, Error, Probs, Result};

/// A map from the probability of an event to a calibrated one: what [`OneVsRest`] makes a calibrator of
/// many classes from.
pub trait BinaryCurve: Sized {
    /// Its settings.
    type Config;
    /// Its name, for tables and messages.
    const NAME: &'static str;

    /// Fits on the forecasts of one class.
    ///
    /// # Errors
    /// For settings out of range, and forecasts that the family has no fit for.
    fn fit_class(config: &Self::Config, forecasts: &BinaryForecasts<'_>) -> Result<Self>;

    /// The calibrated probability, in `[0, 1]`.
    fn map(&self, probability: f64) -> f64;

    /// Whether the fit reached its tolerance; a fit in closed form has.
    fn converged(&self) -> bool {
        true
    }
}

/// Every class against the rest, each by a curve of its own, rows divided by their sum. Where every
/// class of a row comes out as 0 the row stays as it was (netcal: NaN).
///
/// [`Histogram`](crate::Histogram), [`Isotonic`](crate::Isotonic), [`Platt`](crate::Platt),
/// [`Beta`](crate::Beta), [`Bbq`](crate::Bbq) and [`VennAbers`](crate::VennAbers) are this with their
/// curves.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OneVsRest<C> {
    curves: Vec<C>,
    report: FitReport,
}

fitted!(OneVsRest<C> { curves: Vec<C>, report: FitReport });

impl<C> Fitted for OneVsRest<C> {
    fn check(&self) -> Result<()> {
        if self.curves.is_empty() {
            let (expected, got) = ("a curve for every class", "none".to_owned());
            return Err(Error::Fitted { operation: "one against the rest", expected, got });
        }
        Ok(())
    }
}

impl<C> OneVsRest<C> {
    /// The curve of every class.
    pub fn curves(&self) -> &[C] {
        &self.curves
    }
}

impl<C: BinaryCurve> Calibrator for OneVsRest<C> {
    type Config = C::Config;
    const NAME: &'static str = C::NAME;

    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit, and those of the curve.
    fn fit<T: Scalar>(
        config: &C::Config,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(C::NAME, labels)?;
        let probs = predictions.probs();
        let mut outcome = vec![false; labels.len()];
        let mut curve = |class: usize| {
            outcome.iter_mut().zip(labels).for_each(|(outcome, &label)| *outcome = label == class);
            let probability = probs.view().column(class).to_vec();
            C::fit_class(config, &BinaryForecasts::new(&probability, &outcome)?)
        };
        let curves: Vec<C> = (0..probs.classes()).map(&mut curve).collect::<Result<_>>()?;
        let before = FitReport::look(predictions, labels)?;
        let after = FitReport::look_probs(&transform(&probs, &curves), labels)?;
        let warnings = FitReport::absent_classes(labels, predictions.classes());
        let mut report = FitReport::direct(&before, &after, warnings);
        report.converged = curves.iter().all(C::converged);
        Ok(Self { curves, report })
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes(C::NAME, self.curves.len())?;
        Ok(transform(&predictions.probs(), &self.curves))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}

fn transform<C: BinaryCurve>(probs: &Probs<'_>, curves: &[C]) -> Probs<'static> {
    let mut out = Array2::zeros((probs.samples(), probs.classes()));
    for (p, mut out) in probs.view().outer_iter().zip(out.outer_iter_mut()) {
        let mut sum = 0.0;
        for ((out, &p), curve) in out.iter_mut().zip(p).zip(curves) {
            *out = curve.map(p);
            sum += *out;
        }
        if sum > 0.0 {
            out.mapv_inplace(|q| (q / sum).min(1.0));
        } else {
            out.assign(&p);
        }
    }
    Probs::trusted(out)
}
