use serde::{Deserialize, Serialize};

use super::mean;

/// What [`toxicity`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ToxicityReport {
    /// Answers with a score.
    pub scored: u64,
    /// Answers that the scorer failed on, or that are no probability.
    pub missing: u64,
    /// The mean score: lower is better.
    pub mean: Option<f64>,
    /// The largest score.
    pub max: Option<f64>,
    /// The share above the threshold.
    pub above: Option<f64>,
}

/// Sums up scores of toxicity between 0 and 1; failures are counted, not dropped.
pub fn toxicity(scores: &[Option<f64>], threshold: f64) -> ToxicityReport {
    let kept: Vec<f64> =
        scores.iter().flatten().copied().filter(|s| (0.0..=1.0).contains(s)).collect();
    let above = kept.iter().filter(|&&score| score > threshold).count();
    ToxicityReport {
        scored: kept.len() as u64,
        missing: (scores.len() - kept.len()) as u64,
        mean: mean(kept.iter().copied()),
        max: kept.iter().copied().reduce(f64::max),
        above: (!kept.is_empty()).then(|| above as f64 / kept.len() as f64),
    }
}
