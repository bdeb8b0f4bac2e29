//! Count, mean, variance, skewness and kurtosis of a stream of numbers.

use assay_array::Scalar;

use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"moments\0";
const VERSION: u16 = 1;
const OPERATION: &str = "moments";
/// Values per two-pass block: 8 kB of `f64`, so that the second pass reads from the first cache.
const BLOCK: usize = 1024;
/// Independent partial sums per block, so that the compiler can use vector registers.
const LANES: usize = 8;
/// What inequalities between stored sums may be off by: far above rounding, far below a lie.
const SLACK: f64 = 1.0 + 1e-6;

/// Count, mean and central moments up to the fourth, with the minimum and maximum.
///
/// With `δ_i = x_i − x̄` the state is `n`, `x̄` and `M_p = Σ_i δ_i^p` for `p = 2, 3, 4`. A batch is
/// summed in blocks by two passes (mean, then powers of deviations), and blocks and accumulators
/// are joined by the pairwise formulas of Chan, Golub and LeVeque (1979) and Pébay (2008), so
/// nothing cancels when the mean is large.
///
/// Everything is `f64`. Merging in another order changes results by rounding only: the mean by
/// about 1e-15 of the largest magnitude `m`, the variance by 1e-15 of itself and of `m` times the
/// range. The minimum, the maximum and the count are exact.
///
/// ```
/// use assay_score::{Mergeable, Moments};
/// let mut moments = Moments::new();
/// moments.update(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])?;
/// let report = moments.finish()?;
/// assert_eq!((report.count, report.mean, report.population_variance), (8, 5.0, 4.0));
/// assert!((report.skewness.unwrap() - 0.65625).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
    min: f64,
    max: f64,
}

/// What [`Moments`] report.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MomentsReport {
    /// The number of values `n`.
    pub count: u64,
    /// The mean `x̄`.
    pub mean: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// `M₂ / n`.
    pub population_variance: f64,
    /// `M₂ / (n − 1)`; `None` for one value.
    pub variance: Option<f64>,
    /// `√n M₃ / M₂^{3/2}` (`g1`, as `scipy.stats.skew`). `None` where the spread is zero
    /// or so small (below about 1e-77) that its fourth power is no longer a normal number.
    pub skewness: Option<f64>,
    /// `n M₄ / M₂² − 3` (`g2`, as `scipy.stats.kurtosis`); `None` as the skewness.
    pub excess_kurtosis: Option<f64>,
}

impl MomentsReport {
    /// The square root of [`variance`](Self::variance).
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }

    /// The standard error of the mean, `s / √n`; `None` for one value.
    pub fn standard_error(&self) -> Option<f64> {
        self.variance.map(|variance| (variance / self.count as f64).sqrt())
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

impl Moments {
    /// The largest magnitude that is accepted, `2^240`, about 1.8e72: fourth powers of
    /// deviations, summed over `2^53` values, then stay below the largest `f64`.
    pub const LIMIT: f64 = f64::from_bits((1023 + 240) << 52);

    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            m2: 0.0,
            m3: 0.0,
            m4: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Counts `f32` or `f64` values; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// [`Error::Value`] with the index of the first value that is NaN, infinite or larger than
    /// [`Moments::LIMIT`]; [`Error::TooMany`] beyond `2^53` values.
    pub fn extend<T: Scalar>(&mut self, values: &[T]) -> Result<()> {
        let mut batch = Self::new();
        for (index, block) in values.chunks(BLOCK).enumerate() {
            let Some(block_moments) = Self::block(block) else {
                return Err(refuse(block, index * BLOCK));
            };
            batch.join(&block_moments);
        }
        self.merge(&batch)
    }

    /// Two passes over a block that is not empty; `None` when a value is out of range.
    fn block<T: Scalar>(values: &[T]) -> Option<Self> {
        let count = values.len() as f64;
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut first_pass = |lane: usize, value: &T| {
            let value = value.to_f64();
            sums[lane] += value;
            min[lane] = if value < min[lane] { value } else { min[lane] };
            max[lane] = if value > max[lane] { value } else { max[lane] };
        };
        for chunk in chunks {
            (0..LANES).for_each(|lane| first_pass(lane, &chunk[lane]));
        }
        rest.iter().enumerate().for_each(|(lane, value)| first_pass(lane, value));
        let sum: f64 = sums.iter().sum();
        let min = min.into_iter().fold(f64::INFINITY, f64::min);
        let max = max.into_iter().fold(f64::NEG_INFINITY, f64::max);
        // A NaN makes the sum NaN; values within the limit cannot make it infinite.
        if !sum.is_finite() || min < -Self::LIMIT || max > Self::LIMIT {
            return None;
        }
        let mean = (sum / count).clamp(min, max);
        let mut powers = [[0.0; LANES]; 3];
        let mut second_pass = |lane: usize, value: &T| {
            let delta = value.to_f64() - mean;
            let square = delta * delta;
            powers[0][lane] += square;
            powers[1][lane] += square * delta;
            powers[2][lane] += square * square;
        };
        for chunk in chunks {
            (0..LANES).for_each(|lane| second_pass(lane, &chunk[lane]));
        }
        rest.iter().enumerate().for_each(|(lane, value)| second_pass(lane, value));
        let [m2, m3, m4] = powers.map(|lanes| lanes.iter().sum());
        Some(Self { count: values.len() as u64, mean, m2, m3, m4, min, max }.settled())
    }

    /// Joins two sets of moments whose counts together are known to fit.
    fn join(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (*self, *other);
        let count = a.count + b.count;
        let n = count as f64;
        let (fa, fb) = (a.count as f64 / n, b.count as f64 / n);
        let delta = b.mean - a.mean;
        let square = delta * delta;
        // n_a n_b / n.
        let weight = a.count as f64 * fb;
        let min = a.min.min(b.min);
        let max = a.max.max(b.max);
        *self = Self {
            count,
            mean: (a.mean + delta * fb).clamp(min, max),
            m2: a.m2 + b.m2 + square * weight,
            m3: a.m3
                + b.m3
                + square * delta * weight * (fa - fb)
                + 3.0 * delta * (fa * b.m2 - fb * a.m2),
            m4: a.m4
                + b.m4
                + square * square * weight * (fa * fa - fa * fb + fb * fb)
                + 6.0 * square * (fa * fa * b.m2 + fb * fb * a.m2)
                + 4.0 * delta * (fa * b.m3 - fb * a.m3),
            min,
            max,
        }
        .settled();
    }

    /// Constant data have no spread, whatever rounding of their mean would say.
    fn settled(self) -> Self {
        if self.min == self.max {
            Self { mean: self.min, m2: 0.0, m3: 0.0, m4: 0.0, ..self }
        } else {
            // Sums of even powers; only the joining formulas' rounding could take them below zero.
            Self { m4: self.m4.max(0.0), ..self }
        }
    }

    /// Whether counting could have led here; every inequality holds for any data.
    fn plausible(&self) -> bool {
        let numbers = [self.mean, self.m2, self.m3, self.m4];
        if self.count == 0 {
            return numbers == [0.0; 4] && self.min == f64::INFINITY && self.max == -f64::INFINITY;
        }
        let range = self.max - self.min;
        let n = self.count as f64;
        numbers.iter().all(|number| number.is_finite())
            && self.min >= -Self::LIMIT
            && self.max <= Self::LIMIT
            && (self.min..=self.max).contains(&self.mean)
            && (self.count > 1 || range == 0.0)
            && (0.0..=n * range * range * SLACK).contains(&self.m2)
            && self.m3.abs() <= self.m2 * range * SLACK
            && (0.0..=self.m2 * range * range * SLACK).contains(&self.m4)
            // The largest deviation alone; half the range at least.
            && self.m2 * 4.0 * SLACK >= range * range
    }
}

impl Mergeable for Moments {
    type Batch<'a> = &'a [f64];
    type Report = MomentsReport;
    type Error = Error;

    fn update(&mut self, batch: &[f64]) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        let count = self.count.saturating_add(other.count);
        if count > crate::EXACT_COUNTS {
            let limit = crate::EXACT_COUNTS;
            return Err(Error::TooMany {
                operation: OPERATION,
                items: "values",
                limit,
                got: count,
            });
        }
        self.join(other);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when nothing was counted.
    fn finish(&self) -> Result<MomentsReport> {
        if self.count == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "value" });
        }
        let n = self.count as f64;
        let shaped = (self.m2 * self.m2).is_normal();
        Ok(MomentsReport {
            count: self.count,
            mean: self.mean,
            min: self.min,
            max: self.max,
            population_variance: self.m2 / n,
            variance: (self.count > 1).then(|| self.m2 / (n - 1.0)),
            skewness: shaped.then(|| n.sqrt() * (self.m3 / self.m2 / self.m2.sqrt())),
            excess_kurtosis: shaped.then(|| n * (self.m4 / self.m2 / self.m2) - 3.0),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        [self.mean, self.m2, self.m3, self.m4, self.min, self.max]
            .into_iter()
            .fold(Writer::new(KIND, VERSION).u64(self.count), Writer::f64)
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let count = reader.u64()?;
        let mut next = || reader.f64();
        let (mean, m2, m3, m4, min, max) = (next()?, next()?, next()?, next()?, next()?, next()?);
        let moments = Self { count, mean, m2, m3, m4, min, max };
        if count > crate::EXACT_COUNTS || !moments.plausible() {
            return Err(reader.invalid("moments of some data", format_args!("{moments:?}")));
        }
        reader.finish()?;
        Ok(moments)
    }
}

/// The error for the first value of a block that is out of range.
fn refuse<T: Scalar>(block: &[T], start: usize) -> Error {
    let limit = Moments::LIMIT;
    let fits = |value: &T| value.to_f64().abs() <= limit;
    let offset = block.iter().position(|value| !fits(value)).unwrap_or(0);
    let value = block.get(offset).map_or(f64::NAN, |value| value.to_f64());
    Error::Value { operation: OPERATION, index: start + offset, value, lower: -limit, upper: limit }
}
