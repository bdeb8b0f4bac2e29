//! Assay's one door to burn.
#![forbid(unsafe_code)]

pub mod convert;
mod custom_grad;
mod device;
mod error;
mod module_file;
#[cfg(feature = "testing")]
pub mod testing;

pub use assay_array;
pub use burn;
pub use custom_grad::{Inputs, Need, custom_grad, custom_grad_segments, custom_grad_segments_with};
pub use device::{Backend, DeviceError, available, device};
pub use error::Error;
pub use module_file::{Layout, load, save};
