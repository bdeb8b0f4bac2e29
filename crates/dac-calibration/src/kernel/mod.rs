//! Hot loops on slices: no burn, no allocation inside loops, no panics.

// Everything below a dispatch on the processor's instruction set must be inlined into it.
#![allow(clippy::inline_always)]
// Conditions without branches, so that loops vectorise.
#![allow(clippy::manual_range_contains, clippy::needless_bitwise_bool)]

/// How the two code paths of a dispatch multiply and add: fused where the instruction set has it,
/// because a call of the C library otherwise takes a hundred times as long.
///
/// Kernels are structs that implement `pulp::WithSimd`, not closures: a closure that borrows is called
/// through a shim that is not inlined, and would be compiled for the oldest processor.
macro_rules! with_multiply_add {
    ($S:ty, $f:ident => $body:expr) => {
        if size_of::<<$S as pulp::Simd>::f32s>() == size_of::<f32>() {
            let $f = |a: f64, b: f64, c: f64| a * b + c;
            $body
        } else {
            let $f = |a: f64, b: f64, c: f64| f64::mul_add(a, b, c);
            $body
        }
    };
}

pub(crate) mod bin;
mod exp;
pub(crate) mod knn;
pub(crate) mod order;
pub(crate) mod pava;
pub(crate) mod row;
mod vector;

pub(crate) use vector::dot;
