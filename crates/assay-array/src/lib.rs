//! Host arrays for Assay.
#![deny(unsafe_code)]

mod error;
mod exp;
#[cfg(feature = "io")]
pub mod io;
#[cfg(feature = "lapack")]
pub mod lapack;
#[cfg(feature = "linalg")]
pub mod linalg;
pub mod numeric;
pub mod random;
mod scalar;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, Result};
#[cfg(feature = "linalg")]
pub use faer;
pub use ndarray;
pub use scalar::Scalar;
