//! Host arrays for Assay: linear algebra, files, log-space arithmetic and seeded random numbers.
//!
//! Everything takes [`ndarray`] views of `f32` or `f64` (see [`Scalar`]) and gives owned arrays back.
//! A short tour, from a file to a spectrum:
//!
//! ```
//! # #[cfg(all(feature = "io", feature = "linalg"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use assay_array::io::safetensors::{SafeTensors, Writer};
//! use assay_array::linalg::{Gram, eigvalsh, svdvals};
//! use assay_array::ndarray::{Array2, Ix2};
//! use assay_array::{io, random};
//!
//! // A file with one layer of weights, from a seeded stream.
//! let mut rng = random::stream(42, "tour", 0);
//! let weights = Array2::from_shape_simple_fn((100, 8), || random::normal(&mut rng) as f32);
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("model.safetensors");
//! let mut writer = Writer::new();
//! writer.add("layer.0.weight", weights.view())?;
//! writer.write(&path)?;
//!
//! // Names, types and shapes come without reading the data; a pattern selects tensors.
//! let file = SafeTensors::open(&path)?;
//! for info in file.select("layer.*.weight")? {
//!     let weights = io::shaped::<_, Ix2>(&info.name, file.read::<f32>(&info.name)?, &[None, Some(8)])?;
//!
//!     // The largest eigenvalue of WᵀW is the square of W's largest singular value.
//!     let mut gram = Gram::new(8)?;
//!     gram.update(weights.view())?; // or batch by batch
//!     let eigenvalues = eigvalsh(gram.finish().view())?;
//!     let largest = f64::from(svdvals(weights.view())?[0]);
//!     assert!((eigenvalues[7].sqrt() / largest - 1.0).abs() < 1e-5);
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "io", feature = "linalg")))]
//! # fn main() {}
//! ```
//!
//! # Features
//! - `linalg` (default): [`linalg`], over faer.
//! - `io` (default): [`io`], `.npy`, `.npz` and `.safetensors`.
//! - `lapack`: the functions of `linalg` through the system's OpenBLAS, in a module `lapack`.
//! - `testing`: what the tests of all crates share, in a module `testing`.
//! - `serde`: [`linalg::Gram`] can be serialised.
//!
//! No function panics on any input; [`Error`] says what was expected and what came. Only `testing`
//! panics, as tests do. Memory safety is left to the compiler but for one call, which maps large files.
#![deny(unsafe_code)] // not `forbid`: io/mmap.rs holds the exception

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
