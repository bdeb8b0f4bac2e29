//! Shares and means of answers, with their intervals.

use std::collections::BTreeMap;

use assay_score::{BootstrapConfig, Clusters, Interval, interval};

use super::{Estimate, Evaluation, Judged, TaskReport};
use crate::Result;
use crate::measure::mean;
use crate::task::TaskSpec;

/// A mean of zeros and ones with Wilson's interval, or with one over questions where each was asked
/// several times; also by slices and by question.
pub(super) fn shares(
    spec: &TaskSpec,
    judged: &[Judged<'_>],
    how: &Evaluation<'_>,
    report: &mut TaskReport,
    mut hit: impl FnMut(&Judged<'_>) -> Option<f64>,
) -> Result<()> {
    let hits: Vec<f64> = judged.iter().filter_map(&mut hit).collect();
    let questions: Vec<&str> = judged.iter().map(|one| &one.item.id[..]).collect();
    report.value = share(&hits, &questions, how)?;
    let mut by_item: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (question, hit) in questions.iter().zip(&hits) {
        by_item.entry(question).or_default().push(*hit);
    }
    report.item_scores = by_item
        .into_iter()
        .filter_map(|(item, hits)| mean(hits).map(|mean| (item.to_owned(), mean)))
        .collect();
    if let Some(field) = &spec.slice {
        let mut slices: BTreeMap<String, (Vec<f64>, Vec<&str>)> = BTreeMap::new();
        for ((one, hit), question) in judged.iter().zip(&hits).zip(&questions) {
            if let Some(slice) = one.item.text(field) {
                let (hits, questions) = slices.entry(slice).or_default();
                hits.push(*hit);
                questions.push(question);
            }
        }
        for (slice, (hits, questions)) in slices {
            if let Some(estimate) = share(&hits, &questions, how)? {
                report.slices.insert(slice, estimate);
            }
        }
    }
    Ok(())
}

pub(super) fn share(
    hits: &[f64],
    questions: &[&str],
    how: &Evaluation<'_>,
) -> Result<Option<Estimate>> {
    let Some(value) = mean(hits.iter().copied()) else { return Ok(None) };
    let clusters = Clusters::new(questions);
    if clusters.len() == hits.len() {
        let successes = hits.iter().filter(|hit| **hit == 1.0).count() as u64;
        let interval = Some(interval::wilson(successes, hits.len() as u64, how.level)?);
        return Ok(Some(Estimate { value, interval, method: "Wilson".to_owned() }));
    }
    if clusters.len() < 2 {
        return Ok(Some(Estimate { value, interval: None, method: "one question".to_owned() }));
    }
    let found = bootstrap(how)?.cluster_mean(hits, &clusters)?;
    let units = Some(clusters.len() as u64);
    resampled(value, found.interval, units, how, "percentile bootstrap over questions").map(Some)
}

pub(super) fn averaged(
    values: &[f64],
    how: &Evaluation<'_>,
    report: &mut TaskReport,
) -> Result<()> {
    report.parsed_only = mean(values.iter().copied());
    if let Some(value) = report.parsed_only {
        let found = bootstrap(how)?.mean(values)?;
        let method = "percentile bootstrap of the mean";
        report.value = Some(resampled(value, found.interval, None, how, method)?);
    }
    Ok(())
}

/// A value with the interval of its resamples, unless they are all alike: a point is no interval. Where a
/// share of `units` independent ones is at its very end, Wilson's interval stands in; elsewhere none does.
pub(super) fn resampled(
    value: f64,
    interval: Interval,
    units: Option<u64>,
    how: &Evaluation<'_>,
    method: &str,
) -> Result<Estimate> {
    if interval.lower < interval.upper {
        return Ok(Estimate { value, interval: Some(interval), method: method.to_owned() });
    }
    let wilson = match units {
        Some(n) if n > 0 && value == 0.0 => Some(interval::wilson(0, n, how.level)?),
        Some(n) if n > 0 && value == 1.0 => Some(interval::wilson(n, n, how.level)?),
        _ => None,
    };
    let instead = if wilson.is_some() { "Wilson" } else { "no interval" };
    Ok(Estimate {
        value,
        interval: wilson,
        method: format!("{instead}, for all resamples are alike"),
    })
}

pub(super) fn bootstrap(how: &Evaluation<'_>) -> Result<assay_score::Bootstrap> {
    let config = BootstrapConfig::new();
    Ok(config.with_resamples(how.resamples).with_level(how.level).with_seed(how.seed).init()?)
}
