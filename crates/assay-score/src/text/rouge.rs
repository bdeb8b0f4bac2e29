//! ROUGE as rouge-score computes it.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::align::Positions;
use super::corpus::{check_alike, check_references, read_flag};
use super::lcs::{lcs_indices, lcs_length};
use super::ngram::{Ngrams, ngrams};
use super::porter::{Porter, porter_stem};
use super::words::lower;
use super::{Segment, by_chunk, f1};
use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Moments, MomentsReport, Result};

const KIND: Kind = *b"rouge\0\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "ROUGE";
const MAX_ORDER: usize = 9;
/// Tokens of a text up to which ROUGE-Lsum keeps its table of one bit a pair: 128 MB.
const MAX_PAIRS: usize = 1 << 30;

/// What [`Rouge`] counts as a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RougeTokens {
    /// Runs of `a` to `z` and `0` to `9` in lower case, as rouge-score. All other letters part words:
    /// a Chinese text scores zero against itself.
    #[default]
    Ascii,
    /// Those of at least four letters stemmed by the extended Porter stemmer, as rouge-score with
    /// `use_stemmer`.
    AsciiStemmed,
    /// Runs of letters and digits of any script in lower case. Not comparable with rouge-score.
    Unicode,
}

/// How [`Rouge`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RougeConfig {
    tokens: RougeTokens,
    orders: usize,
    lcs: bool,
    lsum: bool,
}

impl Default for RougeConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl RougeConfig {
    /// ROUGE-1, -2 and -L over ASCII tokens without stemmer.
    pub fn new() -> Self {
        Self { tokens: RougeTokens::Ascii, orders: 2, lcs: true, lsum: false }
    }

    /// Sets what a token is.
    #[must_use]
    pub fn with_tokens(self, tokens: RougeTokens) -> Self {
        Self { tokens, ..self }
    }

    /// Sets the longest n-grams; zero for none.
    #[must_use]
    pub fn with_orders(self, orders: usize) -> Self {
        Self { orders, ..self }
    }

    /// Whether to score the longest common subsequence, ROUGE-L.
    #[must_use]
    pub fn with_lcs(self, lcs: bool) -> Self {
        Self { lcs, ..self }
    }

    /// Whether to score the union of subsequences of sentences, ROUGE-Lsum. Sentences end at line
    /// breaks; put them there before.
    #[must_use]
    pub fn with_lsum(self, lsum: bool) -> Self {
        Self { lsum, ..self }
    }

    /// Checks the settings and makes an empty accumulator.
    ///
    /// # Errors
    /// [`Error::Setting`] for n-grams beyond nine.
    pub fn init(self) -> Result<Rouge> {
        if self.orders > MAX_ORDER {
            let (name, expected, got) = ("orders", "up to 9", self.orders as f64);
            return Err(Error::Setting { operation: OPERATION, name, expected, got });
        }
        let measures = self.orders + usize::from(self.lcs) + usize::from(self.lsum);
        Ok(Rouge { config: self, segments: 0, moments: vec![[Moments::new(); 3]; measures] })
    }
}

/// Precision, recall and their harmonic mean, each zero where a side is empty.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RougeScores {
    /// The share of the hypothesis that the reference has.
    pub precision: f64,
    /// The share of the reference that the hypothesis has.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl RougeScores {
    fn new(hits: u64, hypothesis: u64, reference: u64) -> Self {
        let precision = hits as f64 / hypothesis.max(1) as f64;
        let recall = hits as f64 / reference.max(1) as f64;
        Self { precision, recall, f1: f1(precision, recall) }
    }
}

/// The mean of the scores of segments, with their spread; merging is exact to rounding.
///
/// Of several references, each measure takes the one with the best F.
///
/// ```
/// use assay_score::{Mergeable, text::{RougeConfig, Segment}};
/// let mut rouge = RougeConfig::new().init()?;
/// rouge.update(&[Segment {
///     hypothesis: "The quick brown dog jumps on the log.",
///     references: &["The quick brown fox jumps over the lazy dog."],
/// }])?;
/// let report = rouge.finish()?;
/// assert_eq!(report.n[0].precision.mean, 0.75);
/// assert!((report.l.unwrap().f1.mean - 10.0 / 17.0).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rouge {
    config: RougeConfig,
    segments: u64,
    /// Of precision, recall and F, for each measure asked for.
    moments: Vec<[Moments; 3]>,
}

/// One measure over all segments.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RougeMeasure {
    /// Of the precisions.
    pub precision: MomentsReport,
    /// Of the recalls.
    pub recall: MomentsReport,
    /// Of the F scores: its mean is what papers call ROUGE.
    pub f1: MomentsReport,
}

/// What [`Rouge`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RougeReport {
    /// The number of segments.
    pub segments: u64,
    /// ROUGE-1, -2 and so on.
    pub n: Vec<RougeMeasure>,
    /// ROUGE-L, where asked for.
    pub l: Option<RougeMeasure>,
    /// ROUGE-Lsum, where asked for.
    pub lsum: Option<RougeMeasure>,
}

impl Rouge {
    /// The scores of each segment: those of n-grams by order, then ROUGE-L, then ROUGE-Lsum, as far
    /// as they were asked for.
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references, [`Error::TooMany`] where ROUGE-Lsum would
    /// compare sentences of more than 2^30 pairs of tokens.
    pub fn segment_scores(&self, segments: &[Segment<'_>]) -> Result<Vec<Vec<RougeScores>>> {
        let measures = self.moments.len();
        let flat = self.all_scores(segments)?;
        // Where nothing was asked for, each segment has an empty list.
        if measures == 0 {
            return Ok(vec![Vec::new(); segments.len()]);
        }
        Ok(flat.chunks(measures).map(<[RougeScores]>::to_vec).collect())
    }

    /// The scores of all segments in turn, in one list: a list for each would cost more than some scores.
    fn all_scores(&self, segments: &[Segment<'_>]) -> Result<Vec<RougeScores>> {
        check_references(OPERATION, segments)?;
        let chunks = by_chunk(segments, |chunk| {
            let mut counter = Counter::new(self.config.tokens);
            let mut scores = Vec::with_capacity(chunk.len() * self.moments.len());
            for segment in chunk {
                scores.extend(counter.score(&self.config, segment)?);
            }
            Ok(scores)
        });
        let chunks: Result<Vec<Vec<RougeScores>>> = chunks.into_iter().collect();
        Ok(chunks?.concat())
    }
}

/// The tokens of a text.
///
/// ```
/// use assay_score::text::{RougeTokens, rouge_tokens};
/// assert_eq!(rouge_tokens("The runners' 3rd café", RougeTokens::AsciiStemmed), ["the", "runner", "3rd", "caf"]);
/// assert_eq!(rouge_tokens("The café", RougeTokens::Unicode), ["the", "café"]);
/// ```
pub fn rouge_tokens(text: &str, tokens: RougeTokens) -> Vec<String> {
    let text = lower(text);
    let parts = split(&text, tokens);
    match tokens {
        RougeTokens::AsciiStemmed => parts.map(stemmed).collect(),
        RougeTokens::Ascii | RougeTokens::Unicode => parts.map(str::to_owned).collect(),
    }
}

fn stemmed(token: &str) -> String {
    if token.len() > 3 { porter_stem(token, Porter::Extended) } else { token.to_owned() }
}

fn split(text: &str, tokens: RougeTokens) -> impl Iterator<Item = &str> {
    let inside = move |c: char| match tokens {
        RougeTokens::Unicode => c.is_alphanumeric(),
        RougeTokens::Ascii | RougeTokens::AsciiStemmed => {
            c.is_ascii_lowercase() || c.is_ascii_digit()
        }
    };
    text.split(move |c| !inside(c)).filter(|token| !token.is_empty())
}

/// What is reused from segment to segment.
struct Counter {
    tokens: RougeTokens,
    /// The number of each token as it stands; with a stemmer, that of its stem.
    numbers: HashMap<String, u32, FxBuildHasher>,
    stems: HashMap<String, u32, FxBuildHasher>,
    table: Ngrams,
    positions: Positions,
}

impl Counter {
    fn new(tokens: RougeTokens) -> Self {
        let (numbers, stems) = (HashMap::default(), HashMap::default());
        Self { tokens, numbers, stems, table: Ngrams::default(), positions: Positions::default() }
    }

    fn number(&mut self, token: &str) -> u32 {
        if let Some(&number) = self.numbers.get(token) {
            return number;
        }
        let number = if self.tokens == RougeTokens::AsciiStemmed {
            let next = self.stems.len() as u32;
            *self.stems.entry(stemmed(token)).or_insert(next)
        } else {
            self.numbers.len() as u32
        };
        self.numbers.insert(token.to_owned(), number);
        number
    }

    fn read(&mut self, text: &str) -> Vec<u32> {
        let text = lower(text);
        split(&text, self.tokens).map(|token| self.number(token)).collect()
    }

    fn sentences(&mut self, text: &str) -> Vec<Vec<u32>> {
        text.split('\n').filter(|line| !line.is_empty()).map(|line| self.read(line)).collect()
    }

    fn score(&mut self, config: &RougeConfig, segment: &Segment<'_>) -> Result<Vec<RougeScores>> {
        let hypothesis = self.read(segment.hypothesis);
        let sentences = if config.lsum { self.sentences(segment.hypothesis) } else { Vec::new() };
        self.table.count(&hypothesis, config.orders);
        let mut shared = vec![0; config.orders];
        let mut best: Vec<RougeScores> = Vec::new();
        for text in segment.references {
            let reference = self.read(text);
            shared.fill(0);
            self.table.shared_with(&reference, &mut shared);
            let (h, r) = (hypothesis.len(), reference.len());
            let mut scores: Vec<RougeScores> = shared
                .iter()
                .enumerate()
                .map(|(order, &hits)| RougeScores::new(hits, ngrams(h, order), ngrams(r, order)))
                .collect();
            if config.lcs {
                let length = lcs_length(&reference, &hypothesis, &mut self.positions);
                scores.push(RougeScores::new(length as u64, h as u64, r as u64));
            }
            if config.lsum {
                let references = self.sentences(text);
                scores.push(union_lcs(&references, &sentences)?);
            }
            if best.is_empty() {
                best = scores;
            } else {
                for (best, scores) in best.iter_mut().zip(scores) {
                    if scores.f1 > best.f1 {
                        *best = scores;
                    }
                }
            }
        }
        Ok(best)
    }
}

/// Section 3.2 of Lin (2004): of each reference sentence, the tokens that are in a common subsequence
/// with any hypothesis sentence, each token counted at most as often as either text has it.
fn union_lcs(references: &[Vec<u32>], hypotheses: &[Vec<u32>]) -> Result<RougeScores> {
    let mut budget: HashMap<u32, [u64; 2], FxBuildHasher> = HashMap::default();
    for (side, sentences) in [references, hypotheses].into_iter().enumerate() {
        for token in sentences.iter().flatten() {
            budget.entry(*token).or_default()[side] += 1;
        }
    }
    let mut hits = 0;
    for reference in references {
        let mut inside = vec![false; reference.len()];
        for hypothesis in hypotheses {
            let got = (reference.len() as u64).saturating_mul(hypothesis.len() as u64);
            if got > MAX_PAIRS as u64 {
                let (items, limit) = ("pairs of tokens in two sentences", MAX_PAIRS as u64);
                return Err(Error::TooMany { operation: "ROUGE-Lsum", items, limit, got });
            }
            for index in lcs_indices(reference, hypothesis) {
                inside[index] = true;
            }
        }
        for (token, _) in reference.iter().zip(inside).filter(|(_, inside)| *inside) {
            if let Some([a @ 1..=u64::MAX, b @ 1..=u64::MAX]) = budget.get_mut(token) {
                hits += 1;
                *a -= 1;
                *b -= 1;
            }
        }
    }
    let count = |sentences: &[Vec<u32>]| sentences.iter().map(|s| s.len() as u64).sum();
    Ok(RougeScores::new(hits, count(hypotheses), count(references)))
}

impl Mergeable for Rouge {
    type Batch<'a> = &'a [Segment<'a>];
    type Report = RougeReport;
    type Error = Error;

    /// # Errors
    /// As [`Rouge::segment_scores`].
    fn update(&mut self, batch: &[Segment<'_>]) -> Result<()> {
        let scores = self.all_scores(batch)?;
        let mut updated = self.moments.clone();
        let measures = updated.len();
        let mut part = Vec::with_capacity(batch.len());
        for (measure, moments) in updated.iter_mut().enumerate() {
            let of_measure = || scores.iter().skip(measure).step_by(measures);
            let parts: [fn(&RougeScores) -> f64; 3] = [|s| s.precision, |s| s.recall, |s| s.f1];
            for (moments, of) in moments.iter_mut().zip(parts) {
                part.clear();
                part.extend(of_measure().map(of));
                moments.update(&part)?;
            }
        }
        self.segments += batch.len() as u64;
        self.moments = updated;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of ROUGE scores", "the configuration", &self.config, &other.config)?;
        let mut merged = self.moments.clone();
        for (mine, others) in merged.iter_mut().flatten().zip(other.moments.iter().flatten()) {
            mine.merge(others)?;
        }
        self.moments = merged;
        self.segments += other.segments;
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no segment.
    fn finish(&self) -> Result<RougeReport> {
        if self.segments == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "segment" });
        }
        let report = |[precision, recall, f1]: &[Moments; 3]| -> Result<RougeMeasure> {
            Ok(RougeMeasure {
                precision: precision.finish()?,
                recall: recall.finish()?,
                f1: f1.finish()?,
            })
        };
        let mut measures = self.moments.iter().map(report).collect::<Result<Vec<_>>>()?;
        let lsum = if self.config.lsum { measures.pop() } else { None };
        let l = if self.config.lcs { measures.pop() } else { None };
        Ok(RougeReport { segments: self.segments, n: measures, l, lsum })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Writer::new(KIND, VERSION)
            .u64(self.config.tokens as u64)
            .u64(self.config.orders as u64)
            .u64(u64::from(self.config.lcs))
            .u64(u64::from(self.config.lsum))
            .u64(self.segments)
            .finish();
        for moments in self.moments.iter().flatten() {
            bytes.extend(moments.to_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        // A header of 15 bytes and five numbers.
        let (head, mut rest) = bytes.split_at(bytes.len().min(55));
        let mut reader = Reader::new(head, KIND, VERSION)?;
        let tokens = match reader.u64()? {
            0 => RougeTokens::Ascii,
            1 => RougeTokens::AsciiStemmed,
            2 => RougeTokens::Unicode,
            other => return Err(reader.invalid("tokens 0, 1 or 2", other)),
        };
        let orders = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        let (lcs, lsum) = (read_flag(&mut reader)?, read_flag(&mut reader)?);
        let segments = reader.u64()?;
        let config = RougeConfig { tokens, orders, lcs, lsum };
        let mut rouge =
            config.init().map_err(|error| reader.invalid("a configuration that exists", error))?;
        let length = Moments::new().to_bytes().len();
        for moments in rouge.moments.iter_mut().flatten() {
            let (part, after) = rest.split_at(rest.len().min(length));
            *moments = Moments::from_bytes(part)?;
            rest = after;
            let (count, fits) = match moments.finish() {
                Ok(report) => (report.count, report.min >= 0.0 && report.max <= 1.0),
                Err(_) => (0, true),
            };
            if count != segments || !fits {
                return Err(reader.invalid("scores of as many segments", count));
            }
        }
        if !rest.is_empty() {
            return Err(reader.invalid("the end", format_args!("{} more bytes", rest.len())));
        }
        if rouge.moments.is_empty() && segments > crate::EXACT_COUNTS {
            return Err(reader.invalid("a number of segments", segments));
        }
        rouge.segments = segments;
        reader.finish()?;
        Ok(rouge)
    }
}
