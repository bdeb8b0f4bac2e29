use assay_array::Scalar;
use rayon::prelude::*;

use crate::calibrator::{Calibrator, FitReport, Objective, Predictions, Warning};
use crate::kernel::row;
use crate::{Error, Logits, Probs, Result};

const OPERATION: &str = "temperature scaling";
/// The temperature is kept in `[e^-16, e^16]`: beyond, nothing changes but rounding.
const LOG_BOUND: f64 = 16.0;
/// Samples of one partial sum; fixed, so that any number of threads gives the same bits.
const PART: usize = 256;

/// How to fit a temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TemperatureConfig {
    tolerance: f64,
    max_iterations: usize,
}

impl Default for TemperatureConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl TemperatureConfig {
    /// Until a step changes the temperature by less than 1e-10 of itself, 60 passes at most.
    pub fn new() -> Self {
        Self { tolerance: 1e-10, max_iterations: 60 }
    }

    /// Sets the relative tolerance on the temperature.
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Sets how many passes over the data there may be.
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }
}

/// Temperature scaling (Guo et al. 2017): `p = softmax(z / T)` with the `T` that minimises the negative
/// log likelihood.
///
/// With `β = 1/T` the loss `mean (ln Σ_c e^{β z_c} − β z_y)` is convex, its slope is
/// `mean (E_p z − z_y)` and its curvature `mean Var_p z`. Newton steps in `ln β`, kept inside a
/// bracket of the optimum, reach it in a handful of passes; the common recipe (L-BFGS on `T` with a
/// learning rate of 0.01) stops far from it.
///
/// Where every sample is classified correctly the optimum is `T → 0`, and where the labels are no
/// better than chance it is `T → ∞`: the fit then stops at the bound `e^∓16` and warns.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Temperature {
    value: f64,
    classes: usize,
    report: FitReport,
}

impl Temperature {
    /// The temperature `T`.
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// Mean loss, slope and curvature in `β`.
fn local<T: Scalar>(logits: &Logits<'_, T>, labels: &[usize], beta: f64) -> [f64; 3] {
    let classes = logits.classes();
    let parts = logits.as_slice().par_chunks(PART * classes).zip(labels.par_chunks(PART));
    let parts: Vec<[f64; 3]> = parts
        .map(|(logits, labels)| row::temperature_sums(logits, classes, beta, labels))
        .collect();
    let n = labels.len() as f64;
    let add =
        |sum: [f64; 3], part: &[f64; 3]| [sum[0] + part[0], sum[1] + part[1], sum[2] + part[2]];
    parts.iter().fold([0.0; 3], add).map(|sum| sum / n)
}

/// The minimiser of a convex loss in `β > 0` by Newton steps in `ln β` inside a shrinking bracket:
/// `(ln β, objective, iterations, converged)`. `local` gives loss, slope and curvature in `β`, `at_one`
/// those at 1.
fn minimise(
    config: &TemperatureConfig,
    at_one: [f64; 3],
    mut local: impl FnMut(f64) -> [f64; 3],
) -> (f64, Objective, usize, bool) {
    let (mut lower, mut upper) = (-LOG_BOUND, LOG_BOUND);
    let mut x = 0.0_f64;
    let [before, mut slope, mut curvature] = at_one;
    let mut after = before;
    let (mut iterations, mut converged) = (1, false);
    while iterations < config.max_iterations.max(1) {
        let beta = x.exp();
        // In x = ln β: f' = β s, f'' = β s + β² v.
        let (first, second) = (beta * slope, beta * slope + beta * beta * curvature);
        if first == 0.0 {
            converged = true;
            break;
        }
        if first > 0.0 {
            upper = x;
        } else {
            lower = x;
        }
        // A step in β itself is the better one where the loss in ln β is not convex.
        let newton = if second > 0.0 && curvature > 0.0 {
            x - first / second
        } else if curvature > 0.0 && beta > slope / curvature {
            (beta - slope / curvature).ln()
        } else {
            f64::NAN
        };
        let next =
            if newton > lower && newton < upper { newton } else { safe(x, lower, upper, first) };
        let step = (next - x).abs();
        x = next;
        iterations += 1;
        [after, slope, curvature] = local(x.exp());
        let left = (x.exp() * slope).abs() / (x.exp().powi(2) * curvature).max(f64::MIN_POSITIVE);
        if step <= config.tolerance || left <= config.tolerance {
            converged = true;
            break;
        }
        if LOG_BOUND - x.abs() < 1e-9 {
            converged = true;
            break;
        }
    }
    let objective = Objective { before, after, gradient: (x.exp() * slope).abs() };
    (x, objective, iterations, converged)
}

/// Where Newton's step leaves the bracket: to the bound if nothing is known beyond, but by factors of
/// at most e^4, else to the middle.
fn safe(x: f64, lower: f64, upper: f64, first: f64) -> f64 {
    const LEAP: f64 = 4.0;
    if first < 0.0 && upper >= LOG_BOUND {
        (x + LEAP).min(LOG_BOUND)
    } else if first > 0.0 && lower <= -LOG_BOUND {
        (x - LEAP).max(-LOG_BOUND)
    } else {
        f64::midpoint(lower, upper)
    }
}

impl Calibrator for Temperature {
    type Config = TemperatureConfig;
    const NAME: &'static str = "temperature";

    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit; [`Error::Parameter`] for a
    /// tolerance that is not positive; [`Error::Undefined`] for a single class or constant logits,
    /// where every temperature is as good.
    fn fit<T: Scalar>(
        config: &TemperatureConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        if config.tolerance.is_nan() || config.tolerance <= 0.0 {
            let (name, expected) = ("tolerance of temperature scaling", "a positive number");
            return Err(Error::Parameter { name, expected, got: config.tolerance });
        }
        match predictions.given_logits() {
            Some(logits) => fit(config, logits, labels),
            None => fit(config, &predictions.logits(), labels),
        }
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("temperature scaling [samples, classes]", self.classes)?;
        let beta = 1.0 / self.value;
        Ok(match predictions.given_logits() {
            Some(logits) => logits.softmax_at(beta),
            None => predictions.logits().softmax_at(beta),
        })
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}

fn fit<T: Scalar>(
    config: &TemperatureConfig,
    logits: &Logits<'_, T>,
    labels: &[usize],
) -> Result<Temperature> {
    let constant = |row: &[T]| row.windows(2).all(|pair| pair[0] == pair[1]);
    if logits.as_slice().chunks(logits.classes()).all(constant) {
        let reason = "every row's logits are equal: all temperatures give the same probabilities";
        return Err(Error::Undefined { operation: OPERATION, reason });
    }
    let (before, at_one) = logits.overview_with_slope(1.0, labels, 15)?;
    let loss = |beta| local(logits, labels, beta);
    let (log_beta, objective, iterations, converged) = if before.accuracy == 1.0 {
        // Every slope is negative: the optimum is certainty, at the bound.
        let [after, slope, _] = loss(LOG_BOUND.exp());
        let gradient = (LOG_BOUND.exp() * slope).abs();
        (LOG_BOUND, Objective { before: at_one[0], after, gradient }, 2, true)
    } else {
        minimise(config, at_one, loss)
    };
    let mut warnings = Vec::new();
    if LOG_BOUND - log_beta.abs() < 1e-9 {
        let (parameter, bound) = ("temperature".to_owned(), (-log_beta).exp());
        warnings.push(Warning::AtBound { parameter, bound });
    }
    let after = logits.overview_at(log_beta.exp(), labels, 15)?;
    let report =
        FitReport::iterated(&before, &after, Some((iterations, converged, objective)), warnings);
    Ok(Temperature { value: (-log_beta).exp(), classes: logits.classes(), report })
}
