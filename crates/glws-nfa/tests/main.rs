//! Tests of `glws-nfa`.
#![allow(clippy::unwrap_used)]

mod common;
mod errors;
mod golden;
mod oracle;
mod properties;
