//! Tests of `specformer-msvp`.
#![allow(clippy::unwrap_used)]
// A test may be long, and say its data where it needs them.
#![allow(
    clippy::cast_possible_wrap,
    clippy::items_after_statements,
    clippy::needless_for_each,
    clippy::needless_range_loop,
    clippy::too_many_lines,
    clippy::type_complexity
)]

mod attacks;
mod common;
mod errors;
mod evaluation;
mod golden;
mod lipschitz;
mod spectral;
#[cfg(feature = "burn")]
mod tensor;
