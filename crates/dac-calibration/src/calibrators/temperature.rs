use assay_array::Scalar;
use rayon::prelude::*;

use super::stored::{Fitted, fitted, require};
use crate::calibrator::{Calibrator, FitReport, Objective, Predictions, Warning};
use crate::kernel::row::{self, Slopes};
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
/// `mean (E_p z − z_y)`, its curvature `mean Var_p z`, and its further derivatives are mean cumulants.
/// Householder's steps of order 5 in `ln β`, kept inside a bracket of the optimum, reach it in two or three
/// passes; the common recipe (L-BFGS on `T` with a learning rate of 0.01) stops far from it.
///
/// Where every sample is classified correctly the optimum is `T → 0`, and where the labels are no
/// better than chance it is `T → ∞`: the fit then stops at the bound `e^∓16` and warns.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Temperature {
    value: f64,
    classes: usize,
    report: FitReport,
}

fitted!(Temperature { value: f64, classes: usize, report: FitReport });

impl Fitted for Temperature {
    fn check(&self) -> Result<()> {
        let holds = self.value > 0.0 && self.value.is_finite() && self.classes > 0;
        require(holds, OPERATION, "a positive temperature of some classes", self.value)
    }
}

impl Temperature {
    /// The temperature `T`.
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// Mean loss and its derivatives in `β`.
fn local<T: Scalar>(logits: &Logits<'_, T>, labels: &[usize], beta: f64) -> (f64, Slopes) {
    let classes = logits.classes();
    let parts = logits.as_slice().par_chunks(PART * classes).zip(labels.par_chunks(PART));
    let parts: Vec<(f64, Slopes)> = parts
        .map(|(logits, labels)| row::temperature_sums(logits, classes, beta, labels))
        .collect();
    let n = labels.len() as f64;
    let (mut loss, mut slopes) = (0.0, Slopes::default());
    for (own_loss, own) in &parts {
        loss += own_loss;
        slopes.iter_mut().zip(own).for_each(|(slope, own)| *slope += own);
    }
    (loss / n, slopes.map(|slope| slope / n))
}

/// The minimiser of a convex loss in `β > 0` by Householder's steps in `ln β` inside a shrinking bracket:
/// `(ln β, objective, iterations, converged)`. `local` gives the loss and its derivatives in `β`, `at_one`
/// is what it gives at 1; its second argument says whether this may well be the last call.
fn minimise(
    config: &TemperatureConfig,
    (before, at_one): (f64, Slopes),
    mut local: impl FnMut(f64, bool) -> Result<(f64, Slopes)>,
) -> Result<(f64, Objective, usize, bool)> {
    let (mut lower, mut upper) = (-LOG_BOUND, LOG_BOUND);
    let mut x = 0.0_f64;
    let (mut after, mut slopes) = (before, at_one);
    let (mut iterations, mut converged) = (1, false);
    while iterations < config.max_iterations.max(1) {
        let beta = x.exp();
        let slope = slopes[0];
        if slope == 0.0 {
            converged = true;
            break;
        }
        if slope > 0.0 {
            upper = x;
        } else {
            lower = x;
        }
        let next = x + step(beta, slopes);
        let next = if next > lower && next < upper { next } else { safe(x, lower, upper, slope) };
        let step = (next - x).abs();
        x = next;
        iterations += 1;
        // What is left after a step is some thousandths of its fifth power.
        (after, slopes) = local(x.exp(), step.powi(5) <= 1e3 * config.tolerance)?;
        let left = slopes[0].abs() / (x.exp() * slopes[1]).max(f64::MIN_POSITIVE);
        if step <= config.tolerance || left <= config.tolerance || LOG_BOUND - x.abs() < 1e-9 {
            converged = true;
            break;
        }
    }
    let objective = Objective { before, after, gradient: (x.exp() * slopes[0]).abs() };
    Ok((x, objective, iterations, converged))
}

/// The step in `x = ln β` to where the slope is 0; NaN where there is none.
///
/// Householder's: the ratio of neighbouring coefficients of the power series of 1/slope, which tends to
/// the root next to the point (Householder 1970, *The Numerical Treatment of a Single Nonlinear Equation*,
/// §4.4). Newton's step where the two differ by much.
fn step(beta: f64, slopes: Slopes) -> f64 {
    /// Stirling numbers of the second kind: `(d/dx)ⁿ = Σ_k S(n, k) β^k (d/dβ)^k`.
    const STIRLING: [Slopes; 5] = [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [1.0, 1.0, 0.0, 0.0, 0.0],
        [1.0, 3.0, 1.0, 0.0, 0.0],
        [1.0, 7.0, 6.0, 1.0, 0.0],
        [1.0, 15.0, 25.0, 10.0, 1.0],
    ];
    const FACTORIALS: Slopes = [1.0, 1.0, 2.0, 6.0, 24.0];
    let [slope, curvature, ..] = slopes;
    if curvature <= 0.0 {
        return f64::NAN;
    }
    // The power series of the slope in x.
    let (mut a, mut power) = (Slopes::default(), 1.0);
    let scaled = slopes.map(|slope| {
        power *= beta;
        power * slope
    });
    for n in 0..a.len() {
        let terms = (0..=n).map(|k| STIRLING[n][k] * scaled[k]);
        a[n] = terms.sum::<f64>() / FACTORIALS[n];
    }
    if a[1] <= 0.0 {
        // Not convex in x, but in β: Newton's step there, if it stays positive.
        return (1.0 - slope / curvature / beta).ln();
    }
    let mut inverse = [1.0 / a[0], 0.0, 0.0, 0.0, 0.0];
    for n in 1..a.len() {
        inverse[n] = -(1..=n).map(|k| a[k] * inverse[n - k]).sum::<f64>() / a[0];
    }
    let (newton, householder) = (-a[0] / a[1], inverse[3] / inverse[4]);
    if (0.4..2.5).contains(&(householder / newton)) { householder } else { newton }
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
    let (before, at_one) = logits.overview_with_slopes(1.0, labels, 15)?;
    let mut last = None;
    let loss = |beta: f64, finally: bool| {
        if !finally {
            return Ok(local(logits, labels, beta));
        }
        // The report's numbers come with the same pass.
        let (overview, local) = logits.overview_with_slopes(beta, labels, 15)?;
        last = Some((beta, overview));
        Ok(local)
    };
    let (log_beta, objective, iterations, converged) = if before.accuracy == 1.0 {
        // Every slope is negative: the optimum is certainty, at the bound.
        let (after, slopes) = local(logits, labels, LOG_BOUND.exp());
        let gradient = (LOG_BOUND.exp() * slopes[0]).abs();
        (LOG_BOUND, Objective { before: at_one.0, after, gradient }, 2, true)
    } else {
        minimise(config, at_one, loss)?
    };
    let mut warnings = Vec::new();
    if LOG_BOUND - log_beta.abs() < 1e-9 {
        let (parameter, bound) = ("temperature".to_owned(), (-log_beta).exp());
        warnings.push(Warning::AtBound { parameter, bound });
    }
    let after = match last {
        Some((beta, overview)) if beta == log_beta.exp() => overview,
        _ => logits.overview_at(log_beta.exp(), labels, 15)?,
    };
    let report =
        FitReport::iterated(&before, &after, Some((iterations, converged, objective)), warnings);
    Ok(Temperature { value: (-log_beta).exp(), classes: logits.classes(), report })
}
