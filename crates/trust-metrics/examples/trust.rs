//! Scores the recorded answers of two stand-in models, one that refuses too much and one that minds too
//! little, on small fixtures of our own in every task, and writes the reports:
//!
//! ```sh
//! cargo run --release -p trust-metrics --example trust -- --out target/trust
//! ```
//!
//! With `--data FOLDER` (the benchmark's files) the offline stand-in model of `assay-language` is asked
//! instead, in runs that resume; tasks that need a judge are left out and named.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_language::{HashedEmbedderConfig, OfflineModel, TextModel};
use serde::Deserialize;
use trust_metrics::answers::{Answer, hash};
use trust_metrics::checklist::checklist;
use trust_metrics::evaluate::{Evaluation, TaskReport, evaluate};
use trust_metrics::judge::{Judge, Rules};
use trust_metrics::report::{Manifest, Report};
use trust_metrics::run::{Generation, generate};
use trust_metrics::task::{Item, Reader, TaskSpec, catalogue, read_items};
use trust_metrics::{Error, Outcome, Result};

const MODELS: [&str; 2] = ["cautious", "careless"];

/// One question with what both models answered, and what the judge said of it where one is needed.
#[derive(Deserialize)]
struct Recorded {
    item: serde_json::Value,
    answers: [String; 2],
    #[serde(default)]
    judge: Option<[String; 2]>,
}

/// The verdicts that were recorded with the answers.
struct RecordedJudge(BTreeMap<String, String>);

impl Judge for RecordedJudge {
    fn id(&self) -> String {
        "recorded verdicts".to_owned()
    }

    fn judge(&self, item: &Item, _: &str) -> Result<Outcome> {
        Ok(self.0.get(&item.id).map_or(Outcome::Missing, Outcome::label))
    }
}

/// A scorer for the fixtures: rude words. No scorer of toxicity, just enough to show the measure.
fn rude(text: &str) -> Option<f64> {
    let words = text.to_lowercase();
    if words.trim().is_empty() {
        return None;
    }
    Some(if ["fool", "stupid"].iter().any(|word| words.contains(word)) { 0.8 } else { 0.1 })
}

fn main() -> Result<()> {
    let mut out = PathBuf::from("target/trust");
    let mut data = None;
    let mut arguments = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        match &name[..] {
            "--out" => out = PathBuf::from(value),
            "--data" => data = Some(PathBuf::from(value)),
            other => {
                return Err(Error::Setting {
                    operation: "trust",
                    name: "options",
                    expected: "--out FOLDER and --data FOLDER".to_owned(),
                    got: other.to_owned(),
                });
            }
        }
    }
    let reports = match data {
        Some(data) => vec![from_files(&data, &out)?],
        None => recorded()?,
    };
    for report in &reports {
        report.write(out.join(&report.manifest.model))?;
        println!("{}", report.markdown());
    }
    let page = Report::html(&reports)?;
    assay_report::write_whole(&out, &[("index.html", page)])?;
    println!("{}", out.join("index.html").display());
    Ok(())
}

fn recorded() -> Result<Vec<Report>> {
    let text = include_str!("trust.json");
    let recorded: BTreeMap<String, Vec<Recorded>> =
        serde_json::from_str(text).map_err(|error| Error::Line {
            file: "trust.json".to_owned(),
            line: error.line(),
            expected: "questions with answers by task".to_owned(),
            got: error.to_string(),
        })?;
    let embedder = HashedEmbedderConfig::new().init()?;
    let how =
        Evaluation { embedder: Some(&embedder), toxicity: Some(&rude), ..Evaluation::default() };
    let mut reports = Vec::new();
    for (model, name) in MODELS.into_iter().enumerate() {
        let mut tasks = Vec::new();
        for spec in catalogue()? {
            if let Some(rows) = recorded.get(&spec.id) {
                tasks.push(one_task(&spec, rows, model, &how)?);
            }
        }
        let manifest = Manifest::new(name, &[("trust.json", text)], how.seed);
        reports.push(Report::new(manifest, tasks, checklist()));
    }
    Ok(reports)
}

fn one_task(
    spec: &TaskSpec,
    rows: &[Recorded],
    model: usize,
    how: &Evaluation<'_>,
) -> Result<TaskReport> {
    let objects: Vec<&serde_json::Value> = rows.iter().map(|row| &row.item).collect();
    let items = read_items(spec, &serde_json::json!(objects).to_string())?;
    let answers: Vec<Answer> = items
        .iter()
        .zip(rows)
        .map(|(item, row)| Answer {
            task: spec.id.clone(),
            item: item.id.clone(),
            sample: 0,
            text: Some(row.answers[model].clone()),
            filtered: false,
            error: None,
            prompt_hash: hash(&item.prompt),
        })
        .collect();
    if let Reader::Judge { .. } = spec.reader {
        let verdicts = items.iter().zip(rows).filter_map(|(item, row)| {
            row.judge.as_ref().map(|judge| (item.id.clone(), judge[model].clone()))
        });
        return evaluate(spec, &items, &answers, &RecordedJudge(verdicts.collect()), how);
    }
    evaluate(spec, &items, &answers, &Rules::of(spec)?, how)
}

/// The benchmark's own files, answered by the offline stand-in.
fn from_files(data: &Path, out: &Path) -> Result<Report> {
    let model = OfflineModel::new();
    let embedder = HashedEmbedderConfig::new().init()?;
    let how = Evaluation {
        embedder: Some(&embedder),
        toxicity: Some(&rude),
        allow_incomplete: true,
        ..Evaluation::default()
    };
    let mut tasks = Vec::new();
    let mut inputs: BTreeMap<String, String> = BTreeMap::new();
    for spec in catalogue()? {
        let path = data.join(&spec.file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("{}: no {}", spec.id, path.display());
            continue;
        };
        if let Reader::Judge { .. } = spec.reader {
            println!("{}: needs a judge", spec.id);
            continue;
        }
        let items = read_items(&spec, &text)?;
        let folder = out.join("runs").join(&spec.id);
        let answers = generate(folder, &spec, &items, &model, &Generation::default(), |_| {})?;
        match evaluate(&spec, &items, &answers, &Rules::of(&spec)?, &how) {
            Ok(report) => tasks.push(report),
            Err(error) => println!("{}: {error}", spec.id),
        }
        inputs.insert(spec.file.clone(), text);
    }
    let inputs: Vec<(&str, &str)> =
        inputs.iter().map(|(name, text)| (&name[..], &text[..])).collect();
    Ok(Report::new(Manifest::new(model.id(), &inputs, how.seed), tasks, checklist()))
}
