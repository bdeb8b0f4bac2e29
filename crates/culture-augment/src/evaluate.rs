//! A model on labelled tasks, as CultureLLM's evaluation, with mean and spread instead of the best run.

use std::io::Read;

use assay_language::parse::Verbaliser;
use assay_language::{Request, RunConfig, TextModel};
use assay_score::{ConfusionConfig, Labels, Mergeable as _, UNPARSED, Unparsed};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, prompt};

const OPERATION: &str = "evaluate";

/// What a task asks about a text. The prompt for offensive language is as published; the others follow
/// its form, with the published labels where those are known (hate speech, spam, entities) and plain
/// ones where they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// `OFF` or `NOT_OFF`.
    Offensive,
    /// `HS` or `NOT_HS`.
    HateSpeech,
    /// `Abusive` or `NOT_Abusive`.
    Abusive,
    /// `Spam` or `NOT_Spam`.
    Spam,
    /// `Threat` or `NOT_Threat`.
    Threat,
    /// `Toxic` or `NOT_Toxic`.
    Toxicity,
    /// `1` or `0`: whether the text is biased against an entity.
    Bias {
        /// Whom or what.
        entity: String,
    },
    /// `favor`, `against` or `none`: the stance towards an entity.
    Stance {
        /// Whom or what.
        entity: String,
    },
}

impl Family {
    /// The labels, in the order of their numbers; the positive one first.
    pub fn labels(&self) -> &'static [&'static str] {
        match self {
            Family::Offensive => &["OFF", "NOT_OFF"],
            Family::HateSpeech => &["HS", "NOT_HS"],
            Family::Abusive => &["Abusive", "NOT_Abusive"],
            Family::Spam => &["Spam", "NOT_Spam"],
            Family::Threat => &["Threat", "NOT_Threat"],
            Family::Toxicity => &["Toxic", "NOT_Toxic"],
            Family::Bias { .. } => &["1", "0"],
            Family::Stance { .. } => &["favor", "against", "none"],
        }
    }

    /// The user's turn about a text.
    pub fn prompt(&self, text: &str) -> String {
        let two = |what: &str| {
            let [yes, no] = self.labels() else { return String::new() };
            format!(
                "if the following sentence {what}, just say \"{yes}\", otherwise, say \"{no}\" without \
                 explanation: {text}"
            )
        };
        match self {
            Family::Offensive => two("is offensive"),
            Family::HateSpeech => two("is hate speech"),
            Family::Abusive => two("is abusive"),
            Family::Spam => two("is a spam"),
            Family::Threat => two("is a threat"),
            Family::Toxicity => two("is toxic"),
            Family::Bias { entity } => two(&format!("is biased against {entity}")),
            Family::Stance { entity } => format!(
                "what is the stance of the following sentence towards {entity}? just say \"favor\", \
                 \"against\" or \"none\" without explanation: {text}"
            ),
        }
    }

    /// The reader of answers: the labels, and the words that stand for them.
    ///
    /// # Errors
    /// Never; the words are checked by a test.
    pub fn verbaliser(&self) -> Result<Verbaliser> {
        let words: &[&[&str]] = match self {
            Family::Offensive => &[&["OFF", "offensive"], &["NOT_OFF", "inoffensive"]],
            Family::HateSpeech => &[&["HS", "hate speech", "hateful"], &["NOT_HS"]],
            Family::Abusive => &[&["Abusive"], &["NOT_Abusive"]],
            Family::Spam => &[&["Spam"], &["NOT_Spam", "ham"]],
            Family::Threat => &[&["Threat", "threatening"], &["NOT_Threat"]],
            Family::Toxicity => &[&["Toxic"], &["NOT_Toxic"]],
            Family::Bias { .. } => &[&["1", "yes", "biased"], &["0", "no", "unbiased"]],
            Family::Stance { .. } => {
                &[&["favor", "favour", "for"], &["against", "opposed"], &["none", "neutral"]]
            }
        };
        let labels = self.labels().iter().copied().zip(words.iter().copied());
        Ok(Verbaliser::new(labels)?)
    }
}

/// How answers become labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Parsing {
    /// Words on their boundaries, with negation; what is ambiguous is no label.
    #[default]
    Careful,
    /// As published: a substring in any case, the negative label first.
    Compat,
}

/// Labelled texts of one family and culture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is asked.
    pub family: Family,
    /// The culture that the system message names; `None` for no system message.
    pub culture: Option<String>,
    /// A text put after the system message, such as a description of the culture: the baseline of
    /// prompt engineering.
    pub context: Option<String>,
    /// The texts with their labels' numbers.
    pub items: Vec<(String, usize)>,
}

impl Task {
    /// Reads a table with the columns `text` and `label`; labels are the family's, in any case.
    ///
    /// # Errors
    /// [`Error::Column`] when a column is missing, [`Error::Line`] for a label that is none of the
    /// family's or a row that cannot be read, [`Error::Empty`] without rows.
    pub fn read(family: Family, table: impl Read) -> Result<Self> {
        let mut reader = csv::Reader::from_reader(table);
        let head = reader.headers()?.clone();
        let column = |name: &str| {
            head.iter().position(|h| h.trim() == name).ok_or_else(|| Error::Column {
                column: name.to_owned(),
                available: head.iter().take(12).collect::<Vec<_>>().join(", "),
            })
        };
        let (text, label) = (column("text")?, column("label")?);
        let mut items = Vec::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let name = record.get(label).unwrap_or("").trim();
            let found = family.labels().iter().position(|l| l.eq_ignore_ascii_case(name));
            let number = found.ok_or_else(|| Error::Line {
                what: "task".into(),
                line,
                problem: format!("expected one of {:?}, got `{name}`", family.labels()),
            })?;
            items.push((record.get(text).unwrap_or("").to_owned(), number));
        }
        if items.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "labelled text" });
        }
        Ok(Self { family, culture: None, context: None, items })
    }

    fn request(&self, text: &str, temperature: f64, repeat: u64) -> Request {
        let mut system: Vec<String> = Vec::new();
        system.extend(self.culture.as_deref().map(prompt::system));
        system.extend(self.context.clone());
        let request = Request::new(self.family.prompt(text))
            .with_temperature(temperature)
            .with_seed(repeat)
            .with_sample(repeat);
        if system.is_empty() { request } else { request.with_system(system.join(" ")) }
    }
}

/// What [`evaluate`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The macro-F1 of every repetition.
    pub macro_f1: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (with `n − 1`); `None` for a single repetition.
    pub deviation: Option<f64>,
    /// The share of answers without a label, over all repetitions.
    pub unread: f64,
    /// Requests that failed; their items count as answered wrong.
    pub failed: usize,
}

/// Asks a model about every text, `repeats` times with the seeds 0, 1, …, and gives the mean and the
/// spread of macro-F1. (The published table takes the best of its own runs and the worst of the
/// baselines'.)
///
/// # Errors
/// [`Error::Setting`] for no repetitions, [`Error::Empty`] for a task without texts,
/// [`Error::Language`] when the run is cancelled.
pub fn evaluate(
    task: &Task,
    model: &dyn TextModel,
    temperature: f64,
    repeats: u64,
    parsing: Parsing,
    run: &RunConfig,
) -> Result<Evaluation> {
    if repeats == 0 {
        return Err(Error::setting(OPERATION, "repeats", "at least 1", 0));
    }
    if task.items.is_empty() {
        return Err(Error::Empty { operation: OPERATION, item: "labelled text" });
    }
    let verbaliser = task.family.verbaliser()?;
    let truth: Vec<usize> = task.items.iter().map(|(_, label)| *label).collect();
    let (mut scores, mut unread, mut failed) = (Vec::new(), 0, 0);
    for repeat in 0..repeats {
        let requests = task.items.iter().map(|(text, _)| task.request(text, temperature, repeat));
        let answers = run.collect(model, requests, |_| ())?;
        let predicted: Vec<usize> = answers
            .iter()
            .map(|answer| {
                let Ok(answer) = answer else {
                    failed += 1;
                    return UNPARSED;
                };
                let reading = match parsing {
                    Parsing::Careful => verbaliser.read(answer.text()),
                    Parsing::Compat => verbaliser.read_substring(answer.text()),
                };
                let label = reading.label();
                unread += usize::from(label.is_none());
                label.unwrap_or(UNPARSED)
            })
            .collect();
        scores.push(macro_f1(&truth, &predicted, task.family.labels().len())?);
    }
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let square: f64 = scores.iter().map(|s| (s - mean).powi(2)).sum();
    let deviation = (scores.len() > 1).then(|| (square / (n - 1.0)).sqrt());
    let unread = unread as f64 / (n * truth.len() as f64);
    Ok(Evaluation { macro_f1: scores, mean, deviation, unread, failed })
}

/// Macro-F1 over a fixed set of labels; an answer without a label ([`UNPARSED`]) is a miss of its true
/// label and of nothing else. A label that neither side has counts as 0, as in scikit-learn.
///
/// # Errors
/// [`Error::Score`] for labels outside the set or no labels at all.
pub fn macro_f1(truth: &[usize], predicted: &[usize], labels: usize) -> Result<f64> {
    let mut matrix = ConfusionConfig::new(labels).with_unparsed(Unparsed::Count).init()?;
    matrix.update(Labels { truth, predicted })?;
    Ok(matrix.finish()?.macro_average.f1.unwrap_or(0.0))
}
