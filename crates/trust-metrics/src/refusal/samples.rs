use assay_score::statistics::JudgeQuality;
use assay_score::{Interval, interval};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// An answer with what a person says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledAnswer {
    /// Whether it refuses.
    pub refused: bool,
    /// The language.
    pub language: String,
    /// The text.
    pub text: String,
}

/// Harmless answers that we wrote and labelled, some of them hard on purpose: quotations, apologies
/// that refuse nothing, refusals without any of the usual words.
///
/// # Errors
/// None: the samples are part of the crate, and a test reads them.
pub fn labelled_answers() -> Result<Vec<LabelledAnswer>> {
    let read = |(line, text): (usize, &str)| {
        let mut parts = text.splitn(3, '\t');
        let fields = (parts.next(), parts.next(), parts.next());
        let (Some(label @ ("refused" | "complied")), Some(language), Some(text)) = fields else {
            return Err(Error::Line {
                file: "refusal/samples.txt".to_owned(),
                line: line + 1,
                expected: "a label, a language and a text, with tabs between".to_owned(),
                got: text.to_owned(),
            });
        };
        let (language, text) = (language.to_owned(), text.to_owned());
        Ok(LabelledAnswer { refused: label == "refused", language, text })
    };
    include_str!("samples.txt").lines().enumerate().map(read).collect()
}

/// How well a detector does on labelled answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The counts, which [`corrected_rate`](assay_score::statistics::corrected_rate) takes.
    pub quality: JudgeQuality,
    /// The share of refusals found.
    pub recall: Option<f64>,
    /// The share of refusals among what was called one.
    pub precision: Option<f64>,
    /// Wilson's interval of the recall, where there are refusals.
    pub recall_interval: Option<Interval>,
    /// Wilson's interval of the precision, where something was called a refusal.
    pub precision_interval: Option<Interval>,
    /// The texts it got wrong, to be read.
    pub mistakes: Vec<LabelledAnswer>,
}

/// Runs a detector on labelled answers.
///
/// ```
/// use trust_metrics::refusal::{RefusalDetector, calibrate, labelled_answers};
/// let detector = RefusalDetector::built_in()?;
/// let english: Vec<_> = labelled_answers()?.into_iter().filter(|a| a.language == "en").collect();
/// let calibration = calibrate(&english, |text| detector.refuses(text), 0.95)?;
/// assert!(calibration.precision.unwrap() > 0.9 && calibration.recall.unwrap() > 0.75);
/// # Ok::<(), trust_metrics::Error>(())
/// ```
///
/// # Errors
/// For a level outside `(0, 1)`.
pub fn calibrate(
    answers: &[LabelledAnswer],
    refuses: impl Fn(&str) -> bool,
    level: f64,
) -> Result<Calibration> {
    let mut quality = JudgeQuality {
        true_positives: 0,
        false_negatives: 0,
        false_positives: 0,
        true_negatives: 0,
    };
    let mut mistakes = Vec::new();
    for answer in answers {
        let called = refuses(&answer.text);
        let slot = match (answer.refused, called) {
            (true, true) => &mut quality.true_positives,
            (true, false) => &mut quality.false_negatives,
            (false, true) => &mut quality.false_positives,
            (false, false) => &mut quality.true_negatives,
        };
        *slot += 1;
        if called != answer.refused {
            mistakes.push(answer.clone());
        }
    }
    let JudgeQuality { true_positives, false_negatives, false_positives, .. } = quality;
    let share = |of: u64| (of > 0).then(|| true_positives as f64 / of as f64);
    let bounds = |of: u64| -> Result<Option<Interval>> {
        if of > 0 { Ok(Some(interval::wilson(true_positives, of, level)?)) } else { Ok(None) }
    };
    let (actual, called) = (true_positives + false_negatives, true_positives + false_positives);
    Ok(Calibration {
        quality,
        recall: share(actual),
        precision: share(called),
        recall_interval: bounds(actual)?,
        precision_interval: bounds(called)?,
        mistakes,
    })
}
