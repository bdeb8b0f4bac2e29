//! `ln x` without branches or calls: `x = 2^e m` with `m` in `[√½, √2)`, and the series of the inverse
//! hyperbolic tangent, `ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …)` with `s = (m − 1)/(m + 1)`.
//!
//! `s² ≤ 0.0295`, so the first term left out is below a hundredth of a unit in the last place.

/// The bits of `√½`.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = (1 << 52) - 1;
/// A whole number below 2^52 in the low bits of this makes `2^52` plus that number.
const TWO_52: u64 = 0x4330_0000_0000_0000;
/// The upper 32 bits of `ln 2`, so that `e` times it is exact, and the rest to 17 digits.
const LN_2_HIGH: f64 = 2_977_044_471.0 / 4_294_967_296.0;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// The natural logarithm of a positive normal number, within 3 units in the last place; near 1 in
/// units of its own size. Anything else gives some number.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    // In steps of one exponent from √½ on instead of from 1 on.
    let shifted = x.to_bits().wrapping_add(ONE - ROOT_HALF);
    let e = f64::from_bits(TWO_52 | (shifted >> 52)) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits((shifted & MANTISSA).wrapping_add(ROOT_HALF));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut series = 1.0 / 21.0;
    series = series * z + 1.0 / 19.0;
    series = series * z + 1.0 / 17.0;
    series = series * z + 1.0 / 15.0;
    series = series * z + 1.0 / 13.0;
    series = series * z + 1.0 / 11.0;
    series = series * z + 1.0 / 9.0;
    series = series * z + 1.0 / 7.0;
    series = series * z + 1.0 / 5.0;
    series = series * z + 1.0 / 3.0;
    let twice = s + s;
    e * LN_2_HIGH + (twice + (twice * z * series + e * LN_2_LOW))
}

/// `ln(1 + x)` for `x > −1` that is exact near zero: what rounding `1 + x` lost is put back to first order.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    let y = 1.0 + x;
    ln(y) + (x - (y - 1.0)) / y
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_logarithm_is_the_librarys() {
        let mut worst = 0.0_f64;
        for i in -70_000..70_000_i32 {
            let x = (f64::from(i) * 0.01).exp() * 1.000_123;
            worst = worst.max((super::ln(x) - x.ln()).abs() / x.ln().abs().max(f64::MIN_POSITIVE));
            let near = 1.0 + f64::from(i) * 1e-6;
            if i != 0 {
                worst = worst.max((super::ln(near) / near.ln() - 1.0).abs());
                let small = f64::from(i) * 1e-9;
                worst = worst.max((super::ln_1p(small) / small.ln_1p() - 1.0).abs());
            }
        }
        assert!(worst < 4.0 * f64::EPSILON, "worst {worst:e}");
        assert_eq!((super::ln(1.0), super::ln_1p(0.0)), (0.0, 0.0));
    }
}
