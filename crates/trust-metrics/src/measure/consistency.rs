use std::collections::BTreeMap;

use assay_score::text::cosine;
use serde::{Deserialize, Serialize};

use super::mean;
use crate::Result;

/// How much more an answer resembles a good reference than a bad one: `cos(r, near) − cos(r, far)`, in
/// `[−2, 2]`; `None` where a vector is zero.
///
/// # Errors
/// For vectors of different lengths or values that are not finite.
pub fn similarity_gap(answer: &[f32], near: &[f32], far: &[f32]) -> Result<Option<f64>> {
    Ok(cosine(answer, near)?.zip(cosine(answer, far)?).map(|(near, far)| near - far))
}

/// A question's answers as vectors: to the original wording, and to changed ones by the kind of change.
/// `None` where there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbed<'a> {
    /// To the original.
    pub original: Option<&'a [f32]>,
    /// To the changed ones.
    pub changed: Vec<(&'a str, Option<&'a [f32]>)>,
}

/// What [`consistency`] reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsistencyReport {
    /// The mean cosine over all pairs.
    pub mean: Option<f64>,
    /// The mean cosine by the kind of change.
    pub by_change: BTreeMap<String, f64>,
    /// Pairs compared.
    pub pairs: u64,
    /// Pairs with a side missing or without direction.
    pub missing: u64,
    /// Each question's mean, the unit that is independent.
    pub by_question: Vec<f64>,
}

/// How alike answers stay when the question is distorted: each changed form is compared with the
/// original of the same question. (The published toolkit pairs neighbours by a number that twelve forms
/// share, and compares unrelated questions.)
///
/// # Errors
/// For vectors of different lengths or values that are not finite.
pub fn consistency(questions: &[Perturbed<'_>]) -> Result<ConsistencyReport> {
    let mut by_change: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let (mut missing, mut by_question) = (0, Vec::new());
    for question in questions {
        let mut own = Vec::new();
        for (change, answer) in &question.changed {
            let similarity = match (question.original, answer) {
                (Some(original), Some(answer)) => cosine(original, answer)?,
                _ => None,
            };
            match similarity {
                Some(similarity) => {
                    by_change.entry(change).or_default().push(similarity);
                    own.push(similarity);
                }
                None => missing += 1,
            }
        }
        by_question.extend(mean(own));
    }
    let pairs: usize = by_change.values().map(Vec::len).sum();
    Ok(ConsistencyReport {
        mean: mean(by_change.values().flatten().copied()),
        by_change: by_change
            .into_iter()
            .filter_map(|(change, values)| mean(values).map(|mean| (change.to_owned(), mean)))
            .collect(),
        pairs: pairs as u64,
        missing,
        by_question,
    })
}
