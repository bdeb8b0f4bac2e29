//! Counts of values in bins with fixed edges.

use assay_array::Scalar;

use crate::bins::Bins;
use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"histogrm";
const VERSION: u16 = 1;
const OPERATION: &str = "histogram";
/// More bins than this are a mistake; it also bounds what a configuration can allocate (128 MB).
const MAX_BINS: usize = 1 << 24;

/// Which bin a value on an edge belongs to. Either way the outermost edges are inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EdgeRule {
    /// `[e_i, e_{i+1})`, the last bin closed at both ends, as `numpy.histogram`.
    #[default]
    LowerClosed,
    /// `(e_i, e_{i+1}]`, the first bin closed at both ends, as calibration bins usually are.
    UpperClosed,
}

/// What happens to a value that no bin holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Stray {
    /// It is an error that names the value and its index.
    #[default]
    Refuse,
    /// It is counted beside the bins.
    Count,
}

/// How a [`Histogram`] is laid out.
///
/// ```
/// use assay_score::{EdgeRule, HistogramConfig, Mergeable, Stray};
/// let mut histogram = HistogramConfig::uniform(0.0, 1.0, 4)
///     .with_edge_rule(EdgeRule::UpperClosed)
///     .with_outside(Stray::Count)
///     .init()?;
/// histogram.update(&[0.0, 0.25, 0.26, 1.0, 1.5])?;
/// let report = histogram.finish()?;
/// assert_eq!(report.counts, [2, 1, 0, 1]);
/// assert_eq!((report.underflow, report.overflow), (0, 1));
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistogramConfig {
    layout: Layout,
    edge_rule: EdgeRule,
    outside: Stray,
    nan: Stray,
}

#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Layout {
    Uniform { lower: f64, upper: f64, bins: usize },
    Edges(Vec<f64>),
}

impl HistogramConfig {
    /// Bins between given edges, one fewer than there are edges.
    pub fn new(edges: Vec<f64>) -> Self {
        Self::laid_out(Layout::Edges(edges))
    }

    /// Bins of equal width over `[lower, upper]`.
    pub fn uniform(lower: f64, upper: f64, bins: usize) -> Self {
        Self::laid_out(Layout::Uniform { lower, upper, bins })
    }

    fn laid_out(layout: Layout) -> Self {
        let (edge_rule, outside, nan) = Default::default();
        Self { layout, edge_rule, outside, nan }
    }

    /// Sets which bin a value on an edge belongs to; the lower side is closed unless set.
    #[must_use]
    pub fn with_edge_rule(self, edge_rule: EdgeRule) -> Self {
        Self { edge_rule, ..self }
    }

    /// Sets what happens to values beyond the edges, infinities included; refused unless set.
    #[must_use]
    pub fn with_outside(self, outside: Stray) -> Self {
        Self { outside, ..self }
    }

    /// Sets what happens to NaN; refused unless set.
    #[must_use]
    pub fn with_nan(self, nan: Stray) -> Self {
        Self { nan, ..self }
    }

    /// Checks the edges and makes an empty histogram.
    ///
    /// # Errors
    /// [`Error::Setting`] for no bins, too many bins, or edges that do not increase strictly;
    /// [`Error::Value`] for an edge that is NaN or infinite.
    pub fn init(self) -> Result<Histogram> {
        let bins = match &self.layout {
            Layout::Uniform { bins, .. } => *bins,
            Layout::Edges(edges) => edges.len().saturating_sub(1),
        };
        if !(1..=MAX_BINS).contains(&bins) {
            return Err(setting("bins", "from 1 to 2^24", bins as f64));
        }
        let edges = match self.layout {
            Layout::Edges(edges) => edges,
            Layout::Uniform { lower, upper, .. } => {
                let edge = |i: usize| {
                    let t = i as f64 / bins as f64;
                    // The two halves cannot overflow, and the ends come out exactly.
                    lower * (1.0 - t) + upper * t
                };
                (0..=bins).map(edge).collect()
            }
        };
        Histogram::empty(edges, self.edge_rule, self.outside, self.nan)
    }
}

/// Counts of values in bins with fixed edges, and of the values that no bin holds.
///
/// Everything is an integer, so any order of merging gives the same report exactly. Histograms
/// merge when their edges and rules are equal. Made by [`HistogramConfig::init`].
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bins: Bins,
    outside: Stray,
    nan_rule: Stray,
    counts: Vec<u64>,
    underflow: u64,
    overflow: u64,
    nan: u64,
    total: u64,
}

/// What a [`Histogram`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistogramReport {
    /// The edges, one more than there are bins.
    pub edges: Vec<f64>,
    /// How many values each bin holds.
    pub counts: Vec<u64>,
    /// How many values were below the first edge.
    pub underflow: u64,
    /// How many values were above the last edge.
    pub overflow: u64,
    /// How many values were NaN.
    pub nan: u64,
}

impl HistogramReport {
    /// How many values the bins hold.
    pub fn inside(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bin's share of the values inside; `None` when there are none.
    pub fn fractions(&self) -> Option<Vec<f64>> {
        let inside = self.inside();
        let share = |&count: &u64| count as f64 / inside as f64;
        (inside > 0).then(|| self.counts.iter().map(share).collect())
    }

    /// Each bin's share divided by its width, so that the histogram integrates to 1; `None` when
    /// the bins are empty.
    pub fn density(&self) -> Option<Vec<f64>> {
        let widths = self.edges.windows(2).map(|edge| edge[1] - edge[0]);
        Some(self.fractions()?.iter().zip(widths).map(|(share, width)| share / width).collect())
    }
}

impl Histogram {
    fn empty(edges: Vec<f64>, edge_rule: EdgeRule, outside: Stray, nan: Stray) -> Result<Self> {
        let bins = Bins::new(edges, edge_rule)?;
        let counts = vec![0; bins.edges.len() - 1];
        let (nan_rule, zero) = (nan, 0);
        Ok(Self {
            bins,
            outside,
            nan_rule,
            counts,
            underflow: zero,
            overflow: zero,
            nan: zero,
            total: zero,
        })
    }

    /// Counts `f32` or `f64` values; [`Mergeable::update`] is the same for `f64`.
    ///
    /// # Errors
    /// [`Error::Value`] with the index of the first value that the rules refuse;
    /// [`Error::TooMany`] beyond `2^53` values.
    pub fn extend<T: Scalar>(&mut self, values: &[T]) -> Result<()> {
        let total = self.total_with(values.len() as u64)?;
        let inside = self.lower()..=self.upper();
        // Blocks without an early exit, so that the comparisons vectorise.
        let all_inside = |block: &[T]| {
            block.iter().fold(true, |all, value| all & inside.contains(&value.to_f64()))
        };
        if values.chunks(1024).all(all_inside) {
            let (bins, counts) = (&self.bins, &mut self.counts[..]);
            for value in values {
                counts[bins.of(value.to_f64())] += 1;
            }
        } else {
            self.extend_with_strays(values)?;
        }
        self.total = total;
        Ok(())
    }

    fn extend_with_strays<T: Scalar>(&mut self, values: &[T]) -> Result<()> {
        let (lower, upper) = (self.lower(), self.upper());
        let inside = lower..=upper;
        let refused = |value: &T| {
            let value = value.to_f64();
            let rule = if value.is_nan() { self.nan_rule } else { self.outside };
            rule == Stray::Refuse && !inside.contains(&value)
        };
        if let Some(index) = values.iter().position(refused) {
            let value = values[index].to_f64();
            return Err(Error::Value { operation: OPERATION, index, value, lower, upper });
        }
        for value in values {
            let value = value.to_f64();
            if value < lower {
                self.underflow += 1;
            } else if value > upper {
                self.overflow += 1;
            } else if value.is_nan() {
                self.nan += 1;
            } else {
                self.counts[self.bins.of(value)] += 1;
            }
        }
        Ok(())
    }

    fn lower(&self) -> f64 {
        self.bins.edges[0]
    }

    fn upper(&self) -> f64 {
        self.bins.edges[self.counts.len()]
    }

    fn total_with(&self, more: u64) -> Result<u64> {
        let (limit, got) = (crate::EXACT_COUNTS, self.total.saturating_add(more));
        if got > limit {
            return Err(Error::TooMany { operation: OPERATION, items: "values", limit, got });
        }
        Ok(got)
    }

    fn rules(&self) -> [u64; 3] {
        [self.bins.edge_rule as u64, self.outside as u64, self.nan_rule as u64]
    }
}

impl Mergeable for Histogram {
    type Batch<'a> = &'a [f64];
    type Report = HistogramReport;
    type Error = Error;

    fn update(&mut self, batch: &[f64]) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        let differ = |what, left: String, right: String| {
            Err(Error::Incompatible { operation: "merge of histograms", what, left, right })
        };
        if self.rules() != other.rules() {
            let show = |h: &Self| {
                format!("{:?} with outside {:?}, NaN {:?}", h.bins.edge_rule, h.outside, h.nan_rule)
            };
            return differ("the rules", show(self), show(other));
        }
        if self.bins != other.bins {
            let show =
                |h: &Self| format!("{} bins over [{}, {}]", h.counts.len(), h.lower(), h.upper());
            return differ("the edges", show(self), show(other));
        }
        self.total = self.total_with(other.total)?;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.underflow += other.underflow;
        self.overflow += other.overflow;
        self.nan += other.nan;
        Ok(())
    }

    /// An empty histogram is a report of zeros.
    ///
    /// # Errors
    /// None at present.
    fn finish(&self) -> Result<HistogramReport> {
        Ok(HistogramReport {
            edges: self.bins.edges.clone(),
            counts: self.counts.clone(),
            underflow: self.underflow,
            overflow: self.overflow,
            nan: self.nan,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.rules()
            .into_iter()
            .fold(Writer::new(KIND, VERSION), Writer::u64)
            .f64s(&self.bins.edges)
            .u64s(&self.counts)
            .u64(self.underflow)
            .u64(self.overflow)
            .u64(self.nan)
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let edge_rule = match reader.u64()? {
            0 => EdgeRule::LowerClosed,
            1 => EdgeRule::UpperClosed,
            other => return Err(reader.invalid("edge rule 0 or 1", other)),
        };
        let mut stray = || match reader.u64()? {
            0 => Ok(Stray::Refuse),
            1 => Ok(Stray::Count),
            other => Err(reader.invalid("rule 0 or 1", other)),
        };
        let (outside, nan_rule) = (stray()?, stray()?);
        let (edges, counts) = (reader.f64s()?, reader.u64s()?);
        let bins = counts.len();
        if !(1..=MAX_BINS).contains(&bins) || edges.len() != bins + 1 {
            return Err(reader.invalid(
                "one edge more than counts",
                format_args!("{} edges and {bins} counts", edges.len()),
            ));
        }
        let (underflow, overflow, nan) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let all = counts.iter().chain([&underflow, &overflow, &nan]);
        let total = all.fold(0_u64, |sum, &count| sum.saturating_add(count));
        let strays = (underflow, overflow, outside, nan, nan_rule);
        if total > crate::EXACT_COUNTS {
            return Err(reader.invalid("counts up to 2^53 in all", total));
        }
        if matches!(strays, (1.., _, Stray::Refuse, ..) | (_, 1.., Stray::Refuse, ..))
            || matches!(strays, (.., 1.., Stray::Refuse))
        {
            return Err(reader.invalid("no values that the rules refuse", "some"));
        }
        let checked = Self::empty(edges, edge_rule, outside, nan_rule)
            .map_err(|error| reader.invalid("edges that increase strictly", error))?;
        reader.finish()?;
        Ok(Self { counts, underflow, overflow, nan, total, ..checked })
    }
}

pub(crate) fn setting(name: &'static str, expected: &'static str, got: f64) -> Error {
    Error::Setting { operation: OPERATION, name, expected, got }
}
