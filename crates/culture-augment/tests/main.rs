//! Tests of `culture-augment`.
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

mod dedup;
mod errors;
mod evaluate;
mod golden;
mod measures;
mod open_ended;
mod pipeline;
mod survey;
mod words;
mod workload;
