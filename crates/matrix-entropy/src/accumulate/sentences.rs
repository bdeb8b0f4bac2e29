use assay_array::Scalar;
use assay_score::bytes::{Kind, Reader, Writer};
use assay_score::{Mergeable, Moments, MomentsReport};
use ndarray::ArrayView2;

use super::state::{EXACT_COUNTS, compatible, policy_code, read_policy, some_columns};
use crate::protocol::sentence_spectra;
use crate::{Conventions, Error, Result, RowPolicy, Spectrum};

const KIND: Kind = *b"persent\0";
const VERSION: u16 = 1;
const OPERATION: &str = "per-sentence entropy";

/// The entropies of sentences, one matrix of tokens each: the paper's protocol for one layer, over a
/// corpus of any size. The conventions are [`Conventions::paper`].
///
/// Under [`RowPolicy::Skip`] tokens equal to the sentence's mean are left out, and so are sentences
/// without two different tokens; the report counts both.
///
/// ```
/// use assay_score::Mergeable;
/// use matrix_entropy::RowPolicy;
/// use matrix_entropy::accumulate::PerSentence;
/// use ndarray::array;
/// let sentences = [array![[1.0, 0.0], [-1.0, 0.0]], array![[0.0, 2.0], [3.0, 1.0]]];
/// let views = sentences.each_ref().map(|sentence| sentence.view());
/// let mut layer = PerSentence::new(2, RowPolicy::Error)?;
/// layer.update(&views)?;
/// let report = layer.finish()?;
/// assert_eq!(report.sentences, 2);
/// assert!(report.entropy.mean < 1e-12); // two tokens span one direction
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PerSentence {
    columns: usize,
    zero_rows: RowPolicy,
    tokens: u64,
    skipped_tokens: u64,
    skipped_sentences: u64,
    entropy: Moments,
    rank: Moments,
    cap: Moments,
}

/// What [`PerSentence`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SentenceReport {
    /// Sentences counted.
    pub sentences: u64,
    /// Sentences left out for lack of two different tokens.
    pub skipped_sentences: u64,
    /// Tokens counted.
    pub tokens: u64,
    /// Tokens left out because they equal their sentence's mean.
    pub skipped_tokens: u64,
    /// Width of the layer, `d`.
    pub columns: usize,
    /// The entropies `H_i`, nats.
    pub entropy: MomentsReport,
    /// The effective ranks `exp(H_i)`.
    pub effective_rank: MomentsReport,
    /// The caps `log min(N_i − 1, d)` that the entropies cannot exceed.
    pub cap: MomentsReport,
}

impl SentenceReport {
    /// The published code's dataset number (a): `mean H_i / log d`. 0 where `d = 1`.
    pub fn normalised_entropy(&self) -> f64 {
        if self.columns > 1 { self.entropy.mean / (self.columns as f64).ln() } else { 0.0 }
    }

    /// `exp(mean H_i)`, the geometric mean of effective ranks, which the paper's Diff-eRank of a
    /// dataset (definition 3.5, "algorithm (a)") subtracts.
    pub fn geometric_rank(&self) -> f64 {
        self.entropy.mean.exp()
    }

    /// `mean exp(H_i)`, which its "algorithm (b)" subtracts.
    pub fn arithmetic_rank(&self) -> f64 {
        self.effective_rank.mean
    }

    /// The published code's dataset number (b): `exp(mean H_i)/d`.
    pub fn geometric_rank_over_d(&self) -> f64 {
        self.geometric_rank() / self.columns as f64
    }

    /// The published code's dataset number (c): `mean exp(H_i)/d`.
    pub fn arithmetic_rank_over_d(&self) -> f64 {
        self.arithmetic_rank() / self.columns as f64
    }
}

impl PerSentence {
    /// Nothing counted yet, for a layer of that width.
    ///
    /// # Errors
    /// [`Error::NoColumns`].
    pub fn new(columns: usize, zero_rows: RowPolicy) -> Result<Self> {
        some_columns(OPERATION, columns)?;
        Ok(Self {
            columns,
            zero_rows,
            tokens: 0,
            skipped_tokens: 0,
            skipped_sentences: 0,
            entropy: Moments::new(),
            rank: Moments::new(),
            cap: Moments::new(),
        })
    }

    /// Counts sentences of `f32` or `f64`, in parallel; the same result for any number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width; those of [`Spectrum::of`](crate::Spectrum::of) unless
    /// skipped.
    pub fn extend<T: Scalar>(&mut self, sentences: &[ArrayView2<'_, T>]) -> Result<()> {
        for sentence in sentences {
            if sentence.ncols() != self.columns {
                let expected = format!("sentences of {} columns", self.columns);
                let got = vec![sentence.nrows(), sentence.ncols()];
                return Err(Error::Shape { operation: OPERATION, expected, got });
            }
        }
        let conventions = Conventions::paper().with_zero_rows(self.zero_rows);
        let spectra = sentence_spectra(sentences, conventions)?;
        let tokens: Vec<usize> = sentences.iter().map(ArrayView2::nrows).collect();
        self.count(&tokens, &spectra)
    }

    /// Counts spectra that were computed elsewhere, with the number of tokens of each sentence.
    pub(crate) fn count(&mut self, tokens: &[usize], spectra: &[Option<Spectrum>]) -> Result<()> {
        let mut part = Self::new(self.columns, self.zero_rows)?;
        for (tokens, spectrum) in tokens.iter().zip(spectra) {
            if let Some(spectrum) = spectrum {
                part.tokens += spectrum.rows() as u64;
                part.skipped_tokens += spectrum.skipped() as u64;
                part.entropy.extend(&[spectrum.entropy()])?;
                part.rank.extend(&[spectrum.effective_rank()])?;
                part.cap.extend(&[spectrum.cap()])?;
            } else {
                part.skipped_sentences += 1;
                part.skipped_tokens += *tokens as u64;
            }
        }
        self.merge(&part)
    }

    /// Width of the layer.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

impl Mergeable for PerSentence {
    type Batch<'a> = &'a [ArrayView2<'a, f64>];
    type Report = SentenceReport;
    type Error = Error;

    fn update(&mut self, batch: Self::Batch<'_>) -> Result<()> {
        self.extend(batch)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        compatible(OPERATION, "the columns", self.columns, other.columns)?;
        compatible(OPERATION, "the row policy", self.zero_rows, other.zero_rows)?;
        let mut next = self.clone();
        next.entropy.merge(&other.entropy)?;
        next.rank.merge(&other.rank)?;
        next.cap.merge(&other.cap)?;
        next.tokens = next.tokens.saturating_add(other.tokens);
        next.skipped_tokens = next.skipped_tokens.saturating_add(other.skipped_tokens);
        next.skipped_sentences = next.skipped_sentences.saturating_add(other.skipped_sentences);
        *self = next;
        Ok(())
    }

    /// # Errors
    /// [`Error::Score`] where no sentence was counted.
    fn finish(&self) -> Result<SentenceReport> {
        let entropy = self.entropy.finish()?;
        Ok(SentenceReport {
            sentences: entropy.count,
            skipped_sentences: self.skipped_sentences,
            tokens: self.tokens,
            skipped_tokens: self.skipped_tokens,
            columns: self.columns,
            entropy,
            effective_rank: self.rank.finish()?,
            cap: self.cap.finish()?,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION)
            .u64(self.columns as u64)
            .u64(policy_code(self.zero_rows))
            .u64(self.tokens)
            .u64(self.skipped_tokens)
            .u64(self.skipped_sentences)
            .nested(&self.entropy.to_bytes())
            .nested(&self.rank.to_bytes())
            .nested(&self.cap.to_bytes())
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let columns = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        let zero_rows = read_policy(&mut reader)?;
        let (tokens, skipped_tokens) = (reader.u64()?, reader.u64()?);
        let skipped_sentences = reader.u64()?;
        let mut moments = || -> Result<Moments> { Ok(Moments::from_bytes(reader.nested()?)?) };
        let (entropy, rank, cap) = (moments()?, moments()?, moments()?);
        let count = entropy.finish().map_or(0, |report| report.count);
        let alike = [&rank, &cap]
            .iter()
            .all(|moments| moments.finish().map_or(0, |report| report.count) == count);
        let counts = [tokens, skipped_tokens, skipped_sentences];
        // Ranks are exponentials of entropies: what is far above them cannot be reported as one.
        let range = |moments: &Moments, low: f64, high: f64| {
            moments.finish().map_or(true, |report| report.min >= low && report.max <= high)
        };
        let limit = (columns as f64).ln() + 1e-9;
        let plausible = columns > 0
            && alike
            && counts.iter().all(|&count| count <= EXACT_COUNTS)
            && tokens >= count
            && (tokens == 0) == (count == 0)
            && range(&entropy, 0.0, limit)
            && range(&cap, 0.0, limit)
            && range(&rank, 1.0 - 1e-9, columns as f64 * (1.0 + 1e-9));
        if !plausible {
            return Err(reader.invalid("the entropies of sentences", "another state").into());
        }
        reader.finish()?;
        Ok(Self {
            columns,
            zero_rows,
            tokens,
            skipped_tokens,
            skipped_sentences,
            entropy,
            rank,
            cap,
        })
    }
}
