//! The protocols by which models are compared with surveys.

use assay_score::{BootstrapConfig, BootstrapReport};

use super::{LogBase, jensen_shannon, wasserstein_samples};
use crate::{Error, Result};

/// A question counts as answered like people when its distance is below this (WorldValuesBench).
const CLOSE: f64 = 0.2;

/// What [`opinion_similarity`] reports.
#[derive(Debug, Clone, PartialEq)]
pub struct OpinionReport {
    /// `1 − distance` of every question.
    pub per_question: Vec<f64>,
    /// Their mean, with an interval over questions.
    pub mean: BootstrapReport,
}

/// The similarity of GlobalOpinionQA (Durmus et al. 2023): `1 −` the Jensen-Shannon **distance** of a
/// model's and a country's distributions over a question's options, averaged over questions. The
/// published text names no base of the logarithm; two is usual.
///
/// # Errors
/// As [`jensen_shannon`]; [`Error::Length`] for different numbers of questions, [`Error::Score`] when
/// there are none.
pub fn opinion_similarity(
    model: &[Vec<f64>],
    country: &[Vec<f64>],
    base: LogBase,
    bootstrap: BootstrapConfig,
) -> Result<OpinionReport> {
    same_length("opinion similarity", "questions", model.len(), country.len())?;
    let similarity = |(p, q): (&Vec<f64>, &Vec<f64>)| {
        jensen_shannon(p, q, base).map(|divergence| 1.0 - divergence.sqrt())
    };
    let per_question: Vec<f64> =
        model.iter().zip(country).map(similarity).collect::<Result<_>>()?;
    let mean = bootstrap.init()?.mean(&per_question)?;
    Ok(OpinionReport { per_question, mean })
}

/// What [`values_distance`] reports.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesReport {
    /// The distance of every question.
    pub per_question: Vec<f64>,
    /// Their mean, with an interval over questions.
    pub mean: BootstrapReport,
    /// The share of questions with a distance below 0.2.
    pub close: f64,
    /// The mean distance of answers spread evenly over each scale.
    pub uniform: f64,
    /// The mean distance of always answering what most people answer.
    pub majority: f64,
}

/// The measure of WorldValuesBench (Zhao et al. 2024): per question the Wasserstein-1 distance of
/// people's and a model's answers after `(x − low)/(high − low)`, with the two baselines. Answers
/// outside the scale are left out, on both sides.
///
/// Each question is (low, high, people's answers, the model's answers).
///
/// # Errors
/// [`Error::Empty`] when a side of a question has no answer left; as [`wasserstein_samples`];
/// [`Error::Score`] without questions.
pub fn values_distance(
    questions: &[(i64, i64, Vec<i64>, Vec<i64>)],
    bootstrap: BootstrapConfig,
) -> Result<ValuesReport> {
    let mut per_question = Vec::with_capacity(questions.len());
    let (mut uniform, mut majority) = (0.0, 0.0);
    for (low, high, people, model) in questions {
        let scale = super::super::survey::Scale::new(*low, *high)?;
        let valid = |codes: &[i64]| -> Vec<f64> {
            codes.iter().filter(|c| scale.contains(**c)).map(|&c| c as f64).collect()
        };
        let (people, model) = (valid(people), valid(model));
        let ends = Some((*low as f64, *high as f64));
        per_question.push(wasserstein_samples(&people, &model, ends)?);
        let even: Vec<f64> = scale.codes().map(|c| c as f64).collect();
        uniform += wasserstein_samples(&people, &even, ends)?;
        let count = |code: f64| people.iter().filter(|&&p| p == code).count();
        // The smaller of two answers that are given as often.
        let most = even.iter().copied().rev().max_by_key(|&code| count(code)).unwrap_or(0.0);
        majority += wasserstein_samples(&people, &[most], ends)?;
    }
    let mean = bootstrap.init()?.mean(&per_question)?;
    let n = questions.len() as f64;
    let close = per_question.iter().filter(|&&d| d < CLOSE).count() as f64 / n;
    Ok(ValuesReport { per_question, mean, close, uniform: uniform / n, majority: majority / n })
}

/// The share of answers within `within` steps of the survey's label; an answer that could not be read
/// (`None`) is wrong.
///
/// # Errors
/// [`Error::Length`] for different numbers, [`Error::Score`] when there are none.
pub fn survey_accuracy(
    answers: &[Option<i64>],
    labels: &[i64],
    within: u64,
    bootstrap: BootstrapConfig,
) -> Result<BootstrapReport> {
    same_length("survey accuracy", "labels", answers.len(), labels.len())?;
    let right: Vec<f64> = answers
        .iter()
        .zip(labels)
        .map(|(answer, label)| f64::from(answer.is_some_and(|a| a.abs_diff(*label) <= within)))
        .collect();
    Ok(bootstrap.init()?.mean(&right)?)
}

fn same_length(
    operation: &'static str,
    items: &'static str,
    expected: usize,
    got: usize,
) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::Length { operation, items, expected, got })
}
