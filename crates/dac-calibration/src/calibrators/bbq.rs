use assay_array::Scalar;

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, ascending, fitted, require, unit};
use crate::binning::even_parts;
use crate::{BinaryForecasts, Error, Result};

const OPERATION: &str = "BBQ";
/// The strength of the prior, in samples.
const PRIOR: f64 = 2.0;
/// Numbers of bins reach from `n^{1/3}/10` to `10 n^{1/3}`.
const RANGE: f64 = 10.0;
/// Models less likely than this share of the best are left out.
const NEGLIGIBLE: f64 = 1e-4;

/// How to fit Bayesian binning into quantiles.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BbqConfig {
    range: f64,
}

impl Default for BbqConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl BbqConfig {
    /// Numbers of bins from `n^{1/3}/10` to `10 n^{1/3}`.
    pub fn new() -> Self {
        Self { range: RANGE }
    }

    /// Sets by which factor the number of bins may differ from `n^{1/3}`, from 1 to 100.
    #[must_use]
    pub fn with_range(self, range: f64) -> Self {
        Self { range }
    }
}

/// Equal-mass bins and their values.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Model {
    /// Inner edges.
    edges: Vec<f64>,
    values: Vec<f64>,
    weight: f64,
}

/// The averaged step functions of one class.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BbqCurve {
    models: Vec<Model>,
}

fitted!(BbqCurve { models: Vec<Model> });

impl Fitted for BbqCurve {
    fn check(&self) -> Result<()> {
        let model = |model: &Model| {
            ascending(&model.edges)
                && model.values.len() == model.edges.len() + 1
                && unit(&model.values)
                && unit(&[model.weight])
        };
        let sum: f64 = self.models.iter().map(|model| model.weight).sum();
        let holds = self.models.iter().all(model) && (sum - 1.0).abs() < 1e-9;
        require(holds, OPERATION, "histograms with weights that sum to 1", self.models())
    }
}

impl BbqCurve {
    /// Fits on forecasts and outcomes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a range outside `[1, 100]`.
    pub fn fit<T: Scalar>(config: &BbqConfig, forecasts: &BinaryForecasts<'_, T>) -> Result<Self> {
        if !(1.0..=100.0).contains(&config.range) {
            let (name, expected) = ("range of BBQ", "from 1 to 100");
            return Err(Error::Parameter { name, expected, got: config.range });
        }
        let sorted = forecasts.ascending();
        let mut hits = vec![0.0];
        for &(_, y) in &sorted {
            hits.push(hits[hits.len() - 1] + y);
        }
        let n = sorted.len();
        let root = (n as f64).cbrt();
        let fewest = ((root / config.range).floor() as usize).max(1);
        let most = ((root * config.range).ceil() as usize).clamp(fewest, n);
        let mut models: Vec<(Model, f64)> =
            (fewest..=most).map(|bins| model(&sorted, &hits, bins)).collect();
        let best = models.iter().map(|model| model.1).fold(f64::NEG_INFINITY, f64::max);
        models.retain_mut(|(model, score)| {
            model.weight = (*score - best).exp();
            model.weight >= NEGLIGIBLE
        });
        let total: f64 = models.iter().map(|(model, _)| model.weight).sum();
        let weighted = models.into_iter().map(|(model, _)| model);
        let weighted = weighted.map(|model| Model { weight: model.weight / total, ..model });
        Ok(Self { models: weighted.collect() })
    }

    /// The numbers of bins of its models and their weights, which sum to 1.
    pub fn models(&self) -> Vec<(usize, f64)> {
        self.models.iter().map(|model| (model.values.len(), model.weight)).collect()
    }

    /// The calibrated probability.
    pub fn predict(&self, p: f64) -> f64 {
        let value = |model: &Model| {
            let bin = model.edges.partition_point(|&edge| edge <= p);
            model.weight * model.values.get(bin).copied().unwrap_or(p)
        };
        self.models.iter().map(value).sum::<f64>().clamp(0.0, 1.0)
    }
}

/// The model of so many bins and its log score (Naeini, Cooper and Hauskrecht 2015).
fn model(sorted: &[(f64, f64)], hits: &[f64], bins: usize) -> (Model, f64) {
    // Edges half-way between neighbours; equal forecasts stay together.
    let mut edges: Vec<f64> = Vec::new();
    for range in even_parts(sorted.len(), bins).skip(1) {
        let at = |i: usize| sorted.get(i).map_or(1.0, |pair| pair.0);
        let edge = f64::midpoint(at(range.start.saturating_sub(1)), at(range.start));
        if edges.last().is_none_or(|last| *last < edge) {
            edges.push(edge);
        }
    }
    let bins = (edges.len() + 1) as f64;
    let strength = PRIOR / bins;
    let (mut values, mut score) = (Vec::new(), 0.0);
    let (mut start, mut lower) = (0, 0.0);
    for upper in edges.iter().copied().chain([1.0]) {
        let last = values.len() == edges.len();
        let end = if last { sorted.len() } else { sorted.partition_point(|pair| pair.0 < upper) };
        let (count, sum) = ((end - start) as f64, hits[end] - hits[start]);
        // The prior's mean is the bin's centre, inside (0, 1).
        let centre = f64::midpoint(lower, upper).clamp(1e-6, 1.0 - 1e-6);
        let (alpha, beta) = (strength * centre, strength * (1.0 - centre));
        score += libm::lgamma(strength) - libm::lgamma(count + strength)
            + libm::lgamma(sum + alpha)
            - libm::lgamma(alpha)
            + libm::lgamma(count - sum + beta)
            - libm::lgamma(beta);
        values.push((sum + alpha) / (count + strength));
        (start, lower) = (end, upper);
    }
    (Model { edges, values, weight: 0.0 }, score)
}

impl BinaryCurve for BbqCurve {
    type Config = BbqConfig;
    const NAME: &'static str = "bbq";

    /// # Errors
    /// [`Error::Parameter`] for a range outside `[1, 100]`.
    fn fit_class(config: &BbqConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        Self::fit(config, forecasts)
    }

    fn map(&self, probability: f64) -> f64 {
        self.predict(probability)
    }
}

/// Bayesian binning into quantiles (BBQ; Naeini, Cooper and Hauskrecht 2015) of every class against
/// the rest: equal-mass histograms of many sizes, averaged by how likely each makes the outcomes.
pub type Bbq = OneVsRest<BbqCurve>;
