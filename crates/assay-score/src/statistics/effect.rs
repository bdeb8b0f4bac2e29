//! Effect sizes: how large a difference is, whatever the number of items.

use assay_array::Scalar;

use super::{finite, mean, variance};
use crate::interval::check_level;
use crate::special::two_sided_z;
use crate::{Error, Interval, Result};

/// Cohen's d with Hedges' correction (1981) and an interval from its large-sample standard error.
///
/// `g = (1 − 3/(4 (n₁ + n₂) − 9)) (x̄ − ȳ) / s` with the pooled standard deviation `s`; by convention
/// 0.2 is small, 0.5 medium, 0.8 large (Cohen 1988).
///
/// # Errors
/// [`Error::TooFew`] for fewer than two values in a sample, [`Error::Value`] for one that is not
/// finite, [`Error::Setting`] for a level outside `(0, 1)`, [`Error::Undefined`] without variation.
pub fn cohens_d<T: Scalar>(x: &[T], y: &[T], level: f64) -> Result<(f64, Interval)> {
    let operation = "Cohen's d";
    check_level(operation, level)?;
    let (x, y) = (finite(operation, x, 2)?, finite(operation, y, 2)?);
    let (n1, n2) = (x.len() as f64, y.len() as f64);
    let pooled = ((n1 - 1.0) * variance(&x) + (n2 - 1.0) * variance(&y)) / (n1 + n2 - 2.0);
    let d = (mean(&x) - mean(&y)) / pooled.sqrt();
    if !d.is_finite() {
        return Err(Error::Undefined { operation, reason: "the values do not vary" });
    }
    let g = d * (1.0 - 3.0 / (4.0 * (n1 + n2) - 9.0));
    let error = ((n1 + n2) / (n1 * n2) + g * g / (2.0 * (n1 + n2))).sqrt();
    let half = two_sided_z(level) * error;
    Ok((g, Interval { lower: g - half, upper: g + half, level }))
}

/// Cliff's delta (1993), `Pr[x > y] − Pr[x < y]` over all pairs, in `O(n log n)`: in `[−1, 1]`, and
/// meaningful for any ordered values.
///
/// # Errors
/// [`Error::Empty`] for an empty sample, [`Error::Value`] for a value that is not finite.
pub fn cliffs_delta<T: Scalar>(x: &[T], y: &[T]) -> Result<f64> {
    let operation = "Cliff's delta";
    let (x, mut y) = (finite(operation, x, 1)?, finite(operation, y, 1)?);
    y.sort_unstable_by(f64::total_cmp);
    let balance = |x: &f64| {
        let below = y.partition_point(|y| y < x);
        let up_to = y.partition_point(|y| y <= x);
        below as f64 - (y.len() - up_to) as f64
    };
    Ok(x.iter().map(balance).sum::<f64>() / (x.len() as f64 * y.len() as f64))
}

/// Cohen's h of two proportions, `2 asin √p₁ − 2 asin √p₂`, in `[−π, π]`: equal values need equal
/// numbers of items to show (Cohen 1988).
///
/// # Errors
/// [`Error::Value`] for a proportion outside `[0, 1]`.
pub fn cohens_h(first: f64, second: f64) -> Result<f64> {
    for (index, value) in [first, second].into_iter().enumerate() {
        if !(0.0..=1.0).contains(&value) {
            let operation = "Cohen's h";
            return Err(Error::Value { operation, index, value, lower: 0.0, upper: 1.0 });
        }
    }
    Ok(2.0 * first.sqrt().asin() - 2.0 * second.sqrt().asin())
}
