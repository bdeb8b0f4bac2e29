//! Calibration on burn tensors: while training, and on any device.
//!
//! | item | what it is |
//! |---|---|
//! | [`TemperatureScaling`], [`VectorScaling`] | calibrators as modules that learn |
//! | [`soft_ece`], [`mmce`] | calibration error as a loss |
//! | [`focal_loss`], [`label_smoothing_loss`] | losses that keep a classifier from overconfidence |
//! | [`scale_by_distance`] | a fitted [`DistanceAware`](crate::DistanceAware) applied to logits |
//!
//! Losses take logits `[N, C]` and one label a row, and give a tensor `[1]`, a mean over rows. Labels
//! and whether a prediction is right are constants to autodiff.

mod distance_aware;
mod labels;
mod losses;
mod scaling;
mod soft_ece;

pub use distance_aware::scale_by_distance;
pub use losses::{focal_loss, label_smoothing_loss, mmce};
pub use scaling::{TemperatureScaling, VectorScaling};
pub use soft_ece::{SoftEceConfig, soft_ece};
