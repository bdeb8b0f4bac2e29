use assay_array::Scalar;

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, fitted, require, unit};
use crate::binning::{Edges, check_bins};
use crate::kernel::bin;
use crate::{BinaryForecasts, EdgeRule, Result};

const OPERATION: &str = "histogram";

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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct HistogramCurve {
    values: Vec<f64>,
    edges: HistogramEdges,
}

fitted!(HistogramCurve { values: Vec<f64>, edges: HistogramEdges });

impl Fitted for HistogramCurve {
    fn check(&self) -> Result<()> {
        check_bins(self.values.len())?;
        require(unit(&self.values), OPERATION, "values in [0, 1]", &self.values)
    }
}

impl HistogramCurve {
    /// Fits on forecasts and outcomes.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for no bins.
    pub fn fit<T: Scalar>(
        config: &HistogramConfig,
        forecasts: &BinaryForecasts<'_, T>,
    ) -> Result<Self> {
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
        let (p, bins) = (probability.clamp(0.0, 1.0), self.values.len());
        let rule = match self.edges {
            HistogramEdges::LeftClosed => EdgeRule::LeftClosed,
            HistogramEdges::Netcal => EdgeRule::RightClosed,
        };
        self.values.get(Edges::find_even(bins, rule, p)).copied().unwrap_or(probability)
    }
}

impl BinaryCurve for HistogramCurve {
    type Config = HistogramConfig;
    const NAME: &'static str = OPERATION;

    fn fit_class(config: &HistogramConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        Self::fit(config, forecasts)
    }

    fn map(&self, probability: f64) -> f64 {
        self.predict(probability)
    }
}

/// Histogram binning of every class against the rest.
pub type Histogram = OneVsRest<HistogramCurve>;
