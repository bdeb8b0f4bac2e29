//! METEOR as nltk computes it, with the caller's synonyms.

use std::collections::HashMap;

use super::corpus::{check_alike, check_references};
use super::porter::{Porter, porter_stem};
use super::synonyms::{Lookup, Synonyms};
use super::words::{lower, words};
use super::{Segment, by_chunk};
use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Moments, MomentsReport, Result};

const KIND: Kind = *b"meteor\0\0";
const VERSION: u16 = 1;
const OPERATION: &str = "METEOR";

/// How [`Meteor`] weighs matches.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MeteorConfig {
    /// The weight `α` of recall in the harmonic mean; 0.9 by default.
    pub alpha: f64,
    /// The exponent `β` of the penalty; 3 by default.
    pub beta: f64,
    /// The largest penalty `γ`; 0.5 by default.
    pub gamma: f64,
}

impl Default for MeteorConfig {
    fn default() -> Self {
        Self { alpha: 0.9, beta: 3.0, gamma: 0.5 }
    }
}

impl MeteorConfig {
    /// Checks the weights and makes an empty accumulator without synonyms.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `α` and `γ` are in `[0, 1]` and `β` in `[0, 100]`.
    pub fn init(self) -> Result<Meteor> {
        for (name, got, upper, expected) in [
            ("alpha", self.alpha, 1.0, "from 0 to 1"),
            ("beta", self.beta, 100.0, "from 0 to 100"),
            ("gamma", self.gamma, 1.0, "from 0 to 1"),
        ] {
            if !(0.0..=upper).contains(&got) {
                return Err(Error::Setting { operation: OPERATION, name, expected, got });
            }
        }
        Ok(Meteor { config: self, moments: Moments::new() })
    }
}

/// The mean METEOR of segments with its spread; merging is exact to rounding.
///
/// Texts are parted at white space and compared in lower case: first equal words, then equal Porter
/// stems, then synonyms, where given. With `m` matches in `c` runs, `P = m/|h|`, `R = m/|r|`,
/// `F = P R / (α P + (1 − α) R)`, the score is `F (1 − γ (c/m)^β)` (Lavie and Agarwal 2007), and the best
/// over references. Six equal words score 0.9977, not 1.
///
/// ```
/// use assay_score::{Mergeable, text::{MeteorConfig, Segment}};
/// let mut meteor = MeteorConfig::default().init()?;
/// meteor.update(&[Segment { hypothesis: "the cat sat on the mat", references: &["the cat was sitting on the mat"] }])?;
/// assert!((meteor.finish()?.without_synonyms.mean - 0.7014492754).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Meteor {
    config: MeteorConfig,
    moments: Moments,
}

/// What [`Meteor`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MeteorReport {
    /// Of the scores by equal words and stems alone. Use [`Meteor::scores`] with synonyms.
    pub without_synonyms: MomentsReport,
}

impl Meteor {
    /// The score of each segment, with synonyms where they are given.
    ///
    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    pub fn scores(
        &self,
        segments: &[Segment<'_>],
        synonyms: Option<&Synonyms>,
    ) -> Result<Vec<f64>> {
        check_references(OPERATION, segments)?;
        let scores = by_chunk(segments, |chunk| {
            let mut stems = HashMap::new();
            chunk
                .iter()
                .map(|segment| self.score(segment, synonyms, &mut stems))
                .collect::<Vec<f64>>()
        });
        Ok(scores.concat())
    }

    fn score(
        &self,
        segment: &Segment<'_>,
        synonyms: Option<&Synonyms>,
        stems: &mut HashMap<String, String>,
    ) -> f64 {
        let hypothesis = lower(segment.hypothesis);
        let hypothesis: Vec<&str> = words(&hypothesis).collect();
        let best = segment.references.iter().map(|reference| {
            let reference = lower(reference);
            let reference: Vec<&str> = words(&reference).collect();
            self.pair(&hypothesis, &reference, synonyms, stems)
        });
        best.fold(0.0, f64::max)
    }

    fn pair(
        &self,
        hypothesis: &[&str],
        reference: &[&str],
        synonyms: Option<&Synonyms>,
        stems: &mut HashMap<String, String>,
    ) -> f64 {
        let mut partners: Vec<Option<usize>> = vec![None; hypothesis.len()];
        let mut free = vec![true; reference.len()];
        pair_equal(hypothesis, reference, &mut partners, &mut free);
        let mut stem = |word: &str, used: bool| -> String {
            // Of words that have a partner the stem is not needed.
            if !used {
                return String::new();
            }
            if let Some(stem) = stems.get(word) {
                return stem.clone();
            }
            let stem = porter_stem(word, Porter::Extended);
            stems.insert(word.to_owned(), stem.clone());
            stem
        };
        let mut stemmed = |words: &[&str], open: &[bool]| -> Vec<String> {
            words.iter().zip(open).map(|(word, &open)| stem(word, open)).collect()
        };
        let open: Vec<bool> = partners.iter().map(Option::is_none).collect();
        let stemmed_hypothesis = stemmed(hypothesis, &open);
        let stemmed_reference = stemmed(reference, &free);
        let stemmed_hypothesis: Vec<&str> = stemmed_hypothesis.iter().map(String::as_str).collect();
        let stemmed_reference: Vec<&str> = stemmed_reference.iter().map(String::as_str).collect();
        pair_equal(&stemmed_hypothesis, &stemmed_reference, &mut partners, &mut free);
        if let Some(synonyms) = synonyms {
            let (hypothesis, reference) = match synonyms.lookup {
                Lookup::Words => (hypothesis, reference),
                Lookup::Stems => (&stemmed_hypothesis[..], &stemmed_reference[..]),
            };
            for (word, partner) in
                hypothesis.iter().zip(&mut partners).rev().filter(|(_, p)| p.is_none())
            {
                let groups = synonyms.groups_of(word);
                let place = (0..reference.len())
                    .rev()
                    .find(|&j| free[j] && synonyms.is_in(reference[j], &groups));
                if let Some(j) = place {
                    free[j] = false;
                    *partner = Some(j);
                }
            }
        }
        self.weigh(&partners, reference.len())
    }

    fn weigh(&self, partners: &[Option<usize>], reference: usize) -> f64 {
        let matches = partners.iter().flatten().count() as f64;
        if matches == 0.0 {
            return 0.0;
        }
        // A run goes on while both sides step by one.
        let steps =
            partners.windows(2).filter(|pair| matches!(pair, [Some(a), Some(b)] if *b == a + 1));
        let runs = matches - steps.count() as f64;
        let (precision, recall) = (matches / partners.len() as f64, matches / reference as f64);
        let MeteorConfig { alpha, beta, gamma } = self.config;
        let mean = precision * recall / (alpha * precision + (1.0 - alpha) * recall);
        (1.0 - gamma * (runs / matches).powf(beta)) * mean
    }
}

/// Pairs equal words without a partner: from the end of the hypothesis, each with the last free place
/// in the reference.
fn pair_equal<'w>(
    hypothesis: &[&'w str],
    reference: &[&'w str],
    partners: &mut [Option<usize>],
    free: &mut [bool],
) {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (j, word) in reference.iter().enumerate().filter(|&(j, _)| free[j]) {
        places.entry(word).or_default().push(j);
    }
    for (word, partner) in hypothesis.iter().zip(partners).rev().filter(|(_, p)| p.is_none()) {
        *partner = places.get_mut(word).and_then(Vec::pop);
        if let Some(j) = *partner {
            free[j] = false;
        }
    }
}

impl Mergeable for Meteor {
    type Batch<'a> = &'a [Segment<'a>];
    type Report = MeteorReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Missing`] for a segment without references.
    fn update(&mut self, batch: &[Segment<'_>]) -> Result<()> {
        self.moments.update(&self.scores(batch, None)?)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_alike("merge of METEOR scores", "the configuration", &self.config, &other.config)?;
        self.moments.merge(&other.moments)
    }

    /// # Errors
    /// [`Error::Empty`] when there was no segment.
    fn finish(&self) -> Result<MeteorReport> {
        Ok(MeteorReport { without_synonyms: self.moments.finish()? })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let MeteorConfig { alpha, beta, gamma } = self.config;
        let head = Writer::new(KIND, VERSION).f64(alpha).f64(beta).f64(gamma).finish();
        [head, self.moments.to_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        // A header of 15 bytes and three numbers.
        let (head, rest) = bytes.split_at(bytes.len().min(39));
        let mut reader = Reader::new(head, KIND, VERSION)?;
        let config =
            MeteorConfig { alpha: reader.f64()?, beta: reader.f64()?, gamma: reader.f64()? };
        let mut meteor =
            config.init().map_err(|error| reader.invalid("a configuration that exists", error))?;
        meteor.moments = Moments::from_bytes(rest)?;
        let inside = meteor.moments.finish().map_or(true, |r| r.min >= 0.0 && r.max <= 1.0);
        if !inside {
            return Err(reader.invalid("scores from 0 to 1", "others"));
        }
        reader.finish()?;
        Ok(meteor)
    }
}
