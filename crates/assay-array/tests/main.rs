//! Tests of `assay-array`.
#![allow(clippy::unwrap_used)] // helpers of tests, too, say what they expect by unwrapping it

#[cfg(feature = "io")]
mod io;
#[cfg(feature = "linalg")]
mod linalg;
#[cfg(feature = "lapack")]
mod parity;
