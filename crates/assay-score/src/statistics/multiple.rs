//! Adjusted p-values for a family of tests.
//!
//! An adjusted p-value is the smallest level of the whole family at which that test is rejected, so
//! comparing it with the level gives the decision. Order is kept.

use crate::{Error, Result};

/// Holm's step-down adjustment (1979), `max_{j ≤ i} (m − j + 1) p_(j)`: bounds the probability of any
/// false rejection, whatever the dependence. Uniformly better than Bonferroni.
///
/// ```
/// use assay_score::statistics::holm;
/// assert_eq!(holm(&[0.01, 0.04, 0.03])?, [0.03, 0.06, 0.06]);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Value`] for a p-value outside `[0, 1]`.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = order("Holm adjustment", p_values)?;
    let m = p_values.len();
    let mut adjusted = vec![0.0; m];
    let mut largest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        largest = largest.max((m - place) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    Ok(adjusted)
}

/// Benjamini and Hochberg's step-up adjustment (1995), `min_{j ≥ i} m p_(j) / j`: bounds the expected
/// share of false rejections for independent or positively dependent tests.
///
/// # Errors
/// As [`holm`].
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>> {
    step_up("Benjamini-Hochberg adjustment", p_values, 1.0)
}

/// Benjamini and Yekutieli's adjustment (2001): as [`benjamini_hochberg`], times `Σ 1/j`, which makes
/// it hold for any dependence.
///
/// # Errors
/// As [`holm`].
pub fn benjamini_yekutieli(p_values: &[f64]) -> Result<Vec<f64>> {
    let harmonic = (1..=p_values.len()).map(|j| 1.0 / j as f64).sum();
    step_up("Benjamini-Yekutieli adjustment", p_values, harmonic)
}

fn step_up(operation: &'static str, p_values: &[f64], factor: f64) -> Result<Vec<f64>> {
    let order = order(operation, p_values)?;
    let m = p_values.len();
    let mut adjusted = vec![0.0; m];
    let mut smallest = 1.0_f64;
    for (place, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[index] * factor * m as f64 / (place + 1) as f64);
        adjusted[index] = smallest;
    }
    Ok(adjusted)
}

/// The indices from the smallest p-value to the largest.
fn order(operation: &'static str, p_values: &[f64]) -> Result<Vec<usize>> {
    if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        let value = p_values[index];
        return Err(Error::Value { operation, index, value, lower: 0.0, upper: 1.0 });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    Ok(order)
}
