//! BLEU as sacrebleu computes it.

use super::corpus::{References, check_alike, check_references, read_flag};
use super::ngram::{Ngrams, ngrams};
use super::tokenize::Tokenizer;
use super::words::{Vocabulary, lower, words};
use super::{Segment, by_chunk};
use crate::bytes::{Kind, Reader, Writer};
use crate::shares::count_on;
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"bleu\0\0\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "BLEU";
/// The longest n-grams that a configuration may ask for.
const MAX_ORDER: usize = 8;

/// What is done about n-gram orders without a match, whose logarithm would be infinite
/// (Chen and Cherry 2014).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Smoothing {
    /// The `i`-th order without a match counts `2^-i` matches.
    #[default]
    Exponential,
    /// It counts this many matches; 0.1 in sacrebleu.
    Floor(f64),
    /// This many are added to matches and n-grams of every order but the first; 1 in sacrebleu.
    AddK(f64),
    /// Nothing: the score is zero.
    None,
}

/// How [`Bleu`] counts and scores.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BleuConfig {
    tokenizer: Tokenizer,
    lowercase: bool,
    smoothing: Smoothing,
    max_order: usize,
    effective_order: bool,
}

impl Default for BleuConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl BleuConfig {
    /// sacrebleu's defaults: 13a, case kept, exponential smoothing, four orders.
    pub fn new() -> Self {
        Self {
            tokenizer: Tokenizer::V13a,
            lowercase: false,
            smoothing: Smoothing::Exponential,
            max_order: 4,
            effective_order: false,
        }
    }

    /// Sets the tokeniser.
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer, ..self }
    }

    /// Compares in lower case.
    #[must_use]
    pub fn with_lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }

    /// Sets the smoothing.
    #[must_use]
    pub fn with_smoothing(self, smoothing: Smoothing) -> Self {
        Self { smoothing, ..self }
    }

    /// Sets the longest n-grams.
    #[must_use]
    pub fn with_max_order(self, max_order: usize) -> Self {
        Self { max_order, ..self }
    }

    /// Leaves out the orders that are longer than the text, as one should for single sentences.
    #[must_use]
    pub fn with_effective_order(self, effective_order: bool) -> Self {
        Self { effective_order, ..self }
    }

    /// Checks the settings and makes an empty accumulator.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 1 to 8 orders and the value of a smoothing is in `(0, 1e9)`.
    pub fn init(self) -> Result<Bleu> {
        let setting =
            |name, expected, got| Err(Error::Setting { operation: OPERATION, name, expected, got });
        if !(1..=MAX_ORDER).contains(&self.max_order) {
            return setting("max_order", "from 1 to 8", self.max_order as f64);
        }
        if let Smoothing::Floor(value) | Smoothing::AddK(value) = self.smoothing
            && !(value > 0.0 && value < 1e9)
        {
            return setting("smoothing", "above 0 and below 1e9", value);
        }
        Ok(Bleu {
            config: self,
            statistics: BleuStatistics::default(),
            references: References::default(),
        })
    }

    fn signature(&self, references: References) -> String {
        let nrefs = references.signature();
        let case = if self.lowercase { "lc" } else { "mixed" };
        let eff = if self.effective_order { "yes" } else { "no" };
        let smooth = match self.smoothing {
            Smoothing::Exponential => "exp".to_owned(),
            Smoothing::Floor(value) => format!("floor[{value:.2}]"),
            Smoothing::AddK(value) => format!("add-k[{value:.2}]"),
            Smoothing::None => "none".to_owned(),
        };
        let (tok, version) = (self.tokenizer.name(), env!("CARGO_PKG_VERSION"));
        format!(
            "nrefs:{nrefs}|case:{case}|eff:{eff}|tok:{tok}|smooth:{smooth}|impl:assay-{version}"
        )
    }
}

/// The counts that BLEU is made of, of one segment or of many: they add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BleuStatistics {
    /// N-grams of each order that a reference has, each counted at most as often as there.
    pub matches: [u64; MAX_ORDER],
    /// All n-grams of each order.
    pub totals: [u64; MAX_ORDER],
    /// Tokens of the hypothesis.
    pub hypothesis: u64,
    /// Tokens of the reference closest in length, the shorter of two equally close.
    pub reference: u64,
}

impl BleuStatistics {
    /// Adds the counts of other segments.
    pub fn add(&mut self, other: &Self) {
        for order in 0..MAX_ORDER {
            self.matches[order] += other.matches[order];
            self.totals[order] += other.totals[order];
        }
        self.hypothesis += other.hypothesis;
        self.reference += other.reference;
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        let ends = [self.hypothesis, self.reference];
        self.matches.into_iter().chain(self.totals).chain(ends)
    }

    fn counts_mut(&mut self) -> Vec<&mut u64> {
        let ends = [&mut self.hypothesis, &mut self.reference];
        self.matches.iter_mut().chain(&mut self.totals).chain(ends).collect()
    }

    /// The score that these counts give under a configuration, from 0 to 100:
    /// `BP · exp(Σ_n ln p_n / N)` with `BP = min(1, exp(1 − r/h))` (Papineni et al. 2002).
    pub fn score(&self, config: &BleuConfig) -> f64 {
        let (precisions, orders) = self.precisions(config);
        if self.matches.iter().all(|&count| count == 0) {
            return 0.0;
        }
        // Stands for ln 0 in sacrebleu; the exponential is zero.
        let log = |p: f64| if p == 0.0 { -9_999_999_999.0 } else { p.ln() };
        let sum: f64 = precisions[..orders].iter().map(|&p| log(p)).sum();
        self.brevity_penalty() * (sum / orders as f64).exp()
    }

    fn brevity_penalty(&self) -> f64 {
        if self.hypothesis >= self.reference {
            1.0
        } else if self.hypothesis == 0 {
            0.0
        } else {
            (1.0 - self.reference as f64 / self.hypothesis as f64).exp()
        }
    }

    /// The precision of each order in percent, smoothed, and how many orders count.
    fn precisions(&self, config: &BleuConfig) -> ([f64; MAX_ORDER], usize) {
        let mut precisions = [0.0; MAX_ORDER];
        let mut orders = config.max_order.clamp(1, MAX_ORDER);
        let (mut halved, longest) = (1.0, orders);
        if self.matches.iter().all(|&count| count == 0) {
            return (precisions, orders);
        }
        for (n, precision) in precisions.iter_mut().enumerate().take(longest) {
            let (mut matched, mut total) = (self.matches[n] as f64, self.totals[n] as f64);
            if let Smoothing::AddK(k) = config.smoothing
                && n > 0
            {
                matched += k;
                total += k;
            }
            if total == 0.0 {
                break;
            }
            if config.effective_order {
                orders = n + 1;
            }
            *precision = if matched > 0.0 {
                100.0 * matched / total
            } else {
                match config.smoothing {
                    Smoothing::Exponential => {
                        halved *= 2.0;
                        100.0 / (halved * total)
                    }
                    Smoothing::Floor(value) => 100.0 * value / total,
                    Smoothing::AddK(_) | Smoothing::None => 0.0,
                }
            };
        }
        (precisions, orders)
    }
}

/// Counts n-grams of hypotheses and references and scores the corpus; merging is exact.
///
/// Made by [`BleuConfig::init`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bleu {
    config: BleuConfig,
    statistics: BleuStatistics,
    references: References,
}

/// What [`Bleu`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BleuReport {
    /// The score, from 0 to 100 (and a rounding error above for a perfect match).
    pub score: f64,
    /// The precision of each order in percent, smoothed.
    pub precisions: Vec<f64>,
    /// The brevity penalty.
    pub brevity_penalty: f64,
    /// Matching n-grams of each order.
    pub matches: Vec<u64>,
    /// All n-grams of each order.
    pub totals: Vec<u64>,
    /// Tokens of the hypotheses.
    pub hypothesis_length: u64,
    /// Tokens of the references.
    pub reference_length: u64,
    /// What must be known to compare the score with another, in sacrebleu's form; `impl` names this
    /// crate where sacrebleu gives its version.
    pub signature: String,
}

impl Bleu {
    /// The counts of each segment, for scores of sentences, and for resampling without counting again.
    ///
    /// ```
    /// use assay_score::{BootstrapConfig, Mergeable, text::{BleuConfig, BleuStatistics, Segment}};
    /// let config = BleuConfig::new();
    /// let bleu = config.init()?;
    /// let segments = [
    ///     Segment { hypothesis: "the cat sat on the mat", references: &["the cat is on the mat"] },
    ///     Segment { hypothesis: "a dog ran over there today", references: &["a dog ran there today"] },
    /// ];
    /// let each = bleu.statistics(&segments)?;
    /// let report = BootstrapConfig::new().with_seed(1).init()?.statistic(each.len(), |drawn| {
    ///     let mut sum = BleuStatistics::default();
    ///     drawn.iter().for_each(|&i| sum.add(&each[i]));
    ///     sum.score(&config)
    /// })?;
    /// assert!(report.interval.contains(report.estimate));
    /// # Ok::<(), assay_score::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    pub fn statistics(&self, segments: &[Segment<'_>]) -> Result<Vec<BleuStatistics>> {
        check_references(OPERATION, segments)?;
        Ok(by_chunk(segments, |chunk| self.count(chunk)).concat())
    }

    /// The score of each segment by itself, which [`BleuConfig::with_effective_order`] is meant for.
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    pub fn sentence_scores(&self, segments: &[Segment<'_>]) -> Result<Vec<f64>> {
        check_references(OPERATION, segments)?;
        let scores = by_chunk(segments, |chunk| -> Vec<f64> {
            self.count(chunk).iter().map(|counts| counts.score(&self.config)).collect()
        });
        Ok(scores.concat())
    }

    /// The configuration.
    pub fn config(&self) -> BleuConfig {
        self.config
    }

    fn count(&self, segments: &[Segment<'_>]) -> Vec<BleuStatistics> {
        let prepare = |text: &str| -> String {
            let text = text.trim_end_matches(super::words::is_space);
            let text = if self.config.lowercase { lower(text) } else { text.into() };
            self.config.tokenizer.spaced(&text).into_owned()
        };
        let prepared: Vec<(String, Vec<String>)> = segments
            .iter()
            .map(|s| (prepare(s.hypothesis), s.references.iter().map(|r| prepare(r)).collect()))
            .collect();
        let mut vocabulary = Vocabulary::default();
        let mut table = Ngrams::default();
        let (mut hypothesis, mut references) = (Vec::new(), Vec::new());
        let orders = self.config.max_order;
        prepared
            .iter()
            .map(|(text, texts)| {
                vocabulary.numbers(words(text), &mut hypothesis);
                references.resize_with(texts.len(), Vec::new);
                for (text, numbers) in texts.iter().zip(&mut references) {
                    vocabulary.numbers(words(text), numbers);
                }
                let length = hypothesis.len();
                let closest = references
                    .iter()
                    .map(|reference: &Vec<u32>| reference.len())
                    .min_by_key(|&other| (other.abs_diff(length), other));
                let mut statistics = BleuStatistics {
                    hypothesis: length as u64,
                    reference: closest.unwrap_or(0) as u64,
                    ..BleuStatistics::default()
                };
                for (order, total) in statistics.totals[..orders].iter_mut().enumerate() {
                    *total = ngrams(length, order);
                }
                table.count(&hypothesis, orders);
                let matches = &mut statistics.matches[..orders];
                if let [reference] = &references[..] {
                    table.shared_with(reference, matches);
                } else {
                    table.shared_with_any(references.iter().map(Vec::as_slice), matches);
                }
                statistics
            })
            .collect()
    }
}

impl Mergeable for Bleu {
    type Batch<'a> = &'a [Segment<'a>];
    type Report = BleuReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Missing`] for a segment without references, [`Error::TooMany`] beyond `2^53` tokens.
    fn update(&mut self, batch: &[Segment<'_>]) -> Result<()> {
        let mut sum = BleuStatistics::default();
        for statistics in self.statistics(batch)? {
            sum.add(&statistics);
        }
        self.merge(&Self { statistics: sum, references: References::of(batch), ..*self })
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of BLEU counts", "the configuration", &self.config, &other.config)?;
        // No other count exceeds the number of tokens.
        for (mine, more) in [
            (self.statistics.hypothesis, other.statistics.hypothesis),
            (self.statistics.reference, other.statistics.reference),
        ] {
            count_on(OPERATION, "tokens", mine, more)?;
        }
        self.statistics.add(&other.statistics);
        self.references.merge(other.references);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no segment.
    fn finish(&self) -> Result<BleuReport> {
        if self.references.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "segment" });
        }
        let orders = self.config.max_order;
        Ok(BleuReport {
            score: self.statistics.score(&self.config),
            precisions: self.statistics.precisions(&self.config).0[..orders].to_vec(),
            brevity_penalty: self.statistics.brevity_penalty(),
            matches: self.statistics.matches[..orders].to_vec(),
            totals: self.statistics.totals[..orders].to_vec(),
            hypothesis_length: self.statistics.hypothesis,
            reference_length: self.statistics.reference,
            signature: self.config.signature(self.references),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let (smoothing, value) = match self.config.smoothing {
            Smoothing::Exponential => (0, 0.0),
            Smoothing::Floor(value) => (1, value),
            Smoothing::AddK(value) => (2, value),
            Smoothing::None => (3, 0.0),
        };
        let counts: Vec<u64> = self.statistics.counts().collect();
        let head = Writer::new(KIND, VERSION)
            .u64(self.config.tokenizer as u64)
            .u64(u64::from(self.config.lowercase))
            .u64(smoothing)
            .f64(value)
            .u64(self.config.max_order as u64)
            .u64(u64::from(self.config.effective_order));
        self.references.write(head).u64s(&counts).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let tokenizer = match reader.u64()? {
            0 => Tokenizer::V13a,
            1 => Tokenizer::International,
            2 => Tokenizer::Characters,
            3 => Tokenizer::None,
            other => return Err(reader.invalid("a tokeniser from 0 to 3", other)),
        };
        let lowercase = read_flag(&mut reader)?;
        let (smoothing, value) = (reader.u64()?, reader.f64()?);
        let smoothing = match (smoothing, value.to_bits()) {
            (0, 0) => Smoothing::Exponential,
            (1, _) => Smoothing::Floor(value),
            (2, _) => Smoothing::AddK(value),
            (3, 0) => Smoothing::None,
            (other, _) => return Err(reader.invalid("a smoothing from 0 to 3", other)),
        };
        let max_order = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        let effective_order = read_flag(&mut reader)?;
        let references = References::read(&mut reader)?;
        let config = BleuConfig { tokenizer, lowercase, smoothing, max_order, effective_order };
        let mut bleu =
            config.init().map_err(|error| reader.invalid("a configuration that exists", error))?;
        let counts = reader.u64s()?;
        let slots = bleu.statistics.counts_mut();
        if counts.len() != slots.len() {
            return Err(reader.invalid("18 counts", counts.len()));
        }
        slots.into_iter().zip(&counts).for_each(|(slot, &count)| *slot = count);
        let of = &bleu.statistics;
        let used = !references.is_empty();
        let fits = of.hypothesis.max(of.reference) <= crate::EXACT_COUNTS
            && of.matches.iter().zip(&of.totals).all(|(matches, total)| matches <= total)
            && of.totals.iter().all(|&total| total <= of.hypothesis)
            && of.totals[max_order..].iter().all(|&total| total == 0)
            && (used || counts.iter().all(|&count| count == 0));
        if !fits {
            return Err(reader.invalid("counts that some segments lead to", of.hypothesis));
        }
        bleu.references = references;
        reader.finish()?;
        Ok(bleu)
    }
}
