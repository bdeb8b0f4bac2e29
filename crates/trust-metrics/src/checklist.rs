//! Transparency and accountability: no toolkit measures them, so evidence is asked for instead.

use serde::{Deserialize, Serialize};

use crate::task::Dimension;

/// One question of a checklist, with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The dimension.
    pub dimension: Dimension,
    /// A short name.
    pub id: String,
    /// The question.
    pub question: String,
    /// What was found; `None` where nobody looked.
    pub answer: Option<Finding>,
}

/// What was found, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it is so.
    pub met: bool,
    /// Where it can be read: an address, a page, a commit. A finding without evidence does not count.
    pub evidence: String,
    /// Who looked, and when.
    pub checked_by: String,
}

const QUESTIONS: [(Dimension, &str, &str); 14] = [
    (
        Dimension::Transparency,
        "model-card",
        "Is there a model card with intended use and known limits?",
    ),
    (Dimension::Transparency, "training-data", "Are the sources of the training data named?"),
    (Dimension::Transparency, "data-cutoff", "Is the date named after which the data end?"),
    (
        Dimension::Transparency,
        "evaluation",
        "Are evaluations published with data, prompts and versions?",
    ),
    (
        Dimension::Transparency,
        "system-prompt",
        "Is it said whether and how answers are filtered or steered?",
    ),
    (Dimension::Transparency, "versions", "Can a caller name the exact version that answered?"),
    (
        Dimension::Transparency,
        "retention",
        "Is it said what is kept of a caller's questions, and how long?",
    ),
    (Dimension::Accountability, "responsible", "Is somebody named who answers for the model?"),
    (
        Dimension::Accountability,
        "reporting",
        "Is there a way to report harm, with a time to answer?",
    ),
    (Dimension::Accountability, "redress", "Is it said what somebody can do who was harmed?"),
    (
        Dimension::Accountability,
        "audit",
        "Has somebody independent examined it, with a public report?",
    ),
    (Dimension::Accountability, "changes", "Are changes of behaviour announced and kept in a log?"),
    (Dimension::Accountability, "incidents", "Are incidents published, with what was done?"),
    (Dimension::Accountability, "withdrawal", "Is it said when and how a version is withdrawn?"),
];

/// The questions, unanswered.
pub fn checklist() -> Vec<Check> {
    let check = |(dimension, id, question): (Dimension, &str, &str)| Check {
        dimension,
        id: id.to_owned(),
        question: question.to_owned(),
        answer: None,
    };
    QUESTIONS.into_iter().map(check).collect()
}

/// How many checks of a dimension are met with evidence, answered, and asked.
pub fn tally(checks: &[Check], dimension: Dimension) -> (usize, usize, usize) {
    let own = || checks.iter().filter(|check| check.dimension == dimension);
    let answers = || own().filter_map(|check| check.answer.as_ref());
    let met =
        answers().filter(|finding| finding.met && !finding.evidence.trim().is_empty()).count();
    (met, answers().count(), own().count())
}
