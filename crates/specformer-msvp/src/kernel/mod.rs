//! Hot loops on slices, `f32` and `f64`, without burn.
//!
//! Sums run in lanes of the element type, so that they are vector code, and the lanes are added in
//! `f64`.

// Everything below a dispatch on the processor's instruction set must be inlined into it.
#![allow(clippy::inline_always)]

mod axpy;
mod pass;

pub(crate) use axpy::{add_magnitudes, add_outer, add_wide, dot, dot_wide, magnitude};
pub(crate) use pass::{Rows, fused, times, times_transposed};

use assay_array::Scalar;

/// The Euclidean norm in `f64`, safe from overflow and underflow.
pub(crate) fn norm<T: Scalar>(x: &[T]) -> f64 {
    let square: f64 = dot(x, x);
    // Inside this range neither the sum nor any term that matters has left the normal numbers.
    let range = if size_of::<T>() == 4 { 1e-25..1e25 } else { 1e-250..1e250 };
    if range.contains(&square) {
        return square.sqrt();
    }
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.to_f64().abs()));
    if largest == 0.0 || !largest.is_finite() {
        // `max` ignores NaN: let it out of the sum.
        return x.iter().map(|v| v.to_f64().abs()).sum();
    }
    largest * x.iter().map(|v| (v.to_f64() / largest).powi(2)).sum::<f64>().sqrt()
}

/// How the two code paths of a dispatch multiply and add: fused where the instruction set has it,
/// because a call of the C library otherwise takes a hundred times as long.
macro_rules! with_multiply_add {
    ($S:ty, $f:ident => $body:expr) => {
        if size_of::<<$S as pulp::Simd>::f32s>() == size_of::<f32>() {
            let $f = |a: T, b: T, c: T| a * b + c;
            $body
        } else {
            let $f = |a: T, b: T, c: T| a.mul_add(b, c);
            $body
        }
    };
}
pub(crate) use with_multiply_add;
