//! Recorded answers of two stand-in models on small questions of our own in every task, to try everything
//! without a model, a network or the benchmark's files.
//!
//! One model refuses too much, the other minds too little; both are made up, and a handful of questions a
//! task says little, as the intervals show.
//!
//! ```
//! let reports = trust_metrics::demo::reports(0)?;
//! assert_eq!(reports.len(), 2);
//! assert!(reports[0].tasks.len() > 40);
//! # Ok::<(), trust_metrics::Error>(())
//! ```

use std::collections::BTreeMap;

use assay_language::HashedEmbedderConfig;
use serde::Deserialize;

use crate::answers::{Answer, hash};
use crate::checklist::checklist;
use crate::evaluate::{Evaluation, TaskReport, evaluate};
use crate::judge::{Judge, Rules};
use crate::measure::ToxicityLexicon;
use crate::report::{Manifest, Report};
use crate::task::{Item, Reader, TaskSpec, catalogue, read_items};
use crate::{Error, Outcome, Result};

/// The names of the two stand-ins.
pub const MODELS: [&str; 2] = ["cautious", "careless"];

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

/// Scores the recorded answers in every task: a report for each of [`MODELS`].
///
/// # Errors
/// None in practice: the answers are part of the crate, and a test reads them.
pub fn reports(seed: u64) -> Result<Vec<Report>> {
    let text = include_str!("recorded.json");
    let recorded: BTreeMap<String, Vec<Recorded>> =
        serde_json::from_str(text).map_err(|error| Error::Line {
            file: "demo/recorded.json".to_owned(),
            line: error.line(),
            expected: "questions with answers by task".to_owned(),
            got: error.to_string(),
        })?;
    let embedder = HashedEmbedderConfig::new().init()?;
    let lexicon = ToxicityLexicon::built_in()?;
    let score = |text: &str| lexicon.score(text);
    let how = Evaluation {
        embedder: Some(&embedder),
        toxicity: Some(&score),
        seed,
        ..Evaluation::default()
    };
    let mut reports = Vec::new();
    for (model, name) in MODELS.into_iter().enumerate() {
        let mut tasks = Vec::new();
        for spec in catalogue()? {
            if let Some(rows) = recorded.get(&spec.id) {
                tasks.push(one_task(&spec, rows, model, &how)?);
            }
        }
        let manifest = Manifest::new(name, &[("recorded.json", text)], how.seed);
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
