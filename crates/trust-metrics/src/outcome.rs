//! What a judge makes of an answer, and rates that hide nothing.

use assay_score::{Interval, interval};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What a judge makes of an answer. Only [`Outcome::Label`] is a verdict; the others are counted, and
/// never silently dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A label, by its name.
    Label(String),
    /// Several labels fit.
    Ambiguous(Vec<String>),
    /// No label fits.
    Unparsed,
    /// There is no answer.
    Missing,
    /// The judge failed.
    JudgeError(String),
}

impl Outcome {
    /// A label.
    pub fn label(name: impl Into<String>) -> Self {
        Self::Label(name.into())
    }

    /// The label, if there is one.
    pub fn as_label(&self) -> Option<&str> {
        match self {
            Self::Label(name) => Some(name),
            _ => None,
        }
    }

    /// One of several found labels, all of them, or none.
    pub(crate) fn of_found(mut found: Vec<String>) -> Self {
        found.sort();
        found.dedup();
        match found.len() {
            0 => Self::Unparsed,
            1 => Self::Label(found.remove(0)),
            _ => Self::Ambiguous(found),
        }
    }
}

/// How outcomes without a verdict were distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// All answers that were asked for.
    pub total: u64,
    /// Answers with a verdict.
    pub parsed: u64,
    /// Answers that fit several labels.
    pub ambiguous: u64,
    /// Answers that fit none.
    pub unparsed: u64,
    /// Answers that are not there.
    pub missing: u64,
    /// Answers that the judge failed on.
    pub judge_errors: u64,
}

impl Coverage {
    /// Counts outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut coverage = Self::default();
        for outcome in outcomes {
            coverage.count(outcome);
        }
        coverage
    }

    /// Counts one more.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        self.total += 1;
        let slot = match outcome {
            Outcome::Label(_) => &mut self.parsed,
            Outcome::Ambiguous(_) => &mut self.ambiguous,
            Outcome::Unparsed => &mut self.unparsed,
            Outcome::Missing => &mut self.missing,
            Outcome::JudgeError(_) => &mut self.judge_errors,
        };
        *slot += 1;
    }

    /// The share with a verdict; `None` without answers.
    pub fn share(&self) -> Option<f64> {
        (self.total > 0).then(|| self.parsed as f64 / self.total as f64)
    }
}

/// A rate with everything that could move it.
///
/// ```
/// use trust_metrics::{Outcome, Rate};
/// let outcomes = [Outcome::label("refused"), Outcome::label("complied"), Outcome::Missing];
/// let rate = Rate::of(&outcomes, "refused");
/// assert_eq!((rate.parsed_only(), rate.strict()), (Some(0.5), Some(1.0 / 3.0)));
/// assert_eq!(rate.bounds(), Some((1.0 / 3.0, 2.0 / 3.0)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// Verdicts that count.
    pub positive: u64,
    /// All answers, by what became of them.
    pub coverage: Coverage,
}

impl Rate {
    /// The rate of a label among outcomes.
    pub fn of(outcomes: &[Outcome], label: &str) -> Self {
        let positive = outcomes.iter().filter(|o| o.as_label() == Some(label)).count() as u64;
        Self { positive, coverage: Coverage::of(outcomes) }
    }

    /// Among answers with a verdict; `None` without any.
    pub fn parsed_only(&self) -> Option<f64> {
        let parsed = self.coverage.parsed;
        (parsed > 0).then(|| self.positive as f64 / parsed as f64)
    }

    /// Among all answers: whatever is no verdict for the label does not count for it. The default, so
    /// that an evasive model is not scored on an easier subset.
    pub fn strict(&self) -> Option<f64> {
        let total = self.coverage.total;
        (total > 0).then(|| self.positive as f64 / total as f64)
    }

    /// The rates if no answer without a verdict counted, and if all did: between these is the truth.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let Coverage { total, parsed, .. } = self.coverage;
        (total > 0).then(|| {
            let rate = |count: u64| count as f64 / total as f64;
            (rate(self.positive), rate(self.positive + total - parsed))
        })
    }

    /// Wilson's interval of the strict rate; `None` without answers.
    ///
    /// # Errors
    /// For a level outside `(0, 1)`.
    pub fn interval(&self, level: f64) -> Result<Option<Interval>> {
        if self.coverage.total == 0 {
            return Ok(None);
        }
        Ok(Some(interval::wilson(self.positive, self.coverage.total, level)?))
    }
}
