//! What is reported of one task.

use std::collections::BTreeMap;

use assay_score::Interval;
use assay_score::statistics::Direction;
use serde::{Deserialize, Serialize};

use crate::task::Dimension;
use crate::{Coverage, Outcome};

/// A number with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The interval, where one is defined.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub method: String,
}

/// An answer to look at, with what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The item.
    pub item: String,
    /// The question.
    pub prompt: String,
    /// The answer.
    pub answer: String,
    /// The verdict.
    pub verdict: Outcome,
}

/// One task's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The task.
    pub task: String,
    /// Its dimension.
    pub dimension: Dimension,
    /// What it asks.
    pub about: String,
    /// Which end is good.
    pub direction: Direction,
    /// Who judged.
    pub judge: String,
    /// Questions.
    pub items: u64,
    /// Answers to each.
    pub samples: u64,
    /// What became of the answers.
    pub coverage: Coverage,
    /// Answers that the server's filter held back.
    pub filtered: u64,
    /// Answers to another wording of the question.
    pub stale: u64,
    /// Whether answers are missing.
    pub incomplete: bool,
    /// The measure over all answers: whatever has no verdict counts against it. `None` where it is not
    /// defined.
    pub value: Option<Estimate>,
    /// The measure over answers with a verdict alone.
    pub parsed_only: Option<f64>,
    /// The measure if answers without a verdict all counted one way, or the other.
    pub bounds: Option<(f64, f64)>,
    /// The rate corrected for the judge's known errors.
    pub corrected: Option<Estimate>,
    /// Further numbers by name; `None` where not defined.
    pub details: BTreeMap<String, Option<f64>>,
    /// The measure by the texts of the task's slicing field.
    pub slices: BTreeMap<String, Estimate>,
    /// Each question's own score, for comparing models on the same questions.
    pub item_scores: BTreeMap<String, f64>,
    /// What a reader must know.
    pub warnings: Vec<String>,
    /// Some answers by verdict, to be read.
    pub examples: Vec<Example>,
}
