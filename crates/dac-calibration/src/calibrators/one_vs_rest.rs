//! Many classes by one binary calibrator each.

use ndarray::Array2;

use crate::calibrator::FitReport;
use crate::{Predictions, Probs, Result};
use assay_array::Scalar;

/// Fits a curve for every class against the rest.
pub(crate) fn fit<C>(
    probs: &Probs<'_>,
    labels: &[usize],
    mut fit: impl FnMut(&[f64], &[bool]) -> Result<C>,
) -> Result<Vec<C>> {
    let mut outcome = vec![false; labels.len()];
    let mut curve = |class: usize| {
        outcome.iter_mut().zip(labels).for_each(|(outcome, &label)| *outcome = label == class);
        fit(&probs.view().column(class).to_vec(), &outcome)
    };
    (0..probs.classes()).map(&mut curve).collect()
}

/// Maps every class's probability through its curve and divides rows by their sum. A row whose
/// calibrated probabilities are all 0 says nothing and stays as it was.
pub(crate) fn transform<C>(
    probs: &Probs<'_>,
    curves: &[C],
    map: impl Fn(&C, f64) -> f64,
) -> Probs<'static> {
    let mut out = Array2::zeros((probs.samples(), probs.classes()));
    for (p, mut out) in probs.view().outer_iter().zip(out.outer_iter_mut()) {
        let mut sum = 0.0;
        for ((out, &p), curve) in out.iter_mut().zip(p).zip(curves) {
            *out = map(curve, p);
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

/// The report of a one-against-rest fit.
pub(crate) fn report<T: Scalar>(
    predictions: &Predictions<'_, T>,
    calibrated: &Probs<'_>,
    labels: &[usize],
) -> Result<FitReport> {
    let before = FitReport::look(predictions, labels)?;
    let after = FitReport::look_probs(calibrated, labels)?;
    let warnings = FitReport::absent_classes(labels, predictions.classes());
    Ok(FitReport::direct(&before, &after, warnings))
}
