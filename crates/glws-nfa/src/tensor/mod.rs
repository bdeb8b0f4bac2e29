//! The same questions on burn tensors: `−log Z` as a differentiable operation, and the losses.

mod error;
mod log_z;
mod weak_loss;

pub use error::TensorError;
pub use log_z::{NegLogZ, neg_log_z};
pub use weak_loss::{WeakLoss, WeakLossConfig, WeakLossOutput};
