//! The measures as differentiable losses on burn tensors: regularisers that spread or compress a
//! representation while it is learnt.

mod kernel;
mod loss;

pub use kernel::Measure;
pub use loss::{SpectralLoss, SpectralLossConfig};
