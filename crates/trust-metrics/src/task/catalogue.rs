use std::collections::BTreeMap;

use assay_score::statistics::Direction;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The eight principles of TrustLLM (arXiv 2401.05561). The last two are not measured by tasks: see
/// [`crate::checklist`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Says what is true, and stands by it.
    Truthfulness,
    /// Does no harm, and does not refuse what is harmless.
    Safety,
    /// Treats groups alike.
    Fairness,
    /// Answers alike when the question is worded otherwise.
    Robustness,
    /// Keeps what is private.
    Privacy,
    /// Judges as people do, and knows what it is.
    MachineEthics,
    /// Says what it is made of.
    Transparency,
    /// Can be held to account.
    Accountability,
}

impl Dimension {
    /// The name for readers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Truthfulness => "Truthfulness",
            Self::Safety => "Safety",
            Self::Fairness => "Fairness",
            Self::Robustness => "Robustness",
            Self::Privacy => "Privacy",
            Self::MachineEthics => "Machine ethics",
            Self::Transparency => "Transparency",
            Self::Accountability => "Accountability",
        }
    }
}

/// How an answer becomes a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reader {
    /// `refused` or `complied`, by phrases unless another judge is given.
    Refusal,
    /// `yes` or `no`.
    YesNo,
    /// A letter from `A`.
    Choice {
        /// The number of options.
        count: usize,
    },
    /// The only whole number.
    Integer,
    /// A rating of agreement from -100 to 100.
    Rating,
    /// Labels by the phrases that stand for them.
    Labels {
        /// Each label with its phrases.
        labels: BTreeMap<String, Vec<String>>,
    },
    /// `disclosed` where the address in the field stands in the answer, `other` for another address,
    /// `none` for none.
    Email {
        /// The field with the true address.
        field: String,
    },
    /// Only a judge can tell: these are its labels, and what it is asked.
    Judge {
        /// The labels that it may give.
        labels: Vec<String>,
        /// What it is asked, with `{field}` for the fields of the item and `{answer}`.
        template: String,
    },
    /// The text itself is measured.
    Text,
}

/// The right verdict of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Gold {
    /// The field's text; several spellings may mean one label.
    Field {
        /// The field.
        field: String,
        /// What the field's texts stand for, where not for themselves.
        #[serde(default)]
        names: BTreeMap<String, String>,
    },
    /// The label that this verdict stands for, by the item's other field: AdvGLUE's tasks number their
    /// labels each in its own way.
    FieldBy {
        /// The field with the label.
        field: String,
        /// The field that says which names hold.
        by: String,
        /// Names by that field's text.
        names: BTreeMap<String, BTreeMap<String, String>>,
    },
    /// A number in bins: below the first edge the first label, and so on.
    Bins {
        /// The field.
        field: String,
        /// The edges, rising.
        edges: Vec<f64>,
        /// One label more than there are edges.
        labels: Vec<String>,
    },
}

/// What is made of verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Measure {
    /// The share of one label.
    Rate {
        /// The label.
        label: String,
    },
    /// The share of right verdicts.
    Accuracy {
        /// What is right.
        gold: Gold,
    },
    /// The mean F1 over labels.
    MacroF1 {
        /// What is right.
        gold: Gold,
    },
    /// The mean recall over labels.
    MeanRecall {
        /// What is right.
        gold: Gold,
    },
    /// The mean accuracy on changed items less the mean share of right answers that the change turned.
    RobustnessScore {
        /// What is right.
        gold: Gold,
        /// The field that names the task.
        task: String,
    },
    /// The correlation of ratings with people's.
    Correlation {
        /// The field with people's rating.
        field: String,
    },
    /// The mean share of true addresses over cells.
    Leakage {
        /// The fields that make the cells.
        cells: Vec<String>,
    },
    /// The chi-square test of verdicts against groups, by each of these fields.
    Independence {
        /// The fields.
        fields: Vec<String>,
    },
    /// The mean similarity to one reference less that to another.
    SimilarityGap {
        /// The field of the good reference.
        near: String,
        /// The field of the bad one.
        far: String,
    },
    /// The mean similarity of answers to changed questions with the answer to the original one.
    Consistency {
        /// The field that pairs questions.
        pair: String,
        /// The field that names the change.
        change: String,
        /// What that field says of the original.
        original: String,
    },
    /// The mean toxicity, by a scorer, of answers that do not refuse.
    Toxicity,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The name in files and reports.
    pub id: String,
    /// The dimension.
    pub dimension: Dimension,
    /// What it asks, in a sentence.
    pub about: String,
    /// The file in the folder of the data set.
    pub file: String,
    /// Which items of the file: the field must hold one of the texts.
    #[serde(default)]
    pub select: BTreeMap<String, Vec<String>>,
    /// Fields that every item must have.
    pub required: Vec<String>,
    /// The sampling temperature.
    pub temperature: f64,
    /// How answers are read.
    pub reader: Reader,
    /// What is measured.
    pub measure: Measure,
    /// Which end of the measure is good.
    pub direction: Direction,
    /// A field by whose texts the measure is also reported.
    #[serde(default)]
    pub slice: Option<String>,
}

/// All tasks.
///
/// ```
/// use trust_metrics::task::{Dimension, catalogue};
/// let tasks = catalogue()?;
/// assert!(tasks.len() >= 30);
/// assert!(tasks.iter().any(|task| task.dimension == Dimension::Privacy));
/// # Ok::<(), trust_metrics::Error>(())
/// ```
///
/// # Errors
/// None: the catalogue is part of the crate, and a test reads it.
pub fn catalogue() -> Result<Vec<TaskSpec>> {
    serde_json::from_str(include_str!("catalogue.json")).map_err(|error| Error::Line {
        file: "task/catalogue.json".to_owned(),
        line: error.line(),
        expected: "a list of tasks".to_owned(),
        got: error.to_string(),
    })
}

/// One task by its id.
///
/// # Errors
/// [`Error::Setting`] for an id that no task has.
pub fn task(id: &str) -> Result<TaskSpec> {
    catalogue()?.into_iter().find(|task| task.id == id).ok_or_else(|| Error::Setting {
        operation: "task",
        name: "id",
        expected: "to be in the catalogue".to_owned(),
        got: id.to_owned(),
    })
}
