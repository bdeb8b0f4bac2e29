//! From answers and a judge to one task's report.
//!
//! What every dimension uses (shares, verdicts against labels) stands in files of its own; what one
//! dimension alone measures stands in the file of its name.

mod fairness;
mod labels;
mod privacy;
mod robustness;
mod safety;
mod shares;
mod stream;
mod task_report;
mod truthfulness;

pub use stream::{Stream, evaluate_lines};
pub use task_report::{Estimate, Example, TaskReport};

use std::collections::{BTreeMap, HashMap};

use assay_language::Embedder;
use assay_score::Mergeable;
use assay_score::statistics::{JudgeQuality, corrected_rate};

use self::fairness::independent;
use self::labels::{choices, confusion, counted, golds};
use self::privacy::{correlate, leak};
use self::robustness::{consistent, robust};
use self::safety::toxic;
use self::shares::shares;
use self::truthfulness::gap;
use crate::answers::{Answer, pair};
use crate::judge::Judge;
use crate::task::{Item, Measure, Reader, TaskSpec};
use crate::{Coverage, Error, Outcome, Rate, Result};

/// What a scorer of toxicity is: the probability that a text is toxic, or why there is none.
pub type Scorer<'a> = &'a (dyn Fn(&str) -> Result<f64, String> + Sync);

/// How a task is evaluated.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    /// Answers to each question.
    pub samples: u64,
    /// The level of intervals.
    pub level: f64,
    /// Resamples, where an interval needs them.
    pub resamples: usize,
    /// The seed of the resamples.
    pub seed: u64,
    /// Whether missing answers are allowed; the report is then marked.
    pub allow_incomplete: bool,
    /// How well the judge does on labelled answers, to correct a rate.
    pub quality: Option<JudgeQuality>,
    /// What tasks that compare meanings need.
    pub embedder: Option<&'a dyn Embedder>,
    /// What the toxicity task needs.
    pub toxicity: Option<Scorer<'a>>,
}

impl std::fmt::Debug for Evaluation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluation")
            .field("samples", &self.samples)
            .field("level", &self.level)
            .field("resamples", &self.resamples)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Default for Evaluation<'_> {
    fn default() -> Self {
        Self {
            samples: 1,
            level: 0.95,
            resamples: 2000,
            seed: 0,
            allow_incomplete: false,
            quality: None,
            embedder: None,
            toxicity: None,
        }
    }
}

/// Answers by verdict that a report shows.
const EXAMPLES: usize = 2;

/// One answer that was judged.
struct Judged<'a> {
    item: &'a Item,
    text: Option<&'a str>,
    outcome: Outcome,
}

/// Judges the answers of a task and measures them.
///
/// # Errors
/// [`Error::Incomplete`] where answers are missing and that is not allowed, [`Error::Needs`] where the
/// task needs an embedder or a scorer, [`Error::Id`] and [`Error::Field`] for items and answers that
/// do not go together, and what the judge or a measure refuses.
pub fn evaluate(
    spec: &TaskSpec,
    items: &[Item],
    answers: &[Answer],
    judge: &dyn Judge,
    how: &Evaluation<'_>,
) -> Result<TaskReport> {
    let answered = pair(spec, items, answers, how.samples)?;
    let there = |answer: Option<&Answer>| {
        answer.is_some_and(|answer| answer.filtered || answer.text.is_some())
    };
    let expected = answered.pairs.len();
    let got = answered.pairs.iter().filter(|(_, _, answer)| there(*answer)).count();
    if got < expected && !how.allow_incomplete {
        return Err(Error::Incomplete { task: spec.id.clone(), expected, got });
    }
    let other = others(spec, &answered.pairs);
    let mut judged = Vec::with_capacity(expected);
    let mut filtered = 0;
    for (place, &(item, _, answer)) in answered.pairs.iter().enumerate() {
        let item = match other.as_ref().map(|other| &other[place]) {
            None => item,
            Some(Some(with_other)) => with_other,
            // The first of a pair is judged with the second.
            Some(None) => continue,
        };
        let text = answer.and_then(|answer| answer.text.as_deref());
        filtered += u64::from(answer.is_some_and(|answer| answer.filtered));
        let outcome = outcome_of(spec, judge, item, answer)?;
        judged.push(Judged { item, text, outcome });
    }
    let outcomes: Vec<Outcome> = judged.iter().map(|judged| judged.outcome.clone()).collect();
    let mut report = TaskReport {
        items: (judged.len() as u64).checked_div(how.samples).unwrap_or(0),
        coverage: Coverage::of(&outcomes),
        filtered,
        stale: answered.stale,
        incomplete: got < expected,
        examples: examples(&judged),
        ..blank(spec, judge.id(), how.samples)
    };
    warn_of(&mut report);
    measure(spec, &judged, how, &mut report)?;
    Ok(report)
}

/// What a judge makes of an answer, if there is one.
fn outcome_of(
    spec: &TaskSpec,
    judge: &dyn Judge,
    item: &Item,
    answer: Option<&Answer>,
) -> Result<Outcome> {
    Ok(match answer.and_then(|answer| answer.text.as_deref()) {
        // Without the first of two answers there is nothing to compare.
        Some(_) if compares_answers(spec) && !item.fields.contains_key(OTHER) => Outcome::Missing,
        Some(text) if !text.trim().is_empty() => judge.judge(item, text)?,
        // A filter's silence is a refusal where refusals are asked for.
        _ if answer.is_some_and(|a| a.filtered) && refusal_task(spec) => Outcome::label("refused"),
        _ => Outcome::Missing,
    })
}

/// A task's report before anything is counted.
fn blank(spec: &TaskSpec, judge: String, samples: u64) -> TaskReport {
    TaskReport {
        task: spec.id.clone(),
        dimension: spec.dimension,
        about: spec.about.clone(),
        direction: spec.direction,
        judge,
        items: 0,
        samples,
        coverage: Coverage::default(),
        filtered: 0,
        stale: 0,
        incomplete: false,
        value: None,
        parsed_only: None,
        bounds: None,
        corrected: None,
        details: BTreeMap::new(),
        slices: BTreeMap::new(),
        item_scores: BTreeMap::new(),
        warnings: Vec::new(),
        examples: Vec::new(),
    }
}

/// What counts alone warn of.
fn warn_of(report: &mut TaskReport) {
    if report.stale > 0 {
        let stale = report.stale;
        report.warnings.push(format!("{stale} answers are to another wording of the question"));
    }
    if let Some(share) = report.coverage.share().filter(|share| *share < 0.9) {
        report.warnings.push(format!("only {:.0} % of answers have a verdict", 100.0 * share));
    }
    if report.items < 30 {
        report.warnings.push(format!("{} questions are few: intervals are wide", report.items));
    }
}

/// The field with the answer that a judge compares an answer with.
const OTHER: &str = "other_answer";

fn compares_answers(spec: &TaskSpec) -> bool {
    matches!(&spec.reader, Reader::Judge { template, .. } if template.contains("{other_answer}"))
}

/// For a task that compares the answers to two questions in turn (the same preference stated both ways): the
/// second question of each pair with the answer to the first in its field `other_answer`, nothing for the
/// first. `None` for other tasks, and for items that bring the field.
fn others(spec: &TaskSpec, pairs: &[(&Item, u64, Option<&Answer>)]) -> Option<Vec<Option<Item>>> {
    if !compares_answers(spec) || pairs.iter().any(|(item, ..)| item.fields.contains_key(OTHER)) {
        return None;
    }
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut texts: HashMap<(usize, u64), &str> = HashMap::new();
    for (item, sample, answer) in pairs {
        let next = places.len();
        let place = *places.entry(&item.id).or_insert(next);
        if let Some(text) = answer.and_then(|answer| answer.text.as_deref()) {
            texts.insert((place, *sample), text);
        }
    }
    let with_other = |(item, sample, _): &(&Item, u64, Option<&Answer>)| {
        let place = places.get(&item.id[..])?;
        if place % 2 == 0 {
            return None;
        }
        let mut item = (*item).clone();
        if let Some(first) = texts.get(&(place - 1, *sample)) {
            item.fields.insert(OTHER.to_owned(), (*first).into());
        }
        Some(item)
    };
    Some(pairs.iter().map(with_other).collect())
}

fn refusal_task(spec: &TaskSpec) -> bool {
    matches!(&spec.measure, Measure::Rate { label } if label == "refused")
}

fn examples(judged: &[Judged<'_>]) -> Vec<Example> {
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    let mut examples = Vec::new();
    for one in judged {
        let Some(text) = one.text else { continue };
        let count = shown.entry(format!("{:?}", one.outcome)).or_default();
        if *count < EXAMPLES {
            *count += 1;
            examples.push(Example {
                item: one.item.id.clone(),
                prompt: one.item.prompt.clone(),
                answer: text.to_owned(),
                verdict: one.outcome.clone(),
            });
        }
    }
    examples
}

fn measure(
    spec: &TaskSpec,
    judged: &[Judged<'_>],
    how: &Evaluation<'_>,
    report: &mut TaskReport,
) -> Result<()> {
    match &spec.measure {
        Measure::Rate { label } => {
            let hit = |one: &Judged<'_>| {
                Some(f64::from(u8::from(one.outcome.as_label() == Some(&label[..]))))
            };
            shares(spec, judged, how, report, hit)?;
            let outcomes: Vec<Outcome> = judged.iter().map(|one| one.outcome.clone()).collect();
            let rate = Rate::of(&outcomes, label);
            report.parsed_only = rate.parsed_only();
            report.bounds = rate.bounds();
            if let Some(quality) = how.quality {
                let found = corrected_rate(rate.positive, rate.coverage.total, quality, how.level)?;
                report.corrected = found.map(|(value, interval)| Estimate {
                    value,
                    interval: Some(interval),
                    method: "Rogan-Gladen, interval of Lang and Reiczigel".to_owned(),
                });
            }
        }
        Measure::Accuracy { gold } => {
            let golds = golds(spec, judged, gold)?;
            let hits: Vec<f64> = judged
                .iter()
                .zip(&golds)
                .map(|(one, gold)| f64::from(u8::from(one.outcome.as_label() == Some(&gold[..]))))
                .collect();
            let mut next = hits.iter().copied();
            shares(spec, judged, how, report, |_| next.next())?;
            let positive = hits.iter().filter(|hit| **hit == 1.0).count() as u64;
            let rate = Rate { positive, coverage: report.coverage };
            report.parsed_only = rate.parsed_only();
            report.bounds = rate.bounds();
            let matrix = confusion(judged, &golds)?;
            report.details.insert("macro_f1".to_owned(), matrix.finish()?.macro_average.f1);
            choices(judged, report);
        }
        Measure::MacroF1 { gold } => {
            let golds = golds(spec, judged, gold)?;
            counted(judged, &golds, how, report, "macro F1", |report| report.macro_average.f1)?;
        }
        Measure::MeanRecall { gold } => {
            let golds = golds(spec, judged, gold)?;
            counted(judged, &golds, how, report, "mean recall", |report| {
                Some(report.balanced_accuracy)
            })?;
        }
        Measure::RobustnessScore { gold, task } => {
            let golds = golds(spec, judged, gold)?;
            robust(spec, judged, &golds, task, how, report)?;
        }
        Measure::Correlation { field } => correlate(spec, judged, field, how, report)?,
        Measure::Leakage { cells } => leak(spec, judged, cells, how, report)?,
        Measure::Independence { fields } => independent(spec, judged, fields, report)?,
        Measure::SimilarityGap { near, far } => {
            gap(spec, judged, (&near[..], &far[..]), how, report)?;
        }
        Measure::Consistency { pair, change, original } => {
            consistent(spec, judged, [&pair[..], &change[..], &original[..]], how, report)?;
        }
        Measure::Toxicity => toxic(spec, judged, how, report)?,
    }
    Ok(())
}
