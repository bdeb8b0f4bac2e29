//! The same questions on burn tensors: `−log Z` as a differentiable operation, the losses, and what
//! learns beside the classifier.

mod arc_weights;
#[cfg(feature = "dataset")]
mod dataset;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod device;
mod evidence;
mod log_z;
mod noise;
mod part;
mod weak_loss;

pub use arc_weights::{ArcWeights, neg_log_z_of_arcs};
#[cfg(feature = "dataset")]
pub use dataset::RaggedBatcher;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub use device::neg_log_z_on_gpu;
pub use log_z::{NegLogZ, neg_log_z};
pub use noise::{NoiseMatrix, NoiseMatrixConfig, class_balance};
pub use weak_loss::{WeakLoss, WeakLossConfig, WeakLossOutput};
