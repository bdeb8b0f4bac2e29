use assay_array::Scalar;
use assay_array::numeric::{sigmoid, softplus};

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, fitted, require};
use crate::optimise::newton;
use crate::outputs::LOG_FLOOR;
use crate::{BinaryForecasts, Error, Result};

const OPERATION: &str = "beta calibration";
/// The largest component of the mean gradient that counts as converged.
const TOLERANCE: f64 = 1e-10;

/// Which parameters of the beta curve are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum BetaShape {
    /// All three.
    #[default]
    Abm,
    /// `a = b`: both tails bend alike.
    Am,
    /// `c = 0`: one half stays where it is.
    Ab,
}

/// How to fit beta calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BetaConfig {
    shape: BetaShape,
    monotone: bool,
}

impl Default for BetaConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl BetaConfig {
    /// All three parameters, and a curve that does not fall.
    pub fn new() -> Self {
        Self { shape: BetaShape::default(), monotone: true }
    }

    /// Sets which parameters are free.
    #[must_use]
    pub fn with_shape(self, shape: BetaShape) -> Self {
        Self { shape, ..self }
    }

    /// The plain maximum likelihood fit: `a` and `b` may be negative, the curve may fall.
    #[must_use]
    pub fn unconstrained(self) -> Self {
        Self { monotone: false, ..self }
    }
}

/// The curve of beta calibration (Kull, Silva Filho and Flach 2017):
/// `logit p = a ln s − b ln(1 − s) + c`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BetaCurve {
    /// The weight of `ln s`.
    pub a: f64,
    /// The weight of `−ln(1 − s)`.
    pub b: f64,
    /// The offset.
    pub c: f64,
    /// The mean negative log likelihood on the samples fitted on.
    pub nll: f64,
    /// Whether the fit reached its tolerance.
    pub converged: bool,
}

fitted!(BetaCurve { a: f64, b: f64, c: f64, nll: f64, converged: bool });

impl Fitted for BetaCurve {
    fn check(&self) -> Result<()> {
        let finite = [self.a, self.b, self.c, self.nll].iter().all(|x| x.is_finite());
        require(finite, OPERATION, "finite parameters", self)
    }
}

/// `(ln s, −ln(1 − s))`, with both arguments kept above [`LOG_FLOOR`].
fn features(s: f64) -> [f64; 2] {
    [s.max(LOG_FLOOR).ln(), -(1.0 - s).max(LOG_FLOOR).ln()]
}

impl BetaCurve {
    /// Fits on forecasts and outcomes.
    ///
    /// # Errors
    /// [`Error::Undefined`] where all outcomes are equal: the likelihood has no maximum.
    pub fn fit<T: Scalar>(config: &BetaConfig, forecasts: &BinaryForecasts<'_, T>) -> Result<Self> {
        let rate = forecasts.rate();
        if rate == 0.0 || rate == 1.0 {
            let reason = "all outcomes are equal";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        let data: Vec<([f64; 2], f64)> = forecasts.pairs().map(|(p, y)| (features(p), y)).collect();
        let curve = match config.shape {
            BetaShape::Abm => solve(&data, [true, true, true], false),
            BetaShape::Ab => solve(&data, [true, true, false], false),
            BetaShape::Am => solve(&data, [true, true, true], true),
        };
        if !config.monotone || (curve.a >= 0.0 && curve.b >= 0.0) {
            return Ok(curve);
        }
        // The optimum of the constrained problem lies on a face: the best of them.
        let offset = config.shape != BetaShape::Ab;
        let faces = match config.shape {
            BetaShape::Am => vec![[false, false, true]],
            _ => vec![[true, false, offset], [false, true, offset], [false, false, offset]],
        };
        let fits = faces.into_iter().map(|free| solve(&data, free, false));
        let allowed = fits.filter(|curve| curve.a >= 0.0 && curve.b >= 0.0);
        Ok(allowed.min_by(|one, other| one.nll.total_cmp(&other.nll)).unwrap_or(curve))
    }

    /// The curve that changes nothing.
    fn identity() -> Self {
        Self { a: 1.0, b: 1.0, c: 0.0, nll: 0.0, converged: true }
    }

    /// The calibrated probability; of a number outside `[0, 1]` that of the end.
    pub fn predict(&self, probability: f64) -> f64 {
        let [x, y] = features(probability.clamp(0.0, 1.0));
        sigmoid(self.a * x + self.b * y + self.c)
    }
}

/// Maximum likelihood over the free parameters, the others 0; `tied` sets `b = a`.
fn solve(data: &[([f64; 2], f64)], free: [bool; 3], tied: bool) -> BetaCurve {
    let n = data.len() as f64;
    let local = |&[a, b, c]: &[f64; 3]| {
        let (mut value, mut g, mut h) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
        for &([x, y], target) in data {
            let row = if tied { [x + y, 0.0, 1.0] } else { [x, y, 1.0] };
            let z = a * row[0] + b * row[1] + c * row[2];
            let p = sigmoid(z);
            value += softplus(z) - target * z;
            let (r, v) = (p - target, p * (1.0 - p));
            for i in 0..3 {
                g[i] += r * row[i];
                for j in 0..3 {
                    h[i][j] += v * row[i] * row[j];
                }
            }
        }
        for i in 0..3 {
            // A parameter that is held has no slope, and curvature enough to be solved for.
            if !free[i] || (tied && i == 1) {
                g[i] = 0.0;
                h[i] = [0.0; 3];
                for row in &mut h {
                    row[i] = 0.0;
                }
                h[i][i] = n;
            }
        }
        (value / n, g.map(|g| g / n), h.map(|row| row.map(|h| h / n)))
    };
    let start = [f64::from(u8::from(free[0])), f64::from(u8::from(free[1] && !tied)), 0.0];
    let (minimum, [a, b, c]) = newton(start, TOLERANCE, local);
    let b = if tied { a } else { b };
    BetaCurve { a, b, c, nll: minimum.after, converged: minimum.converged }
}

impl BinaryCurve for BetaCurve {
    type Config = BetaConfig;
    const NAME: &'static str = "beta";

    /// A class that every label names, or none, keeps its probabilities.
    fn fit_class(config: &BetaConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        match Self::fit(config, forecasts) {
            Err(Error::Undefined { .. }) => Ok(Self::identity()),
            other => other,
        }
    }

    fn map(&self, probability: f64) -> f64 {
        self.predict(probability)
    }

    fn converged(&self) -> bool {
        self.converged
    }
}

/// Beta calibration of every class against the rest. A class that every label names, or none, keeps
/// its probabilities.
pub type Beta = OneVsRest<BetaCurve>;
