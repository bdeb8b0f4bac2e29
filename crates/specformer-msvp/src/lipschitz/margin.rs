use assay_array::Scalar;
use ndarray::{ArrayView2, Axis};

use crate::attack::objective::largest_but;
use crate::{CertifiedUpper, Error, Result};

/// The Euclidean radius within which a classifier with this Lipschitz constant keeps its answer:
/// `(z_y − max_{j≠y} z_j)/(√2 L)` (Tsuzuku et al. 2018), since a difference of two logits is a product
/// with a vector of length `√2`. Negative for a sample that is misclassified as it is, `+∞` for a
/// constant that is zero.
///
/// # Errors
/// [`Error::Label`]; [`Error::Classes`] for fewer than two; [`Error::NotFinite`].
pub fn certified_radius(logits: &[f64], label: usize, lipschitz: CertifiedUpper) -> Result<f64> {
    check("certified radius", logits, label)?;
    let gap = logits[label] - logits[largest_but(logits, label)];
    Ok(ratio(gap, lipschitz * CertifiedUpper::known(2.0).sqrt()))
}

/// The same with the last layer split off, whose rows are known: `min_j (z_y − z_j)/(L ‖w_y − w_j‖)`, with
/// `L` the constant of everything before the last layer and `last` its weight `[classes, features]`.
/// Never smaller than [`certified_radius`] with `L ‖W‖`.
///
/// # Errors
/// As [`certified_radius`], and [`Error::Shape`].
pub fn certified_radius_last_layer<T: Scalar>(
    logits: &[f64],
    label: usize,
    body: CertifiedUpper,
    last: ArrayView2<'_, T>,
) -> Result<f64> {
    let operation = "certified radius before the last layer";
    check(operation, logits, label)?;
    if last.nrows() != logits.len() {
        let (expected, got) = (vec![logits.len(), last.ncols()], last.shape().to_vec());
        return Err(Error::Shape { operation, expected, got });
    }
    let mut least = f64::INFINITY;
    for j in (0..logits.len()).filter(|&j| j != label) {
        let difference: Vec<f64> = last
            .index_axis(Axis(0), label)
            .iter()
            .zip(last.index_axis(Axis(0), j))
            .map(|(a, b)| a.to_f64() - b.to_f64())
            .collect();
        let rounding = CertifiedUpper::known(1.0 + crate::bound::gamma(difference.len() + 6));
        let length = CertifiedUpper::known(crate::kernel::norm(&difference)) * rounding;
        least = least.min(ratio(logits[label] - logits[j], body * length));
    }
    Ok(least)
}

/// The fraction of samples whose radius is larger than `epsilon`: with the labels' radii, of samples that
/// are classified right *and* provably stay so. `None` for no samples or a radius that is NaN.
pub fn certified_accuracy(radii: &[f64], epsilon: f64) -> Option<f64> {
    if radii.is_empty() || radii.iter().any(|r| r.is_nan()) || epsilon.is_nan() {
        return None;
    }
    Some(radii.iter().filter(|r| **r > epsilon).count() as f64 / radii.len() as f64)
}

fn ratio(gap: f64, by: CertifiedUpper) -> f64 {
    let by = by.value();
    match (gap > 0.0, by == 0.0) {
        (true, true) => f64::INFINITY,
        // A tie is not certified, and a wrong answer has a negative radius.
        (false, true) => {
            if gap == 0.0 {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        }
        // Downwards, as a certificate must.
        _ => (gap / by).next_down(),
    }
}

fn check(operation: &'static str, logits: &[f64], label: usize) -> Result<()> {
    let classes = logits.len();
    if let Some(index) = logits.iter().position(|z| !z.is_finite()) {
        return Err(Error::NotFinite { operation, index: vec![index], value: logits[index] });
    }
    if classes < 2 {
        return Err(Error::Classes { operation, needed: 2, classes });
    }
    if label >= classes {
        return Err(Error::Label { operation, sample: 0, label, classes });
    }
    Ok(())
}
