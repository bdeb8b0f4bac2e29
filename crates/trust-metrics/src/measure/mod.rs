//! The measures that are more than a rate: each takes what was read and says what is not defined.

mod consistency;
mod leakage;
mod robustness;
mod toxicity;
mod toxicity_endpoint;
mod toxicity_lexicon;

pub use consistency::{ConsistencyReport, Perturbed, consistency, similarity_gap};
pub use leakage::{CellReport, LeakageReport, leakage};
pub use robustness::{RobustPair, RobustnessReport, TaskRobustness, robustness};
pub use toxicity::{ToxicityReport, toxicity};
pub use toxicity_endpoint::{ToxicityEndpoint, perspective_body};
pub use toxicity_lexicon::ToxicityLexicon;

/// The mean of values; `None` without any.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}
