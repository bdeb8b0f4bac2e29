//! Pearson's and Spearman's correlation.

use assay_array::Scalar;

use super::pairs;
use super::rank::midranks;
use crate::interval::check_level;
use crate::special::{student_beyond, two_sided_z};
use crate::{Interval, Result};

/// A correlation with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Correlation {
    /// The correlation, in `[−1, 1]`.
    pub value: f64,
    /// The two-sided p-value of no correlation, from Student's t with `n − 2` degrees of freedom;
    /// `None` for fewer than three pairs.
    pub p_value: Option<f64>,
    /// The interval by Fisher's transform, with the standard error of the measure; `None` for fewer
    /// than four pairs.
    pub interval: Option<Interval>,
    /// The number of pairs.
    pub count: u64,
}

/// Pearson's correlation `Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²)`; `None` where one side is
/// constant. The interval is `tanh(atanh r ± z/√(n − 3))` (Fisher 1921), for normal data.
///
/// ```
/// use assay_score::statistics::pearson;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [1.1, 1.9, 3.2, 3.9]);
/// assert!(pearson(&x, &y, 0.95)?.unwrap().value > 0.99);
/// assert_eq!(pearson(&x, &[5.0; 4], 0.95)?, None);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) unless the lists are of one length,
/// [`Error::TooFew`](crate::Error::TooFew) for fewer than two pairs,
/// [`Error::Value`](crate::Error::Value) for a value that is not finite,
/// [`Error::Setting`](crate::Error::Setting) for a level outside `(0, 1)`.
pub fn pearson<T: Scalar>(x: &[T], y: &[T], level: f64) -> Result<Option<Correlation>> {
    let operation = "Pearson correlation";
    check_level(operation, level)?;
    let (x, y) = pairs(operation, x, y, 2)?;
    Ok(correlation(&x, &y).map(|r| report(r, x.len(), 1.0, level)))
}

/// Spearman's correlation: Pearson's of the ranks, ties sharing their mean rank; `None` where one
/// side is constant. The interval is `tanh(atanh ρ ± z √((1 + ρ²/2)/(n − 3)))` (Bonett and Wright
/// 2000). Takes `O(n log n)`.
///
/// # Errors
/// As [`pearson`].
pub fn spearman<T: Scalar>(x: &[T], y: &[T], level: f64) -> Result<Option<Correlation>> {
    let operation = "Spearman correlation";
    check_level(operation, level)?;
    let (x, y) = pairs(operation, x, y, 2)?;
    let rho = correlation(&midranks(&x), &midranks(&y));
    Ok(rho.map(|rho| report(rho, x.len(), 1.0 + rho * rho / 2.0, level)))
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    /// Independent partial sums, so that the compiler can use vector registers.
    const LANES: usize = 8;
    if x.iter().all(|v| *v == x[0]) || y.iter().all(|v| *v == y[0]) {
        return None;
    }
    let sum = |values: &[f64]| {
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += value;
            }
        }
        lanes.iter().chain(rest).sum::<f64>()
    };
    let (mx, my) = (sum(x) / x.len() as f64, sum(y) / y.len() as f64);
    let largest = |values: &[f64], center: f64| {
        values.iter().fold(0.0, |a, v| f64::max(a, (v - center).abs()))
    };
    let (sx, sy) = (1.0 / largest(x, mx), 1.0 / largest(y, my));
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    let (mut xx, mut yy, mut xy) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    // Scaled by the largest deviation, so that no square over- or underflows.
    let mut add = |lane: usize, x: f64, y: f64| {
        let (dx, dy) = ((x - mx) * sx, (y - my) * sy);
        xx[lane] += dx * dx;
        yy[lane] += dy * dy;
        xy[lane] += dx * dy;
    };
    for (xs, ys) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..LANES {
            add(lane, xs[lane], ys[lane]);
        }
    }
    for (&x, &y) in x_rest.iter().zip(y_rest) {
        add(0, x, y);
    }
    let total = |lanes: [f64; LANES]| lanes.iter().sum::<f64>();
    let r = total(xy) / (total(xx) * total(yy)).sqrt();
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}

fn report(r: f64, n: usize, factor: f64, level: f64) -> Correlation {
    let count = n as f64;
    let t = r.abs() * ((count - 2.0) / ((1.0 - r) * (1.0 + r))).sqrt();
    Correlation {
        value: r,
        p_value: (n > 2).then(|| student_beyond(count - 2.0, t)),
        interval: (n > 3).then(|| fisher(r, (factor / (count - 3.0)).sqrt(), level)),
        count: n as u64,
    }
}

/// The interval by Fisher's transform with a standard error on its scale.
pub(super) fn fisher(r: f64, standard_error: f64, level: f64) -> Interval {
    let (center, half) = (r.atanh(), two_sided_z(level) * standard_error);
    Interval { lower: (center - half).tanh(), upper: (center + half).tanh(), level }
}
