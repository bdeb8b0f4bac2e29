//! Word and character error rates as jiwer computes them.

use super::align::{Edits, Positions, edits};
use super::by_chunk;
use super::corpus::check_alike;
use super::words::{Vocabulary, is_space};
use crate::bytes::{Kind, Reader, Writer};
use crate::shares::count_on;
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"errorate";
const VERSION: u16 = 1;
const OPERATION: &str = "error rate";

/// What an [`ErrorRate`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Unit {
    /// Words between single spaces, after runs of two or more white spaces became one space and the
    /// ends were stripped. Case and punctuation are kept.
    Words,
    /// Code points after the ends were stripped; inner white space counts.
    Characters,
}

/// A text and its one reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript<'a> {
    /// What was understood.
    pub hypothesis: &'a str,
    /// What was said.
    pub reference: &'a str,
}

/// Counts edits over transcripts; merging is exact.
///
/// ```
/// use assay_score::{Mergeable, text::{ErrorRate, Transcript, Unit}};
/// let mut rate = ErrorRate::new(Unit::Words);
/// rate.update(&[Transcript { hypothesis: "hello duck how you", reference: "hello world how are you" }])?;
/// let report = rate.finish()?;
/// assert_eq!((report.error_rate, report.edits.hits), (0.4, 3));
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRate {
    unit: Unit,
    transcripts: u64,
    edits: Edits,
}

/// What an [`ErrorRate`] reports, over all units pooled. With `H` hits, `S` substitutions, `D` deletions
/// and `I` insertions:
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ErrorRateReport {
    /// The number of transcripts.
    pub transcripts: u64,
    /// The edits of one best alignment: which one among equally good ones is chosen is jiwer's choice.
    pub edits: Edits,
    /// `(S + D + I) / (H + S + D)`, the word or character error rate: may exceed 1. Where all
    /// references are empty, the number of insertions, as jiwer has it.
    pub error_rate: f64,
    /// `(S + D + I) / (H + S + D + I)`, the match error rate; 0 where everything is empty.
    pub match_error_rate: f64,
    /// `(H / (H + S + D)) (H / (H + S + I))`, the information preserved; 1 where everything is empty.
    pub information_preserved: f64,
}

impl ErrorRateReport {
    /// The information lost, one minus the information preserved.
    pub fn information_lost(&self) -> f64 {
        1.0 - self.information_preserved
    }
}

impl ErrorRate {
    /// Nothing counted yet.
    pub fn new(unit: Unit) -> Self {
        Self { unit, transcripts: 0, edits: Edits::default() }
    }

    /// The edits of each transcript, for the mean of single rates or for resampling.
    pub fn transcript_edits(&self, transcripts: &[Transcript<'_>]) -> Vec<Edits> {
        by_chunk(transcripts, |chunk| self.count(chunk)).concat()
    }

    fn count(&self, transcripts: &[Transcript<'_>]) -> Vec<Edits> {
        let mut vocabulary = Vocabulary::default();
        let mut positions = Positions::default();
        let (mut hypothesis, mut reference) = (Vec::new(), Vec::new());
        transcripts
            .iter()
            .map(|transcript| {
                for (text, units) in [
                    (transcript.hypothesis, &mut hypothesis),
                    (transcript.reference, &mut reference),
                ] {
                    match self.unit {
                        Unit::Words => vocabulary.numbers(jiwer_words(text), units),
                        Unit::Characters => {
                            units.clear();
                            units.extend(text.trim_matches(is_space).chars().map(u32::from));
                        }
                    }
                }
                edits(&reference, &hypothesis, &mut positions)
            })
            .collect()
    }
}

/// Parts at spaces and at longer white space: a single tab or line break stays inside a word.
fn jiwer_words(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_matches(is_space);
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            // Where the word ends: at a space, or before two white spaces.
            let mut end = rest.len();
            let mut previous: Option<usize> = None;
            for (index, c) in rest.char_indices() {
                if !is_space(c) {
                    previous = None;
                    continue;
                }
                if let Some(start) = previous {
                    end = start;
                    break;
                }
                if c == ' ' {
                    end = index;
                    break;
                }
                previous = Some(index);
            }
            let (word, after) = rest.split_at(end);
            rest = after.trim_start_matches(is_space);
            if !word.is_empty() {
                return Some(word);
            }
        }
        None
    })
}

impl Mergeable for ErrorRate {
    type Batch<'a> = &'a [Transcript<'a>];
    type Report = ErrorRateReport;
    type Error = Error;

    /// # Errors
    /// [`Error::TooMany`] beyond `2^53` units.
    fn update(&mut self, batch: &[Transcript<'_>]) -> Result<()> {
        let mut sum = Edits::default();
        for edits in self.transcript_edits(batch) {
            sum.add(&edits);
        }
        self.merge(&Self { unit: self.unit, transcripts: batch.len() as u64, edits: sum })
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of error rates", "the unit", &self.unit, &other.unit)?;
        let size = |of: &Self| of.edits.hits + of.edits.distance();
        count_on(OPERATION, "units", size(self), size(other))?;
        self.transcripts = count_on(OPERATION, "transcripts", self.transcripts, other.transcripts)?;
        self.edits.add(&other.edits);
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when there was no transcript.
    fn finish(&self) -> Result<ErrorRateReport> {
        if self.transcripts == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "transcript" });
        }
        let Edits { hits, substitutions, deletions, insertions } = self.edits;
        let distance = self.edits.distance() as f64;
        let reference = hits + substitutions + deletions;
        let hypothesis = hits + substitutions + insertions;
        let (error_rate, match_error_rate, information_preserved) = if reference == 0 {
            let silent = f64::from(u8::from(hypothesis == 0));
            (insertions as f64, 1.0 - silent, silent)
        } else {
            let share = |of: u64| if of > 0 { hits as f64 / of as f64 } else { 0.0 };
            let all = (reference + insertions) as f64;
            (distance / reference as f64, distance / all, share(reference) * share(hypothesis))
        };
        Ok(ErrorRateReport {
            transcripts: self.transcripts,
            edits: self.edits,
            error_rate,
            match_error_rate,
            information_preserved,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Edits { hits, substitutions, deletions, insertions } = self.edits;
        Writer::new(KIND, VERSION)
            .u64(self.unit as u64)
            .u64(self.transcripts)
            .u64(hits)
            .u64(substitutions)
            .u64(deletions)
            .u64(insertions)
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let unit = match reader.u64()? {
            0 => Unit::Words,
            1 => Unit::Characters,
            other => return Err(reader.invalid("unit 0 or 1", other)),
        };
        let transcripts = reader.u64()?;
        let [hits, substitutions, deletions, insertions] =
            [reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?];
        let total = [hits, substitutions, deletions, insertions]
            .into_iter()
            .fold(0_u64, u64::saturating_add);
        if total.max(transcripts) > crate::EXACT_COUNTS || transcripts == 0 && total > 0 {
            return Err(reader.invalid("edits of some transcripts", total));
        }
        let edits = Edits { hits, substitutions, deletions, insertions };
        reader.finish()?;
        Ok(Self { unit, transcripts, edits })
    }
}
