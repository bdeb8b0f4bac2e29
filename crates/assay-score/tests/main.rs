//! Tests of `assay-score`.

mod classification;
mod errors;
mod golden;
mod laws;
mod peers;
mod properties;
mod statistics;
mod synonyms;
mod text;
