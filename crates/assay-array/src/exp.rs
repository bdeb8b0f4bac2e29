//! `e^x` without branches: `x = n ln 2 + r`, a Taylor polynomial in `r`, and `n` added to the exponent.
//!
//! `|r| ≤ ln 2 / 2`, so the first term left out, `r^8/8!` and `r^14/14!`, is below a tenth of a unit in
//! the last place. `ln 2` is split in two so that `n` times its upper part is exact (Cody and Waite 1980).

#![allow(clippy::inline_always, clippy::manual_clamp)] // inlined into the caller's vector loop; `clamp` keeps NaN, `max` and `min` do not

use std::f64::consts::{LN_2, LOG2_E};

/// Adding and subtracting `1.5 · 2^23` rounds a small `f32` to a whole number, which then stands in
/// the low bits of the sum.
const ROUND_F32: f32 = 12_582_912.0;
/// The same for `f64`: `1.5 · 2^52`.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;

/// The upper 9 bits of `ln 2`: `n · LN_2_HIGH` is exact for every exponent `n`.
const LN_2_HIGH_F32: f32 = 355.0 / 512.0;
const LN_2_LOW_F32: f32 = (LN_2 - 355.0 / 512.0) as f32;
/// The upper 32 bits of `ln 2`.
const LN_2_HIGH_F64: f64 = 2_977_044_471.0 / 4_294_967_296.0;
/// `ln 2 − LN_2_HIGH_F64` to 17 digits; the difference of the two `f64` would keep only 21 bits.
const LN_2_LOW_F64: f64 = 1.908_214_929_270_587_7e-10;

/// Below this the result is not a normal number.
const LOWEST_F32: f32 = -87.336_54;
const HIGHEST_F32: f32 = 88.722_83;
const LOWEST_F64: f64 = -708.396_418_532_264;
const HIGHEST_F64: f64 = 709.782_712_893_384;

#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    let clamped = x.max(LOWEST_F32).min(HIGHEST_F32);
    let shifted = clamped * LOG2_E as f32 + ROUND_F32;
    let n = shifted - ROUND_F32;
    let r = (clamped - n * LN_2_HIGH_F32) - n * LN_2_LOW_F32;
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    // The low bits of `shifted` are n; the shift drops the rest.
    let y = f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23));
    let y = if x < LOWEST_F32 { 0.0 } else { y };
    let y = if x > HIGHEST_F32 { f32::INFINITY } else { y };
    if x.is_nan() { x } else { y }
}

#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    let clamped = x.max(LOWEST_F64).min(HIGHEST_F64);
    let shifted = clamped * LOG2_E + ROUND_F64;
    let n = shifted - ROUND_F64;
    let r = (clamped - n * LN_2_HIGH_F64) - n * LN_2_LOW_F64;
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    let y = f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52));
    let y = if x < LOWEST_F64 { 0.0 } else { y };
    let y = if x > HIGHEST_F64 { f64::INFINITY } else { y };
    if x.is_nan() { x } else { y }
}

#[cfg(test)]
mod tests {
    #[test]
    fn f32_is_within_two_units_in_the_last_place() {
        let mut worst = 0.0_f64;
        for i in -870_000..887_000_i32 {
            let x = i as f32 * 1e-4;
            let want = f64::from(x).exp();
            worst = worst.max((f64::from(super::f32(x)) / want - 1.0).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "worst {worst:e}");
    }

    #[test]
    fn f64_is_within_two_units_in_the_last_place() {
        let mut worst = 0.0_f64;
        for i in -708_000..709_700_i32 {
            let x = f64::from(i) * 1e-3;
            worst = worst.max((super::f64(x) / x.exp() - 1.0).abs());
        }
        // The library's own exponential is off by up to half a unit as well.
        assert!(worst < 2.0 * f64::EPSILON, "worst {worst:e}");
    }

    #[test]
    fn the_ends_are_zero_and_infinity() {
        for (x, want) in [
            (f64::NEG_INFINITY, 0.0),
            (-1e300, 0.0),
            (0.0, 1.0),
            (f64::INFINITY, f64::INFINITY),
            (1e300, f64::INFINITY),
        ] {
            assert_eq!(super::f64(x), want, "e^{x}");
            assert_eq!(super::f32(x as f32), want as f32, "e^{x}");
        }
        assert!(super::f64(f64::NAN).is_nan() && super::f32(f32::NAN).is_nan());
        assert!(super::f32(88.722_8).is_finite() && super::f64(709.78).is_finite());
        assert!(super::f32(-87.336).is_normal() && super::f64(-708.39).is_normal());
    }
}
