//! Arithmetic near zero, one and minus infinity.
//!
//! All logarithms are natural. `−∞` is the logarithm of zero and a legal input everywhere; a NaN in
//! gives a NaN out.

use crate::Scalar;

/// `ln Σ exp(x_i)` without overflow; `−∞` for an empty slice or one that holds only `−∞`.
///
/// Accumulates in `f64`.
///
/// ```
/// use assay_array::numeric::log_sum_exp;
/// assert!((log_sum_exp(&[1000.0_f64, 1000.0]) - (1000.0 + 2.0_f64.ln())).abs() < 1e-12);
/// assert_eq!(log_sum_exp::<f64>(&[]), f64::NEG_INFINITY);
/// ```
pub fn log_sum_exp<T: Scalar>(x: &[T]) -> T {
    let max = x.iter().fold(T::NEG_INFINITY, |m, &v| m.max(v));
    if !max.is_finite() {
        // All −∞ (the maximum of nothing), or a +∞; either way the maximum is the answer,
        // unless a NaN hides behind it: `max` ignores NaN.
        return x.iter().find(|v| v.is_nan()).copied().unwrap_or(max);
    }
    let sum: f64 = x.iter().map(|&v| (v - max).to_f64().exp()).sum();
    T::from_f64(max.to_f64() + sum.ln())
}

/// `ln(e^a + e^b)` without overflow.
pub fn log_add_exp<T: Scalar>(a: T, b: T) -> T {
    if a.is_nan() || b.is_nan() {
        return a + b;
    }
    let (hi, lo) = if a > b { (a, b) } else { (b, a) };
    if lo == T::NEG_INFINITY || hi == T::INFINITY {
        return hi;
    }
    hi + (lo - hi).exp().ln_1p()
}

/// `ln(1 − e^x)` for `x ≤ 0`, exact at both ends (Mächler 2012, `log1mexp`, eq. 7).
///
/// `0` gives `−∞`, `−∞` gives `0`, a positive `x` gives NaN.
pub fn log1m_exp<T: Scalar>(x: T) -> T {
    // Below −ln 2 the exponential is small and ln_1p is exact; above, 1 − e^x cancels.
    if x > T::from_f64(-std::f64::consts::LN_2) { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// `ln(1 + e^x)` without overflow.
pub fn softplus<T: Scalar>(x: T) -> T {
    x.max(T::ZERO) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + e^−x)`, exact in both tails.
pub fn sigmoid<T: Scalar>(x: T) -> T {
    let e = (-x.abs()).exp();
    (if x >= T::ZERO { T::ONE } else { e }) / (T::ONE + e)
}

/// `x ln x`, with `0 ln 0 = 0`.
pub fn xlogx<T: Scalar>(x: T) -> T {
    if x == T::ZERO { T::ZERO } else { x * x.ln() }
}

/// `x ln y`, with `0 ln y = 0` for every `y` that is not NaN.
pub fn xlogy<T: Scalar>(x: T, y: T) -> T {
    if x == T::ZERO && !y.is_nan() { T::ZERO } else { x * y.ln() }
}

/// Writes `ln softmax(logits)` into `out`; both slices have one length.
///
/// Returns `ln Σ exp(logits)`. A logit of `−∞` gives `−∞`; a row of only `−∞` has no softmax and
/// gives NaN: callers reject it first.
pub fn log_softmax<T: Scalar>(logits: &[T], out: &mut [T]) -> T {
    let lse = log_sum_exp(logits);
    for (o, &z) in out.iter_mut().zip(logits) {
        *o = z - lse;
    }
    lse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_limits() {
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::INFINITY, 0.0]), f64::INFINITY);
        assert!(log_sum_exp(&[f64::NAN, 0.0]).is_nan());
        assert!(log_sum_exp(&[f64::NAN, f64::INFINITY]).is_nan());
        assert_eq!(log_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(log_add_exp(f64::NEG_INFINITY, 2.0), 2.0);
        assert!(log_add_exp(f64::NAN, 2.0).is_nan());
        assert_eq!(log1m_exp(0.0_f64), f64::NEG_INFINITY);
        assert_eq!(log1m_exp(f64::NEG_INFINITY), 0.0);
        assert!(log1m_exp(1.0_f64).is_nan());
        assert_eq!(softplus(1e4_f64), 1e4);
        assert_eq!(softplus(-1e4_f64), 0.0);
        assert_eq!(sigmoid(f64::NEG_INFINITY), 0.0);
        assert_eq!(sigmoid(f64::INFINITY), 1.0);
        assert_eq!(xlogx(0.0_f64), 0.0);
        assert_eq!(xlogy(0.0_f64, 0.0), 0.0);
        assert!(xlogy(0.0_f64, f64::NAN).is_nan());
    }

    #[test]
    fn near_zero_keeps_its_digits() {
        assert!((log1m_exp(-1e-300_f64) + 300.0 * std::f64::consts::LN_10).abs() < 1e-9);
        assert!((sigmoid(-700.0_f64) / (-700.0_f64).exp() - 1.0).abs() < 1e-12);
    }
}
