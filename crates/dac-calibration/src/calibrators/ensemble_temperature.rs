use assay_array::Scalar;
use ndarray::Array2;

use super::stored::{Fitted, fitted, require, unit};
use crate::calibrator::{Calibrator, FitReport, Objective, Predictions, Warning};
use crate::optimise::golden_section;
use crate::{Error, Logits, Probs, Result};

const OPERATION: &str = "ensemble temperature scaling";

/// What ensemble temperature scaling minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EnsembleLoss {
    /// The mean squared error over all classes, Mix-n-Match's choice.
    #[default]
    SquaredError,
    /// The negative log likelihood.
    CrossEntropy,
}

/// How to fit ensemble temperature scaling.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnsembleTemperatureConfig {
    loss: EnsembleLoss,
    bounds: (f64, f64),
}

impl Default for EnsembleTemperatureConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl EnsembleTemperatureConfig {
    /// The squared error, temperatures in `[0.05, 5]`.
    pub fn new() -> Self {
        Self { loss: EnsembleLoss::default(), bounds: (0.05, 5.0) }
    }

    /// Sets what is minimised.
    #[must_use]
    pub fn with_loss(self, loss: EnsembleLoss) -> Self {
        Self { loss, ..self }
    }

    /// Sets the range of temperatures.
    #[must_use]
    pub fn with_bounds(self, lower: f64, upper: f64) -> Self {
        Self { bounds: (lower, upper), ..self }
    }
}

/// Ensemble temperature scaling (Zhang, Kailkhura and Han 2020, *Mix-n-Match*):
/// `p = w₀ softmax(z/T) + w₁ softmax(z) + w₂/C`, first `T` alone, then `w` on the simplex.
///
/// `T` is found by a grid and golden-section search, because the squared error is not convex in it;
/// `w` is the exact optimum of a convex problem, the best of the simplex's corners, edges and inside.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EnsembleTemperature {
    temperature: f64,
    weights: [f64; 3],
    classes: usize,
    report: FitReport,
}

fitted!(EnsembleTemperature {
    temperature: f64,
    weights: [f64; 3],
    classes: usize,
    report: FitReport,
});

impl Fitted for EnsembleTemperature {
    fn check(&self) -> Result<()> {
        let temperature = self.temperature > 0.0 && self.temperature.is_finite();
        let sum: f64 = self.weights.iter().sum();
        let weights = unit(&self.weights) && (sum - 1.0).abs() < 1e-9;
        let expected = "a positive temperature and weights that sum to 1";
        require(
            temperature && weights && self.classes > 0,
            OPERATION,
            expected,
            (self.temperature, self.weights),
        )
    }
}

impl EnsembleTemperature {
    /// The temperature.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The weights of the scaled, the unscaled and the uniform probabilities; they sum to 1.
    pub fn weights(&self) -> [f64; 3] {
        self.weights
    }
}

fn mixture(logits: &Logits<'_>, temperature: f64, weights: [f64; 3]) -> Probs<'static> {
    let uniform = weights[2] / logits.classes() as f64;
    let mut out: Array2<f64> = logits.softmax_at(1.0 / temperature).into_array();
    let plain = logits.softmax();
    out.zip_mut_with(&plain.view(), |p, q| {
        *p = (weights[0] * *p + weights[1] * q + uniform).min(1.0);
    });
    Probs::trusted(out)
}

impl Calibrator for EnsembleTemperature {
    type Config = EnsembleTemperatureConfig;
    const NAME: &'static str = "ensemble temperature";

    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Parameter`] for
    /// bounds that are not positive and ascending.
    fn fit<T: Scalar>(
        config: &EnsembleTemperatureConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        let (lower, upper) = config.bounds;
        if !(lower > 0.0 && lower < upper && upper.is_finite()) {
            let (name, expected) = ("bounds of the temperature", "positive and ascending");
            return Err(Error::Parameter { name, expected, got: lower });
        }
        let logits = predictions.logits();
        let loss = |temperature: f64| -> Result<f64> {
            let overview = logits.overview_at(1.0 / temperature, labels, 1)?;
            Ok(match config.loss {
                EnsembleLoss::SquaredError => overview.brier,
                // A finite logit never has probability 0 in log space.
                EnsembleLoss::CrossEntropy => overview.nll.unwrap_or(f64::INFINITY),
            })
        };
        let log_temperature =
            golden_section(lower.ln(), upper.ln(), |t| loss(t.exp()).unwrap_or(f64::INFINITY));
        let temperature = log_temperature.exp().clamp(lower, upper);
        let mut warnings = Vec::new();
        if let Some(bound) =
            [lower, upper].into_iter().find(|b| (temperature / b - 1.0).abs() < 1e-6)
        {
            warnings.push(Warning::AtBound { parameter: "temperature".to_owned(), bound });
        }
        let scaled = logits.softmax_at(1.0 / temperature);
        let plain = logits.softmax();
        let problem = Mixture::new(config.loss, &scaled, &plain, labels);
        let (weights, after) = problem.best();
        let objective = Objective {
            before: problem.value([0.0, 1.0, 0.0]),
            after,
            gradient: problem.violation(weights),
        };
        let before = FitReport::look(predictions, labels)?;
        let after = FitReport::look_probs(&mixture(&logits, temperature, weights), labels)?;
        let report = FitReport::iterated(&before, &after, Some((1, true, objective)), warnings);
        Ok(Self { temperature, weights, classes: logits.classes(), report })
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("ensemble temperature [samples, classes]", self.classes)?;
        Ok(mixture(&predictions.logits(), self.temperature, self.weights))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}

/// The convex problem of the weights.
enum Mixture {
    /// `wᵀ A w − 2 bᵀ w + 1`, from inner products of the three predictions and the labels.
    Square { a: [[f64; 3]; 3], b: [f64; 3] },
    /// `−mean ln Σ_k w_k q_ik`, with `q` the three predictions of the label.
    Log(Vec<[f64; 3]>),
}

impl Mixture {
    fn new(loss: EnsembleLoss, scaled: &Probs<'_>, plain: &Probs<'_>, labels: &[usize]) -> Self {
        let (n, uniform) = (labels.len() as f64, 1.0 / scaled.classes() as f64);
        let (scaled, plain) = (scaled.view(), plain.view());
        let of_label = |i: usize| {
            let at =
                |p: &ndarray::ArrayView2<'_, f64>| p.get((i, labels[i])).copied().unwrap_or(0.0);
            [at(&scaled), at(&plain), uniform]
        };
        if loss == EnsembleLoss::CrossEntropy {
            return Self::Log((0..labels.len()).map(of_label).collect());
        }
        let inner = |one: &ndarray::ArrayView2<'_, f64>, other: &ndarray::ArrayView2<'_, f64>| {
            one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / n
        };
        // Rows sum to 1, so that products with the uniform prediction are 1/C.
        let (ss, sp, pp) = (inner(&scaled, &scaled), inner(&scaled, &plain), inner(&plain, &plain));
        let a = [[ss, sp, uniform], [sp, pp, uniform], [uniform; 3]];
        let mut b = [0.0; 3];
        for i in 0..labels.len() {
            b.iter_mut().zip(of_label(i)).for_each(|(b, q)| *b += q / n);
        }
        Self::Square { a, b }
    }

    /// Value, gradient, and Hessian.
    fn local(&self, w: [f64; 3]) -> (f64, [f64; 3], [[f64; 3]; 3]) {
        match self {
            Self::Square { a, b } => {
                let aw = a.map(|row| row.iter().zip(w).map(|(a, w)| a * w).sum::<f64>());
                let value = 1.0 + (0..3).map(|k| w[k] * (aw[k] - 2.0 * b[k])).sum::<f64>();
                let gradient = [0, 1, 2].map(|k| 2.0 * (aw[k] - b[k]));
                (value, gradient, a.map(|row| row.map(|a| 2.0 * a)))
            }
            Self::Log(rows) => {
                let n = rows.len() as f64;
                let (mut value, mut g, mut h) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
                for q in rows {
                    let mix: f64 =
                        q.iter().zip(w).map(|(q, w)| q * w).sum::<f64>().max(f64::MIN_POSITIVE);
                    value -= mix.ln() / n;
                    for i in 0..3 {
                        g[i] -= q[i] / mix / n;
                        for j in 0..3 {
                            h[i][j] += (q[i] / mix) * (q[j] / mix) / n;
                        }
                    }
                }
                (value, g, h)
            }
        }
    }

    fn value(&self, w: [f64; 3]) -> f64 {
        self.local(w).0
    }

    /// How far the optimality conditions are off: the largest slope towards a corner.
    fn violation(&self, w: [f64; 3]) -> f64 {
        let (_, gradient, _) = self.local(w);
        let here: f64 = gradient.iter().zip(w).map(|(g, w)| g * w).sum();
        gradient.iter().map(|g| here - g).fold(0.0, f64::max)
    }

    /// The best weights: of the corners, of the three edges, of the inside.
    fn best(&self) -> ([f64; 3], f64) {
        const CORNERS: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let mut candidates = CORNERS.to_vec();
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            candidates.push(self.along(CORNERS[i], CORNERS[j]));
        }
        let start =
            candidates.iter().copied().min_by(|a, b| self.value(*a).total_cmp(&self.value(*b)));
        candidates.push(self.inside(start.unwrap_or(CORNERS[1])));
        let all = candidates.into_iter().map(|w| (w, self.value(w)));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((CORNERS[1], self.value(CORNERS[1])))
    }

    /// The best point of a segment, by bisection on the slope of a convex function.
    fn along(&self, from: [f64; 3], to: [f64; 3]) -> [f64; 3] {
        let at = |t: f64| [0, 1, 2].map(|k| from[k] + t * (to[k] - from[k]));
        let slope = |t: f64| {
            let (_, g, _) = self.local(at(t));
            (0..3).map(|k| g[k] * (to[k] - from[k])).sum::<f64>()
        };
        let (mut lower, mut upper) = (0.0, 1.0);
        for _ in 0..60 {
            let t = f64::midpoint(lower, upper);
            if slope(t) > 0.0 {
                upper = t;
            } else {
                lower = t;
            }
        }
        at(f64::midpoint(lower, upper))
    }

    /// Descends from the best point of the border: towards the corner of steepest descent, as far as
    /// pays, until no corner promises anything.
    fn inside(&self, start: [f64; 3]) -> [f64; 3] {
        let mut w = start;
        for _ in 0..500 {
            let (_, g, h) = self.local(w);
            let mut next = newton_on_plane(w, &g, &h).filter(|next| next.iter().all(|w| *w >= 0.0));
            if next.is_none_or(|next| self.value(next) >= self.value(w)) {
                let corner = (0..3).min_by(|&i, &j| g[i].total_cmp(&g[j])).unwrap_or_default();
                let mut target = [0.0; 3];
                target[corner] = 1.0;
                next = Some(self.along(w, target));
            }
            let next = next.unwrap_or(w);
            let done = self.value(w) - self.value(next) <= 1e-16;
            w = next;
            if done {
                break;
            }
        }
        w
    }
}

/// The Newton step within the plane `Σ w = 1`.
fn newton_on_plane(w: [f64; 3], g: &[f64; 3], h: &[[f64; 3]; 3]) -> Option<[f64; 3]> {
    // Directions e₀ − e₂ and e₁ − e₂.
    let slope = [g[0] - g[2], g[1] - g[2]];
    let bend = |i: usize, j: usize| h[i][j] - h[i][2] - h[2][j] + h[2][2];
    let (a, b, d) = (bend(0, 0), bend(0, 1), bend(1, 1));
    let determinant = a * d - b * b;
    if determinant.is_nan() || determinant <= 1e-14 * a * d {
        return None;
    }
    let u = -(d * slope[0] - b * slope[1]) / determinant;
    let v = -(a * slope[1] - b * slope[0]) / determinant;
    Some([w[0] + u, w[1] + v, w[2] - u - v])
}
