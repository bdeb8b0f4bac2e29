//! Answers and verdicts as they are kept in files: one JSON object a line.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead, Read as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::task::{Item, TaskSpec};
use crate::{Error, Outcome, Result};

/// One answer of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The task.
    pub task: String,
    /// The item.
    pub item: String,
    /// Which of several answers to the same question.
    #[serde(default)]
    pub sample: u64,
    /// The text; `None` where there is none.
    pub text: Option<String>,
    /// Whether a filter of the server's held the answer back: a refusal of its own kind.
    #[serde(default)]
    pub filtered: bool,
    /// Why there is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The hash of the question, so that an answer to another wording is noticed.
    pub prompt_hash: String,
}

/// What a judge said of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The item.
    pub item: String,
    /// Which of several answers.
    pub sample: u64,
    /// The judge.
    pub judge: String,
    /// The verdict.
    pub outcome: Outcome,
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Reads answers from the text of a file, one a line. A last line that was cut by a crash is left out
/// and reported as `true`.
///
/// # Errors
/// [`Error::Line`] for any other line that is no answer.
pub fn read_answers(file: &str, text: &str) -> Result<(Vec<Answer>, bool)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut answers = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(answer) => answers.push(answer),
            // Only a line without its end can have been cut.
            Err(_) if index + 1 == lines.len() && !text.ends_with('\n') => {
                return Ok((answers, true));
            }
            Err(error) => {
                return Err(Error::Line {
                    file: file.to_owned(),
                    line: index + 1,
                    expected: "an answer".to_owned(),
                    got: error.to_string(),
                });
            }
        }
    }
    Ok((answers, false))
}

/// A longer line is no answer; it bounds what one line may take.
const MOST_LINE: u64 = 1 << 28;

/// The lines of a file one after the other, without their ends.
pub(crate) fn lines(file: &str, mut from: impl BufRead) -> impl Iterator<Item = Result<String>> {
    let (file, mut number, mut ended) = (file.to_owned(), 0, false);
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        number += 1;
        let wrong = |expected: &str, got: String| {
            let (file, expected) = (file.clone(), expected.to_owned());
            Some(Err(Error::Line { file, line: number, expected, got }))
        };
        let mut bytes = Vec::new();
        let read = from.by_ref().take(MOST_LINE).read_until(b'\n', &mut bytes);
        ended = !matches!(read, Ok(1..));
        match read {
            Ok(0) => None,
            Ok(read) if read as u64 == MOST_LINE => {
                ended = true;
                wrong("a line of less than 256 MiB", "more".to_owned())
            }
            Ok(_) => match String::from_utf8(bytes) {
                Ok(line) => Some(Ok(line.trim_start_matches('\u{feff}').to_owned())),
                Err(error) => {
                    ended = true;
                    wrong("UTF-8", error.utf8_error().to_string())
                }
            },
            Err(error) => wrong("a line that can be read", error.to_string()),
        }
    })
}

/// As [`read_answers`], one answer after the other and without holding the file; ends at a last line that
/// was cut, and after an error.
pub fn read_each(file: &str, from: impl BufRead) -> impl Iterator<Item = Result<Answer>> {
    let (mut lines, name) = (lines(file, from).enumerate(), file.to_owned());
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            let (index, line) = lines.next()?;
            let line = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            match serde_json::from_str(&line) {
                Ok(answer) => return Some(Ok(answer)),
                Err(error) => {
                    ended = true;
                    // Only a line without its end can have been cut.
                    return line.ends_with('\n').then(|| {
                        Err(Error::Line {
                            file: name.clone(),
                            line: index + 1,
                            expected: "an answer".to_owned(),
                            got: error.to_string(),
                        })
                    });
                }
            }
        }
        None
    })
}

/// Writes answers, one a line, in the order of task, item and sample: the same answers give the same
/// bytes.
pub fn write_answers(answers: &[Answer]) -> String {
    let mut sorted: Vec<&Answer> = answers.iter().collect();
    sorted.sort_by(|a, b| (&a.task, &a.item, a.sample).cmp(&(&b.task, &b.item, b.sample)));
    let line = |answer: &&Answer| serde_json::to_string(answer).unwrap_or_default() + "\n";
    sorted.iter().map(line).collect()
}

/// The answers of one task beside its items, in the order of the items; `None` where one is missing.
#[derive(Debug, Clone)]
pub struct Answered<'a> {
    /// Items with the answers to them, sample by sample.
    pub pairs: Vec<(&'a Item, u64, Option<&'a Answer>)>,
    /// Answers whose question is worded otherwise now.
    pub stale: u64,
}

/// Pairs items with answers by their ids, never by their places.
///
/// # Errors
/// [`Error::Id`] for two answers to one item and sample, and for an answer to an item that does not
/// exist.
pub fn pair<'a>(
    spec: &TaskSpec,
    items: &'a [Item],
    answers: &'a [Answer],
    samples: u64,
) -> Result<Answered<'a>> {
    let known: HashSet<&str> = items.iter().map(|item| &item.id[..]).collect();
    let mut by_id: HashMap<(&str, u64), &Answer> = HashMap::new();
    for answer in answers.iter().filter(|answer| answer.task == spec.id) {
        let wrong = |problem| Error::Id { task: spec.id.clone(), problem, id: answer.item.clone() };
        if !known.contains(&answer.item[..]) {
            return Err(wrong("an answer is for the unknown item"));
        }
        if by_id.insert((&answer.item, answer.sample), answer).is_some() {
            return Err(wrong("two answers are for the item"));
        }
    }
    let mut stale = 0;
    let mut pairs = Vec::new();
    for item in items {
        let asked = hash(&item.prompt);
        for sample in 0..samples {
            let answer = by_id.get(&(&item.id[..], sample)).copied();
            stale += u64::from(answer.is_some_and(|answer| answer.prompt_hash != asked));
            pairs.push((item, sample, answer));
        }
    }
    Ok(Answered { pairs, stale })
}
