//! Tests of `assay-score`.

mod errors;
mod golden;
mod laws;
mod properties;
