//! Host arrays for Assay.
#![forbid(unsafe_code)]

pub mod numeric;
pub mod random;
mod scalar;
#[cfg(feature = "testing")]
pub mod testing;

pub use ndarray;
pub use scalar::Scalar;
