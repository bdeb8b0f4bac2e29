//! Tests of the hypothesis that the forecasts are calibrated.

use std::f64::consts::{PI, SQRT_2};

use assay_array::Scalar;

use crate::{BinaryForecasts, Error, Result};

/// A test on the cumulative differences `C_k = (1/N) Σ_{i≤k} (y_i − p_i)`, forecasts sorted.
///
/// Equal forecasts enter together, so that the order of the input does not matter. Under the
/// hypothesis `C` behaves like a Brownian motion of standard deviation
/// `σ = √(Σ p_i (1 − p_i)) / N` at its end (Arrieta-Ibarra et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CumulativeTest {
    /// The Kolmogorov-Smirnov calibration error (Gupta et al. 2021): `max_k |C_k|`.
    pub ks: f64,
    /// Kuiper's statistic: `max_k C_k − min_k C_k`, where `C_0 = 0` counts.
    pub kuiper: f64,
    /// `σ`; 0 where every forecast is 0 or 1.
    pub scale: f64,
    /// The asymptotic probability of a KS statistic at least as large; `None` where `σ` is 0.
    pub ks_p_value: Option<f64>,
    /// The same for Kuiper's.
    pub kuiper_p_value: Option<f64>,
}

/// Spiegelhalter's (1986) test: `Z = Σ (y − p)(1 − 2p) / √(Σ (1 − 2p)² p (1 − p))` is standard normal
/// under the hypothesis.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SpiegelhalterTest {
    /// The statistic; positive where the Brier score is worse than the forecasts expect.
    pub z: f64,
    /// The two-sided probability of a statistic at least as far from 0.
    pub p_value: f64,
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// The Kolmogorov-Smirnov and Kuiper statistics with p-values.
    pub fn cumulative_test(&self) -> CumulativeTest {
        let n = self.len() as f64;
        let (mut c, mut low, mut high) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (p, sum, count) in self.tied() {
            c += sum - p * count;
            low = low.min(c);
            high = high.max(c);
        }
        let scale = self.pairs().map(|(p, _)| p * (1.0 - p)).sum::<f64>().sqrt() / n;
        let (ks, kuiper) = (high.max(-low) / n, (high - low) / n);
        let tail = |statistic: f64, tail: fn(f64) -> f64| {
            (scale > 0.0).then(|| tail(statistic / scale).clamp(0.0, 1.0))
        };
        let (ks_p_value, kuiper_p_value) = (tail(ks, largest_tail), tail(kuiper, range_tail));
        CumulativeTest { ks, kuiper, scale, ks_p_value, kuiper_p_value }
    }

    /// Spiegelhalter's test.
    ///
    /// # Errors
    /// [`Error::Undefined`] where every forecast is 0, ½ or 1: the statistic is then 0/0.
    pub fn spiegelhalter(&self) -> Result<SpiegelhalterTest> {
        let (mut sum, mut variance) = (0.0, 0.0);
        for (p, y) in self.pairs() {
            let slope = 1.0 - 2.0 * p;
            sum += (y - p) * slope;
            variance += slope * slope * p * (1.0 - p);
        }
        if variance <= 0.0 {
            let reason = "every forecast is 0, 1/2 or 1";
            return Err(Error::Undefined { operation: "Spiegelhalter's test", reason });
        }
        let z = sum / variance.sqrt();
        Ok(SpiegelhalterTest { z, p_value: libm::erfc(z.abs() / SQRT_2) })
    }
}

/// Terms of the alternating series below; beyond them nothing is left for any `x` that is used.
const TERMS: u32 = 200;
/// From here on the series of normal tails is used, which keeps every digit of a small p-value.
const FAR: f64 = 1.0;

/// `P(Z > z)` of a standard normal variable.
fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// `P(max |B| > x)` for Brownian motion on `[0, 1]`: far out `4 Σ_k (−1)^k P(Z > (2k+1)x)`, by the
/// reflection principle.
fn largest_tail(x: f64) -> f64 {
    if x < FAR {
        return 1.0 - largest_cdf(x);
    }
    let sign = |k: u32| if k.is_multiple_of(2) { 4.0 } else { -4.0 };
    (0..TERMS).map(|k| sign(k) * normal_tail(f64::from(2 * k + 1) * x)).sum::<f64>().max(0.0)
}

/// `P(max B − min B > x)`: far out `8 Σ_{k≥1} (−1)^{k−1} k P(Z > kx)` (Feller 1951).
fn range_tail(x: f64) -> f64 {
    if x < FAR {
        return 1.0 - range_cdf(x);
    }
    let sign = |k: u32| if k.is_multiple_of(2) { -8.0 } else { 8.0 };
    let term = |k: u32| sign(k) * f64::from(k) * normal_tail(f64::from(k) * x);
    (1..TERMS).map(term).sum::<f64>().max(0.0)
}

/// `P(max |B| ≤ x)` for Brownian motion on `[0, 1]`:
/// `(4/π) Σ_k (−1)^k/(2k+1) exp(−(2k+1)² π²/(8x²))` (Feller 1971, chapter X).
fn largest_cdf(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let term = |k: u32| {
        let odd = f64::from(2 * k + 1);
        let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        sign / odd * (-odd * odd * PI * PI / (8.0 * x * x)).exp()
    };
    (4.0 / PI * (0..TERMS).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// `P(max B − min B ≤ x)` for Brownian motion on `[0, 1]` (Feller 1951, in the form that converges
/// fast for small `x`): `Σ_{k≥0} (8/x² + 2/((k+½)² π²)) exp(−2 (k+½)² π²/x²)`.
fn range_cdf(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let term = |k: u32| {
        let half = (f64::from(k) + 0.5) * PI;
        (8.0 / (x * x) + 2.0 / (half * half)) * (-2.0 * half * half / (x * x)).exp()
    };
    (0..TERMS).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_array::random::{normal, stream};

    #[test]
    fn distributions_are_those_of_brownian_motion() {
        // A walk of many steps, sampled: five standard errors, and the walk's own bias of 1/√steps.
        let (walks, steps) = (4000_u32, 2000);
        let mut below = [[0_u32; 3]; 2];
        let at = [0.8, 1.3, 2.0];
        for walk in 0..walks {
            let mut rng = stream(9, "brownian", u64::from(walk));
            let (mut b, mut low, mut high) = (0.0_f64, 0.0_f64, 0.0_f64);
            for _ in 0..steps {
                b += normal(&mut rng) / f64::from(steps).sqrt();
                low = low.min(b);
                high = high.max(b);
            }
            for (k, x) in at.iter().enumerate() {
                below[0][k] += u32::from(high.max(-low) <= *x);
                below[1][k] += u32::from(high - low <= *x);
            }
        }
        for (k, &x) in at.iter().enumerate() {
            for (counts, cdf) in below.iter().zip([largest_cdf as fn(f64) -> f64, range_cdf]) {
                let got = f64::from(counts[k]) / f64::from(walks);
                assert!((got - cdf(x)).abs() < 0.04 + 0.04, "{x}: {got} against {}", cdf(x));
            }
        }
    }

    #[test]
    fn the_two_series_are_one_distribution() {
        for x in (20..200).map(|i| f64::from(i) * 0.05) {
            assert!((1.0 - largest_cdf(x) - largest_tail(x)).abs() < 1e-13, "{x}");
            assert!((1.0 - range_cdf(x) - range_tail(x)).abs() < 1e-13, "{x}");
        }
        // Where 1 less the distribution would be 0.
        assert!(largest_tail(12.0) > 0.0 && range_tail(12.0) > largest_tail(12.0));
    }

    #[test]
    fn distributions_rise_from_zero_to_one() {
        for cdf in [largest_cdf, range_cdf] {
            let values: Vec<f64> = (0..2000).map(|i| cdf(f64::from(i) * 0.01)).collect();
            assert!(values[0] == 0.0 && (values[1999] - 1.0).abs() < 1e-12);
            assert!(values.windows(2).all(|pair| pair[1] >= pair[0] - 1e-14));
        }
    }
}
