use std::ops::Range;

use assay_score::Interval;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{Error, Result, Spectrum};

/// A power law `y = A xˢ` fitted by least squares in log-log.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PowerLaw {
    /// `s`.
    pub exponent: f64,
    /// `A`.
    pub prefactor: f64,
    /// `log A`.
    pub log_prefactor: f64,
    /// The share of the variance of `log y` that the law explains, in log-log.
    pub r2: f64,
    /// The standard error of the exponent; `None` for two points, which every line meets.
    pub standard_error: Option<f64>,
    /// The interval of the exponent by Student's t with `n − 2` degrees of freedom.
    pub interval: Option<Interval>,
    /// Points used.
    pub points: usize,
}

/// How the points of a fit are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FitWeights {
    /// All alike.
    #[default]
    Equal,
    /// The `j`-th by `1/j`, so that the tail, which has most points in log scale, does not rule.
    Reciprocal,
}

/// Fits `y = A xˢ` by ordinary least squares on the logarithms: the paper's scaling law, with `x` the
/// number of parameters and `y` an entropy.
///
/// # Errors
/// [`Error::Shape`] for different lengths; [`Error::TooFewRows`] for fewer than two points;
/// [`Error::Setting`] for a coordinate that is not positive and finite or a level outside `(0, 1)`;
/// [`Error::Undefined`] where all `x` are equal.
///
/// ```
/// use matrix_entropy::power_law;
/// let law = power_law(&[1.0, 10.0, 100.0], &[2.0, 0.2, 0.02], 0.95)?;
/// assert!((law.exponent + 1.0).abs() < 1e-12 && (law.prefactor - 2.0).abs() < 1e-12);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn power_law(x: &[f64], y: &[f64], level: f64) -> Result<PowerLaw> {
    fit("power law", x, y, |_| 1.0, level)
}

impl Spectrum {
    /// α-ReQ (Agrawal et al. 2022): the decay `λ_j ∝ j^−α` over the eigenvalues with the zero-based
    /// places in `range`, so that `j` runs from `range.start + 1`. `exponent` is `−α`.
    ///
    /// Only eigenvalues above rounding take part; the reference implementation weighs by
    /// [`FitWeights::Reciprocal`] over `10..100`.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] where fewer than two such eigenvalues lie in the range.
    ///
    /// ```
    /// use matrix_entropy::{FitWeights, Spectrum};
    /// let values: Vec<f64> = (1..50).map(|j| f64::from(j).powf(-1.5)).collect();
    /// let law = Spectrum::from_eigenvalues(&values)?.decay(0..49, FitWeights::Reciprocal, 0.95)?;
    /// assert!((law.exponent + 1.5).abs() < 1e-12);
    /// # Ok::<(), matrix_entropy::Error>(())
    /// ```
    pub fn decay(&self, range: Range<usize>, weights: FitWeights, level: f64) -> Result<PowerLaw> {
        let largest = self.eigenvalues().first().copied().unwrap_or(0.0);
        let threshold = self.noise() * largest;
        let (x, y): (Vec<f64>, Vec<f64>) = self
            .eigenvalues()
            .iter()
            .enumerate()
            .skip(range.start)
            .take(range.len())
            .filter(|&(_, &value)| value > threshold)
            .map(|(index, &value)| (index as f64 + 1.0, value))
            .unzip();
        match weights {
            FitWeights::Equal => fit("spectral decay", &x, &y, |_| 1.0, level),
            FitWeights::Reciprocal => fit("spectral decay", &x, &y, |x| 1.0 / x, level),
        }
    }
}

fn fit(
    operation: &'static str,
    x: &[f64],
    y: &[f64],
    weight: impl Fn(f64) -> f64,
    level: f64,
) -> Result<PowerLaw> {
    if x.len() != y.len() {
        let expected = format!("{} values of y", x.len());
        return Err(Error::Shape { operation, expected, got: vec![y.len()] });
    }
    if x.len() < 2 {
        return Err(Error::TooFewRows { operation, needed: 2, got: x.len() });
    }
    if let Some(&got) = x.iter().chain(y).find(|&&v| !(v > 0.0 && v.is_finite())) {
        let expected = "positive and finite";
        return Err(Error::Setting { operation, name: "coordinates", expected, got });
    }
    if !(level > 0.0 && level < 1.0) {
        let expected = "between 0 and 1";
        return Err(Error::Setting { operation, name: "level", expected, got: level });
    }
    let points: Vec<(f64, f64, f64)> =
        x.iter().zip(y).map(|(&x, y)| (weight(x), x.ln(), y.ln())).collect();
    let total: f64 = points.iter().map(|p| p.0).sum();
    let mean =
        |of: fn(&(f64, f64, f64)) -> f64| points.iter().map(|p| p.0 * of(p)).sum::<f64>() / total;
    let (mx, my) = (mean(|p| p.1), mean(|p| p.2));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|&(w, x, y)| w * of(x - mx, y - my)).sum()
    };
    let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    if xx <= 0.0 {
        return Err(Error::Undefined { operation, reason: "all x are equal" });
    }
    let exponent = xy / xx;
    let residual = sum(&|x, y| (y - exponent * x) * (y - exponent * x));
    let log_prefactor = my - exponent * mx;
    let freedom = points.len() as f64 - 2.0;
    let standard_error = (freedom > 0.0).then(|| (residual / freedom / xx).sqrt());
    let interval = match (standard_error, StudentsT::new(0.0, 1.0, freedom)) {
        (Some(error), Ok(student)) => {
            let half = student.inverse_cdf(f64::midpoint(1.0, level)) * error;
            half.is_finite().then_some(Interval {
                lower: exponent - half,
                upper: exponent + half,
                level,
            })
        }
        _ => None,
    };
    Ok(PowerLaw {
        exponent,
        prefactor: log_prefactor.exp(),
        log_prefactor,
        // Constant y are explained by the constant.
        r2: if yy > 0.0 { (1.0 - residual / yy).clamp(0.0, 1.0) } else { 1.0 },
        standard_error,
        interval,
        points: points.len(),
    })
}
