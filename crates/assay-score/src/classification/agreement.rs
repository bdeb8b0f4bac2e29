//! Agreement of raters beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha.

use crate::bytes::{Kind, Reader, Writer};
use crate::shares::{Shares, count_on};
use crate::{ConfusionMatrix, Error, Mergeable, Result};

const KIND: Kind = *b"ratings\0";
const VERSION: u16 = 1;
const OPERATION: &str = "agreement of raters";
/// More categories than this are a mistake; it also bounds what bytes can allocate (1 MB).
const MAX_CATEGORIES: usize = 256;
/// Stands for "units differ in their number of ratings".
const MIXED: u64 = u64::MAX;

/// Marks a unit that a rater did not rate.
pub const MISSING: usize = usize::MAX;

/// How much two different categories disagree, for Cohen's kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum KappaWeights {
    /// All different pairs alike: Cohen (1960).
    #[default]
    None,
    /// By the distance `|i − j|` of ordered categories (Cohen 1968).
    Linear,
    /// By `(i − j)²`.
    Quadratic,
}

impl ConfusionMatrix {
    /// Cohen's kappa, `1 − Σ w_ij n_ij / Σ w_ij e_ij` with `e_ij = n_i· n_·j / n`: the agreement of
    /// two raters (or of predictions with the truth) beyond what their margins give by chance.
    ///
    /// At most 1; 0 at chance. Unparsed answers are no category, so they are left out. `None` where
    /// chance leaves no room: nothing was counted, or both raters always gave one same category.
    ///
    /// ```
    /// use assay_score::{ConfusionConfig, classification::KappaWeights};
    /// let cells = [2, 1, 1, 0, 1, 2, 0, 0, 1, 1, 3, 0];
    /// let matrix = assay_score::ConfusionMatrix::from_cells(ConfusionConfig::new(3), &cells)?;
    /// assert!((matrix.kappa(KappaWeights::None).unwrap() - 0.375).abs() < 1e-12);
    /// # Ok::<(), assay_score::Error>(())
    /// ```
    pub fn kappa(&self, weights: KappaWeights) -> Option<f64> {
        let classes = self.classes();
        let row = |i: usize| &self.cells()[i * (classes + 1)..i * (classes + 1) + classes];
        let rows: Vec<u64> = (0..classes).map(|i| row(i).iter().sum()).collect();
        let columns: Vec<u64> =
            (0..classes).map(|j| (0..classes).map(|i| row(i)[j]).sum()).collect();
        let total: u64 = rows.iter().sum();
        // Terms are not negative, so the sums cancel nothing.
        let (mut observed, mut expected) = (0.0, 0.0);
        for (i, &row_sum) in rows.iter().enumerate() {
            for (j, (&column_sum, &count)) in columns.iter().zip(row(i)).enumerate() {
                let distance = i.abs_diff(j) as f64;
                let weight = match weights {
                    KappaWeights::None => f64::from(u8::from(i != j)),
                    KappaWeights::Linear => distance,
                    KappaWeights::Quadratic => distance * distance,
                };
                observed += weight * count as f64;
                expected += weight * row_sum as f64 * column_sum as f64;
            }
        }
        (expected > 0.0).then(|| 1.0 - observed * total as f64 / expected)
    }
}

/// What the categories of ratings mean, which says how much two of them differ.
///
/// Krippendorff's alpha weights a disagreement between the categories `c` and `k` with `δ²`:
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Level {
    /// Names only: `δ² = 1` for `c ≠ k`.
    Nominal,
    /// An order: `δ = n_c/2 + n_{c+1} + … + n_{k−1} + n_k/2`, with `n_g` the times category `g` was used.
    Ordinal,
    /// Numbers whose differences mean something, one for each category: `δ = v_c − v_k`.
    Interval(Vec<f64>),
    /// Numbers with a true zero, not negative: `δ = (v_c − v_k) / (v_c + v_k)`.
    Ratio(Vec<f64>),
}

/// How [`Ratings`] are counted.
///
/// ```
/// use assay_score::{Mergeable, classification::{Level, MISSING, RatingRows, RatingsConfig}};
/// let mut ratings = RatingsConfig::new(2, Level::Nominal).init()?;
/// // Four answers, each judged by up to three judges.
/// let values = [0, 0, 0, 1, 1, MISSING, 0, 1, 0, 1, 1, 1];
/// ratings.update(RatingRows { raters: 3, values: &values })?;
/// let report = ratings.finish()?;
/// assert_eq!((report.units, report.pairable), (4, 11));
/// assert!((report.alpha.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// assert_eq!(report.fleiss_kappa, None); // needs the same number of ratings everywhere
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RatingsConfig {
    categories: usize,
    level: Level,
}

impl RatingsConfig {
    /// Ratings are the numbers `0..categories`.
    pub fn new(categories: usize, level: Level) -> Self {
        Self { categories, level }
    }

    /// Checks the settings and makes an empty accumulator.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 2 to 256 categories, [`Error::Length`] unless interval and
    /// ratio levels have a value for each, [`Error::Value`] for values that are not finite (or
    /// negative, for a ratio).
    pub fn init(self) -> Result<Ratings> {
        let categories = self.categories;
        if !(2..=MAX_CATEGORIES).contains(&categories) {
            let (name, expected) = ("categories", "from 2 to 256");
            return Err(Error::Setting {
                operation: OPERATION,
                name,
                expected,
                got: categories as f64,
            });
        }
        let (values, lower): (&[f64], f64) = match &self.level {
            Level::Nominal | Level::Ordinal => (&[], 0.0),
            Level::Interval(values) => (values, -1e100),
            Level::Ratio(values) => (values, 0.0),
        };
        let named = matches!(self.level, Level::Nominal | Level::Ordinal);
        if !named && values.len() != categories {
            let (items, got) = ("values of categories", values.len());
            return Err(Error::Length { operation: OPERATION, items, expected: categories, got });
        }
        let upper = 1e100; // squares stay finite
        if let Some(index) = values.iter().position(|v| !(lower..=upper).contains(v)) {
            let value = values[index];
            return Err(Error::Value { operation: OPERATION, index, value, lower, upper });
        }
        let coincidences = vec![Shares::default(); categories * categories];
        Ok(Ratings { config: self, units: 0, each: 0, used: vec![0; categories], coincidences })
    }
}

/// A batch for [`Ratings`]: one row a unit, one column a rater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatingRows<'a> {
    /// The number of columns.
    pub raters: usize,
    /// Row after row, each rating a category or [`MISSING`].
    pub values: &'a [usize],
}

/// Counts how often categories meet within a unit, over any number of raters.
///
/// The state is Krippendorff's coincidence matrix, `o_ck = Σ_u (pairs of c and k in unit u) / (m_u − 1)`
/// with `m_u` the ratings of unit `u`, on a grid of whole numbers: any order of merging gives the
/// same report exactly. Units with fewer than two ratings say nothing about agreement and only count
/// as units. Raters may differ from unit to unit. Made by [`RatingsConfig::init`].
#[derive(Debug, Clone, PartialEq)]
pub struct Ratings {
    config: RatingsConfig,
    units: u64,
    /// One more than the number of ratings that every unit has; 0 before the first unit, [`MIXED`]
    /// where they differ.
    each: u64,
    /// How often each category was used in units with two ratings or more.
    used: Vec<u64>,
    coincidences: Vec<Shares>,
}

/// What [`Ratings`] report.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RatingsReport {
    /// The number of units, those with fewer than two ratings included.
    pub units: u64,
    /// The number of ratings in units with at least two.
    pub pairable: u64,
    /// The share of agreeing pairs of ratings within units, each unit weighted by its ratings.
    pub agreement: Option<f64>,
    /// Krippendorff's alpha (2004, chapter 11), `1 − D_o / D_e` with
    /// `D_o = Σ o_ck δ²_ck / n` and `D_e = Σ n_c n_k δ²_ck / n(n − 1)`. At most 1, 0 at chance;
    /// `None` where all ratings are one category.
    pub alpha: Option<f64>,
    /// Fleiss' kappa (1971), `(P̄ − P̄_e) / (1 − P̄_e)`; `None` unless every unit has the same number
    /// of ratings, at least two, and more than one category was used.
    pub fleiss_kappa: Option<f64>,
}

impl Ratings {
    /// `δ²` of two categories.
    fn distance(&self, c: usize, k: usize) -> f64 {
        let (c, k) = (c.min(k), c.max(k));
        match &self.config.level {
            _ if c == k => 0.0,
            Level::Nominal => 1.0,
            Level::Ordinal => {
                let between: u64 = self.used[c..=k].iter().sum();
                (between as f64 - (self.used[c] + self.used[k]) as f64 / 2.0).powi(2)
            }
            Level::Interval(values) => (values[c] - values[k]).powi(2),
            Level::Ratio(values) => {
                let sum = values[c] + values[k];
                if sum > 0.0 { ((values[c] - values[k]) / sum).powi(2) } else { 0.0 }
            }
        }
    }

    fn alpha(&self, pairable: u64) -> Option<f64> {
        let (mut observed, mut expected) = (0.0, 0.0);
        let categories = self.config.categories;
        for c in 0..categories {
            for k in c + 1..categories {
                let distance = self.distance(c, k);
                observed += self.coincidences[c * categories + k].value() * distance;
                expected += self.used[c] as f64 * self.used[k] as f64 * distance;
            }
        }
        let alpha = 1.0 - (pairable as f64 - 1.0) * observed / expected;
        (expected > 0.0 && alpha.is_finite()).then_some(alpha)
    }
}

impl Mergeable for Ratings {
    type Batch<'a> = RatingRows<'a>;
    type Report = RatingsReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Setting`] for no raters, [`Error::Length`] for an incomplete row, [`Error::Label`]
    /// for a rating that is no category, [`Error::TooMany`] beyond `2^53` ratings.
    fn update(&mut self, batch: RatingRows<'_>) -> Result<()> {
        let categories = self.config.categories;
        if batch.raters == 0 {
            let (name, expected) = ("raters", "at least 1");
            return Err(Error::Setting { operation: OPERATION, name, expected, got: 0.0 });
        }
        let (rows, rest) =
            (batch.values.chunks_exact(batch.raters), batch.values.len() % batch.raters);
        if rest > 0 {
            let (items, expected) = ("ratings in the last row", batch.raters);
            return Err(Error::Length { operation: OPERATION, items, expected, got: rest });
        }
        let wrong = |&value: &usize| value >= categories && value != MISSING;
        if let Some(index) = batch.values.iter().position(wrong) {
            let label = batch.values[index];
            return Err(Error::Label { operation: OPERATION, index, label, limit: categories });
        }
        let ratings = self.used.iter().sum::<u64>();
        count_on(OPERATION, "ratings", ratings.max(self.units), batch.values.len() as u64)?;
        let mut counts = vec![0_u64; categories];
        for row in rows {
            counts.fill(0);
            for &value in row.iter().filter(|&&value| value != MISSING) {
                counts[value] += 1;
            }
            self.units += 1;
            let given: u64 = counts.iter().sum();
            self.each = together(self.each, given + 1);
            if given < 2 {
                continue;
            }
            for (c, &n_c) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                self.used[c] += n_c;
                for (k, &n_k) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                    let pairs = n_c * (n_k - u64::from(c == k));
                    self.coincidences[c * categories + k].add(pairs, given - 1);
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.config != other.config {
            return Err(Error::Incompatible {
                operation: "merge of ratings",
                what: "the configuration",
                left: format!("{:?}", self.config),
                right: format!("{:?}", other.config),
            });
        }
        let ratings = |of: &Self| of.used.iter().sum::<u64>().max(of.units);
        count_on(OPERATION, "ratings", ratings(self), ratings(other))?;
        if other.units > 0 {
            self.each = together(self.each, other.each);
        }
        self.units += other.units;
        for (used, more) in self.used.iter_mut().zip(&other.used) {
            *used += more;
        }
        for (share, more) in self.coincidences.iter_mut().zip(&other.coincidences) {
            share.merge(*more);
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when nothing was counted.
    fn finish(&self) -> Result<RatingsReport> {
        if self.units == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "unit" });
        }
        let pairable: u64 = self.used.iter().sum();
        let categories = self.config.categories;
        let agreeing: f64 =
            (0..categories).map(|c| self.coincidences[c * (categories + 1)].value()).sum();
        let agreement = (pairable > 0).then(|| agreeing / pairable as f64);
        let chance: f64 =
            self.used.iter().map(|&n| (n as f64 / pairable.max(1) as f64).powi(2)).sum();
        let several = self.used.iter().filter(|&&used| used > 0).count() > 1;
        let same = self.each > 2 && self.each != MIXED;
        let fleiss_kappa =
            agreement.filter(|_| several && same).map(|p| (p - chance) / (1.0 - chance));
        Ok(RatingsReport {
            units: self.units,
            pairable,
            agreement,
            alpha: self.alpha(pairable),
            fleiss_kappa,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let (level, values): (u64, &[f64]) = match &self.config.level {
            Level::Nominal => (0, &[]),
            Level::Ordinal => (1, &[]),
            Level::Interval(values) => (2, values),
            Level::Ratio(values) => (3, values),
        };
        let writer = Writer::new(KIND, VERSION).u64(level).f64s(values);
        let writer = writer.u64(self.units).u64(self.each).u64s(&self.used);
        self.coincidences.iter().fold(writer, |writer, share| share.write(writer)).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let (level, values) = (reader.u64()?, reader.f64s()?);
        let level = match level {
            0 | 1 if !values.is_empty() => {
                return Err(reader.invalid("no values for names and orders", values.len()));
            }
            0 => Level::Nominal,
            1 => Level::Ordinal,
            2 => Level::Interval(values),
            3 => Level::Ratio(values),
            other => return Err(reader.invalid("a level from 0 to 3", other)),
        };
        let (units, each, used) = (reader.u64()?, reader.u64()?, reader.u64s()?);
        let config = RatingsConfig::new(used.len(), level);
        let mut ratings =
            config.init().map_err(|error| reader.invalid("a configuration that exists", error))?;
        for share in &mut ratings.coincidences {
            *share = Shares::read(&mut reader)?;
        }
        let total = used.iter().fold(0_u64, |sum, &n| sum.saturating_add(n));
        let categories = used.len();
        let sums_fit = total <= crate::EXACT_COUNTS
            && units <= crate::EXACT_COUNTS
            && (each == 0 || units > 0)
            && (0..categories).all(|c| {
                let row = &ratings.coincidences[c * categories..(c + 1) * categories];
                // Each of the category's ratings meets the others of its unit with total weight one.
                let off = row.iter().map(|share| share.value()).sum::<f64>() - used[c] as f64;
                off.abs() <= 1e-9 * (1.0 + used[c] as f64)
                    && (0..categories).all(|k| row[k] == ratings.coincidences[k * categories + c])
            });
        if !sums_fit {
            return Err(reader.invalid("coincidences that sum to the ratings", total));
        }
        ratings.units = units;
        ratings.each = each;
        ratings.used = used;
        reader.finish()?;
        Ok(ratings)
    }
}

/// The number that all units have in common, after one more.
fn together(before: u64, now: u64) -> u64 {
    if before == 0 || before == now { now } else { MIXED }
}
