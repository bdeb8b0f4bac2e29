use assay_array::Scalar;

use crate::binning::{MassRule, check_bins, mass_edges, sorted};
use crate::forecasts::check_unit;
use crate::{BinaryForecasts, Binning, Error, Reliability, Result};

/// Proximity-informed expected calibration error (PIECE, Xiong et al. 2023): how it is counted.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PieceConfig {
    proximity_bins: usize,
    proximity_rule: MassRule,
    confidence: Binning,
}

impl Default for PieceConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl PieceConfig {
    /// Ten groups of equal mass by proximity, ten bins of equal width by confidence.
    pub fn new() -> Self {
        let (proximity_bins, proximity_rule) = (10, MassRule::default());
        Self { proximity_bins, proximity_rule, confidence: Binning::equal_width(10) }
    }

    /// Sets the number of groups by proximity.
    #[must_use]
    pub fn with_proximity_bins(self, proximity_bins: usize) -> Self {
        Self { proximity_bins, ..self }
    }

    /// Sets how the quantiles of the proximity are made.
    #[must_use]
    pub fn with_proximity_rule(self, proximity_rule: MassRule) -> Self {
        Self { proximity_rule, ..self }
    }

    /// Sets the bins by confidence, made within each group.
    #[must_use]
    pub fn with_confidence(self, confidence: Binning) -> Self {
        Self { confidence, ..self }
    }
}

/// Reliability by groups of proximity.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Piece {
    /// Where the groups begin and end, by proximity.
    pub proximity_edges: Vec<f64>,
    /// The bins of each group that holds something.
    pub groups: Vec<Reliability>,
}

impl Piece {
    /// `Σ_{g,b} n_gb/N · |acc_gb − conf_gb|`.
    pub fn piece(&self) -> f64 {
        let total: u64 = self.groups.iter().map(|group| group.count).sum();
        self.groups.iter().map(|group| group.count as f64 / total as f64 * group.ece()).sum()
    }
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// Groups the forecasts by proximity and bins each group by confidence. PIECE is never below the
    /// ECE on the same confidence bins of equal width.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is one proximity a forecast, [`Error::Value`] for one outside
    /// `[0, 1]`, and for bins as [`reliability`](Self::reliability).
    pub fn piece(&self, proximity: &[f64], config: &PieceConfig) -> Result<Piece> {
        let groups = group_by_proximity(
            "PIECE",
            proximity,
            self.len(),
            config.proximity_bins,
            config.proximity_rule,
        )?;
        let (edges, members) = groups;
        let bins = |members: &Vec<usize>| {
            let pick = |&i: &usize| Some((*self.probability().get(i)?, *self.outcome().get(i)?));
            let (p, y) = members.iter().filter_map(pick).unzip();
            BinaryForecasts::from_vecs(p, y)?.reliability(&config.confidence)
        };
        let groups = members
            .iter()
            .filter(|members| !members.is_empty())
            .map(bins)
            .collect::<Result<_>>()?;
        Ok(Piece { proximity_edges: edges, groups })
    }
}

/// Edges at quantiles of the proximity, and the samples of each group: `[e_k, e_{k+1})`.
pub(crate) fn group_by_proximity(
    operation: &'static str,
    proximity: &[f64],
    samples: usize,
    bins: usize,
    rule: MassRule,
) -> Result<(Vec<f64>, Vec<Vec<usize>>)> {
    check_bins(bins)?;
    if proximity.len() != samples {
        let (items, expected, got) = ("proximities", samples, proximity.len());
        return Err(Error::Length { operation, items, expected, got });
    }
    check_unit(operation, proximity)?;
    let edges = mass_edges(&sorted(proximity), bins, rule)?;
    let mut members = vec![Vec::new(); bins];
    for (i, &p) in proximity.iter().enumerate() {
        members[group_of(&edges, p)].push(i);
    }
    Ok((edges, members))
}

/// The group of a proximity, also of one beyond the outer edges.
pub(crate) fn group_of(edges: &[f64], proximity: f64) -> usize {
    let inner = edges.get(1..edges.len().saturating_sub(1)).unwrap_or_default();
    inner.partition_point(|&edge| edge <= proximity)
}
