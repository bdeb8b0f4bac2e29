use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Scale;
use crate::{Error, Result};

/// The published rule forgets the row after so many.
const FORGOTTEN_AFTER: u64 = 1000;

/// The answers to one question, counted by code.
///
/// Besides the counts it keeps what the published rule needs, which depends on the rows' order; so
/// tallies are exact, need memory for the distinct codes alone, and are not merged but pooled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    counts: BTreeMap<i64, (u64, f64)>,
    rows: u64,
    sum: i128,
    sum_first: i128,
    forgotten: i128,
}

impl Tally {
    /// Counts a code with its weight; a weight that is not a finite number above 0 counts as 0.
    pub fn add(&mut self, code: i64, weight: f64) {
        let weight = if weight.is_finite() && weight > 0.0 { weight } else { 0.0 };
        let (count, weights) = self.counts.entry(code).or_insert((0, 0.0));
        *count += 1;
        *weights += weight;
        self.rows += 1;
        self.sum += i128::from(code);
        if self.rows <= FORGOTTEN_AFTER {
            self.sum_first += i128::from(code);
        }
        if self.rows == FORGOTTEN_AFTER + 1 {
            self.forgotten = i128::from(code);
        }
    }

    /// Counts codes with weight 1.
    pub fn of(codes: impl IntoIterator<Item = i64>) -> Self {
        let mut tally = Self::default();
        codes.into_iter().for_each(|code| tally.add(code, 1.0));
        tally
    }

    /// Rows counted, missing answers included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How often a code came.
    pub fn count(&self, code: i64) -> u64 {
        self.counts.get(&code).map_or(0, |(count, _)| *count)
    }

    /// All codes that came, with their counts.
    pub fn codes(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.counts.iter().map(|(code, (count, _))| (*code, *count))
    }

    /// Rows whose code is on the scale.
    pub fn valid(&self, scale: &Scale) -> u64 {
        self.counts.range(scale.low()..=scale.high()).map(|(_, (count, _))| count).sum()
    }

    /// The mean that the published code takes: over all rows, codes of missing answers included,
    /// but with row 1001 left out of the sum and not out of the count; `None` without rows.
    pub fn published_mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| (self.sum - self.forgotten) as f64 / self.rows as f64)
    }

    /// The published means of rows 1 to 1000 and of the rest; `None` for a part without rows.
    pub fn published_halves(&self) -> (Option<f64>, Option<f64>) {
        let first = self.rows.min(FORGOTTEN_AFTER);
        let rest = self.rows - first;
        let mean = |sum: i128, rows: u64| (rows > 0).then(|| sum as f64 / rows as f64);
        (mean(self.sum_first, first), mean(self.sum - self.sum_first, rest))
    }

    /// The mass of every answer on the scale, by counts or by weights.
    pub(super) fn masses(&self, scale: &Scale, weighted: bool) -> Vec<f64> {
        let mass = |code: i64| match self.counts.get(&code) {
            Some((_, weight)) if weighted => *weight,
            Some((count, _)) => *count as f64,
            None => 0.0,
        };
        scale.codes().map(mass).collect()
    }
}

/// How the answers of many become the answer of a culture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AnswerRule {
    /// The mean of valid answers, rounded half up.
    #[default]
    Mean,
    /// As the mean, with the survey's weights.
    WeightedMean,
    /// The smallest answer that at least half of the valid answers do not exceed.
    Median,
    /// The most frequent valid answer, the smaller of equals.
    Mode,
    /// As CultureLLM's published code: the mean of all rows, missing codes included and row 1001
    /// forgotten, cut off towards zero, without its sign. Kept to reproduce its labels, which can lie
    /// outside the scale: a question that was not asked in a country (code −4) gets the label 4.
    CompatOriginal,
}

/// What a culture answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The label for training; `None` when it was refused.
    pub label: Option<i64>,
    /// Why there is no label.
    pub refused: Option<Refused>,
    /// The mean by the rule; `None` without valid answers.
    pub mean: Option<f64>,
    /// The share of every answer on the scale, from low to high: a soft label. Empty without valid
    /// answers.
    pub distribution: Vec<f64>,
    /// Rows with an answer on the scale.
    pub valid: u64,
    /// Rows in all.
    pub rows: u64,
    /// The codes of missing answers with their counts.
    pub missing: Vec<(i64, u64)>,
}

impl Answer {
    /// The share of rows without a valid answer; `None` without rows.
    pub fn missing_share(&self) -> Option<f64> {
        (self.rows > 0).then(|| 1.0 - self.valid as f64 / self.rows as f64)
    }
}

/// Why an answer has no label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Refused {
    /// Nobody gave a valid answer, or all who did have weight 0.
    NoValidAnswer,
    /// Too few did.
    TooFewValid {
        /// The share that did.
        share: f64,
        /// The smallest share asked for.
        least: f64,
    },
}

impl AnswerRule {
    /// The answer of one tally, whatever the share of valid answers.
    ///
    /// # Errors
    /// [`Error::Value`] for a sum of weights that is not finite.
    pub fn answer(self, tally: &Tally, scale: &Scale) -> Result<Answer> {
        let masses = tally.masses(scale, self == AnswerRule::WeightedMean);
        let mut answer = self.of_masses(&masses, scale)?;
        answer.valid = tally.valid(scale);
        answer.rows = tally.rows();
        answer.missing = tally.codes().filter(|(code, _)| !scale.contains(*code)).collect();
        if self == AnswerRule::CompatOriginal {
            answer.mean = tally.published_mean();
            answer.label = answer.mean.map(published_label);
            answer.refused = answer.label.is_none().then_some(Refused::NoValidAnswer);
        }
        Ok(answer)
    }

    /// The answer of given masses on the scale.
    pub(super) fn of_masses(self, masses: &[f64], scale: &Scale) -> Result<Answer> {
        let total: f64 = masses.iter().sum();
        if !total.is_finite() {
            let expected = "a finite sum of weights";
            return Err(Error::Value { operation: "answer", index: 0, expected, got: total });
        }
        let mut answer = Answer {
            label: None,
            refused: Some(Refused::NoValidAnswer),
            mean: None,
            distribution: Vec::new(),
            valid: 0,
            rows: 0,
            missing: Vec::new(),
        };
        if total <= 0.0 {
            return Ok(answer);
        }
        let shares: Vec<f64> = masses.iter().map(|m| m / total).collect();
        let weighted: f64 = scale.codes().zip(masses).map(|(c, m)| c as f64 * m).sum();
        let mean = weighted / total;
        let label = match self {
            AnswerRule::Mean | AnswerRule::WeightedMean | AnswerRule::CompatOriginal => {
                round_half_up(mean).clamp(scale.low(), scale.high())
            }
            AnswerRule::Median => median(masses, scale),
            AnswerRule::Mode => mode(masses, scale),
        };
        answer.mean = Some(mean);
        answer.distribution = shares;
        answer.label = Some(label);
        answer.refused = None;
        Ok(answer)
    }
}

/// The published label of a mean: cut off towards zero, without its sign.
pub(crate) fn published_label(mean: f64) -> i64 {
    (mean.trunc() as i64).saturating_abs()
}

fn round_half_up(mean: f64) -> i64 {
    (mean + 0.5).floor() as i64
}

fn median(masses: &[f64], scale: &Scale) -> i64 {
    let half = masses.iter().sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (code, mass) in scale.codes().zip(masses) {
        below += mass;
        if below >= half {
            return code;
        }
    }
    scale.high()
}

fn mode(masses: &[f64], scale: &Scale) -> i64 {
    let mut best = (scale.low(), f64::NEG_INFINITY);
    for (code, &mass) in scale.codes().zip(masses) {
        if mass > best.1 {
            best = (code, mass);
        }
    }
    best.0
}
