//! Beta distributed numbers.

use assay_array::random::{Stream, normal, uniform};

/// A number from Beta(a, a), `a > 0`: a ratio of two Gamma(a) numbers.
pub(super) fn symmetric_beta(a: f64, rng: &mut Stream) -> f64 {
    let (x, y) = (log_gamma_number(a, rng), log_gamma_number(a, rng));
    // In logarithms: for small a both are often below the smallest f64.
    assay_array::numeric::sigmoid(x - y)
}

/// The logarithm of a Gamma(a, 1) number (Marsaglia and Tsang 2000; for `a < 1` by way of `a + 1`).
fn log_gamma_number(a: f64, rng: &mut Stream) -> f64 {
    if a < 1.0 {
        let boost = (1.0 - uniform(rng)).ln() / a;
        return log_gamma_number(a + 1.0, rng) + boost;
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - uniform(rng)).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln();
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_array::random::stream;

    use super::*;

    #[test]
    fn moments_are_those_of_the_distribution() {
        for a in [0.2, 0.8, 1.0, 3.0] {
            let mut rng = stream(1, "beta", (a * 10.0) as u64);
            let n = 20_000;
            let draws: Vec<f64> = (0..n).map(|_| symmetric_beta(a, &mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            // Five standard errors of the mean; the variance is 1/(4(2a + 1)).
            let want = 0.25 / (2.0 * a + 1.0);
            assert!((mean - 0.5).abs() < 5.0 * (want / f64::from(n)).sqrt(), "{a}: {mean}");
            assert!((variance - want).abs() < 0.04 * want, "{a}: {variance}, {want}");
        }
    }
}
