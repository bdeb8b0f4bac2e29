//! Asking a model: bounded, cached, resumed after a crash, and the same bytes for the same answers.

use std::path::Path;

use assay_language::{Finish, Progress, Request, Run, RunConfig, TextModel};
use serde_json::json;

use crate::answers::{Answer, hash, write_answers};
use crate::task::{Item, TaskSpec, utf8};
use crate::{Error, Result};

/// How answers are asked for.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Answers to each question.
    pub samples: u64,
    /// The seed that servers which take one are given.
    pub seed: u64,
    /// The most tokens of an answer.
    pub max_tokens: u32,
    /// How many requests are under way at once, and the switch that stops them.
    pub run: RunConfig,
}

impl Default for Generation {
    fn default() -> Self {
        Self { samples: 1, seed: 0, max_tokens: 512, run: RunConfig::new() }
    }
}

/// Asks a model all questions of a task and keeps the answers in a folder: `answers.jsonl` of the run
/// for the machine, and `TASK.jsonl` in the order of the items, which [`read_answers`] reads.
///
/// Killed at any moment and started again, it asks only what has no answer; a folder of another model,
/// task or wording is refused. A request that fails is an answer without a text, to be asked again by
/// the next start.
///
/// # Errors
/// What the folder or the run refuses; [`Error::File`] where the answers cannot be written.
///
/// [`read_answers`]: crate::answers::read_answers
pub fn generate(
    folder: impl AsRef<Path>,
    spec: &TaskSpec,
    items: &[Item],
    model: &dyn TextModel,
    how: &Generation,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Answer>> {
    let folder = folder.as_ref();
    // Ids and questions in turns, none of which can hold the mark between them.
    let prompts: Vec<&str> =
        items.iter().flat_map(|item| [&item.id[..], &item.prompt[..]]).collect();
    let settings = json!({
        "task": spec.id,
        "model": model.id(),
        "questions": hash(&prompts.join("\u{0}")),
        "samples": how.samples,
        "seed": how.seed,
        "temperature": spec.temperature,
        "max_tokens": how.max_tokens,
    });
    let run = Run::open(folder, &settings)?;
    let places: Vec<(&Item, u64)> =
        items.iter().flat_map(|item| (0..how.samples).map(move |sample| (item, sample))).collect();
    let requests = places.iter().map(|(item, sample)| {
        Request::new(&item.prompt[..])
            .with_temperature(spec.temperature)
            .with_seed(how.seed)
            .with_max_tokens(how.max_tokens)
            .with_sample(*sample)
    });
    let mut answers: Vec<Option<Answer>> = vec![None; places.len()];
    run.each(&how.run, model, requests, |place, reply, now| {
        progress(now);
        if let (Some((item, sample)), Some(slot)) = (places.get(place), answers.get_mut(place)) {
            let mut answer = Answer {
                task: spec.id.clone(),
                item: item.id.clone(),
                sample: *sample,
                text: None,
                filtered: false,
                error: None,
                prompt_hash: hash(&item.prompt),
            };
            match reply {
                Ok(reply) => {
                    answer.filtered =
                        reply.choices.first().is_some_and(|c| c.finish == Finish::ContentFilter);
                    let text = reply.text();
                    answer.text = (!text.trim().is_empty()).then(|| text.to_owned());
                }
                Err(error) => answer.error = Some(error.to_string()),
            }
            *slot = Some(answer);
        }
        Ok(())
    })?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let name = format!("{}.jsonl", spec.id);
    assay_report::write_whole(folder, &[(&name[..], write_answers(&answers))])?;
    Ok(answers)
}

/// Reads the answers of a task that [`generate`] kept.
///
/// # Errors
/// [`Error::File`] where there is no file, [`Error::Line`] where it cannot be read.
pub fn stored(folder: impl AsRef<Path>, spec: &TaskSpec) -> Result<Vec<Answer>> {
    let path = folder.as_ref().join(format!("{}.jsonl", spec.id));
    let file = format!("{}.jsonl", spec.id);
    let bytes =
        std::fs::read(&path).map_err(|source| Error::File { action: "read", path, source })?;
    Ok(crate::answers::read_answers(&file, &utf8(&file, bytes)?)?.0)
}
