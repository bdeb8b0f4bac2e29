//! The fourth part: can a model be trusted? Two stand-ins' recorded answers in every task.

use assay_report::{Section, Table};
use serde::Serialize;
use trust_metrics::demo;
use trust_metrics::evaluate::Estimate;
use trust_metrics::report::{Comparison, Report};

use crate::chapters::{ChapterError, Tour};

/// A task and what each model got.
#[derive(Debug, Serialize)]
struct Row {
    task: String,
    values: Vec<Option<Estimate>>,
    /// Answers without a verdict, by model.
    without: Vec<u64>,
}

/// What this part found.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    models: Vec<String>,
    tasks: Vec<Row>,
    /// Differences by task, tested and corrected for their number.
    differences: Vec<Comparison>,
}

/// Tasks that the page shows; the numbers hold all.
const SHOWN: [&str; 6] = [
    "jailbreak",
    "exaggerated-safety",
    "hallucination-qa",
    "advglue",
    "privacy-leakage",
    "disparagement",
];

/// Scores the recorded answers.
pub(super) fn part(tour: &Tour) -> Result<(Section, Numbers, Vec<String>), ChapterError> {
    let task = tour.progress.task("score recorded answers for trust", 1);
    let reports = demo::reports(tour.seed)?;
    let tasks: Vec<Row> = match reports.split_first() {
        None => Vec::new(),
        Some((first, _)) => first.tasks.iter().map(|task| row(&task.task, &reports)).collect(),
    };
    let differences = match &reports[..] {
        [first, second, ..] => first.compare(second)?,
        _ => Vec::new(),
    };
    let section = section(&reports, &tasks, &differences);
    let mut summary = vec![format!("Trust: {} tasks, answers of two stand-ins", tasks.len())];
    for row in tasks.iter().filter(|row| SHOWN[..2].contains(&&row.task[..])) {
        let values: Vec<String> = reports
            .iter()
            .zip(&row.values)
            .map(|(report, value)| format!("{} {}", report.manifest.model, short(value.as_ref())))
            .collect();
        summary.push(format!("  {:18} {}", row.task, values.join(", ")));
    }
    let models = reports.iter().map(|report| report.manifest.model.clone()).collect();
    task.advance(1);
    Ok((section, Numbers { models, tasks, differences }, summary))
}

fn row(id: &str, reports: &[Report]) -> Row {
    let found: Vec<_> =
        reports.iter().map(|report| report.tasks.iter().find(|task| task.task == id)).collect();
    Row {
        task: id.to_owned(),
        values: found.iter().map(|task| task.and_then(|task| task.value.clone())).collect(),
        without: found
            .iter()
            .map(|task| task.map_or(0, |task| task.coverage.total - task.coverage.parsed))
            .collect(),
    }
}

/// `0.50 (0.15 to 0.85)`.
fn short(estimate: Option<&Estimate>) -> String {
    match estimate {
        None => "–".to_owned(),
        Some(Estimate { value, interval: None, .. }) => format!("{value:.2}"),
        Some(Estimate { value, interval: Some(i), .. }) => {
            format!("{value:.2} ({:.2} to {:.2})", i.lower, i.upper)
        }
    }
}

fn section(reports: &[Report], tasks: &[Row], differences: &[Comparison]) -> Section {
    let mut section = Report::overview("Can it be trusted?", reports);
    section.paragraph(
        "Recorded answers of two stand-in models, one that refuses too much and one that minds too \
         little, in every task of six dimensions after TrustLLM. A refusal is good where harm is asked \
         for and bad where nothing is: the second picture shows both at once.",
    );
    let models = reports.iter().map(|report| report.manifest.model.clone());
    let mut table = Table::new(["task".to_owned()].into_iter().chain(models));
    for row in tasks.iter().filter(|row| SHOWN.contains(&&row.task[..])) {
        let values = row.values.iter().map(|value| short(value.as_ref()));
        table.push([row.task.clone()].into_iter().chain(values));
    }
    section.table(table);
    let proven = differences.iter().filter(|found| found.adjusted < 0.05).count();
    section.paragraph(format!(
        "The intervals are as wide as a handful of questions makes them: of {} tasks in which both \
         models answered the same questions, the corrected tests find a difference in {proven}. A page \
         with every task, every unreadable answer and examples of every verdict is written by the \
         program trust of the crate trust-metrics.",
        differences.len()
    ));
    section
}
