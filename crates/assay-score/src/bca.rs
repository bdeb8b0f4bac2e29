//! Quantiles of replicates and the corrections of a BCa interval.

use crate::special::{normal_cdf, normal_quantile, two_sided_z};
use crate::{Error, Result};

/// The corrections of a BCa interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BcaTerms {
    /// `z₀`, the correction for bias.
    pub bias_correction: f64,
    /// `a`, the correction for skewness.
    pub acceleration: f64,
    /// `α₁` and `α₂`, the probabilities whose quantiles are the bounds.
    pub probabilities: (f64, f64),
}

impl BcaTerms {
    /// From the sorted replicates and the jackknife values with how many units share each.
    pub(crate) fn new(
        estimate: f64,
        sorted: &[f64],
        jackknife: &[(f64, u64)],
        level: f64,
    ) -> Result<Self> {
        let undefined = |reason| Err(Error::Undefined { operation: "BCa interval", reason });
        if sorted.first() == sorted.last() {
            return undefined("all resamples give the same value");
        }
        let below = sorted.partition_point(|&value| value < estimate);
        let up_to = sorted.partition_point(|&value| value <= estimate);
        let rank = (below + up_to) as f64 / (2 * sorted.len()) as f64;
        if rank <= 0.0 || rank >= 1.0 {
            return undefined("the estimate lies outside of all resampled values");
        }
        let Some(acceleration) = acceleration(jackknife) else {
            return undefined("leaving out any unit gives the same value");
        };
        let bias_correction = normal_quantile(rank);
        let z = two_sided_z(level);
        let probability = |z: f64| {
            let shifted = bias_correction + z;
            let stretch = 1.0 - acceleration * shifted;
            (stretch > 0.0).then(|| normal_cdf(bias_correction + shifted / stretch))
        };
        match (probability(-z), probability(z)) {
            (Some(lower), Some(upper)) => {
                Ok(Self { bias_correction, acceleration, probabilities: (lower, upper) })
            }
            _ => undefined("the correction for skewness is too large for the level"),
        }
    }
}

/// `Σ w u³ / (6 (Σ w u²)^{3/2})`; `None` when all values are equal.
fn acceleration(jackknife: &[(f64, u64)]) -> Option<f64> {
    let &(first, _) = jackknife.first()?;
    if jackknife.iter().all(|&(value, _)| value == first) {
        return None;
    }
    let weights: f64 = jackknife.iter().map(|&(_, weight)| weight as f64).sum();
    let sum: f64 = jackknife.iter().map(|&(value, weight)| weight as f64 * value).sum();
    let mean = sum / weights;
    // The ratio does not depend on the scale; dividing by the largest deviation keeps cubes normal.
    let largest = jackknife.iter().map(|&(value, _)| (mean - value).abs()).fold(0.0, f64::max);
    let (mut squares, mut cubes) = (0.0, 0.0);
    for &(value, weight) in jackknife {
        let u = (mean - value) / largest;
        squares += weight as f64 * u * u;
        cubes += weight as f64 * u * u * u;
    }
    Some(cubes / (6.0 * squares * squares.sqrt()))
}

/// The quantile of sorted values by linear interpolation (definition 7 of Hyndman and Fan 1996);
/// `values` is not empty and `p` is in `[0, 1]`.
pub(crate) fn quantile(values: &[f64], p: f64) -> f64 {
    let last = values.len() - 1;
    let place = p * last as f64;
    let index = (place as usize).min(last);
    let (lower, upper) = (values[index], values[(index + 1).min(last)]);
    lower + (upper - lower) * (place - index as f64)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_interpolate() {
        let values = [1.0, 2.0, 4.0];
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.25), 1.5);
        assert_eq!(quantile(&values, 0.75), 3.0);
        assert_eq!(quantile(&values, 1.0), 4.0);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }
}
