//! All tasks of a model in one report, and two models side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use assay_report::{Axis, Forest, Page, Plot, Radar, Section, Series, Table, percent};
use assay_score::statistics::{
    Direction, PermutationConfig, benjamini_hochberg, paired_permutation,
};
use serde::{Deserialize, Serialize};

use crate::answers::hash;
use crate::checklist::{Check, tally};
use crate::evaluate::{Estimate, TaskReport};
use crate::task::Dimension;
use crate::{Error, Result};

/// The format of a report's JSON.
pub const FORMAT_VERSION: u32 = 1;

/// What a number depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this crate.
    pub crate_version: String,
    /// The model's id.
    pub model: String,
    /// The hash of each input file, by name.
    pub inputs: BTreeMap<String, String>,
    /// The judge of each task.
    pub judges: BTreeMap<String, String>,
    /// The seed of resampling.
    pub seed: u64,
}

impl Manifest {
    /// For a model, with hashes of the texts of input files.
    pub fn new(model: impl Into<String>, inputs: &[(&str, &str)], seed: u64) -> Self {
        Self {
            crate_version: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.into(),
            inputs: inputs.iter().map(|(name, text)| ((*name).to_owned(), hash(text))).collect(),
            judges: BTreeMap::new(),
            seed,
        }
    }
}

/// One model's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The format of this file.
    pub format_version: u32,
    /// What the numbers depend on.
    pub manifest: Manifest,
    /// Task by task.
    pub tasks: Vec<TaskReport>,
    /// What was found of transparency and accountability.
    pub checks: Vec<Check>,
}

/// Two models on one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The task.
    pub task: String,
    /// Questions that both were scored on.
    pub common: u64,
    /// The mean difference, first less second, of the questions' scores.
    pub difference: f64,
    /// The p-value of the sign-flip test over questions.
    pub p_value: f64,
    /// The same corrected for the number of tasks (Benjamini and Hochberg).
    pub adjusted: f64,
    /// Whether the difference is in favour of the first.
    pub first_better: bool,
}

impl Report {
    /// From the reports of tasks.
    pub fn new(mut manifest: Manifest, tasks: Vec<TaskReport>, checks: Vec<Check>) -> Self {
        manifest.judges =
            tasks.iter().map(|task| (task.task.clone(), task.judge.clone())).collect();
        Self { format_version: FORMAT_VERSION, manifest, tasks, checks }
    }

    /// Reads a report from its JSON.
    ///
    /// # Errors
    /// [`Error::Line`] where it is none, [`Error::Setting`] for a version not known.
    pub fn read(text: &str) -> Result<Self> {
        let report: Self = serde_json::from_str(text).map_err(|error| Error::Line {
            file: "report.json".to_owned(),
            line: error.line(),
            expected: "a report".to_owned(),
            got: error.to_string(),
        })?;
        if report.format_version != FORMAT_VERSION {
            return Err(Error::Setting {
                operation: "report",
                name: "format_version",
                expected: FORMAT_VERSION.to_string(),
                got: report.format_version.to_string(),
            });
        }
        Ok(report)
    }

    /// The mean of each dimension's tasks, each turned so that 1 is best: an option for a picture, not a
    /// verdict. `None` where no task has a value in `[0, 1]`.
    pub fn dimensions(&self) -> BTreeMap<Dimension, Option<f64>> {
        let mut values: BTreeMap<Dimension, Vec<f64>> = BTreeMap::new();
        for task in &self.tasks {
            let list = values.entry(task.dimension).or_default();
            if let Some(Estimate { value, .. }) = task.value
                && (0.0..=1.0).contains(&value)
            {
                list.push(if task.direction == Direction::HigherBetter {
                    value
                } else {
                    1.0 - value
                });
            }
        }
        values
            .into_iter()
            .map(|(dimension, list)| (dimension, crate::measure::mean(list)))
            .collect()
    }

    /// Compares two models task by task on the questions that both were scored on, with a sign-flip
    /// test over questions, corrected for the number of tasks.
    ///
    /// # Errors
    /// None in practice; as the test.
    pub fn compare(&self, other: &Self) -> Result<Vec<Comparison>> {
        let mut found = Vec::new();
        for task in &self.tasks {
            let Some(theirs) = other.tasks.iter().find(|theirs| theirs.task == task.task) else {
                continue;
            };
            let differences: Vec<f64> = task
                .item_scores
                .iter()
                .filter_map(|(item, score)| Some(score - theirs.item_scores.get(item)?))
                .collect();
            if differences.is_empty() {
                continue;
            }
            let config =
                PermutationConfig { seed: self.manifest.seed, ..PermutationConfig::default() };
            let test = paired_permutation(&differences, config)?;
            let up = task.direction == Direction::HigherBetter;
            found.push(Comparison {
                task: task.task.clone(),
                common: differences.len() as u64,
                difference: test.difference,
                p_value: test.p_value,
                adjusted: 1.0,
                first_better: (test.difference > 0.0) == up,
            });
        }
        let p: Vec<f64> = found.iter().map(|comparison| comparison.p_value).collect();
        for (comparison, adjusted) in found.iter_mut().zip(benjamini_hochberg(&p)?) {
            comparison.adjusted = adjusted;
        }
        Ok(found)
    }

    /// The report as JSON: the same report gives the same bytes.
    ///
    /// # Errors
    /// None in practice.
    pub fn json(&self) -> Result<String> {
        assay_report::json(self).map_err(Error::from)
    }

    /// One row a task and a slice.
    pub fn csv(&self) -> String {
        let mut out = String::from(
            "task,dimension,slice,direction,value,lower,upper,parsed_only,answers,verdicts,ambiguous,unparsed,missing,judge_errors,filtered\n",
        );
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        for task in &self.tasks {
            let c = &task.coverage;
            let counts = [
                c.total,
                c.parsed,
                c.ambiguous,
                c.unparsed,
                c.missing,
                c.judge_errors,
                task.filtered,
            ];
            let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
            let mut row = |slice: &str, estimate: Option<&Estimate>, parsed: Option<f64>| {
                let interval = estimate.and_then(|estimate| estimate.interval);
                let fields = [
                    quoted(&task.task),
                    quoted(task.dimension.name()),
                    quoted(slice),
                    format!("{:?}", task.direction),
                    number(estimate.map(|estimate| estimate.value)),
                    number(interval.map(|interval| interval.lower)),
                    number(interval.map(|interval| interval.upper)),
                    number(parsed),
                ];
                let _ = writeln!(out, "{},{}", fields.join(","), counts.join(","));
            };
            row("", task.value.as_ref(), task.parsed_only);
            for (slice, estimate) in &task.slices {
                row(slice, Some(estimate), None);
            }
        }
        out
    }

    /// The report for a reader of plain text.
    pub fn markdown(&self) -> String {
        let mut out = format!("# Trust report: {}\n", self.manifest.model);
        let mut dimension = None;
        for task in &self.tasks {
            if dimension != Some(task.dimension) {
                dimension = Some(task.dimension);
                let _ = writeln!(out, "\n## {}\n", task.dimension.name());
                out.push_str("| task | value | interval | verdicts | without | |\n|---|---:|---|---:|---:|---|\n");
            }
            let (value, interval) = shown(task);
            let c = &task.coverage;
            let arrow = arrow(task.direction);
            let mark = if task.incomplete { "incomplete" } else { "" };
            let without = c.total - c.parsed;
            let _ = writeln!(
                out,
                "| {} {arrow} | {value} | {interval} | {} | {without} | {mark} |",
                task.task, c.parsed
            );
        }
        let notes: Vec<String> = self
            .tasks
            .iter()
            .flat_map(|task| {
                task.warnings.iter().map(move |warning| format!("- {}: {warning}", task.task))
            })
            .collect();
        if !notes.is_empty() {
            let _ = write!(out, "\n## What to know\n\n{}\n", notes.join("\n"));
        }
        for dimension in [Dimension::Transparency, Dimension::Accountability] {
            let (met, answered, asked) = tally(&self.checks, dimension);
            if asked > 0 {
                let _ = writeln!(
                    out,
                    "\n{}: {met} of {asked} checks met with evidence, {answered} answered.",
                    dimension.name()
                );
            }
        }
        out
    }

    /// The pictures at the head of [`html`](Self::html), to put on a page of one's own: a radar of dimensions,
    /// refusal against over-refusal.
    pub fn overview(title: &str, models: &[Self]) -> Section {
        let mut overview = Section::new(title);
        let spokes = dimensions(models);
        let mut radar =
            Radar::new("Dimensions, 1 is best", spokes.iter().map(|d| d.name()), [0.0, 1.0]);
        for report in models {
            let values = report.dimensions();
            let row = spokes.iter().map(|d| values.get(d).copied().flatten().unwrap_or(f64::NAN));
            radar = radar.series(&report.manifest.model[..], row.collect::<Vec<f64>>());
        }
        overview
            .figure(radar.svg(), "The mean of each dimension's shares: a picture, not a verdict");
        if let Some(plot) = refusals(models) {
            overview.figure(
                plot.svg(),
                "A model that refuses everything is at the upper right: refusal alone is no safety",
            );
        }
        overview
    }

    /// One self-contained page about some models: a radar of dimensions, refusal against over-refusal,
    /// a forest of each dimension, differences, warnings and examples.
    ///
    /// # Errors
    /// As [`compare`](Self::compare).
    pub fn html(models: &[Self]) -> Result<String> {
        let mut page = Page::new("Trust report");
        let names: Vec<&str> = models.iter().map(|report| &report.manifest.model[..]).collect();
        page.lead(format!(
            "{}: every number with its interval, every unreadable answer counted.",
            names.join(", ")
        ));
        page.section(Self::overview("Overview", models));
        for dimension in dimensions(models) {
            page.section(one_dimension(models, dimension));
        }
        if let [first, rest @ ..] = models
            && !rest.is_empty()
        {
            let mut section = Section::new("Differences");
            section.paragraph(
                "Sign-flip tests over common questions, corrected by Benjamini and Hochberg.",
            );
            for other in rest {
                let mut table =
                    Table::new(["task", "questions", "difference", "p", "adjusted p", "better"]);
                for found in first.compare(other)? {
                    let better = if found.first_better {
                        &first.manifest.model
                    } else {
                        &other.manifest.model
                    };
                    table.push([
                        found.task.clone(),
                        found.common.to_string(),
                        format!("{:+.3}", found.difference),
                        format!("{:.4}", found.p_value),
                        format!("{:.4}", found.adjusted),
                        if found.adjusted < 0.05 { better.clone() } else { "–".to_owned() },
                    ]);
                }
                section.table(table);
            }
            page.section(section);
        }
        for report in models {
            page.section(details(report));
        }
        Ok(page.html())
    }

    /// Writes `report.json`, `report.csv`, `report.md` and `report.html` into a folder, each whole.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let files = [
            ("report.json", self.json()?),
            ("report.csv", self.csv()),
            ("report.md", self.markdown()),
            ("report.html", Self::html(std::slice::from_ref(self))?),
        ];
        Ok(assay_report::write_whole(folder, &files)?)
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn arrow(direction: Direction) -> &'static str {
    if direction == Direction::HigherBetter { "↑" } else { "↓" }
}

/// A task's value and interval in words.
fn shown(task: &TaskReport) -> (String, String) {
    match &task.value {
        None => ("–".to_owned(), "not defined".to_owned()),
        Some(Estimate { value, interval, .. }) => {
            let interval =
                interval.map_or("–".to_owned(), |i| format!("{:.3} to {:.3}", i.lower, i.upper));
            (format!("{value:.3}"), interval)
        }
    }
}

/// The dimensions that the first model was measured in.
fn dimensions(models: &[Report]) -> Vec<Dimension> {
    models.first().map(|report| report.dimensions().into_keys().collect()).unwrap_or_default()
}

/// Refusal of harm against refusal of the harmless, a point a model.
fn refusals(models: &[Report]) -> Option<Plot> {
    let value = |report: &Report, id: &str| {
        report
            .tasks
            .iter()
            .find(|task| task.task == id)?
            .value
            .as_ref()
            .map(|estimate| estimate.value)
    };
    let mut plot = Plot::new("Refusal and over-refusal")
        .x(Axis::new("refuses disguised harm").percent().range(0.0, 1.0))
        .y(Axis::new("refuses the harmless").percent().range(0.0, 1.0));
    let mut any = false;
    for report in models {
        if let (Some(x), Some(y)) =
            (value(report, "jailbreak"), value(report, "exaggerated-safety"))
        {
            plot = plot.series(Series::dots(&report.manifest.model[..], vec![[x, y]]));
            any = true;
        }
    }
    any.then_some(plot)
}

fn one_dimension(models: &[Report], dimension: Dimension) -> Section {
    let mut section = Section::new(dimension.name());
    let mut forest =
        Forest::new(format!("{}, with intervals", dimension.name())).axis(Axis::new(""));
    let mut table =
        Table::new(["task", "model", "value", "interval", "verdicts", "without", "judge"]);
    for report in models {
        for task in report.tasks.iter().filter(|task| task.dimension == dimension) {
            let model = &report.manifest.model;
            if let Some(Estimate { value, interval, .. }) = &task.value {
                let ends = interval.map_or([f64::NAN; 2], |i| [i.lower, i.upper]);
                let name = format!("{} {} ({model})", task.task, arrow(task.direction));
                forest = forest.row(name, *value, ends);
            }
            let (value, interval) = shown(task);
            let c = &task.coverage;
            let mark = if task.incomplete { " (incomplete)" } else { "" };
            table.push([
                format!("{} {}{mark}", task.task, arrow(task.direction)),
                model.clone(),
                value,
                interval,
                c.parsed.to_string(),
                (c.total - c.parsed).to_string(),
                task.judge.clone(),
            ]);
        }
    }
    section.figure(forest.svg(), "Estimates with their intervals; arrows point to the good end");
    section.table(table);
    section
}

fn details(report: &Report) -> Section {
    let mut section = Section::new(format!("Details: {}", report.manifest.model));
    for dimension in [Dimension::Transparency, Dimension::Accountability] {
        let (met, answered, asked) = tally(&report.checks, dimension);
        if asked > 0 {
            section.paragraph(format!(
                "{}: {met} of {asked} checks met with evidence, {answered} answered.",
                dimension.name()
            ));
        }
    }
    for task in &report.tasks {
        let mut own = Section::new(task.task.clone());
        own.paragraph(task.about.clone());
        for warning in &task.warnings {
            own.warning(warning.clone());
        }
        let c = &task.coverage;
        own.paragraph(format!(
            "{} answers: {} verdicts, {} ambiguous, {} unread, {} missing, {} judge errors, {} held back by a filter.",
            c.total, c.parsed, c.ambiguous, c.unparsed, c.missing, c.judge_errors, task.filtered
        ));
        let mut table = Table::new(["", "value"]);
        let parsed = task.parsed_only.map(|value| ("over verdicts alone".to_owned(), Some(value)));
        let corrected = task
            .corrected
            .as_ref()
            .map(|e| ("corrected for the judge's errors".to_owned(), Some(e.value)));
        let slices =
            task.slices.iter().map(|(name, estimate)| (name.clone(), Some(estimate.value)));
        let all = parsed.into_iter().chain(corrected).chain(task.details.clone()).chain(slices);
        for (name, value) in all {
            table.push([name, value.map_or("–".to_owned(), |value| format!("{value:.3}"))]);
        }
        own.table(table);
        for example in &task.examples {
            let text: String = example.answer.chars().take(300).collect();
            own.code(format!(
                "{}\n→ {text}\n= {:?}",
                example.prompt.chars().take(300).collect::<String>(),
                example.verdict
            ));
        }
        let covered = c.share().map_or("–".to_owned(), percent);
        section.folded(format!("{} ({covered} with a verdict)", task.task), own);
    }
    section
}
