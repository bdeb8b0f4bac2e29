//! The uncertainty of any statistic from resampling the data.

use rayon::prelude::*;

use crate::bca::{self, BcaTerms};
use crate::fixed::FixedPoint;
use crate::interval::{Interval, check_level};
use crate::resample::Draws;
use crate::{Clusters, Error, Mergeable, Moments, Result};

const OPERATION: &str = "bootstrap";
const CLUSTER: &str = "cluster";
/// Up to here each item's cell is looked up in a table (4 MB), beyond it by binary search.
const MAX_CELL_TABLE: usize = 1 << 20;
/// More resamples than this are a mistake; it also bounds the memory for replicates (1 GiB).
const MAX_RESAMPLES: usize = 1 << 27;

/// How the interval is made from the replicates.
///
/// With the estimate `θ`, its replicates `θ*_1 … θ*_B` and `Q(p)` their quantile by linear
/// interpolation (definition 7 of Hyndman and Fan 1996), the bounds at the level `1 − α` are (Efron
/// and Tibshirani 1993, chapters 13 and 14; Davison and Hinkley 1997, chapter 5):
///
/// | method | bounds |
/// |---|---|
/// | percentile | `Q(α/2)` and `Q(1 − α/2)` |
/// | basic | `2θ − Q(1 − α/2)` and `2θ − Q(α/2)` |
/// | BCa | `Q(α₁)` and `Q(α₂)` |
///
/// - `α_i = Φ(z₀ + (z₀ + z_i) / (1 − a (z₀ + z_i)))` with `z₁ = Φ⁻¹(α/2)` and `z₂ = Φ⁻¹(1 − α/2)`;
/// - `z₀ = Φ⁻¹((#{θ* < θ} + #{θ* ≤ θ}) / 2B)`, which counts ties by half;
/// - `a = Σ_i u_i³ / (6 (Σ_i u_i²)^{3/2})` with `u_i` the mean of the jackknife values less the
///   `i`-th, which is the statistic without unit `i`.
///
/// These are the conventions of
/// `scipy.stats.bootstrap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BootstrapMethod {
    /// Quantiles of the replicates. Always defined.
    #[default]
    Percentile,
    /// Quantiles reflected at the estimate. Always defined; may leave the statistic's range.
    Basic,
    /// Quantiles corrected for bias and skewness. Costs one more evaluation of the statistic for
    /// each unit, and is an error where it is not defined, such as on constant data.
    Bca,
}

/// How to bootstrap.
///
/// ```
/// use assay_score::{BootstrapConfig, BootstrapMethod};
/// let scores = [0.1, 0.5, 0.4, 0.9, 0.8, 0.3, 0.7, 0.6];
/// let bootstrap = BootstrapConfig::new()
///     .with_resamples(2000)
///     .with_level(0.9)
///     .with_seed(7)
///     .with_method(BootstrapMethod::Bca)
///     .init()?;
/// let report = bootstrap.mean(&scores)?;
/// assert!((report.estimate - 0.5375).abs() < 1e-12);
/// assert!(report.interval.contains(report.estimate));
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BootstrapConfig {
    resamples: usize,
    level: f64,
    seed: u64,
    method: BootstrapMethod,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl BootstrapConfig {
    /// 2000 resamples, level 0.95, seed 0, percentile interval.
    pub fn new() -> Self {
        Self { resamples: 2000, level: 0.95, seed: 0, method: BootstrapMethod::default() }
    }

    /// Sets the number of resamples `B`.
    #[must_use]
    pub fn with_resamples(self, resamples: usize) -> Self {
        Self { resamples, ..self }
    }

    /// Sets the level of confidence.
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the kind of interval.
    #[must_use]
    pub fn with_method(self, method: BootstrapMethod) -> Self {
        Self { method, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 2 or more than `2^27` resamples or a level outside
    /// `(0, 1)`.
    pub fn init(self) -> Result<Bootstrap> {
        self.checked()?;
        Ok(Bootstrap { config: self, draws: Draws::Seeded(self.seed) })
    }

    /// As [`init`](Self::init), with the units of every resample given instead of drawn: one row a
    /// resample, one index a unit. The number of rows replaces the number of resamples.
    ///
    /// This reproduces another program's bootstrap from its draws.
    ///
    /// # Errors
    /// As [`init`](Self::init). Row lengths and indices are checked when the number of units is
    /// known, by the method that resamples.
    pub fn init_with_indices(self, rows: Vec<Vec<usize>>) -> Result<Bootstrap> {
        let config = Self { resamples: rows.len(), ..self };
        config.checked()?;
        Ok(Bootstrap { config, draws: Draws::Given(rows) })
    }

    fn checked(&self) -> Result<()> {
        check_level(OPERATION, self.level)?;
        if (2..=MAX_RESAMPLES).contains(&self.resamples) {
            return Ok(());
        }
        let (name, expected) = ("resamples", "from 2 to 2^27");
        Err(Error::Setting { operation: OPERATION, name, expected, got: self.resamples as f64 })
    }
}

/// A checked [`BootstrapConfig`], which resamples.
///
/// Resample `b` draws its units with replacement from the stream `(seed, "bootstrap", b)`, so the
/// result depends on the seed alone and never on the number of threads.
///
/// Every method returns a [`BootstrapReport`] or
/// - [`Error::Empty`] for no data, [`Error::TooFew`] for one cluster, and for one unit with BCa;
/// - [`Error::TooMany`] beyond `2^32 − 1` units;
/// - [`Error::Value`] for a value that is NaN or infinite, [`Error::Statistic`] for a statistic
///   that is, with the sample it came from;
/// - [`Error::Undefined`] where BCa is not defined: all replicates are equal, as on constant data,
///   the jackknife values are equal, or the estimate lies outside of all replicates;
/// - [`Error::Length`] and [`Error::Label`] for given indices that do not fit the data.
///
/// Percentile and basic intervals of constant data have width zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    config: BootstrapConfig,
    draws: Draws,
}

/// What a [`Bootstrap`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BootstrapReport {
    /// The statistic of the data.
    pub estimate: f64,
    /// The interval at the level asked for.
    pub interval: Interval,
    /// How the interval was made.
    pub method: BootstrapMethod,
    /// The standard deviation of the replicates (divisor `B − 1`).
    pub standard_error: f64,
    /// The mean of the replicates minus the estimate.
    pub bias: f64,
    /// What corrected the interval, for [`BootstrapMethod::Bca`].
    pub bca: Option<BcaTerms>,
    /// The seed of the draws; `None` where they were given.
    pub seed: Option<u64>,
    /// The statistic of each resample, in order.
    pub replicates: Vec<f64>,
}

impl Bootstrap {
    /// The mean of values, resampled one by one.
    ///
    /// Sums are fixed-point and exact unless the values' magnitudes differ by more than a factor of
    /// about `2^73 / n`: resamples that hold the same values tie exactly, as BCa's `z₀` needs.
    ///
    /// # Errors
    /// As [`Bootstrap`] says.
    pub fn mean(&self, values: &[f64]) -> Result<BootstrapReport> {
        let units = values.len();
        let table = FixedPoint::new(OPERATION, values, units as u64)?;
        let replicates =
            self.replicates(units, "value", || (), |(), drawn| table.mean_of(drawn))?;
        let jackknife = |(): &mut (), i: usize| (table.mean_without(table.items()[i], 1), 1);
        self.report(table.mean(), replicates, units, || (), jackknife)
    }

    /// The mean over all values with whole clusters resampled: the sum of the values in the clusters
    /// drawn, divided by their number. Sums are exact as in [`mean`](Self::mean).
    ///
    /// # Errors
    /// As [`Bootstrap`] says, and [`Error::Length`] unless there is a value for each clustered item.
    pub fn cluster_mean(&self, values: &[f64], clusters: &Clusters) -> Result<BootstrapReport> {
        let (operation, items) = (OPERATION, "values for the clustered items");
        let (expected, got) = (clusters.items(), values.len());
        if expected != got {
            return Err(Error::Length { operation, items, expected, got });
        }
        let units = clusters.len();
        let largest = clusters.iter().map(<[usize]>::len).max().unwrap_or(0);
        let table =
            FixedPoint::new(OPERATION, values, (units as u64).saturating_mul(largest as u64))?;
        let sums: Vec<(i128, u64)> = clusters
            .iter()
            .map(|items| (items.iter().map(|&i| table.items()[i]).sum(), items.len() as u64))
            .collect();
        let replicates = self.replicates(
            units,
            CLUSTER,
            || (),
            |(), drawn| {
                let add = |(sum, count): (i128, u64), &cluster: &u32| {
                    let (more, items) = sums[cluster as usize];
                    (sum + more, count + items)
                };
                let (sum, count) = drawn.iter().fold((0, 0), add);
                table.ratio(sum, count)
            },
        )?;
        let jackknife = |(): &mut (), i: usize| (table.mean_without(sums[i].0, sums[i].1), 1);
        self.report(table.mean(), replicates, units, || (), jackknife)
    }

    /// Any statistic of `items` items, given the indices drawn: all in order for the estimate, with
    /// repetition for a resample, all but one for BCa's jackknife.
    ///
    /// The closure takes the data from where it was captured, so paired data stay paired. It should
    /// not depend on the order of the indices: a sum that rounds differently in another order makes
    /// ties that BCa counts come out unequal.
    ///
    /// ```
    /// use assay_score::BootstrapConfig;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 2.3, 2.9, 4.2, 4.9]);
    /// let slope = |drawn: &[usize]| {
    ///     let (mut xy, mut xx) = (0.0, 0.0);
    ///     for &i in drawn {
    ///         xy += x[i] * y[i];
    ///         xx += x[i] * x[i];
    ///     }
    ///     xy / xx
    /// };
    /// let report = BootstrapConfig::new().init()?.statistic(x.len(), slope)?;
    /// assert!(report.interval.contains(1.02));
    /// # Ok::<(), assay_score::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bootstrap`] says.
    pub fn statistic(
        &self,
        items: usize,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Result<BootstrapReport> {
        let of = |indices: &mut Vec<usize>, drawn: &mut dyn Iterator<Item = usize>| {
            indices.clear();
            indices.extend(drawn);
            statistic(indices)
        };
        let replicates = self.replicates(items, "item", Vec::new, |indices, drawn| {
            of(indices, &mut drawn.iter().map(|&i| i as usize))
        })?;
        let estimate = of(&mut Vec::new(), &mut (0..items));
        self.report(estimate, replicates, items, Vec::new, |indices, left_out| {
            (of(indices, &mut (0..items).filter(|&i| i != left_out)), 1)
        })
    }

    /// As [`statistic`](Self::statistic), with whole clusters resampled: the closure is given the
    /// indices of all items in the clusters drawn.
    ///
    /// # Errors
    /// As [`Bootstrap`] says.
    pub fn cluster_statistic(
        &self,
        clusters: &Clusters,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Result<BootstrapReport> {
        let units = clusters.len();
        let of = |indices: &mut Vec<usize>, drawn: &mut dyn Iterator<Item = usize>| {
            indices.clear();
            drawn.for_each(|cluster| indices.extend(clusters.members(cluster)));
            statistic(indices)
        };
        let replicates = self.replicates(units, CLUSTER, Vec::new, |indices, drawn| {
            of(indices, &mut drawn.iter().map(|&i| i as usize))
        })?;
        let estimate = statistic(&(0..clusters.items()).collect::<Vec<_>>());
        self.report(estimate, replicates, units, Vec::new, |indices, left_out| {
            (of(indices, &mut (0..units).filter(|&i| i != left_out)), 1)
        })
    }

    /// Any statistic of counts, such as the macro F1 of a [`ConfusionMatrix`](crate::ConfusionMatrix),
    /// with the counted items resampled: the closure is given the counts of each resample, which sum
    /// to the same number. Neither the resamples nor BCa's jackknife go back to the items.
    ///
    /// ```
    /// use assay_score::{BootstrapConfig, ConfusionConfig, ConfusionMatrix, Labels, Mergeable};
    /// let config = ConfusionConfig::new(2);
    /// let mut matrix = config.init()?;
    /// matrix.update(Labels { truth: &[0, 0, 0, 1, 1, 1], predicted: &[0, 0, 1, 1, 1, 1] })?;
    /// let report = BootstrapConfig::new().init()?.counts(matrix.cells(), |cells| {
    ///     let report = ConfusionMatrix::from_cells(config, cells).and_then(|m| m.finish());
    ///     report.ok().and_then(|report| report.macro_average.f1).unwrap_or(f64::NAN)
    /// })?;
    /// assert!(report.interval.upper <= 1.0);
    /// # Ok::<(), assay_score::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bootstrap`] says.
    pub fn counts(
        &self,
        counts: &[u64],
        statistic: impl Fn(&[u64]) -> f64 + Sync,
    ) -> Result<BootstrapReport> {
        let total = counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
        let items = usize::try_from(total).unwrap_or(usize::MAX);
        let empty = || vec![0_u64; counts.len()];
        let cells = Cells::new(counts, items);
        let replicates = self.replicates(items, "item", empty, |resample, drawn| {
            resample.fill(0);
            cells.count(drawn, resample);
            statistic(resample)
        })?;
        // Leaving out any item of one cell gives the same value.
        let filled: Vec<usize> = (0..counts.len()).filter(|&cell| counts[cell] > 0).collect();
        self.report(statistic(counts), replicates, filled.len(), empty, |resample, index| {
            let cell = filled[index];
            resample.copy_from_slice(counts);
            resample[cell] -= 1;
            (statistic(resample), counts[cell])
        })
    }

    /// Checks the number of units and computes the statistic of every resample.
    fn replicates<S>(
        &self,
        units: usize,
        unit: &'static str,
        scratch: impl Fn() -> S + Sync + Send,
        statistic: impl Fn(&mut S, &[u32]) -> f64 + Sync + Send,
    ) -> Result<Vec<f64>> {
        let bca = self.config.method == BootstrapMethod::Bca;
        let (needed, items) = match unit {
            // One cluster resampled is itself every time: an error of zero would be a lie.
            CLUSTER => (2, "clusters"),
            _ if bca => (2, "items for BCa"),
            _ => (1, "items"),
        };
        if units == 0 {
            return Err(Error::Empty { operation: OPERATION, item: unit });
        }
        if units < needed {
            return Err(Error::TooFew { operation: OPERATION, items, needed, got: units });
        }
        let drawn = self.draws.check(OPERATION, units)?;
        let replicates: Vec<f64> = (0..self.config.resamples)
            .into_par_iter()
            .map_init(
                || (vec![0; drawn], scratch()),
                |(drawn, scratch), resample| {
                    self.draws.fill(resample, units as u32, drawn);
                    statistic(scratch, drawn)
                },
            )
            .collect();
        finite(&replicates, |b| format!("resample {b}"))?;
        Ok(replicates)
    }

    /// The report on replicates; `jackknife` gives the statistic without unit `i` and how many units
    /// like it there are.
    fn report<S>(
        &self,
        estimate: f64,
        replicates: Vec<f64>,
        units: usize,
        scratch: impl Fn() -> S + Sync + Send,
        jackknife: impl Fn(&mut S, usize) -> (f64, u64) + Sync + Send,
    ) -> Result<BootstrapReport> {
        let BootstrapConfig { level, method, .. } = self.config;
        finite(&[estimate], |_| "the data".to_owned())?;
        let mut moments = Moments::new();
        moments.update(&replicates)?;
        let spread = moments.finish()?;
        let mut sorted = replicates.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        let mut terms = None;
        let (mut lower, mut upper) =
            (bca::quantile(&sorted, tail), bca::quantile(&sorted, 1.0 - tail));
        match method {
            BootstrapMethod::Percentile => {}
            BootstrapMethod::Basic => {
                (lower, upper) = (2.0 * estimate - upper, 2.0 * estimate - lower);
            }
            BootstrapMethod::Bca => {
                let left_out: Vec<(f64, u64)> =
                    (0..units).into_par_iter().map_init(&scratch, &jackknife).collect();
                let values: Vec<f64> = left_out.iter().map(|&(value, _)| value).collect();
                finite(&values, |i| format!("jackknife sample {i}"))?;
                let bca = BcaTerms::new(estimate, &sorted, &left_out, level)?;
                let (first, second) = bca.probabilities;
                (lower, upper) = (bca::quantile(&sorted, first), bca::quantile(&sorted, second));
                terms = Some(bca);
            }
        }
        Ok(BootstrapReport {
            estimate,
            interval: Interval { lower, upper, level },
            method,
            // There are two replicates at least.
            standard_error: spread.standard_deviation().unwrap_or(0.0),
            bias: spread.mean - estimate,
            bca: terms,
            seed: self.draws.seed(),
            replicates,
        })
    }
}

/// Checks that a statistic is finite and small enough for moments.
fn finite(values: &[f64], sample: impl Fn(usize) -> String) -> Result<()> {
    let fits = |value: &f64| value.abs() <= Moments::LIMIT;
    match values.iter().position(|value| !fits(value)) {
        None => Ok(()),
        Some(index) => {
            let (sample, value) = (sample(index), values[index]);
            Err(Error::Statistic { operation: OPERATION, sample, value })
        }
    }
}

/// Which cell of a table of counts each item belongs to, items being numbered cell by cell.
struct Cells {
    /// The number of the first item beyond each cell.
    ends: Vec<u64>,
    /// The same for each item, where that is small.
    table: Option<Vec<u32>>,
}

impl Cells {
    fn new(counts: &[u64], items: usize) -> Self {
        let mut end = 0_u64;
        let ends = counts.iter().map(|&count| {
            end = end.saturating_add(count);
            end
        });
        let ends = ends.collect();
        let small = items <= MAX_CELL_TABLE;
        let cells = || counts.iter().zip(0_u32..).flat_map(|(&n, cell)| (0..n).map(move |_| cell));
        Self { ends, table: small.then(|| cells().collect()) }
    }

    fn count(&self, drawn: &[u32], into: &mut [u64]) {
        match &self.table {
            Some(table) => drawn.iter().for_each(|&i| into[table[i as usize] as usize] += 1),
            None => drawn.iter().for_each(|&i| {
                into[self.ends.partition_point(|&end| end <= u64::from(i))] += 1;
            }),
        }
    }
}
