//! Tests of `assay-array`.

#[cfg(feature = "linalg")]
mod linalg;
#[cfg(feature = "lapack")]
mod parity;
