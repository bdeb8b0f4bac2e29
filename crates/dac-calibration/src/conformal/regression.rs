use super::{check_alpha, threshold};
use crate::Result;
use crate::calibrators::stored::{Fitted, fitted, require};
use crate::measures::regression::{IntervalCoverage, interval_coverage};

/// Conformalised quantile regression (Romano, Patterson and Candès 2019): predicted lower and upper
/// quantiles, widened (or narrowed) by one number so that intervals hold the target with probability
/// at least `1 − α`.
///
/// The score of a target is `max(lower − y, y − upper)`, the distance to the interval, negative inside.
///
/// ```
/// use dac_calibration::conformal::ConformalQuantile;
/// let y: Vec<f64> = (0..99).map(f64::from).collect();
/// let (low, high) = (vec![20.0; 99], vec![70.0; 99]);
/// let conformal = ConformalQuantile::fit(&y, &low, &high, 0.1)?;
/// let intervals = conformal.intervals(&low, &high)?;
/// assert!(intervals.coverage(&y)?.picp >= 0.9);
/// # Ok::<(), dac_calibration::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConformalQuantile {
    margin: Option<f64>,
}

fitted!(ConformalQuantile { margin: Option<f64> });

impl Fitted for ConformalQuantile {
    fn check(&self) -> Result<()> {
        let finite = self.margin.is_none_or(f64::is_finite);
        require(finite, "conformal intervals", "a finite margin, or none", self)
    }
}

/// An interval for every sample.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Intervals {
    /// Lower ends.
    pub lower: Vec<f64>,
    /// Upper ends.
    pub upper: Vec<f64>,
}

impl Intervals {
    /// How often the intervals hold the targets.
    ///
    /// # Errors
    /// As [`interval_coverage`].
    pub fn coverage(&self, targets: &[f64]) -> Result<IntervalCoverage> {
        interval_coverage(targets, &self.lower, &self.upper)
    }
}

impl ConformalQuantile {
    /// Fits the margin on calibration targets and their predicted quantiles.
    ///
    /// # Errors
    /// As [`interval_coverage`], and for `alpha` outside `(0, 1)`.
    pub fn fit(targets: &[f64], lower: &[f64], upper: &[f64], alpha: f64) -> Result<Self> {
        check_alpha(alpha)?;
        interval_coverage(targets, lower, upper)?;
        let ends = lower.iter().zip(upper);
        let mut scores: Vec<f64> = targets
            .iter()
            .zip(ends)
            .map(|(y, (lower, upper))| (lower - y).max(y - upper))
            .collect();
        Ok(Self { margin: threshold(&mut scores, alpha) })
    }

    /// What is added at both ends; `None` is infinite, where there are too few calibration samples
    /// for the level.
    pub fn margin(&self) -> Option<f64> {
        self.margin
    }

    /// The intervals of predicted quantiles. One that a negative margin would turn around becomes its
    /// middle point.
    ///
    /// # Errors
    /// As [`interval_coverage`]; [`Error::Undefined`](crate::Error::Undefined) where the margin is infinite.
    pub fn intervals(&self, lower: &[f64], upper: &[f64]) -> Result<Intervals> {
        interval_coverage(lower, lower, upper)?;
        let Some(margin) = self.margin else {
            let reason =
                "there were too few calibration samples for this alpha: intervals are infinite";
            return Err(crate::Error::Undefined { operation: "conformal intervals", reason });
        };
        let widened = lower.iter().zip(upper).map(|(&lower, &upper)| {
            let (low, high) = (lower - margin, upper + margin);
            if low <= high {
                (low, high)
            } else {
                (f64::midpoint(lower, upper), f64::midpoint(lower, upper))
            }
        });
        let (lower, upper) = widened.unzip();
        Ok(Intervals { lower, upper })
    }
}
