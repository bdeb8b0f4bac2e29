//! Tests of the public interface.
#![allow(clippy::unwrap_used, missing_docs)]

mod calibrators;
mod common;
mod errors;
mod golden;
mod laws;
#[cfg(feature = "pictures")]
mod pictures;
mod properties;
#[cfg(feature = "burn")]
mod tensor;
