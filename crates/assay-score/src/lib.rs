//! What can be counted, with the uncertainty of the count.
//!
//! # Accumulators
//! [`Mergeable`] is the trait that lets one machine become many: count parts of the data anywhere,
//! store or send the accumulators as bytes, merge them in any order, and read the same report.
//!
//! | accumulator | takes | reports |
//! |---|---|---|
//! | [`Moments`] | numbers | count, mean, variance, skewness, kurtosis, minimum, maximum |
//! | [`Histogram`] | numbers | counts in bins with fixed edges, and of what no bin holds |
//! | [`ConfusionMatrix`] | true and predicted classes | accuracy, precision, recall, F1, Matthews, kappa |
//!
//! More of them, and measures of scores and rankings, are in [`classification`]; tests, correlations
//! and effect sizes in [`statistics`]; measures of text against references in [`text`].
//!
//! ```
//! use assay_score::{ConfusionConfig, ConfusionMatrix, Labels, Mergeable};
//!
//! let config = ConfusionConfig::new(3);
//! let mut here = config.init()?;
//! here.update(Labels { truth: &[0, 1, 2], predicted: &[0, 1, 1] })?;
//!
//! // Another machine counts its part and sends bytes.
//! let mut there = config.init()?;
//! there.update(Labels { truth: &[2, 2], predicted: &[2, 0] })?;
//! here.merge(&ConfusionMatrix::from_bytes(&there.to_bytes())?)?;
//!
//! let report = here.finish()?;
//! assert_eq!((report.correct, report.count), (3, 5));
//! # Ok::<(), assay_score::Error>(())
//! ```
//!
//! # Intervals
//! A rate gets one of the intervals in [`interval`]; anything else gets a [`Bootstrap`], by item or
//! by [`Clusters`] of items that belong together.
//!
//! ```
//! use assay_score::{BootstrapConfig, Clusters, interval};
//!
//! let accuracy = interval::wilson(1134, 1400, 0.95)?;
//! assert!((accuracy.lower - 0.7886127286).abs() < 1e-9);
//!
//! // Two answers to each of four prompts: prompts are the independent unit.
//! let right = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
//! let prompts = Clusters::new(&["a", "a", "b", "b", "c", "c", "d", "d"]);
//! let bootstrap = BootstrapConfig::new().with_seed(42).init()?;
//! let report = bootstrap.cluster_mean(&right, &prompts)?;
//! assert_eq!(report.estimate, 0.625);
//! # Ok::<(), assay_score::Error>(())
//! ```
//!
//! # Conventions
//! - Sums are `f64` or integers; counts go up to `2^53`, where `f64` still holds them exactly.
//! - A number that is not defined is `None` in a report that has others, and an error where it is
//!   the whole result. No report holds NaN.
//! - Resampling depends on the seed alone, never on the number of threads.
//!
//! # Features
//! - `serde`: configurations and reports implement `Serialize` and `Deserialize`.
//! - `testing`: `laws::check` tests an implementer of [`Mergeable`].
#![forbid(unsafe_code)]

mod bca;
mod bins;
mod bootstrap;
pub mod bytes;
pub mod classification;
mod clusters;
mod error;
mod fixed;
mod histogram;
pub mod interval;
#[cfg(feature = "testing")]
pub mod laws;
mod mergeable;
mod moments;
mod resample;
mod shares;
mod special;
pub mod statistics;
pub mod text;

pub use bca::BcaTerms;
pub use bootstrap::{Bootstrap, BootstrapConfig, BootstrapMethod, BootstrapReport};
pub use classification::{
    Absent, ClassReport, ConfusionConfig, ConfusionMatrix, ConfusionReport, Labels, Scores,
    UNPARSED, Unparsed,
};
pub use clusters::Clusters;
pub use error::{Error, Result};
pub use histogram::{EdgeRule, Histogram, HistogramConfig, HistogramReport, Stray};
pub use interval::Interval;
pub use mergeable::Mergeable;
pub use moments::{Moments, MomentsReport};

/// Counts go up to here, so that `f64` holds them exactly.
const EXACT_COUNTS: u64 = 1 << 53;
