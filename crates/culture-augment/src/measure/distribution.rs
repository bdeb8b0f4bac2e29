//! Distances between distributions of answers. Masses need not sum to 1; they are scaled.

use crate::{Error, Result};

/// The base of a logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum LogBase {
    /// Bits: the divergence lies between 0 and 1.
    #[default]
    Two,
    /// Nats: between 0 and ln 2.
    E,
}

/// The Jensen-Shannon divergence `(KL(p‖m) + KL(q‖m)) / 2` with `m = (p + q)/2` (Lin 1991). Its square
/// root is the Jensen-Shannon *distance*, which is a metric.
///
/// ```
/// use culture_augment::measure::{LogBase, jensen_shannon};
/// let divergence = jensen_shannon(&[12.0, 30.0, 58.0], &[40.0, 40.0, 20.0], LogBase::Two)?;
/// assert!((divergence.sqrt() - 0.3636476693332781).abs() < 1e-12);
/// # Ok::<(), culture_augment::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for no masses, [`Error::Length`] for different numbers of them, [`Error::Value`]
/// for a mass that is negative or not finite, or a sum that is 0 or not finite.
pub fn jensen_shannon(p: &[f64], q: &[f64], base: LogBase) -> Result<f64> {
    let (p, q) = both("Jensen-Shannon divergence", p, q)?;
    // x ln(x / m) with m = (x + y)/2, so that the ratio is never 0/0.
    let part = |x: f64, y: f64| if x > 0.0 { x * (2.0 * x / (x + y)).ln() } else { 0.0 };
    let sum: f64 = p.iter().zip(&q).map(|(&x, &y)| part(x, y) + part(y, x)).sum();
    let nats = (sum / 2.0).clamp(0.0, std::f64::consts::LN_2);
    Ok(match base {
        LogBase::Two => (nats / std::f64::consts::LN_2).min(1.0),
        LogBase::E => nats,
    })
}

/// The Kullback-Leibler divergence `Σ p ln(p/q)` in nats, with `ε` added to every share of `q` (and
/// the sum restored): infinite when `ε` is 0 and `q` misses an answer that `p` has.
///
/// # Errors
/// As [`jensen_shannon`]; [`Error::Setting`] for a negative `ε`.
pub fn kullback_leibler(p: &[f64], q: &[f64], epsilon: f64) -> Result<f64> {
    const OPERATION: &str = "Kullback-Leibler divergence";
    if !(epsilon.is_finite() && epsilon >= 0.0) {
        return Err(Error::setting(OPERATION, "ε", "finite and at least 0", epsilon));
    }
    let (p, q) = both(OPERATION, p, q)?;
    let total = 1.0 + epsilon * q.len() as f64;
    let part = |(&x, &y): (&f64, &f64)| {
        if x > 0.0 { x * (x.ln() - ((y + epsilon) / total).ln()) } else { 0.0 }
    };
    Ok(p.iter().zip(&q).map(part).sum::<f64>().max(0.0))
}

/// The total variation distance `½ Σ |p − q|`, between 0 and 1.
///
/// # Errors
/// As [`jensen_shannon`].
pub fn total_variation(p: &[f64], q: &[f64]) -> Result<f64> {
    let (p, q) = both("total variation", p, q)?;
    Ok((p.iter().zip(&q).map(|(x, y)| (x - y).abs()).sum::<f64>() / 2.0).min(1.0))
}

/// The Wasserstein-1 distance of masses at the points of an ordinal scale: `Σ |F_p − F_q| · gap`.
/// Divide by `high − low` to compare scales.
///
/// # Errors
/// As [`jensen_shannon`]; [`Error::Length`] when points and masses differ in number, [`Error::Value`]
/// when the points do not rise.
pub fn wasserstein(points: &[f64], p: &[f64], q: &[f64]) -> Result<f64> {
    const OPERATION: &str = "Wasserstein distance";
    let (p, q) = both(OPERATION, p, q)?;
    if points.len() != p.len() {
        let (expected, got) = (p.len(), points.len());
        return Err(Error::Length { operation: OPERATION, items: "points", expected, got });
    }
    let rises = |w: &[f64]| w[0].is_finite() && w[1].is_finite() && w[1] > w[0];
    if let Some(index) = points.windows(2).position(|w| !rises(w)) {
        let got = points.get(index + 1).copied().unwrap_or(f64::NAN);
        let expected = "points that rise";
        return Err(Error::Value { operation: OPERATION, index: index + 1, expected, got });
    }
    let (mut f, mut g, mut sum) = (0.0, 0.0, 0.0);
    for ((x, y), gap) in p.iter().zip(&q).zip(points.windows(2)) {
        f += x;
        g += y;
        sum += (f - g).abs() * (gap[1] - gap[0]);
    }
    Ok(sum)
}

/// The Wasserstein-1 distance of two samples, each after `x → (x − low)/(high − low)` when `scale` is
/// given, as WorldValuesBench does.
///
/// # Errors
/// [`Error::Empty`] for an empty sample, [`Error::Value`] for a value that is not finite,
/// [`Error::Setting`] for a scale whose ends do not rise.
pub fn wasserstein_samples(a: &[f64], b: &[f64], scale: Option<(f64, f64)>) -> Result<f64> {
    const OPERATION: &str = "Wasserstein distance";
    if let Some((low, high)) = scale
        && !((high - low).is_finite() && high > low)
    {
        let got = format!("{low} to {high}");
        return Err(Error::setting(OPERATION, "scale", "finite and rising", got));
    }
    let sorted = |sample: &[f64]| -> Result<Vec<f64>> {
        if sample.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "value" });
        }
        if let Some(index) = sample.iter().position(|x| !x.is_finite()) {
            let got = sample.get(index).copied().unwrap_or(f64::NAN);
            return Err(Error::Value {
                operation: OPERATION,
                index,
                expected: "finite values",
                got,
            });
        }
        let place = |x: &f64| scale.map_or(*x, |(low, high)| (x - low) / (high - low));
        let mut sample: Vec<f64> = sample.iter().map(place).collect();
        sample.sort_unstable_by(f64::total_cmp);
        Ok(sample)
    };
    let (a, b) = (sorted(a)?, sorted(b)?);
    // Both distribution functions are steps; between neighbours of the merged values they are constant.
    let (mut i, mut j, mut sum, mut last) = (0, 0, 0.0, None::<f64>);
    loop {
        let next = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => return Ok(sum),
        };
        if let Some(last) = last {
            let gap = i as f64 / a.len() as f64 - j as f64 / b.len() as f64;
            sum += gap.abs() * (next - last);
        }
        while a.get(i).is_some_and(|&x| x <= next) {
            i += 1;
        }
        while b.get(j).is_some_and(|&x| x <= next) {
            j += 1;
        }
        last = Some(next);
    }
}

/// Both scaled to sum 1.
fn both(operation: &'static str, p: &[f64], q: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    if p.len() != q.len() {
        let (expected, got) = (p.len(), q.len());
        return Err(Error::Length { operation, items: "masses", expected, got });
    }
    Ok((scaled(operation, p)?, scaled(operation, q)?))
}

fn scaled(operation: &'static str, masses: &[f64]) -> Result<Vec<f64>> {
    if masses.is_empty() {
        return Err(Error::Empty { operation, item: "mass" });
    }
    if let Some(index) = masses.iter().position(|x| !(x.is_finite() && *x >= 0.0)) {
        let got = masses.get(index).copied().unwrap_or(f64::NAN);
        let expected = "finite masses of at least 0";
        return Err(Error::Value { operation, index, expected, got });
    }
    // Scaled by the largest first: a sum of huge masses must not overflow.
    let largest = masses.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        let expected = "a mass above 0";
        return Err(Error::Value { operation, index: 0, expected, got: 0.0 });
    }
    let total: f64 = masses.iter().map(|x| x / largest).sum();
    Ok(masses.iter().map(|x| x / largest / total).collect())
}
