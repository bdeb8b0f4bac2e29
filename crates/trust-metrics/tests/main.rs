//! Tests of `trust-metrics`.

mod compat;
mod evaluate;
mod golden;
mod judges;
mod properties;
mod published;
mod resume;
mod stream;
mod toxicity;
