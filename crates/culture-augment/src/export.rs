//! Training files for the formats that people fine-tune with.

use std::io::Write;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pipeline::{Outcome, Step};
use crate::survey::{Answer, SeedQuestion};
use crate::{Error, Result, prompt};

/// One training example with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The culture, as prompts call it.
    pub culture: String,
    /// The user's turn.
    pub prompt: String,
    /// The assistant's turn: the answer's number.
    pub answer: i64,
    /// The seed's id.
    pub seed_id: String,
    /// The seed's topic.
    pub topic: String,
    /// The sentence that the prompt is about.
    pub content: String,
    /// How the sentence came about; `None` for the seed itself.
    pub step: Option<Step>,
    /// The sentence's cosine to the seed; 1 for the seed itself.
    pub similarity: f64,
}

/// What a file of examples looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// OpenAI's chat lines: `{"messages": [system, user, assistant]}`.
    OpenAiChat,
    /// Alpaca: `{"instruction", "input", "output"}`.
    Alpaca,
    /// ShareGPT: `{"conversations": [{"from": "system" | "human" | "gpt", "value"}]}`.
    ShareGpt,
    /// One text: `{"text": "### Question: …\n ### Answer: …"}`, as CultureLLM's Llama files.
    Text,
}

impl Format {
    /// An example as one JSON value.
    pub fn row(self, row: &Row) -> Value {
        let (system, answer) = (prompt::system(&row.culture), row.answer.to_string());
        match self {
            Format::OpenAiChat => json!({"messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": row.prompt},
                {"role": "assistant", "content": answer},
            ]}),
            Format::Alpaca => {
                json!({"instruction": row.prompt, "input": "", "output": answer})
            }
            Format::ShareGpt => json!({"conversations": [
                {"from": "system", "value": system},
                {"from": "human", "value": row.prompt},
                {"from": "gpt", "value": answer},
            ]}),
            Format::Text => {
                json!({"text": format!("### Question: {}\n ### Answer: {answer}", row.prompt)})
            }
        }
    }

    /// Writes one line an example.
    ///
    /// # Errors
    /// [`Error::File`] when `out` refuses, such as on a full disk.
    pub fn write(self, out: &mut impl Write, rows: &[Row]) -> Result<()> {
        lines(out, rows.iter().map(|row| self.row(row).to_string()))
    }
}

/// Writes where every example came from, one JSON line each, in the order of the examples' file.
///
/// # Errors
/// As [`Format::write`].
pub fn write_provenance(out: &mut impl Write, rows: &[Row]) -> Result<()> {
    lines(out, rows.iter().map(|row| json!(row).to_string()))
}

fn lines(out: &mut impl Write, mut lines: impl Iterator<Item = String>) -> Result<()> {
    let done = lines.try_for_each(|line| writeln!(out, "{line}"));
    done.and_then(|()| out.flush()).map_err(|source| Error::File {
        action: "write",
        path: "the training file".into(),
        source,
    })
}

/// The examples of one culture: every seed and its samples with the culture's answer. Seeds whose
/// answer was refused are left out; their ids are returned.
///
/// # Errors
/// [`Error::Length`] when answers and seeds differ in number; as
/// [`prompt::question`].
pub fn rows(
    culture: &str,
    seeds: &[SeedQuestion],
    answers: &[Answer],
    outcome: &Outcome,
) -> Result<(Vec<Row>, Vec<String>)> {
    if seeds.len() != answers.len() {
        let (expected, got) = (seeds.len(), answers.len());
        return Err(Error::Length { operation: "examples", items: "answers", expected, got });
    }
    let of_seed = |(index, (seed, answer)): (usize, (&SeedQuestion, &Answer))| {
        let Some(label) = answer.label else { return Ok(Err(seed.id.clone())) };
        let row = |content: &str, step: Option<Step>, similarity: f64| -> Result<Row> {
            let question = SeedQuestion { content: content.to_owned(), ..seed.clone() };
            Ok(Row {
                culture: culture.to_owned(),
                prompt: prompt::question(&question)?,
                answer: label,
                seed_id: seed.id.clone(),
                topic: seed.topic.clone(),
                content: content.to_owned(),
                step,
                similarity,
            })
        };
        let mut own = vec![row(&seed.content, None, 1.0)?];
        for sample in outcome.of_seed(index) {
            own.push(row(&sample.text, Some(sample.step.clone()), sample.similarity)?);
        }
        Ok(Ok(own))
    };
    let found: Vec<std::result::Result<Vec<Row>, String>> =
        seeds.par_iter().zip(answers).enumerate().map(of_seed).collect::<Result<_>>()?;
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(own) => rows.extend(own),
            Err(id) => refused.push(id),
        }
    }
    Ok((rows, refused))
}

/// CultureLLM-One: the examples of all cultures in one file, shuffled by the seed, so that a batch
/// holds several cultures. (The published file is not shuffled.)
pub fn one_for_all(cultures: Vec<Vec<Row>>, seed: u64) -> Vec<Row> {
    let mut all: Vec<Row> = cultures.into_iter().flatten().collect();
    let mut stream = assay_array::random::stream(seed, "one for all", 0);
    assay_array::random::shuffle(&mut stream, &mut all);
    all
}

/// Splits examples by their seeds: all examples of a seed go to one side, so that no paraphrase of a
/// training sentence is tested. The share is of seeds, stratified by topic: of every topic with at
/// least two seeds, at least one is kept for training, and the rounding evens out over topics.
///
/// # Errors
/// [`Error::Setting`] for a share outside `[0, 1]`.
pub fn split(rows: Vec<Row>, test_share: f64, seed: u64) -> Result<(Vec<Row>, Vec<Row>)> {
    if !(0.0..=1.0).contains(&test_share) {
        return Err(Error::setting("split", "share", "in [0, 1]", test_share));
    }
    let mut topics: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> =
        std::collections::BTreeMap::new();
    for row in &rows {
        topics.entry(&row.topic).or_default().insert(&row.seed_id);
    }
    let mut test = std::collections::BTreeSet::new();
    let (mut seen, mut owed) = (0_usize, 0_usize);
    for (index, ids) in topics.values().enumerate() {
        let mut ids: Vec<&str> = ids.iter().copied().collect();
        let mut stream = assay_array::random::stream(seed, "split", index as u64);
        assay_array::random::shuffle(&mut stream, &mut ids);
        seen += ids.len();
        let due = ((seen as f64 * test_share).round() as usize).saturating_sub(owed);
        let most = if test_share < 1.0 && ids.len() > 1 { ids.len() - 1 } else { ids.len() };
        let take = due.min(most);
        owed += take;
        test.extend(ids.into_iter().take(take).map(str::to_owned));
    }
    Ok(rows.into_iter().partition(|row| !test.contains(&row.seed_id)))
}
