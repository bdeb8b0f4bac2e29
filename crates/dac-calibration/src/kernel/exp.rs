//! `e^x` for the terms of a softmax, which are at most 1.

use std::f64::consts::{LN_2, LOG2_E};

/// Below this the result is not a normal number.
pub(super) const LOWEST: f64 = -708.0;
/// Adding and subtracting `1.5 · 2^52` rounds a small number to a whole one, which then stands in the
/// low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `e^x` for `x` in `[LOWEST, 0]`, within 2e-14 of itself: `x = n ln 2 + r`, a Taylor polynomial in `r`,
/// and `n` added to the exponent. `madd(a, b, c)` is `a b + c`.
///
/// `|r| ≤ ln 2 / 2`, so the first term left out, `r^12/12!`, is below 7e-15. One constant for `ln 2`
/// serves because `n` is small: two would matter only below 1e-14.
#[inline(always)]
pub(super) fn below_one(x: f64, madd: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let shifted = madd(x, LOG2_E, ROUND);
    let r = madd(shifted - ROUND, -LN_2, x);
    let mut p = 1.0 / 39_916_800.0;
    p = madd(p, r, 1.0 / 3_628_800.0);
    p = madd(p, r, 1.0 / 362_880.0);
    p = madd(p, r, 1.0 / 40_320.0);
    p = madd(p, r, 1.0 / 5_040.0);
    p = madd(p, r, 1.0 / 720.0);
    p = madd(p, r, 1.0 / 120.0);
    p = madd(p, r, 1.0 / 24.0);
    p = madd(p, r, 1.0 / 6.0);
    p = madd(p, r, 0.5);
    p = madd(p, r, 1.0);
    p = madd(p, r, 1.0);
    // The low bits of `shifted` are n; the shift drops the rest.
    f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential() {
        for i in 0..=708_000_u32 {
            let x = -f64::from(i) * 1e-3;
            for got in [below_one(x, |a, b, c| a * b + c), below_one(x, f64::mul_add)] {
                // Where n is large its product with ln 2 rounds.
                assert!((got / x.exp() - 1.0).abs() < 1e-14 - 4e-16 * x, "e^{x} = {got:e}");
            }
        }
        assert_eq!(below_one(0.0, f64::mul_add), 1.0);
    }
}
