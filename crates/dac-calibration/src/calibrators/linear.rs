//! Vector, matrix and Dirichlet scaling: `softmax(W x + b)` in three families.

use assay_array::Scalar;
use ndarray::{Array1, Array2, ArrayView2};

use super::stored::{Fitted, fitted, require};
use crate::calibrator::{Calibrator, FitReport, Objective, Predictions};
use crate::optimise::{Minimum, lbfgs};
use crate::{Error, Logits, Probs, Result};

/// Which entries of `W` are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Diagonal,
    Full,
}

/// Penalties on what moves away from the identity.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Penalty {
    /// Of `Σ (w_cc − 1)²`, or of off-diagonal entries alone.
    weights: f64,
    /// Of `Σ b_c²`.
    bias: f64,
    /// Off-diagonal entries only (ODIR).
    off_diagonal_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Settings {
    tolerance: f64,
    max_iterations: usize,
}

const TOLERANCE: f64 = 1e-8;
const MAX_ITERATIONS: usize = 2000;

/// Mean NLL of `softmax(W x + b)` with its penalties; parameters are `W` (diagonal or row by row),
/// then `b`.
struct Problem<'a> {
    x: ArrayView2<'a, f64>,
    labels: &'a [usize],
    family: Family,
    penalty: Penalty,
}

impl Problem<'_> {
    fn classes(&self) -> usize {
        self.x.ncols()
    }

    fn weights(&self) -> usize {
        match self.family {
            Family::Diagonal => self.classes(),
            Family::Full => self.classes() * self.classes(),
        }
    }

    /// The identity.
    fn start(&self) -> Vec<f64> {
        let c = self.classes();
        let mut start = vec![0.0; self.weights() + c];
        for k in 0..c {
            let place = if self.family == Family::Diagonal { k } else { k * (c + 1) };
            start[place] = 1.0;
        }
        start
    }

    fn value(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let c = self.classes();
        let n = self.x.nrows() as f64;
        let (w, b) = parameters.split_at(self.weights());
        let (mut value, mut z) = (0.0, vec![0.0; c]);
        gradient.fill(0.0);
        let (gw, gb) = gradient.split_at_mut(self.weights());
        for (x, &label) in self.x.outer_iter().zip(self.labels) {
            let x = x.to_slice().unwrap_or_default();
            affine(self.family, w, b, x, &mut z);
            let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let offset = z.get(label).map_or(0.0, |z| z - max);
            let mut sum = 0.0;
            for z in &mut z {
                *z = (*z - max).exp();
                sum += *z;
            }
            value += sum.ln() - offset;
            for (k, (z, gb)) in z.iter().zip(&mut *gb).enumerate() {
                let r = (z / sum - f64::from(u8::from(k == label))) / n;
                *gb += r;
                match self.family {
                    Family::Diagonal => gw[k] += r * x[k],
                    Family::Full => {
                        gw[k * c..(k + 1) * c].iter_mut().zip(x).for_each(|(g, x)| *g += r * x);
                    }
                }
            }
        }
        value / n + self.add_penalty(w, b, gw, gb)
    }

    /// ODIR averages over the entries that it penalises (Kull et al. 2019).
    fn add_penalty(&self, w: &[f64], b: &[f64], gw: &mut [f64], gb: &mut [f64]) -> f64 {
        let c = self.classes();
        let mut value = 0.0;
        let off = (c * c.saturating_sub(1)).max(1) as f64;
        for (i, (w, g)) in w.iter().zip(gw).enumerate() {
            let diagonal = self.family == Family::Diagonal || i % (c + 1) == 0;
            if diagonal && self.penalty.off_diagonal_only {
                continue;
            }
            let (centre, count) = if diagonal { (1.0, c as f64) } else { (0.0, off) };
            let scale = self.penalty.weights / count;
            value += scale * (w - centre).powi(2);
            *g += 2.0 * scale * (w - centre);
        }
        for (b, g) in b.iter().zip(gb) {
            let scale = self.penalty.bias / c as f64;
            value += scale * b * b;
            *g += 2.0 * scale * b;
        }
        value
    }

    fn solve(&self, settings: Settings) -> Minimum {
        lbfgs(self.start(), settings.tolerance, settings.max_iterations, |x, g| self.value(x, g))
    }
}

fn affine(family: Family, w: &[f64], b: &[f64], x: &[f64], out: &mut [f64]) {
    match family {
        Family::Diagonal => {
            for (((out, w), b), x) in out.iter_mut().zip(w).zip(b).zip(x) {
                *out = w * x + b;
            }
        }
        Family::Full => {
            for ((out, w), b) in out.iter_mut().zip(w.chunks_exact(b.len())).zip(b) {
                *out = b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
            }
        }
    }
}

fn check(operation: &'static str, penalties: &[f64], settings: Settings) -> Result<()> {
    let bad = penalties.iter().find(|p| !(**p >= 0.0 && p.is_finite()));
    if let Some(&got) = bad {
        return Err(Error::Parameter { name: operation, expected: "penalties of at least 0", got });
    }
    if settings.tolerance.is_nan() || settings.tolerance <= 0.0 {
        let (expected, got) = ("a positive tolerance", settings.tolerance);
        return Err(Error::Parameter { name: operation, expected, got });
    }
    Ok(())
}

/// Fits and reports: parameters and report.
fn fit<T: Scalar>(
    x: &Logits<'_>,
    predictions: &Predictions<'_, T>,
    labels: &[usize],
    family: Family,
    penalty: Penalty,
    settings: Settings,
) -> Result<(Vec<f64>, FitReport)> {
    let problem = Problem { x: x.view(), labels, family, penalty };
    let minimum = problem.solve(settings);
    let before = FitReport::look(predictions, labels)?;
    let after = FitReport::look_probs(&transform(family, &minimum.x, x)?, labels)?;
    let Minimum { x, before: value_before, after: value_after, gradient, iterations, converged } =
        minimum;
    let objective = Objective { before: value_before, after: value_after, gradient };
    let warnings = FitReport::absent_classes(labels, problem.classes());
    let report =
        FitReport::iterated(&before, &after, Some((iterations, converged, objective)), warnings);
    Ok((x, report))
}

fn transform(family: Family, parameters: &[f64], x: &Logits<'_>) -> Result<Probs<'static>> {
    let c = x.classes();
    let (w, b) = parameters.split_at(parameters.len() - c);
    let mut out = Array2::zeros((x.samples(), c));
    for (x, mut out) in x.view().outer_iter().zip(out.outer_iter_mut()) {
        if let (Some(x), Some(out)) = (x.to_slice(), out.as_slice_mut()) {
            affine(family, w, b, x, out);
        }
    }
    Ok(Logits::from_array(out)?.softmax())
}

macro_rules! linear {
    (
        $(#[$about:meta])* $name:ident, $(#[$config_about:meta])* $config:ident, $label:literal,
        $family:expr, $weights:literal, $bias:literal, $off_diagonal_only:literal, $input:ident,
        $weights_name:literal
    ) => {
        $(#[$config_about])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $config {
            weight_penalty: f64,
            bias_penalty: f64,
            tolerance: f64,
            max_iterations: usize,
        }

        impl Default for $config {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $config {
            #[doc = concat!("Penalties ", stringify!($weights), " (weights) and ", stringify!($bias),
                " (intercepts), until no component of the gradient exceeds 1e-8.")]
            pub fn new() -> Self {
                Self {
                    weight_penalty: $weights,
                    bias_penalty: $bias,
                    tolerance: TOLERANCE,
                    max_iterations: MAX_ITERATIONS,
                }
            }

            #[doc = concat!("Sets the penalty on the ", $weights_name, ".")]
            #[must_use]
            pub fn with_weight_penalty(self, weight_penalty: f64) -> Self {
                Self { weight_penalty, ..self }
            }

            /// Sets the penalty on the mean squared intercept.
            #[must_use]
            pub fn with_bias_penalty(self, bias_penalty: f64) -> Self {
                Self { bias_penalty, ..self }
            }

            /// Sets the largest component of the gradient that counts as converged.
            #[must_use]
            pub fn with_tolerance(self, tolerance: f64) -> Self {
                Self { tolerance, ..self }
            }

            /// Sets how many steps there may be.
            #[must_use]
            pub fn with_max_iterations(self, max_iterations: usize) -> Self {
                Self { max_iterations, ..self }
            }
        }

        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub struct $name {
            parameters: Vec<f64>,
            classes: usize,
            report: FitReport,
        }

        fitted!($name { parameters: Vec<f64>, classes: usize, report: FitReport });

        impl Fitted for $name {
            fn check(&self) -> Result<()> {
                let c = self.classes;
                let weights = if $family == Family::Diagonal { c } else { c.saturating_mul(c) };
                let holds = c > 0
                    && self.parameters.len() == weights.saturating_add(c)
                    && self.parameters.iter().all(|x| x.is_finite());
                let expected = "as many finite parameters as the classes need";
                require(holds, $label, expected, (self.parameters.len(), c))
            }
        }

        impl $name {
            /// The matrix `W`, `[classes, classes]`.
            pub fn weights(&self) -> Array2<f64> {
                let c = self.classes;
                match $family {
                    Family::Diagonal => {
                        Array2::from_diag(&Array1::from(self.parameters.iter().take(c).copied().collect::<Vec<_>>()))
                    }
                    Family::Full => Array2::from_shape_fn((c, c), |(i, j)| {
                        self.parameters.get(i * c + j).copied().unwrap_or(0.0)
                    }),
                }
            }

            /// The intercepts `b`.
            pub fn bias(&self) -> &[f64] {
                let start = self.parameters.len().saturating_sub(self.classes);
                self.parameters.get(start..).unwrap_or_default()
            }
        }

        impl Calibrator for $name {
            type Config = $config;
            const NAME: &'static str = $label;

            /// # Errors
            /// [`Error::Length`] and [`Error::Label`] for labels that do not fit,
            /// [`Error::Parameter`] for settings out of range.
            fn fit<T: Scalar>(
                config: &$config,
                predictions: &Predictions<'_, T>,
                labels: &[usize],
            ) -> Result<Self> {
                predictions.check_labels($label, labels)?;
                let $config { weight_penalty, bias_penalty, tolerance, max_iterations } = *config;
                let settings = Settings { tolerance, max_iterations };
                check($label, &[weight_penalty, bias_penalty], settings)?;
                let penalty = Penalty {
                    weights: weight_penalty,
                    bias: bias_penalty,
                    off_diagonal_only: $off_diagonal_only,
                };
                let x = $input(predictions);
                let (parameters, report) = fit(&x, predictions, labels, $family, penalty, settings)?;
                Ok(Self { parameters, classes: x.classes(), report })
            }

            fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
                predictions.check_classes(concat!($label, " [samples, classes]"), self.classes)?;
                transform($family, &self.parameters, &$input(predictions))
            }

            fn report(&self) -> &FitReport {
                &self.report
            }
        }
    };
}

fn as_logits<T: Scalar>(predictions: &Predictions<'_, T>) -> Logits<'static> {
    predictions.logits()
}

fn as_log_probabilities<T: Scalar>(predictions: &Predictions<'_, T>) -> Logits<'static> {
    predictions.probs().ln()
}

linear!(
    /// Vector scaling (Guo et al. 2017): `p = softmax(w ∘ z + b)`.
    Vector,
    /// How to fit vector scaling.
    VectorConfig,
    "vector",
    Family::Diagonal,
    0.0,
    0.0,
    false,
    as_logits,
    "mean squared distance of `w` from 1"
);
linear!(
    /// Matrix scaling (Guo et al. 2017): `p = softmax(W z + b)`, with as many parameters as a linear
    /// classifier: penalise it (ODIR) unless there are many samples a class.
    Matrix,
    /// How to fit matrix scaling; off-diagonal and intercept regularisation (ODIR, Kull et al. 2019).
    MatrixConfig,
    "matrix",
    Family::Full,
    0.001,
    0.001,
    true,
    as_logits,
    "mean squared off-diagonal entry"
);
linear!(
    /// Dirichlet calibration (Kull et al. 2019): `p = softmax(W ln p + b)`, the calibration map of
    /// Dirichlet-distributed probabilities.
    Dirichlet,
    /// How to fit Dirichlet calibration; off-diagonal and intercept regularisation (ODIR).
    DirichletConfig,
    "dirichlet",
    Family::Full,
    0.001,
    0.001,
    true,
    as_log_probabilities,
    "mean squared off-diagonal entry"
);
