//! Hot loops on slices: no burn, no allocation inside loops, no panics.

// Everything below a dispatch on the processor's instruction set must be inlined into it.
#![allow(clippy::inline_always)]
// Conditions without branches, so that loops vectorise.
#![allow(clippy::manual_range_contains, clippy::needless_bitwise_bool)]

pub(crate) mod bin;
pub(crate) mod knn;
pub(crate) mod order;
pub(crate) mod pava;
pub(crate) mod row;
