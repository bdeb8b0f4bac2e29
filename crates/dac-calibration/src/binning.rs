//! Where bins begin and end, and to which of them a confidence on an edge belongs.

use crate::kernel::order;
use crate::{Error, Result};

/// More bins than this are a mistake; it also bounds what a configuration can allocate.
const MAX_BINS: usize = 1 << 20;

/// Which bin a confidence on an edge belongs to. Published code disagrees, and only the first two
/// count every forecast once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EdgeRule {
    /// `[e_k, e_{k+1})`, the last bin closed at both ends: `numpy.histogram`, netcal.
    #[default]
    LeftClosed,
    /// `(e_k, e_{k+1}]`, the first bin closed at both ends.
    RightClosed,
    /// Compatibility with Guo et al. (2017): `(e_k, e_{k+1}]`; a confidence of exactly 0 is in no bin
    /// but counts in the number of samples.
    Guo,
    /// Compatibility with torchmetrics: `[e_k, e_{k+1})`; a confidence of exactly 1 has a bin of its
    /// own after the last.
    TorchMetrics,
    /// Compatibility with the code of the authors of Distance-Aware Calibration: a confidence of
    /// exactly 1 is left out of the last bin's means, yet counts in its weight.
    ClipCalibration,
}

/// How the edges of bins of equal mass follow from the sorted confidences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum MassRule {
    /// Quantiles by linear interpolation (definition 7 of Hyndman and Fan 1996): numpy's default,
    /// netcal, scikit-learn before 1.9. Equal confidences stay together.
    #[default]
    Linear,
    /// Quantiles from the averaged inverse of the distribution function (definition 2):
    /// scikit-learn from 1.9. Equal confidences stay together.
    AveragedInvertedCdf,
    /// Sorted confidences cut into parts whose sizes differ by one at most, as `numpy.array_split`:
    /// equal confidences may come into different bins, in the order of the input.
    SplitTies,
}

/// How forecasts are put into bins.
///
/// ```
/// use dac_calibration::{Binning, EdgeRule};
/// let binning = Binning::equal_width(15).with_edge_rule(EdgeRule::RightClosed);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Binning {
    /// Bins of equal width over `[0, 1]`.
    EqualWidth {
        /// How many.
        bins: usize,
        /// Where an edge belongs.
        rule: EdgeRule,
    },
    /// Bins that hold about as many forecasts each.
    EqualMass {
        /// How many; fewer come out where quantiles coincide.
        bins: usize,
        /// How the quantiles are made.
        rule: MassRule,
    },
    /// Given edges that increase strictly from 0 to 1.
    Edges {
        /// One more than bins.
        edges: Vec<f64>,
        /// Where an edge belongs.
        rule: EdgeRule,
    },
}

impl Binning {
    /// Bins of equal width. Edges are those of `numpy.linspace`, `k · (1/B)` in `f64`: the third of
    /// ten is 0.30000000000000004, so that 0.3 belongs to the bin below it, as in every Python peer.
    pub fn equal_width(bins: usize) -> Self {
        Self::EqualWidth { bins, rule: EdgeRule::default() }
    }

    /// Bins of equal mass, by linear quantiles.
    pub fn equal_mass(bins: usize) -> Self {
        Self::EqualMass { bins, rule: MassRule::default() }
    }

    /// Bins between given edges.
    pub fn edges(edges: Vec<f64>) -> Self {
        Self::Edges { edges, rule: EdgeRule::default() }
    }

    /// Sets where an edge belongs. Bins of equal mass have their own rule and stay as they are.
    #[must_use]
    pub fn with_edge_rule(self, rule: EdgeRule) -> Self {
        match self {
            Self::EqualWidth { bins, .. } => Self::EqualWidth { bins, rule },
            Self::Edges { edges, .. } => Self::Edges { edges, rule },
            mass @ Self::EqualMass { .. } => mass,
        }
    }

    /// Sets how the quantiles are made. Other bins stay as they are.
    #[must_use]
    pub fn with_mass_rule(self, rule: MassRule) -> Self {
        match self {
            Self::EqualMass { bins, .. } => Self::EqualMass { bins, rule },
            other => other,
        }
    }
}

impl Default for Binning {
    /// Fifteen bins of equal width, as Guo et al. (2017).
    fn default() -> Self {
        Self::equal_width(15)
    }
}

/// Checked edges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edges {
    values: Vec<f64>,
    rule: EdgeRule,
    /// Bins per unit where the edges are even.
    scale: Option<f64>,
}

pub(crate) fn check_bins(bins: usize) -> Result<()> {
    if (1..=MAX_BINS).contains(&bins) {
        return Ok(());
    }
    Err(Error::Parameter { name: "bins", expected: "from 1 to 2^20", got: bins as f64 })
}

impl Edges {
    pub(crate) fn equal_width(bins: usize, rule: EdgeRule) -> Result<Self> {
        check_bins(bins)?;
        let step = 1.0 / bins as f64;
        let mut edges: Vec<f64> = (0..=bins).map(|k| k as f64 * step).collect();
        edges[bins] = 1.0; // as linspace sets it
        Ok(Self { values: edges, rule, scale: Some(bins as f64) })
    }

    pub(crate) fn given(edges: Vec<f64>, rule: EdgeRule) -> Result<Self> {
        check_bins(edges.len().saturating_sub(1))?;
        let expected = "edges that increase strictly from 0 to 1";
        let bad = edges
            .windows(2)
            .position(|pair| pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less));
        let bad = bad.map(|index| index + 1);
        let ends = (edges[0] != 0.0)
            .then_some(0)
            .or((edges[edges.len() - 1] != 1.0).then_some(edges.len() - 1));
        match bad.or(ends) {
            Some(index) => {
                Err(Error::Value { operation: "bin edges", expected, index, value: edges[index] })
            }
            None => Ok(Self { values: edges, rule, scale: None }),
        }
    }

    /// Edges at quantiles of sorted values, coinciding ones dropped; the ends are 0 and 1.
    pub(crate) fn quantiles(sorted: &[f64], bins: usize, rule: MassRule) -> Result<Self> {
        let edges = mass_edges(sorted, bins, rule)?;
        let inner = edges.get(1..edges.len().saturating_sub(1)).unwrap_or_default();
        let mut all = vec![0.0];
        for &edge in inner {
            if edge > all[all.len() - 1] && edge < 1.0 {
                all.push(edge);
            }
        }
        all.push(1.0);
        Ok(Self { values: all, rule: EdgeRule::LeftClosed, scale: None })
    }

    /// The edges, one more than there are bins between 0 and 1.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn rule(&self) -> EdgeRule {
        self.rule
    }

    /// How many cells counting takes: the bins, and one more where the rule leaves something out.
    pub(crate) fn bins(&self) -> usize {
        let extra = !matches!(self.rule, EdgeRule::LeftClosed | EdgeRule::RightClosed);
        self.values.len() - 1 + usize::from(extra)
    }

    pub(crate) fn even_scale(&self) -> Option<f64> {
        self.scale
    }

    /// The bin of a number in `[0, 1]` among bins of equal width, without making the edges.
    pub(crate) fn find_even(bins: usize, rule: EdgeRule, c: f64) -> usize {
        let step = 1.0 / bins as f64;
        let edge = |k: usize| if k >= bins { 1.0 } else { k as f64 * step };
        // Rounding can be off by one edge.
        let near = ((c * bins as f64) as usize).min(bins.saturating_sub(1));
        let below = |k: usize| match rule {
            EdgeRule::RightClosed | EdgeRule::Guo => edge(k) < c,
            _ => edge(k) <= c,
        };
        let candidates = [near + 1, near];
        let bin = candidates.into_iter().find(|&k| below(k)).unwrap_or(near.saturating_sub(1));
        bin.min(bins.saturating_sub(1))
    }

    /// The cell of a confidence in `[0, 1]`.
    #[inline]
    pub(crate) fn find(&self, c: f64) -> usize {
        let last = self.values.len() - 2;
        let bin = match self.rule {
            EdgeRule::Guo if c <= 0.0 => return last + 1,
            EdgeRule::TorchMetrics | EdgeRule::ClipCalibration if c >= 1.0 => {
                return last + 1;
            }
            EdgeRule::RightClosed | EdgeRule::Guo => self.values.partition_point(|&edge| edge < c),
            _ => self.values.partition_point(|&edge| edge <= c),
        };
        bin.saturating_sub(1).min(last)
    }
}

/// `bins + 1` quantiles at even probabilities of sorted, non-empty values.
pub(crate) fn mass_edges(sorted: &[f64], bins: usize, rule: MassRule) -> Result<Vec<f64>> {
    check_bins(bins)?;
    if sorted.is_empty() {
        return Err(Error::Empty { operation: "quantiles", item: "value" });
    }
    let step = 1.0 / bins as f64;
    let quantile = |k: usize| {
        let q = if k == bins { 1.0 } else { k as f64 * step };
        match rule {
            MassRule::AveragedInvertedCdf => averaged_quantile(sorted, q),
            _ => linear_quantile(sorted, q),
        }
    };
    Ok((0..=bins).map(quantile).collect())
}

/// Definition 7 of Hyndman and Fan: linear between order statistics. `sorted` is not empty.
pub(crate) fn linear_quantile(sorted: &[f64], q: f64) -> f64 {
    let position = (sorted.len() - 1) as f64 * q;
    let lower = (position as usize).min(sorted.len() - 1);
    let upper = (lower + 1).min(sorted.len() - 1);
    let (a, b, t) = (sorted[lower], sorted[upper], position - lower as f64);
    // The end that is closer is the base, so that both are met exactly.
    if t < 0.5 { a + (b - a) * t } else { b - (b - a) * (1.0 - t) }
}

/// Definition 2: the order statistic that the distribution function reaches, the mean of two where
/// it has a step exactly there.
fn averaged_quantile(sorted: &[f64], q: f64) -> f64 {
    let n = sorted.len();
    let position = n as f64 * q;
    let index = position.floor();
    let at = |i: f64| sorted[(i.max(0.0) as usize).min(n - 1)];
    if position == index { f64::midpoint(at(index - 1.0), at(index)) } else { at(index) }
}

/// Sizes of parts that differ by one at most, larger ones first.
pub(crate) fn even_parts(n: usize, parts: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (size, extra) = (n / parts, n % parts);
    (0..parts).map(move |k| {
        let start = k * size + k.min(extra);
        start..start + size + usize::from(k < extra)
    })
}

/// Sorted copies of values that are not NaN.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    order::ascending(values).into_iter().filter_map(|i| values.get(i as usize).copied()).collect()
}
