//! Tests of the crate's public face, in one binary.
#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

mod cache;
mod embed;
mod http;
mod kill;
mod layers;
mod parse;
mod tls;
