//! Bins of forecasts, and the measures that follow from them.

use assay_array::Scalar;
use assay_score::{Interval, interval};

use crate::binning::{Edges, MassRule, check_bins, even_parts, sorted};
use crate::kernel::bin::{self, Cell};
use crate::{BinaryForecasts, Binning, EdgeRule, Result};

/// One bin of a [`Reliability`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bin {
    /// Where it begins.
    pub lower: f64,
    /// Where it ends.
    pub upper: f64,
    /// How many forecasts it holds.
    pub count: u64,
    /// How many of them came true.
    pub correct: u64,
    /// The sum of their probabilities.
    pub sum: f64,
    /// How many forecasts it counts for in weighted means: `count`, except under
    /// [`EdgeRule::ClipCalibration`].
    pub weight: u64,
}

impl Bin {
    pub(crate) fn new(lower: f64, upper: f64, cell: &Cell) -> Self {
        let Cell { count, correct, .. } = *cell;
        Self { lower, upper, count, correct, sum: cell.confidence(), weight: count }
    }

    /// The mean probability; `None` for an empty bin.
    pub fn confidence(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The share that came true; `None` for an empty bin.
    pub fn accuracy(&self) -> Option<f64> {
        (self.count > 0).then(|| self.correct as f64 / self.count as f64)
    }

    /// Accuracy less confidence; `None` for an empty bin.
    pub fn gap(&self) -> Option<f64> {
        Some(self.accuracy()? - self.confidence()?)
    }

    /// The Wilson interval of the accuracy; `None` for an empty bin.
    ///
    /// # Errors
    /// A level outside `(0, 1)`.
    pub fn interval(&self, level: f64) -> Result<Option<Interval>> {
        if self.count == 0 {
            // The level is checked all the same.
            interval::wilson(0, 1, level)?;
            return Ok(None);
        }
        Ok(Some(interval::wilson(self.correct, self.count, level)?))
    }
}

/// Forecasts in bins: the reliability diagram as data, and every binned measure.
///
/// With `n_b` the count, `acc_b` and `conf_b` the means of bin `b`, and `N` all forecasts:
///
/// | method | formula |
/// |---|---|
/// | [`ece`](Self::ece) | `Σ n_b/N · abs(acc_b − conf_b)` |
/// | [`mce`](Self::mce) | `max_b abs(acc_b − conf_b)` |
/// | [`rmsce`](Self::rmsce) | `√(Σ n_b/N · (acc_b − conf_b)²)` |
/// | [`ace_average`](Self::ace_average) | the mean of `abs(acc_b − conf_b)` over bins that hold something |
/// | [`debiased_l2`](Self::debiased_l2), [`debiased_l1`](Self::debiased_l1) | less what chance adds |
///
/// Adaptive ECE is [`ece`](Self::ece) with [`Binning::equal_mass`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reliability {
    /// The bins, from low to high; empty ones too.
    pub bins: Vec<Bin>,
    /// All forecasts, in a bin or not.
    pub count: u64,
}

impl Reliability {
    /// From cells that were counted with these edges.
    pub(crate) fn from_cells(edges: &Edges, cells: &[Cell]) -> Self {
        let ends = edges.values().windows(2);
        let mut bins: Vec<Bin> =
            ends.zip(cells).map(|(ends, cell)| Bin::new(ends[0], ends[1], cell)).collect();
        // Where the rule leaves something out, it is in one more cell.
        if let Some(extra) = cells.get(bins.len()) {
            match edges.rule() {
                EdgeRule::TorchMetrics => bins.push(Bin::new(1.0, 1.0, extra)),
                EdgeRule::ClipCalibration => {
                    bins.last_mut().into_iter().for_each(|last| last.weight += extra.count);
                }
                _ => {}
            }
        }
        Self { bins, count: cells.iter().map(|cell| cell.count).sum() }
    }

    /// `(n_b / N, acc_b, conf_b, n_b)` of every bin that holds something.
    fn filled(&self) -> impl Iterator<Item = (f64, f64, f64, f64)> + '_ {
        let total = self.count as f64;
        self.bins.iter().filter_map(move |bin| {
            let share = bin.weight as f64 / total;
            Some((share, bin.accuracy()?, bin.confidence()?, bin.count as f64))
        })
    }

    /// Expected calibration error (Naeini et al. 2015).
    pub fn ece(&self) -> f64 {
        self.filled().map(|(share, acc, conf, _)| share * (acc - conf).abs()).sum()
    }

    /// Maximum calibration error: the largest gap of any bin, however few forecasts it holds.
    pub fn mce(&self) -> f64 {
        self.filled().map(|(_, acc, conf, _)| (acc - conf).abs()).fold(0.0, f64::max)
    }

    /// Compatibility: the largest share-weighted gap, which the code of the authors of
    /// Distance-Aware Calibration and of ProCal call MCE.
    pub fn mce_count_weighted(&self) -> f64 {
        self.filled().map(|(share, acc, conf, _)| share * (acc - conf).abs()).fold(0.0, f64::max)
    }

    /// Root mean square calibration error, the plug-in L2 error.
    pub fn rmsce(&self) -> f64 {
        self.filled().map(|(share, acc, conf, _)| share * (acc - conf).powi(2)).sum::<f64>().sqrt()
    }

    /// The mean gap over bins that hold something, each counting alike: what netcal calls ACE.
    pub fn ace_average(&self) -> f64 {
        let (sum, bins) = self.filled().fold((0.0, 0.0), |(sum, bins), (_, acc, conf, _)| {
            (sum + (acc - conf).abs(), bins + 1.0)
        });
        sum / f64::max(bins, 1.0)
    }

    /// Debiased L2 error (Kumar, Liang and Ma 2019):
    /// `√max(Σ n_b/N · ((acc_b − conf_b)² − acc_b (1 − acc_b)/(n_b − 1)), 0)`; a bin of one forecast,
    /// whose variance cannot be estimated, counts 0.
    pub fn debiased_l2(&self) -> f64 {
        let term = |(share, acc, conf, n): (f64, f64, f64, f64)| {
            share * ((acc - conf).powi(2) - acc * (1.0 - acc) / (n - 1.0))
        };
        let sum: f64 = self.filled().filter(|bin| bin.3 > 1.0).map(term).sum();
        sum.max(0.0).sqrt()
    }

    /// Debiased ECE (Kumar, Liang and Ma 2019): twice the plug-in less its expectation when every
    /// bin's accuracy is drawn from `N(acc_b, acc_b (1 − acc_b)/n_b)`. They draw 1000 times; the
    /// expectation is that of a folded normal variable and is exact here. Can be negative.
    pub fn debiased_l1(&self) -> f64 {
        let term = |(share, acc, conf, n): (f64, f64, f64, f64)| {
            let (gap, deviation) = ((acc - conf).abs(), (acc * (1.0 - acc) / n).sqrt());
            share * (2.0 * gap - folded_normal_mean(gap, deviation))
        };
        self.filled().map(term).sum()
    }
}

/// `E|X|` for `X ~ N(mean, deviation²)`.
fn folded_normal_mean(mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return mean.abs();
    }
    let z = mean / deviation;
    let tail = (2.0 / std::f64::consts::PI).sqrt() * (-0.5 * z * z).exp();
    deviation * tail + mean * libm::erf(z / std::f64::consts::SQRT_2)
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// Puts the forecasts into bins. Sums are exact integers underneath: the same for any number of
    /// threads.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) and [`Error::Value`](crate::Error::Value) for bins that are none.
    pub fn reliability(&self, binning: &Binning) -> Result<Reliability> {
        let edges = match binning {
            Binning::EqualWidth { bins, rule } => Edges::equal_width(*bins, *rule)?,
            Binning::Edges { edges, rule } => Edges::given(edges.clone(), *rule)?,
            Binning::EqualMass { bins, rule: MassRule::SplitTies } => {
                check_bins(*bins)?;
                return Ok(self.split_evenly(*bins));
            }
            Binning::EqualMass { bins, rule } => {
                let values: Vec<f64> = self.probability().iter().map(|p| p.to_f64()).collect();
                Edges::quantiles(&sorted(&values), *bins, *rule)?
            }
        };
        let cells = bin::count(&edges, self.probability(), self.outcome());
        Ok(Reliability::from_cells(&edges, &cells))
    }

    /// Sorted forecasts cut into even parts; each bin reaches from its first to its last forecast.
    fn split_evenly(&self, bins: usize) -> Reliability {
        let pairs = self.ascending();
        let bins = even_parts(pairs.len(), bins)
            .filter_map(|range| pairs.get(range))
            .filter_map(|part| {
                let (first, last) = (part.first()?, part.last()?);
                let mut cell = Cell::default();
                for &(p, y) in part {
                    cell.push(p, y > 0.0);
                }
                Some(Bin::new(first.0, last.0, &cell))
            })
            .collect();
        Reliability { bins, count: self.len() as u64 }
    }

    /// Equal-mass bins, as many as keep the bins' accuracies non-decreasing (Roelofs et al. 2022):
    /// the number is raised from 1 until it does not, and the last that did is kept.
    ///
    /// `O(N log N + B²)` for `B` bins found.
    pub fn sweep(&self) -> Reliability {
        let pairs = self.ascending();
        let mut hits = vec![0_u64];
        for &(_, y) in &pairs {
            hits.push(hits[hits.len() - 1] + u64::from(y > 0.0));
        }
        let monotone = |bins: usize| {
            let counts = even_parts(pairs.len(), bins)
                .map(|range| (hits[range.end] - hits[range.start], range.len() as u64));
            let mut last = (0, 1);
            // acc_b = hits / size; products of counts below 2^32 are exact.
            counts.into_iter().all(|next| {
                let rises = u128::from(last.0) * u128::from(next.1)
                    <= u128::from(next.0) * u128::from(last.1);
                last = next;
                rises
            })
        };
        let bins =
            (2..=pairs.len()).find(|&bins| !monotone(bins)).map_or(pairs.len(), |bins| bins - 1);
        self.split_evenly(bins)
    }
}
