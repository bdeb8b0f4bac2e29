//! chrF and chrF++ as sacrebleu computes them.

use super::corpus::{References, check_alike, check_references, read_flag};
use super::ngram::{Ngrams, ngrams};
use super::words::{Vocabulary, is_space, lower, words};
use super::{Segment, by_chunk};
use crate::bytes::{Kind, Reader, Writer};
use crate::shares::count_on;
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"chrf\0\0\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "chrF";
const MAX_ORDER: usize = 16;

/// How [`Chrf`] counts and scores.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChrfConfig {
    char_order: usize,
    word_order: usize,
    beta: f64,
    lowercase: bool,
    whitespace: bool,
    epsilon: bool,
}

impl ChrfConfig {
    /// chrF (Popović 2015): characters up to six, β = 2, as sacrebleu's default.
    pub fn chrf() -> Self {
        Self {
            char_order: 6,
            word_order: 0,
            beta: 2.0,
            lowercase: false,
            whitespace: false,
            epsilon: false,
        }
    }

    /// chrF++ (Popović 2017): words up to two as well. torchmetrics calls this chrF.
    pub fn chrf_plus_plus() -> Self {
        Self { word_order: 2, ..Self::chrf() }
    }

    /// Sets the longest character n-grams.
    #[must_use]
    pub fn with_char_order(self, char_order: usize) -> Self {
        Self { char_order, ..self }
    }

    /// Sets the longest word n-grams.
    #[must_use]
    pub fn with_word_order(self, word_order: usize) -> Self {
        Self { word_order, ..self }
    }

    /// Sets β: recall counts `β²` times as much as precision.
    #[must_use]
    pub fn with_beta(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// Compares in lower case.
    #[must_use]
    pub fn with_lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }

    /// Keeps white space in character n-grams.
    #[must_use]
    pub fn with_whitespace(self, whitespace: bool) -> Self {
        Self { whitespace, ..self }
    }

    /// Averages the F of every order with an epsilon, as chrF++.py and NLTK, instead of averaging
    /// precision and recall over the orders that both sides have.
    #[must_use]
    pub fn with_epsilon_smoothing(self, epsilon: bool) -> Self {
        Self { epsilon, ..self }
    }

    /// Checks the settings and makes an empty accumulator.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 1 to 16 orders and β is in `(0, 1000]`.
    pub fn init(self) -> Result<Chrf> {
        let setting =
            |name, expected, got| Err(Error::Setting { operation: OPERATION, name, expected, got });
        let orders = self.char_order.saturating_add(self.word_order);
        if !(1..=MAX_ORDER).contains(&orders) {
            return setting("orders of characters and words", "from 1 to 16", orders as f64);
        }
        if !(self.beta > 0.0 && self.beta <= 1000.0) {
            return setting("beta", "above 0 and up to 1000", self.beta);
        }
        let counts = vec![Counts::default(); orders];
        Ok(Chrf { config: self, counts, references: References::default() })
    }

    fn signature(&self, references: References) -> String {
        let nrefs = references.signature();
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let case = if self.lowercase { "lc" } else { "mixed" };
        let (nc, nw) = (self.char_order, self.word_order);
        let (eff, space, version) =
            (yes(!self.epsilon), yes(self.whitespace), env!("CARGO_PKG_VERSION"));
        let beta = if self.beta == 2.0 { String::new() } else { format!("beta:{}|", self.beta) };
        format!(
            "nrefs:{nrefs}|case:{case}|eff:{eff}|nc:{nc}|nw:{nw}|{beta}space:{space}|impl:assay-{version}"
        )
    }

    /// The score of summed counts, from 0 to 100.
    fn score(&self, counts: &[Counts]) -> f64 {
        let factor = self.beta * self.beta;
        let f = |p: f64, r: f64| (1.0 + factor) * p * r / (factor * p + r);
        if self.epsilon {
            const EPSILON: f64 = 1e-16;
            let ratio = |over: u64, under: u64| {
                if under > 0 { over as f64 / under as f64 } else { EPSILON }
            };
            let sum: f64 = counts
                .iter()
                .map(|c| {
                    let (p, r) = (ratio(c.matches, c.hypothesis), ratio(c.matches, c.reference));
                    if factor * p + r > 0.0 { f(p, r) } else { EPSILON }
                })
                .sum();
            return 100.0 * sum / counts.len() as f64;
        }
        let both = |c: &&Counts| c.hypothesis > 0 && c.reference > 0;
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for c in counts.iter().filter(both) {
            precision += c.matches as f64 / c.hypothesis as f64;
            recall += c.matches as f64 / c.reference as f64;
            orders += 1.0;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        100.0 * f(precision / orders, recall / orders)
    }
}

/// The counts of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    hypothesis: u64,
    reference: u64,
    matches: u64,
}

/// Counts character (and word) n-grams of hypotheses and of the reference with the best score, and
/// scores the corpus; merging is exact.
///
/// ```
/// use assay_score::{Mergeable, text::{ChrfConfig, Segment}};
/// let mut chrf = ChrfConfig::chrf().init()?;
/// chrf.update(&[Segment { hypothesis: "naïve café 🍕", references: &["naive café 🍕🍕"] }])?;
/// assert!((chrf.finish()?.score - 56.91678603188189).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chrf {
    config: ChrfConfig,
    counts: Vec<Counts>,
    references: References,
}

/// What [`Chrf`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChrfReport {
    /// The score, from 0 to 100: `F = (1 + β²) P R / (β² P + R)` of the precision and recall averaged
    /// over orders.
    pub score: f64,
    /// What must be known to compare the score with another, in sacrebleu's form; `beta` is added
    /// where it is not 2.
    pub signature: String,
}

impl Chrf {
    /// The score of each segment by itself.
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    pub fn segment_scores(&self, segments: &[Segment<'_>]) -> Result<Vec<f64>> {
        check_references(OPERATION, segments)?;
        let scores = by_chunk(segments, |chunk| {
            let mut counter = Counter::default();
            let score =
                |segment: &Segment<'_>| self.config.score(&counter.best(&self.config, segment));
            chunk.iter().map(score).collect::<Vec<f64>>()
        });
        Ok(scores.concat())
    }
}

/// What is reused from segment to segment.
#[derive(Default)]
struct Counter {
    characters: Ngrams,
    words: Ngrams,
    hypothesis: Units,
    reference: Units,
}

/// The characters and words of a text as numbers.
#[derive(Default)]
struct Units {
    characters: Vec<u32>,
    words: Vec<u32>,
}

impl Units {
    fn read<'t>(&mut self, config: &ChrfConfig, text: &'t str, vocabulary: &mut Vocabulary<'t>) {
        self.characters.clear();
        let kept = |c: &char| config.whitespace || !is_space(*c);
        self.characters.extend(text.chars().filter(kept).map(u32::from));
        self.words.clear();
        if config.word_order > 0 {
            let parts = words(text).flat_map(|word| split_punctuation(word).into_iter().flatten());
            self.words.extend(parts.map(|word| vocabulary.number(word)));
        }
    }
}

/// A word without the ASCII punctuation at its end, or else at its start, and that by itself.
fn split_punctuation(word: &str) -> [Option<&str>; 2] {
    let mut characters = word.chars();
    let (first, last) = (characters.next(), characters.next_back());
    match (first, last) {
        (Some(_), Some(last)) if last.is_ascii_punctuation() => {
            let (head, tail) = word.split_at(word.len() - 1);
            [Some(head), Some(tail)]
        }
        (Some(first), Some(_)) if first.is_ascii_punctuation() => {
            let (head, tail) = word.split_at(1);
            [Some(head), Some(tail)]
        }
        _ => [Some(word), None],
    }
}

impl Counter {
    /// The counts against the reference with the best score, the first of equally good ones.
    fn best(&mut self, config: &ChrfConfig, segment: &Segment<'_>) -> Vec<Counts> {
        let cased = |text| if config.lowercase { lower(text) } else { text.into() };
        let hypothesis = cased(segment.hypothesis);
        let references: Vec<_> = segment.references.iter().map(|text| cased(text)).collect();
        let mut vocabulary = Vocabulary::default();
        self.hypothesis.read(config, &hypothesis, &mut vocabulary);
        self.characters.count(&self.hypothesis.characters, config.char_order);
        if config.word_order > 0 {
            self.words.count(&self.hypothesis.words, config.word_order);
        }
        let mut best: Option<(f64, Vec<Counts>)> = None;
        let mut shared = vec![0; config.char_order + config.word_order];
        for reference in &references {
            self.reference.read(config, reference, &mut vocabulary);
            shared.fill(0);
            let (of_characters, of_words) = shared.split_at_mut(config.char_order);
            self.characters.shared_with(&self.reference.characters, of_characters);
            if config.word_order > 0 {
                self.words.shared_with(&self.reference.words, of_words);
            }
            let lengths = |hypothesis: &[u32], reference: &[u32], order| {
                let (h, r) = (ngrams(hypothesis.len(), order), ngrams(reference.len(), order));
                // Orders that the reference is too short for do not count against the hypothesis.
                (if r > 0 { h } else { 0 }, r)
            };
            let counts: Vec<Counts> = shared
                .iter()
                .enumerate()
                .map(|(index, &matches)| {
                    let (hypothesis, reference) = if index < config.char_order {
                        lengths(&self.hypothesis.characters, &self.reference.characters, index)
                    } else {
                        let order = index - config.char_order;
                        lengths(&self.hypothesis.words, &self.reference.words, order)
                    };
                    Counts { hypothesis, reference, matches }
                })
                .collect();
            let score = config.score(&counts);
            if best.as_ref().is_none_or(|(best, _)| score > *best) {
                best = Some((score, counts));
            }
        }
        best.map_or_else(Vec::new, |(_, counts)| counts)
    }
}

impl Mergeable for Chrf {
    type Batch<'a> = &'a [Segment<'a>];
    type Report = ChrfReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Missing`] for a segment without references, [`Error::TooMany`] beyond `2^53`
    /// characters.
    fn update(&mut self, batch: &[Segment<'_>]) -> Result<()> {
        check_references(OPERATION, batch)?;
        let sums = by_chunk(batch, |chunk| {
            let mut counter = Counter::default();
            let mut sums = vec![Counts::default(); self.counts.len()];
            for segment in chunk {
                for (sum, more) in sums.iter_mut().zip(counter.best(&self.config, segment)) {
                    sum.hypothesis += more.hypothesis;
                    sum.reference += more.reference;
                    sum.matches += more.matches;
                }
            }
            sums
        });
        let references = References::of(batch);
        let mut updated = self.clone();
        for counts in sums {
            updated.merge(&Self { config: self.config, counts, references })?;
        }
        *self = updated;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of chrF counts", "the configuration", &self.config, &other.config)?;
        let pairs = || self.counts.iter().zip(&other.counts);
        for (mine, more) in pairs() {
            count_on(OPERATION, "n-grams", mine.hypothesis, more.hypothesis)?;
            count_on(OPERATION, "n-grams", mine.reference, more.reference)?;
        }
        for (sum, more) in self.counts.iter_mut().zip(&other.counts) {
            sum.hypothesis += more.hypothesis;
            sum.reference += more.reference;
            sum.matches += more.matches;
        }
        self.references.merge(other.references);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no segment.
    fn finish(&self) -> Result<ChrfReport> {
        if self.references.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "segment" });
        }
        let score = self.config.score(&self.counts);
        Ok(ChrfReport { score, signature: self.config.signature(self.references) })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let config = &self.config;
        let counts: Vec<u64> =
            self.counts.iter().flat_map(|c| [c.hypothesis, c.reference, c.matches]).collect();
        let head = Writer::new(KIND, VERSION)
            .u64(config.char_order as u64)
            .u64(config.word_order as u64)
            .f64(config.beta)
            .u64(u64::from(config.lowercase))
            .u64(u64::from(config.whitespace))
            .u64(u64::from(config.epsilon));
        self.references.write(head).u64s(&counts).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let order = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let config = ChrfConfig {
            char_order: order(reader.u64()?),
            word_order: order(reader.u64()?),
            beta: reader.f64()?,
            lowercase: read_flag(&mut reader)?,
            whitespace: read_flag(&mut reader)?,
            epsilon: read_flag(&mut reader)?,
        };
        let mut chrf =
            config.init().map_err(|error| reader.invalid("a configuration that exists", error))?;
        let references = References::read(&mut reader)?;
        let counts = reader.u64s()?;
        let (triples, rest) = counts.as_chunks::<3>();
        if triples.len() != chrf.counts.len() || !rest.is_empty() {
            return Err(reader.invalid("three counts for each order", counts.len()));
        }
        let used = !references.is_empty();
        let fits = triples.iter().all(|&[hypothesis, reference, matches]| {
            hypothesis.max(reference) <= crate::EXACT_COUNTS
                && matches <= hypothesis.min(reference)
                && (used || reference == 0)
        });
        if !fits {
            return Err(reader.invalid("counts that some segments lead to", counts.len()));
        }
        for (slot, &[hypothesis, reference, matches]) in chrf.counts.iter_mut().zip(triples) {
            *slot = Counts { hypothesis, reference, matches };
        }
        chrf.references = references;
        reader.finish()?;
        Ok(chrf)
    }
}
