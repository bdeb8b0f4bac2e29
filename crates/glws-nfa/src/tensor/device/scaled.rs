//! Numbers of `f32` precision that neither underflow nor overflow: a mantissa in `[1, 2)`, or 0, and an
//! exponent of its own.
//!
//! Products add exponents, and sums of such numbers are made at the larger exponent, so that a recursion
//! of sums of products of non-negative numbers keeps its relative precision over any number of steps,
//! without logarithms and without a scale for each step. Zero stays exactly zero, which is how a
//! bag that no sequence satisfies is known; infinities, of which shaders promise nothing, do not arise.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

/// The exponent of zero, below that of any other number or product of two.
pub(super) const ZERO: i32 = -(1 << 29);
/// Exponents stay within this, so that three of them, or two of zero, can be added.
pub(super) const LARGEST: i32 = 1 << 27;

/// The mantissa of a number of exponent `exponent`, for exponent `top`, which is no smaller.
#[cube]
pub(super) fn aligned(mantissa: f32, exponent: i32, top: i32) -> f32 {
    let mut gap = top - exponent;
    if gap > 126 {
        gap = 126i32;
    }
    mantissa * f32::reinterpret(u32::cast_from(127 - gap) << 23u32)
}

/// Writes `value · 2^exponent`, where `value` is 0 or at least 1.
#[cube]
pub(super) fn store(
    mantissas: &mut [f32],
    exponents: &mut [i32],
    at: usize,
    value: f32,
    exponent: i32,
) {
    let bits = u32::reinterpret(value);
    if value > 0.0 {
        mantissas[at] = f32::reinterpret((bits & 0x007f_ffffu32) | 0x3f80_0000u32);
        exponents[at] = exponent + i32::cast_from(bits >> 23u32) - 127;
    } else {
        mantissas[at] = 0.0f32;
        exponents[at] = ZERO;
    }
}

/// A number as the words of a kernel's tables: the mantissa's bits and the exponent. `None` for what is
/// not finite and positive.
pub(super) fn words(number: f64) -> Option<[u32; 2]> {
    if !number.is_normal() || number < 0.0 {
        return None;
    }
    let bits = number.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    Some([(mantissa as f32).to_bits(), exponent as u32])
}

/// The same of `e^log`; `−∞` gives zero. `None` for NaN, `+∞` and what is out of all proportion.
pub(super) fn words_of_exp(log: f64) -> Option<[u32; 2]> {
    if log == f64::NEG_INFINITY {
        return Some([0, ZERO as u32]);
    }
    let exponent = (log / std::f64::consts::LN_2).floor();
    if exponent.is_nan() || exponent.abs() > f64::from(LARGEST / 8) {
        return None;
    }
    let mantissa = (log - exponent * std::f64::consts::LN_2).exp();
    Some([(mantissa as f32).to_bits(), exponent as i32 as u32])
}
