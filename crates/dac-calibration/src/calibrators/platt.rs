use assay_array::numeric::{sigmoid, softplus};

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, fitted, require};
use crate::optimise::{Minimum, newton};
use crate::outputs::LOG_FLOOR;
use crate::{BinaryForecasts, Error, Result};

const OPERATION: &str = "Platt scaling";
/// The largest component of the mean gradient that counts as converged.
const TOLERANCE: f64 = 1e-10;

/// How to fit Platt scaling.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PlattConfig {
    smoothed: bool,
}

impl Default for PlattConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl PlattConfig {
    /// With Platt's smoothed targets, which keep the fit finite whatever the labels.
    pub fn new() -> Self {
        Self { smoothed: true }
    }

    /// The plain maximum likelihood fit, with targets 0 and 1.
    #[must_use]
    pub fn without_smoothing(self) -> Self {
        Self { smoothed: false }
    }
}

/// The curve of Platt (1999): `p = 1 / (1 + exp(A s + B))`.
///
/// Targets are `(N₊ + 1)/(N₊ + 2)` for events and `1/(N₋ + 2)` for others, unless smoothing is off.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Sigmoid {
    /// `A`: negative where larger scores mean likelier events.
    pub a: f64,
    /// `B`.
    pub b: f64,
}

fitted!(Sigmoid { a: f64, b: f64 });

impl Fitted for Sigmoid {
    fn check(&self) -> Result<()> {
        require(self.a.is_finite() && self.b.is_finite(), OPERATION, "finite parameters", self)
    }
}

impl Sigmoid {
    /// Fits on any finite scores.
    ///
    /// # Errors
    /// [`Error::Empty`]; [`Error::Length`]; [`Error::NotFinite`]; [`Error::Undefined`] for constant
    /// scores, and, where smoothing is off, for events that all or none came true.
    pub fn fit(config: &PlattConfig, scores: &[f64], outcomes: &[bool]) -> Result<Self> {
        Ok(Self::minimise(config, scores, outcomes)?.1)
    }

    fn minimise(
        config: &PlattConfig,
        scores: &[f64],
        outcomes: &[bool],
    ) -> Result<(Minimum, Self)> {
        check(scores, outcomes)?;
        let n = scores.len() as f64;
        let events = outcomes.iter().filter(|&&outcome| outcome).count() as f64;
        let one_sided = events == 0.0 || events == n;
        if one_sided && !config.smoothed {
            let reason = "all outcomes are equal; smoothed targets have a fit";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        let (high, low) = if config.smoothed {
            ((events + 1.0) / (events + 2.0), 1.0 / (n - events + 2.0))
        } else {
            (1.0, 0.0)
        };
        // Scores of unit spread make for a well-conditioned problem.
        let mean = scores.iter().sum::<f64>() / n;
        let spread = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n).sqrt();
        if spread.is_nan() || spread <= 0.0 || scores.iter().all(|s| *s == scores[0]) {
            let reason = "all scores are equal";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        let local = |&[slope, offset]: &[f64; 2]| {
            let (mut value, mut g, mut h) = (0.0, [0.0; 2], [[0.0; 2]; 2]);
            for (s, &outcome) in scores.iter().zip(outcomes) {
                let x = (s - mean) / spread;
                let target = if outcome { high } else { low };
                let z = slope * x + offset;
                let p = sigmoid(z);
                value += softplus(z) - target * z;
                let (r, v) = (p - target, p * (1.0 - p));
                g[0] += r * x;
                g[1] += r;
                h[0][0] += v * x * x;
                h[1][0] += v * x;
                h[1][1] += v;
            }
            h[0][1] = h[1][0];
            (value / n, g.map(|g| g / n), h.map(|row| row.map(|h| h / n)))
        };
        // The base rate, and no slope.
        let rate = (high * events + low * (n - events)) / n;
        let (minimum, [slope, offset]) =
            newton([0.0, (rate / (1.0 - rate)).ln()], TOLERANCE, local);
        let curve = Self { a: -slope / spread, b: -(offset - slope * mean / spread) };
        Ok((minimum, curve))
    }

    /// The calibrated probability.
    pub fn predict(&self, score: f64) -> f64 {
        sigmoid(-(self.a * score + self.b))
    }
}

pub(super) fn check(scores: &[f64], outcomes: &[bool]) -> Result<()> {
    if scores.is_empty() {
        return Err(Error::Empty { operation: OPERATION, item: "score" });
    }
    let (expected, got) = (scores.len(), outcomes.len());
    if expected != got {
        return Err(Error::Length { operation: OPERATION, items: "outcomes", expected, got });
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(row) => {
            let value = scores[row];
            Err(Error::NotFinite { operation: OPERATION, row, column: 0, value })
        }
        None => Ok(()),
    }
}

/// `ln p − ln(1 − p)`, with both kept above [`LOG_FLOOR`].
pub(super) fn log_odds(p: f64) -> f64 {
    p.max(LOG_FLOOR).ln() - (1.0 - p).max(LOG_FLOOR).ln()
}

impl BinaryCurve for Sigmoid {
    type Config = PlattConfig;
    const NAME: &'static str = "platt";

    fn fit_class(config: &PlattConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        let scores: Vec<f64> = forecasts.probability().iter().map(|&p| log_odds(p)).collect();
        Self::fit(config, &scores, forecasts.outcome())
    }

    fn map(&self, probability: f64) -> f64 {
        self.predict(log_odds(probability))
    }
}

/// Platt scaling of every class's log odds against the rest.
pub type Platt = OneVsRest<Sigmoid>;
