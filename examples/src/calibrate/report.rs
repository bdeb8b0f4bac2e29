//! Measuring before and after, with a calibrator fitted on one part and judged on the other.

use assay_array::ndarray::{Array2, Axis};
use assay_array::random::{shuffle, stream};
use assay_report::{Page, json};
use assay_score::{BootstrapConfig, Interval};
use clap::ValueEnum;
use dac_calibration::measures::{ClassWeights, CumulativeTest, RiskTies, SmoothEceConfig};
use dac_calibration::{
    Bbq, BbqConfig, Beta, BetaConfig, BinaryForecasts, Binning, Calibrator, Dirichlet,
    DirichletConfig, EnsembleTemperature, EnsembleTemperatureConfig, Error, FitReport, Histogram,
    HistogramConfig, Isotonic, IsotonicConfig, Logits, Matrix, MatrixConfig, MultiIsotonic,
    MultiIsotonicConfig, Platt, PlattConfig, Predictions, Probs, Reliability, Spline, SplineConfig,
    Temperature, TemperatureConfig, Vector, VectorConfig, VennAbers, VennAbersConfig,
};
use serde::Serialize;

use super::page;

/// The calibrators to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // named after the types that they stand for
pub enum Method {
    Temperature,
    EnsembleTemperature,
    Vector,
    Matrix,
    Dirichlet,
    Platt,
    Beta,
    Histogram,
    Isotonic,
    MultiIsotonic,
    Spline,
    Bbq,
    VennAbers,
}

/// What the program was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Logits or probabilities `[samples, classes]`.
    pub outputs: Array2<f64>,
    /// Which of the two.
    pub are_logits: bool,
    /// One label a sample.
    pub labels: Vec<usize>,
    /// The calibrator.
    pub method: Method,
    /// Bins.
    pub bins: usize,
    /// Bootstrap resamples; 0 for none.
    pub resamples: usize,
    /// The seed of split and bootstrap.
    pub seed: u64,
    /// The share of samples to fit on.
    pub fit: f64,
}

/// All measures of one set of probabilities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The share of right predictions.
    pub accuracy: f64,
    /// The mean confidence.
    pub confidence: f64,
    /// The mean negative log likelihood.
    pub nll: Option<f64>,
    /// The Brier score over all classes.
    pub brier: f64,
    /// Expected calibration error.
    pub ece: f64,
    /// Its bootstrap interval.
    pub ece_interval: Option<Interval>,
    /// Maximum calibration error.
    pub mce: f64,
    /// Root mean square calibration error.
    pub rmsce: f64,
    /// ECE over equal-mass bins.
    pub adaptive_ece: f64,
    /// Debiased L2 error over equal-mass bins.
    pub debiased_l2: f64,
    /// Smooth ECE.
    pub smooth_ece: f64,
    /// Class-wise ECE.
    pub classwise_ece: f64,
    /// Maximum mean calibration error.
    pub mmce: f64,
    /// Kolmogorov-Smirnov and Kuiper.
    pub cumulative: CumulativeTest,
    /// Spiegelhalter's p-value.
    pub spiegelhalter_p: Option<f64>,
    /// Area under the risk-coverage curve.
    pub aurc: f64,
    /// AUROC of the confidence.
    pub auroc: Option<f64>,
    /// What recalibration of the top label would gain, in Brier score.
    pub miscalibration: f64,
    /// The bins.
    pub reliability: Reliability,
}

/// The numbers of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// How many samples there are.
    pub samples: usize,
    /// How many classes.
    pub classes: usize,
    /// How many samples the calibrator was fitted on.
    pub fitted_on: usize,
    /// How many other samples judge it; 0 when it is judged on those that it was fitted on.
    pub judged_on: usize,
    /// The calibrator.
    pub method: Method,
    /// How its fit went.
    pub fit: FitReport,
    /// The outputs as they came.
    pub before: Measured,
    /// After calibration.
    pub after: Measured,
}

/// A report in every form.
#[derive(Debug)]
pub struct Report {
    /// As numbers.
    pub numbers: Numbers,
    /// For the terminal.
    pub text: String,
    /// For the browser.
    pub page: Page,
    /// The fitted calibrator as JSON.
    pub calibrator: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// Calibration has no answer.
    #[error(transparent)]
    Calibration(#[from] Error),
    /// The bootstrap's settings.
    #[error(transparent)]
    Score(#[from] assay_score::Error),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] assay_report::Error),
    /// A share outside the range.
    #[error("--fit: expected more than 0 and at most 1, got {0}")]
    Share(f64),
}

/// Splits, fits, measures before and after on the part that was not fitted on.
///
/// # Errors
/// [`MeasureError`].
pub fn measure(told: &Told) -> Result<Report, MeasureError> {
    if !(told.fit > 0.0 && told.fit <= 1.0) {
        return Err(MeasureError::Share(told.fit));
    }
    let samples = told.outputs.nrows();
    // Checked as a whole, so that an error names the row in the file.
    predictions(told, &told.outputs)?.overview(&told.labels, told.bins)?;
    let mut order: Vec<usize> = (0..samples).collect();
    shuffle(&mut stream(told.seed, "calibrate split", 0), &mut order);
    let count = ((samples as f64 * told.fit).round() as usize).clamp(1, samples);
    let (fitting, rest) = order.split_at(count);
    let judging = if rest.is_empty() { fitting } else { rest };
    let part = |rows: &[usize]| {
        let labels: Vec<usize> =
            rows.iter().filter_map(|&row| told.labels.get(row).copied()).collect();
        (told.outputs.select(Axis(0), rows), labels)
    };
    let ((fit_outputs, fit_labels), (outputs, labels)) = (part(fitting), part(judging));
    let (fit_on, judge_on) = (predictions(told, &fit_outputs)?, predictions(told, &outputs)?);
    let (calibrated, fit, calibrator) = fit(told.method, &fit_on, &fit_labels, &judge_on)?;
    let before_probs = judge_on.probs();
    let numbers = Numbers {
        samples,
        classes: told.outputs.ncols(),
        fitted_on: count,
        judged_on: rest.len(),
        method: told.method,
        fit,
        before: measured(&before_probs, &labels, told)?,
        after: measured(&calibrated, &labels, told)?,
    };
    let drawn = [(&before_probs, "before"), (&calibrated, "after")];
    let page = page::page(&numbers, &drawn, &labels, told)?;
    Ok(Report { text: page::text(&numbers), page, numbers, calibrator })
}

fn predictions<'a>(told: &Told, outputs: &'a Array2<f64>) -> Result<Predictions<'a>, Error> {
    Ok(if told.are_logits {
        Logits::new(outputs.view())?.into()
    } else {
        Probs::new(outputs.view())?.into()
    })
}

type Fitted = (Probs<'static>, FitReport, String);

fn fit(
    method: Method,
    on: &Predictions<'_>,
    labels: &[usize],
    judge: &Predictions<'_>,
) -> Result<Fitted, MeasureError> {
    match method {
        Method::Temperature => one::<Temperature>(&TemperatureConfig::new(), on, labels, judge),
        Method::EnsembleTemperature => {
            one::<EnsembleTemperature>(&EnsembleTemperatureConfig::new(), on, labels, judge)
        }
        Method::Vector => one::<Vector>(&VectorConfig::new(), on, labels, judge),
        Method::Matrix => one::<Matrix>(&MatrixConfig::new(), on, labels, judge),
        Method::Dirichlet => one::<Dirichlet>(&DirichletConfig::new(), on, labels, judge),
        Method::Platt => one::<Platt>(&PlattConfig::new(), on, labels, judge),
        Method::Beta => one::<Beta>(&BetaConfig::new(), on, labels, judge),
        Method::Histogram => one::<Histogram>(&HistogramConfig::new(), on, labels, judge),
        Method::Isotonic => one::<Isotonic>(&IsotonicConfig::default(), on, labels, judge),
        Method::MultiIsotonic => {
            one::<MultiIsotonic>(&MultiIsotonicConfig::default(), on, labels, judge)
        }
        Method::Spline => one::<Spline>(&SplineConfig::new(), on, labels, judge),
        Method::Bbq => one::<Bbq>(&BbqConfig::new(), on, labels, judge),
        Method::VennAbers => one::<VennAbers>(&VennAbersConfig::default(), on, labels, judge),
    }
}

fn one<C: Calibrator + Serialize>(
    config: &C::Config,
    on: &Predictions<'_>,
    labels: &[usize],
    judge: &Predictions<'_>,
) -> Result<Fitted, MeasureError> {
    let fitted = C::fit(config, on, labels)?;
    Ok((fitted.transform(judge)?, fitted.report().clone(), json(&fitted)?))
}

fn measured(probs: &Probs<'_>, labels: &[usize], told: &Told) -> Result<Measured, MeasureError> {
    let overview = probs.overview(labels, told.bins)?;
    let top: BinaryForecasts<'_> = probs.top_label(labels)?;
    let (wide, mass) = (Binning::equal_width(told.bins), Binning::equal_mass(told.bins));
    let bins = top.reliability(&wide)?;
    let ece_interval = if told.resamples >= 2 {
        let bootstrap =
            BootstrapConfig::new().with_resamples(told.resamples).with_seed(told.seed).init()?;
        Some(top.bootstrap(&bootstrap, |f| Ok(f.reliability(&wide)?.ece()))?.interval)
    } else {
        None
    };
    Ok(Measured {
        accuracy: overview.accuracy,
        confidence: overview.confidence,
        nll: overview.nll,
        brier: overview.brier,
        ece: bins.ece(),
        ece_interval,
        mce: bins.mce(),
        rmsce: bins.rmsce(),
        adaptive_ece: top.reliability(&mass)?.ece(),
        debiased_l2: top.reliability(&mass)?.debiased_l2(),
        smooth_ece: top.smooth_ece(SmoothEceConfig::new())?.value,
        classwise_ece: probs.classwise(labels, &wide)?.ece(ClassWeights::Equal),
        mmce: top.mmce(),
        cumulative: top.cumulative_test(),
        spiegelhalter_p: top.spiegelhalter().ok().map(|test| test.p_value),
        aurc: top.risk_coverage(RiskTies::Expected).aurc(),
        auroc: top.auroc().ok(),
        miscalibration: top.corp_brier()?.miscalibration,
        reliability: bins,
    })
}
