//! Prediction sets and intervals that hold the truth with a chosen probability.
//!
//! Split conformal prediction: on `n` calibration samples a score says how badly each label fits the
//! prediction; the threshold is the `⌈(n + 1)(1 − α)⌉`-th smallest score. A new sample's set holds all
//! labels whose score is at most the threshold, and holds the true one with probability at least
//! `1 − α` if the samples are exchangeable, whatever the model. With too few samples for the level
//! (`n < 1/α − 1`) the threshold is infinite and the set holds everything.
//!
//! ```
//! use dac_calibration::{Logits, conformal::{ConformalConfig, SplitConformal}};
//! use ndarray::Array2;
//! let z = Array2::from_shape_fn((50, 3), |(i, c)| if i % 3 == c { 2.0 } else { 0.1 * c as f64 });
//! let labels: Vec<usize> = (0..50).map(|i| if i % 7 == 0 { (i + 1) % 3 } else { i % 3 }).collect();
//! let probs = Logits::new(z.view())?.softmax();
//! let conformal = SplitConformal::fit(&ConformalConfig::lac(0.2), &probs, &labels)?;
//! let report = conformal.sets(&probs)?.report(&labels)?;
//! assert!(report.coverage >= 0.8 && report.mean_size < 3.0);
//! # Ok::<(), dac_calibration::Error>(())
//! ```

mod regression;
mod score;
mod sets;
mod split;

pub use regression::{ConformalQuantile, Intervals};
pub use score::{ConformalConfig, LastLabel, SetScore};
pub use sets::{CoverageReport, PredictionSets};
pub use split::{Condition, SplitConformal};

use crate::{Error, Result};

fn check_alpha(alpha: f64) -> Result<()> {
    if alpha > 0.0 && alpha < 1.0 {
        return Ok(());
    }
    Err(Error::Parameter { name: "alpha", expected: "in (0, 1)", got: alpha })
}

/// The `⌈(n + 1)(1 − α)⌉`-th smallest of `n` scores; `None`, which stands for infinity, where that is
/// more than `n`.
fn threshold(scores: &mut [f64], alpha: f64) -> Option<f64> {
    /// The product's rounding must not raise the rank.
    const ROUNDING: f64 = 1e-9;
    let rank = ((scores.len() + 1) as f64 * (1.0 - alpha) - ROUNDING).ceil() as usize;
    if rank > scores.len() {
        return None;
    }
    let index = rank.saturating_sub(1);
    (!scores.is_empty()).then(|| *scores.select_nth_unstable_by(index, f64::total_cmp).1)
}
