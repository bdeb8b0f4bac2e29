//! Tests of `glws-nfa`.
#![allow(clippy::unwrap_used)]

mod algebra;
mod common;
mod drawings;
mod errors;
mod formats;
mod generate;
mod golden;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;
mod lanes;
mod oracle;
mod posteriors;
mod properties;
mod regex;
mod semirings;
mod settings;
#[cfg(feature = "burn")]
mod tensor;
