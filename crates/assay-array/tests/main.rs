//! Tests of `assay-array`.

#[cfg(feature = "io")]
mod io;
#[cfg(feature = "linalg")]
mod linalg;
#[cfg(feature = "lapack")]
mod parity;
