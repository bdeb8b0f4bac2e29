//! The normal distribution and the regularised incomplete beta function with its inverse.
//!
//! statrs gives the normal quantile to the last digits, but its `erfc` keeps only ten (relative to
//! the tail), so that comes from libm.
//!
//! statrs has an incomplete beta function, but its continued fraction stops after 140 terms and its
//! prefactor subtracts log-gammas of full size: at a million trials it keeps 8 digits. Here the
//! prefactor is the binomial density in Loader's saddle-point form, which keeps its digits for any
//! size, and the fraction runs until it has converged.

use std::f64::consts::{PI, SQRT_2, TAU};

use statrs::function::erf::erfc_inv;

/// `Φ(x)`.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// `Φ⁻¹(p)` for `p` in `(0, 1)`.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

/// The standard normal deviate that leaves half of `1 − level` above it.
pub(crate) fn two_sided_z(level: f64) -> f64 {
    -normal_quantile((1.0 - level) / 2.0)
}

/// The two tails of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tail {
    /// Below the quantile.
    Lower,
    /// Above the quantile.
    Upper,
}

/// The point of the beta distribution with shapes `a` and `b` whose tail holds `p` in `(0, 1)`.
///
/// Newton's method on the logarithm of the tail, which is concave for shapes of at least one and
/// so converges from the outer side; a bracket catches every other step by bisection.
pub(crate) fn beta_quantile(a: f64, b: f64, p: f64, tail: Tail) -> f64 {
    /// Bisection alone needs about 1100 halvings for the smallest subnormal root.
    const MAX_STEPS: usize = 1200;
    let (mut lower, mut upper) = (0.0_f64, 1.0_f64);
    let mut x = a / (a + b);
    for _ in 0..MAX_STEPS {
        let (below, above) = beta_tails(a, b, x);
        let (mass, sign) = match tail {
            Tail::Lower => (below, 1.0),
            Tail::Upper => (above, -1.0),
        };
        let excess = (mass / p).ln();
        if excess == 0.0 {
            return x;
        }
        if excess * sign > 0.0 {
            upper = x;
        } else {
            lower = x;
        }
        // d ln(mass) / dx = ± density / mass.
        let density = beta_prefactor(a, b, x) / (x * (1.0 - x));
        let newton = x - sign * excess * mass / density;
        let next =
            if newton > lower && newton < upper { newton } else { lower + (upper - lower) / 2.0 };
        if (next - x).abs() <= 2.0 * f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}

/// `I_x(a, b)` and `1 − I_x(a, b)`, the smaller one without cancellation.
pub(crate) fn beta_tails(a: f64, b: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x >= 1.0 {
        return (1.0, 0.0);
    }
    let y = 1.0 - x;
    let prefactor = beta_prefactor(a, b, x);
    if x < (a + 1.0) / (a + b + 2.0) {
        let below = prefactor * fraction(a, b, x, y);
        (below, 1.0 - below)
    } else {
        let above = prefactor * fraction(b, a, y, x);
        (1.0 - above, above)
    }
}

/// The continued fraction that `I_x(a, b)` has beside its prefactor, where `y = 1 − x`.
///
/// It is the even part of DLMF 8.17.22 (DiDonato and Morris 1992), which takes `y` as it is
/// and so keeps its digits where `x` is close to 1; evaluated by the modified Lentz method.
fn fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    /// Replaces a zero denominator (Thompson and Barnett 1986).
    const TINY: f64 = 1e-300;
    /// Far more than the square root of the largest shapes, 2^53, which is what it takes.
    const MAX_TERMS: u64 = 1 << 30;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let excess = a * y - b * x;
    let mut value = guard(a / (a + 1.0) * (excess + 1.0));
    let (mut c, mut d) = (value, 0.0);
    for n in 1..MAX_TERMS {
        let n = n as f64;
        let below = a + 2.0 * n - 1.0;
        let alpha = (a + n - 1.0) / below * (a + b + n - 1.0) / below * n * (b - n) * x * x;
        let beta =
            n + n * (b - n) * x / below + (a + n) / (below + 2.0) * (excess + 1.0 + n * (1.0 + y));
        d = 1.0 / guard(beta + alpha * d);
        c = guard(beta + alpha / c);
        value *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    1.0 / value
}

/// `x^a (1 − x)^b / B(a, b)` by Loader's saddle-point expansion (2000).
fn beta_prefactor(a: f64, b: f64, x: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x)
        - deviance(b, n * (1.0 - x));
    exponent.exp() * (a * b / (TAU * n)).sqrt()
}

/// `ln Γ(z + 1) − (z + ½) ln z + z − ½ ln 2π`.
fn stirling_error(z: f64) -> f64 {
    if z < 16.0 {
        return libm::lgamma(z + 1.0) - (z + 0.5) * z.ln() + z - 0.5 * (2.0 * PI).ln();
    }
    // The first omitted term, 691/360360 z^-11, is below 1e-16 from 16 on.
    let w = 1.0 / (z * z);
    (1.0 / 12.0 - w * (1.0 / 360.0 - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w / 1188.0)))) / z
}

/// `x ln(x/m) + m − x`, without cancellation where `x` is close to `m` (Loader 2000).
fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() >= 0.1 {
        return x * (x / m).ln() + m - x;
    }
    // ln(x/m) = 2 atanh(v), hence (x − m)·v + 2x·(v³/3 + v⁵/5 + …).
    let square = v * v;
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for odd in (3..).step_by(2).take(30) {
        power *= square;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The binomial probability `C(n, k) p^k (1 − p)^(n − k)` in Loader's form (2000), which keeps its
/// digits for any size; `p` is inside `(0, 1)` and `k` in `0..=n`.
pub(crate) fn binomial_pmf(k: f64, n: f64, p: f64) -> f64 {
    let rest = n - k;
    if k == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if rest == 0.0 {
        return (n * p.ln()).exp();
    }
    let exponent = stirling_error(n)
        - stirling_error(k)
        - stirling_error(rest)
        - deviance(k, n * p)
        - deviance(rest, n * (1.0 - p));
    exponent.exp() * (n / (TAU * k * rest)).sqrt()
}

/// `Pr[Bin(n, p) ≤ k]`.
pub(crate) fn binomial_below(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_tails((n - k) as f64, k as f64 + 1.0, 1.0 - p).0
}

/// The probability that a chi-square variable with `k > 0` degrees of freedom exceeds `x`.
pub(crate) fn chi_square_above(k: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if k == 1.0 {
        return libm::erfc((x / 2.0).sqrt());
    }
    gamma_above(k / 2.0, x / 2.0)
}

/// `Q(a, x) = Γ(a, x) / Γ(a)` by the series for `P` below `a + 1` (DLMF 8.11.4) and the continued
/// fraction beyond (DLMF 8.9.2), each with a prefactor that keeps its digits.
fn gamma_above(a: f64, x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    // x^a e^-x / Γ(a + 1).
    let prefactor = (-stirling_error(a) - deviance(a, x)).exp() / (TAU * a).sqrt();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 1.. {
            term *= x / (a + f64::from(n));
            let next = sum + term;
            if next == sum {
                break;
            }
            sum = next;
        }
        return (1.0 - prefactor * sum).max(0.0);
    }
    // Modified Lentz; x ≥ a + 1 keeps every denominator positive.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut fraction = d;
    for n in 1..100_000 {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    prefactor * a * fraction
}

/// The probability that Student's t with `degrees` of freedom exceeds `t ≥ 0` in magnitude.
pub(crate) fn student_beyond(degrees: f64, t: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let x = degrees / (degrees + t * t);
    beta_tails(degrees / 2.0, 0.5, x).0
}

/// The `t` that Student's t with `degrees` of freedom exceeds in magnitude with probability
/// `1 − level`.
pub(crate) fn student_quantile(degrees: f64, level: f64) -> f64 {
    let x = beta_quantile(degrees / 2.0, 0.5, 1.0 - level, Tail::Lower);
    (degrees * (1.0 - x) / x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, relative: f64) {
        assert!((got - want).abs() <= relative * want.abs(), "got {got:e}, want {want:e}");
    }

    #[test]
    fn normal_quantiles_keep_twelve_digits() {
        // 50-digit values rounded to f64.
        close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15);
        close(normal_quantile(1e-10), -6.361_340_902_404_056, 1e-14);
        close(normal_quantile(0.6), 0.253_347_103_135_799_7, 1e-14);
        for p in [1e-20, 1e-5, 0.02, 0.3, 0.5, 0.7, 0.999] {
            close(normal_cdf(normal_quantile(p)), p, 1e-12);
        }
    }

    /// Sums the binomial tail, `I_x(k, n − k + 1) = Pr[Bin(n, x) ≥ k]`, term by term;
    /// `None` where the first term underflows.
    fn binomial_tail(k: u32, n: u32, x: f64) -> Option<f64> {
        let mut term = (0..k).fold(1.0, |term, i| term * f64::from(n - i) / f64::from(i + 1) * x)
            * (1.0 - x).powi((n - k).cast_signed());
        if term < 1e-250 {
            return None;
        }
        let mut sum = term;
        for i in k..n {
            term *= f64::from(n - i) / f64::from(i + 1) * x / (1.0 - x);
            sum += term;
        }
        Some(sum)
    }

    #[test]
    fn incomplete_beta_is_the_binomial_tail() {
        for n in [1_u32, 2, 7, 40, 200] {
            for k in 1..=n {
                for x in [0.01, 0.2, 0.5, 0.77, 0.99] {
                    let (below, above) = beta_tails(f64::from(k), f64::from(n - k + 1), x);
                    if let Some(want) = binomial_tail(k, n, x) {
                        close(below, want, 2e-12);
                    }
                    assert!((below + above - 1.0).abs() < 1e-14);
                }
            }
        }
    }

    #[test]
    fn tails_of_chi_square_and_student() {
        // scipy 1.17.1.
        for (k, x, want) in [
            (1.0, 0.1, 0.751_829_634_045_849_2),
            (1.0, 300.0, 3.294_362_383_313_978_4e-67),
            (2.0, 5.0, 0.082_084_998_623_898_8),
            (3.0, 1e-4, 0.999_999_734_046_458_5),
            (7.0, 7.0, 0.428_879_857_553_054_86),
            (30.0, 100.0, 1.856_802_336_510_231_4e-9),
            (500.0, 400.0, 0.999_637_929_541_710_3),
            (10_000.0, 11_000.0, 3.618_329_558_096_468_2e-12),
        ] {
            close(chi_square_above(k, x), want, 2e-11);
        }
        for (degrees, t, beyond, quantile) in [
            (1.0, 1.0, 0.5, 12.706_204_736_174_694),
            (3.0, 0.01, 0.992_649_111_412_852, 3.182_446_305_283_707_8),
            (10.0, 12.0, 2.921_408_824_769_984e-7, 2.228_138_851_986_274),
            (1000.0, 2.0, 0.045_770_346_493_251_66, 1.962_339_080_826_408_3),
            (2.5, 4.0, 0.039_012_975_841_318_25, 3.574_654_842_003_681_7),
        ] {
            close(student_beyond(degrees, t), beyond, 1e-11);
            close(student_quantile(degrees, 0.95), quantile, 1e-11);
        }
        for k in 0..=30_u32 {
            let sum: f64 = (0..=k).map(|i| binomial_pmf(f64::from(i), 30.0, 0.3)).sum();
            close(binomial_below(u64::from(k), 30, 0.3), sum, 1e-12);
        }
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        for (a, b) in [(0.5, 20.5), (1.0, 1.0), (1.0, 1e9), (3.5, 0.5), (7e5, 3e5), (1e12, 1e12)] {
            for p in [1e-200, 1e-9, 0.025, 0.5, 0.9] {
                let x = beta_quantile(a, b, p, Tail::Lower);
                // The mass changes by (relative change of x)·x·density, at most about √n ε.
                let tolerance = 1e-12 + 4.0 * f64::EPSILON * (a * b / (a + b)).sqrt() * 50.0;
                if x < 1.0 && x > 1e-300 {
                    close(beta_tails(a, b, x).0, p, tolerance);
                }
                let y = beta_quantile(a, b, p, Tail::Upper);
                // Near one, x has no finer steps than ε.
                if y < 0.9 {
                    close(beta_tails(a, b, y).1, p, tolerance);
                }
            }
        }
    }
}
