use assay_array::Scalar;

use super::one_vs_rest;
use crate::binning::Edges;
use crate::calibrator::{Calibrator, FitReport, Predictions};
use crate::kernel::bin;
use crate::{EdgeRule, Forecasts, Probs, Result};

const OPERATION: &str = "histogram binning";

/// Where a probability on an edge belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum HistogramEdges {
    /// `[e_k, e_{k+1})` when fitted and when applied.
    #[default]
    LeftClosed,
    /// Compatibility with netcal: `[e_k, e_{k+1})` when fitted, `(e_k, e_{k+1}]` when applied.
    Netcal,
}

/// How to fit histogram binning.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistogramConfig {
    bins: usize,
    edges: HistogramEdges,
}

impl Default for HistogramConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl HistogramConfig {
    /// Ten bins of equal width.
    pub fn new() -> Self {
        Self { bins: 10, edges: HistogramEdges::default() }
    }

    /// Sets the number of bins.
    #[must_use]
    pub fn with_bins(self, bins: usize) -> Self {
        Self { bins, ..self }
    }

    /// Sets where a probability on an edge belongs.
    #[must_use]
    pub fn with_edges(self, edges: HistogramEdges) -> Self {
        Self { edges, ..self }
    }
}

/// The step function of binary histogram binning (Zadrozny and Elkan 2001): in every bin the share of
/// events that came true, in an empty bin its centre.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistogramCurve {
    values: Vec<f64>,
    edges: HistogramEdges,
}

impl HistogramCurve {
    /// Fits on forecasts and outcomes.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for no bins.
    pub fn fit<T: Scalar>(config: &HistogramConfig, forecasts: &Forecasts<'_, T>) -> Result<Self> {
        let edges = Edges::equal_width(config.bins, EdgeRule::LeftClosed)?;
        let cells = bin::count(&edges, forecasts.probability(), forecasts.outcome());
        let value = |(cell, ends): (&bin::Cell, &[f64])| match cell.count {
            0 => f64::midpoint(ends[0], ends[1]),
            count => cell.correct as f64 / count as f64,
        };
        let values = cells.iter().zip(edges.values().windows(2)).map(value).collect();
        Ok(Self { values, edges: config.edges })
    }

    /// The value of every bin.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The calibrated probability; of a number outside `[0, 1]` that of the end.
    pub fn predict(&self, probability: f64) -> f64 {
        let rule = match self.edges {
            HistogramEdges::LeftClosed => EdgeRule::LeftClosed,
            HistogramEdges::Netcal => EdgeRule::RightClosed,
        };
        Edges::equal_width(self.values.len(), rule)
            .map_or(probability, |edges| self.lookup(&edges, probability))
    }

    fn lookup(&self, edges: &Edges, probability: f64) -> f64 {
        self.values.get(edges.find(probability.clamp(0.0, 1.0))).copied().unwrap_or(probability)
    }
}

/// Histogram binning of every class against the rest, rows divided by their sum. Where every class of
/// a row comes out as 0 the row stays as it was (netcal: NaN).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Histogram {
    curves: Vec<HistogramCurve>,
    report: FitReport,
}

impl Histogram {
    /// The step function of every class.
    pub fn curves(&self) -> &[HistogramCurve] {
        &self.curves
    }
}

fn apply(probs: &Probs<'_>, curves: &[HistogramCurve]) -> Probs<'static> {
    // One set of edges serves all classes: they were fitted with one number of bins.
    let rule = match curves.first().map(|curve| curve.edges) {
        Some(HistogramEdges::Netcal) => EdgeRule::RightClosed,
        _ => EdgeRule::LeftClosed,
    };
    let bins = curves.first().map_or(0, |curve| curve.values.len());
    let edges = Edges::equal_width(bins, rule).ok();
    one_vs_rest::transform(probs, curves, |curve, p| match &edges {
        Some(edges) if curve.values.len() == bins => curve.lookup(edges, p),
        _ => curve.predict(p),
    })
}

impl Calibrator for Histogram {
    type Config = HistogramConfig;
    const NAME: &'static str = "histogram";

    fn fit<T: Scalar>(
        config: &HistogramConfig,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        let probs = predictions.probs();
        let curves = one_vs_rest::fit(&probs, labels, |p, y| {
            HistogramCurve::fit(config, &Forecasts::new(p, y)?)
        })?;
        let report = one_vs_rest::report(predictions, &apply(&probs, &curves), labels)?;
        Ok(Self { curves, report })
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("histogram binning [samples, classes]", self.curves.len())?;
        Ok(apply(&predictions.probs(), &self.curves))
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}
