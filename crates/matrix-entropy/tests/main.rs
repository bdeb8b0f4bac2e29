//! Tests of `matrix-entropy`.
#![allow(clippy::unwrap_used)]

mod common;
mod errors;
mod golden;
mod golden_pairs;
#[cfg(feature = "io")]
mod input;
mod laws;
mod oracle;
mod properties;
#[cfg(feature = "flex")]
mod tensor;
