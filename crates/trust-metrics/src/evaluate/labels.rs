//! Verdicts against right labels: accuracy, macro F1, mean recall. Used in every dimension.

use std::collections::BTreeMap;

use assay_score::{
    ConfusionConfig, ConfusionMatrix, ConfusionReport, Labels, Mergeable, UNPARSED, Unparsed,
};

use super::shares::{bootstrap, resampled};
use super::{Evaluation, Judged, TaskReport};
use crate::task::{Gold, Item, TaskSpec};
use crate::{Error, Result};

/// The right label of each answer.
pub(super) fn golds(spec: &TaskSpec, judged: &[Judged<'_>], gold: &Gold) -> Result<Vec<String>> {
    judged.iter().map(|one| right(spec, one.item, gold)).collect()
}

/// The right label of an item.
pub(super) fn right(spec: &TaskSpec, item: &Item, gold: &Gold) -> Result<String> {
    let unknown = |item: &Item, field: &str, expected: &'static str, got: String| Error::Field {
        task: spec.id.clone(),
        item: item.id.clone(),
        field: field.to_owned(),
        expected,
        got,
    };
    match gold {
        Gold::Field { field, names } => {
            let text = item.required(&spec.id, field)?;
            Ok(names.get(&text).cloned().unwrap_or(text))
        }
        Gold::FieldBy { field, by, names } => {
            let (text, by) = (item.required(&spec.id, field)?, item.required(&spec.id, by)?);
            let found = names.get(&by).and_then(|names| names.get(&text)).cloned();
            found.ok_or_else(|| unknown(item, field, "a known label", text))
        }
        Gold::Bins { field, edges, labels } => {
            let number = item.number(field);
            let number = number.ok_or_else(|| {
                unknown(item, field, "a number", format!("{:?}", item.text(field)))
            })?;
            let bin = edges.partition_point(|edge| *edge <= number);
            let label = labels.get(bin).cloned();
            label.ok_or_else(|| unknown(item, field, "in a bin", number.to_string()))
        }
    }
}

/// Labels that occur as right ones, with the verdicts against them.
pub(super) fn confusion(judged: &[Judged<'_>], golds: &[String]) -> Result<ConfusionMatrix> {
    let mut names: Vec<&str> = golds.iter().map(String::as_str).collect();
    names.extend(judged.iter().filter_map(|one| one.outcome.as_label()));
    names.sort_unstable();
    names.dedup();
    let place = |label: &str| names.binary_search(&label).unwrap_or(UNPARSED);
    let truth: Vec<usize> = golds.iter().map(|gold| place(gold)).collect();
    let predicted: Vec<usize> =
        judged.iter().map(|one| one.outcome.as_label().map_or(UNPARSED, place)).collect();
    let mut matrix =
        ConfusionConfig::new(names.len().max(1)).with_unparsed(Unparsed::Count).init()?;
    matrix.update(Labels { truth: &truth, predicted: &predicted })?;
    Ok(matrix)
}

/// A score of a confusion matrix with its bootstrap from counts.
pub(super) fn counted(
    judged: &[Judged<'_>],
    golds: &[String],
    how: &Evaluation<'_>,
    report: &mut TaskReport,
    name: &str,
    score: impl Fn(&ConfusionReport) -> Option<f64> + Sync,
) -> Result<()> {
    of_matrix(&confusion(judged, golds)?, how, report, name, score)?;
    for (one, gold) in judged.iter().zip(golds) {
        let right = f64::from(u8::from(one.outcome.as_label() == Some(&gold[..])));
        report.item_scores.insert(one.item.id.clone(), right);
    }
    Ok(())
}

/// The same without the questions' own scores.
pub(super) fn of_matrix(
    matrix: &ConfusionMatrix,
    how: &Evaluation<'_>,
    report: &mut TaskReport,
    name: &str,
    score: impl Fn(&ConfusionReport) -> Option<f64> + Sync,
) -> Result<()> {
    let all = matrix.finish()?;
    report.parsed_only = matrix.parsed_only().finish().ok().as_ref().and_then(&score);
    report.details.insert("accuracy".to_owned(), Some(all.accuracy));
    if let Some(value) = score(&all) {
        let config = matrix.config();
        let found = bootstrap(how)?.counts(matrix.cells(), |cells| {
            let matrix = ConfusionMatrix::from_cells(config, cells);
            matrix.ok().and_then(|matrix| score(&matrix.finish().ok()?)).unwrap_or(0.0)
        })?;
        let method = format!("percentile bootstrap of {name} from counts");
        let units = Some(report.coverage.total);
        report.value = Some(resampled(value, found.interval, units, how, &method)?);
    }
    Ok(())
}

/// How often each option was chosen: a model that always says A shows here.
pub(super) fn choices(judged: &[Judged<'_>], report: &mut TaskReport) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for label in judged.iter().filter_map(|one| one.outcome.as_label()) {
        *counts.entry(label).or_default() += 1;
    }
    let parsed: u64 = counts.values().sum();
    for (label, count) in counts {
        report.details.insert(format!("said {label}"), Some(count as f64 / parsed as f64));
    }
}
