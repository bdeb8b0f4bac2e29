//! Tests through the public interface.
#![allow(clippy::unwrap_used)] // a test says what it expects by unwrapping it

mod charts;
mod pages;
mod sound;
