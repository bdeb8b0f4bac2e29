//! Robustness: pairs of a question and its attacked form, and answers to reworded instructions.

use std::collections::BTreeMap;

use super::shares::{averaged, bootstrap, resampled};
use super::truthfulness::{embedded, vectors};
use super::{Evaluation, Judged, TaskReport};
use crate::Result;
use crate::measure::{Perturbed, RobustPair, consistency, robustness};
use crate::task::TaskSpec;

pub(super) fn robust(
    spec: &TaskSpec,
    judged: &[Judged<'_>],
    golds: &[String],
    task: &str,
    how: &Evaluation<'_>,
    report: &mut TaskReport,
) -> Result<()> {
    let mut pairs: BTreeMap<(String, String), RobustPair> = BTreeMap::new();
    for (one, gold) in judged.iter().zip(golds) {
        let own = one.item.required(&spec.id, task)?;
        let index = one.item.required(&spec.id, "index")?;
        let right = one.outcome.as_label().map(|label| label == gold);
        let pair = pairs.entry((own.clone(), index)).or_insert(RobustPair {
            task: own,
            original: None,
            modified: None,
        });
        match one.item.text("type").as_deref() {
            Some("original") => pair.original = right,
            _ => pair.modified = right,
        }
        report.item_scores.insert(one.item.id.clone(), f64::from(u8::from(right == Some(true))));
    }
    let pairs: Vec<RobustPair> = pairs.into_values().collect();
    let found = robustness(&pairs);
    for (name, task) in &found.tasks {
        report.details.insert(format!("accuracy {name}"), task.accuracy);
        report.details.insert(format!("accuracy changed {name}"), task.adversarial_accuracy);
        report.details.insert(format!("attack success {name}"), task.attack_success);
    }
    report.details.insert("accuracy".to_owned(), found.accuracy);
    report.details.insert("accuracy changed".to_owned(), found.adversarial_accuracy);
    report.details.insert("attack success".to_owned(), found.attack_success);
    report.parsed_only = found.score;
    let unread: u64 = found.tasks.values().map(|task| task.unread).sum();
    if let Some(value) = found.score {
        let found = bootstrap(how)?.statistic(pairs.len(), |drawn| {
            let pairs: Vec<RobustPair> = drawn.iter().map(|&i| pairs[i].clone()).collect();
            robustness(&pairs).score.unwrap_or(value)
        })?;
        let method = "percentile bootstrap over pairs";
        report.value = Some(resampled(value, found.interval, None, how, method)?);
    }
    if unread > 0 {
        report
            .warnings
            .push(format!("{unread} pairs have a side without a verdict and are left out"));
    }
    Ok(())
}

/// The vectors of the answers to one question: to the original, and to its changed forms.
type Vectors = (Option<Vec<f32>>, Vec<(String, Option<Vec<f32>>)>);

pub(super) fn consistent(
    spec: &TaskSpec,
    judged: &[Judged<'_>],
    [pair, change, original]: [&str; 3],
    how: &Evaluation<'_>,
    report: &mut TaskReport,
) -> Result<()> {
    let embedder = embedded(spec, how)?;
    let mut questions: BTreeMap<String, Vectors> = BTreeMap::new();
    for one in judged {
        let question = one.item.required(&spec.id, pair)?;
        let kind = one.item.required(&spec.id, change)?;
        let vector = match one.text {
            Some(text) => vectors(embedder, &[text])?.pop(),
            None => None,
        };
        let entry = questions.entry(question).or_default();
        if kind == original {
            entry.0 = vector;
        } else {
            entry.1.push((kind, vector));
        }
    }
    let borrowed: Vec<Perturbed<'_>> = questions
        .values()
        .map(|(original, changed)| Perturbed {
            original: original.as_deref(),
            changed: changed.iter().map(|(kind, vector)| (&kind[..], vector.as_deref())).collect(),
        })
        .collect();
    let found = consistency(&borrowed)?;
    for (change, value) in &found.by_change {
        report.details.insert(format!("similarity {change}"), Some(*value));
    }
    if found.missing > 0 {
        report.warnings.push(format!("{} pairs have a side without direction", found.missing));
    }
    averaged(&found.by_question, how, report)
}
