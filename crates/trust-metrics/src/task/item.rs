use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TaskSpec;
use super::prepare::prepare;
use crate::{Error, Result};

/// One question of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The name within the task: the field `id` where there is one, else the place in the file.
    pub id: String,
    /// What the model is asked.
    pub prompt: String,
    /// All fields of the item.
    pub fields: BTreeMap<String, Value>,
}

impl Item {
    /// A field as text: numbers and flags as they are written, the texts of a list with `; ` between,
    /// the question of a SQuAD record.
    pub fn text(&self, field: &str) -> Option<String> {
        match self.fields.get(field)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(list) => {
                let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("; "))
            }
            // The adversarial questions of the misinformation task stand in such a record.
            record @ Value::Object(_) => {
                record.pointer("/paragraphs/0/qas/0/question")?.as_str().map(str::to_owned)
            }
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// A field as a number.
    pub fn number(&self, field: &str) -> Option<f64> {
        let value = self.fields.get(field)?;
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        number.filter(|number| number.is_finite())
    }

    /// A field that must be there, as text.
    ///
    /// # Errors
    /// [`Error::Field`] where it is not.
    pub fn required(&self, task: &str, field: &str) -> Result<String> {
        self.text(field).ok_or_else(|| Error::Field {
            task: task.to_owned(),
            item: self.id.clone(),
            field: field.to_owned(),
            expected: "a text",
            got: self.fields.get(field).map_or("nothing".to_owned(), Value::to_string),
        })
    }
}

/// Reads the items of a task from the text of its file: a JSON list of objects, or one object a line.
///
/// Items that the task does not select are left out. A byte order mark is skipped. Where the right option of
/// every question stands first in the file (`hallucination-choice`), the options are shuffled, each question's
/// by the hash of its own text: the same file gives the same prompts.
///
/// # Errors
/// [`Error::Line`] with the line where the file is no such list, [`Error::Field`] for an item without
/// a prompt or a required field, [`Error::Id`] for two items with one id, [`Error::Empty`] where
/// nothing is selected.
pub fn read_items(spec: &TaskSpec, text: &str) -> Result<Vec<Item>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let objects = if text.trim_start().starts_with('[') {
        let list: Vec<Value> = serde_json::from_str(text).map_err(|error| line(spec, &error, 0))?;
        list
    } else {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, text)| {
                serde_json::from_str(text).map_err(|error| line(spec, &error, index))
            })
            .collect::<Result<_>>()?
    };
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for (place, object) in objects.into_iter().enumerate() {
        let Value::Object(fields) = object else {
            return Err(Error::Line {
                file: spec.file.clone(),
                line: place + 1,
                expected: "an object in the list".to_owned(),
                got: object.to_string().chars().take(60).collect(),
            });
        };
        let mut item = Item {
            id: format!("{place}"),
            prompt: String::new(),
            fields: fields.into_iter().collect(),
        };
        if let Some(id) = item.text("id") {
            item.id = id;
        }
        let selected = spec
            .select
            .iter()
            .all(|(field, texts)| item.text(field).is_some_and(|text| texts.contains(&text)));
        if !selected {
            continue;
        }
        item.prompt = item.required(&spec.id, "prompt")?;
        prepare(spec, &mut item)?;
        for field in &spec.required {
            item.required(&spec.id, field)?;
        }
        if !seen.insert(item.id.clone()) {
            return Err(Error::Id {
                task: spec.id.clone(),
                problem: "two items are called",
                id: item.id,
            });
        }
        items.push(item);
    }
    if items.is_empty() {
        return Err(Error::Empty { operation: "reading items", item: "selected item" });
    }
    Ok(items)
}

/// Reads the items of a task from its file in the folder of the data set, and the file's text.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, [`Error::Line`] with the line of the first byte that is not
/// UTF-8, and those of [`read_items`].
pub fn read_items_file(folder: impl AsRef<Path>, spec: &TaskSpec) -> Result<(Vec<Item>, String)> {
    let path = folder.as_ref().join(&spec.file);
    let bytes =
        std::fs::read(&path).map_err(|source| Error::File { action: "read", path, source })?;
    let text = utf8(&spec.file, bytes)?;
    Ok((read_items(spec, &text)?, text))
}

/// Bytes as text, or the line of the first byte that is none.
pub(crate) fn utf8(file: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let (valid, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        Error::Line {
            file: file.to_owned(),
            line: bytes[..valid].split(|byte| *byte == b'\n').count(),
            expected: "UTF-8".to_owned(),
            got: bytes
                .get(valid)
                .map_or("the end".to_owned(), |byte| format!("the byte {byte:#04x}")),
        }
    })
}

/// `before` lines stand before the text that was read.
fn line(spec: &TaskSpec, error: &serde_json::Error, before: usize) -> Error {
    Error::Line {
        file: spec.file.clone(),
        line: before + error.line().max(1),
        expected: "JSON".to_owned(),
        got: error.to_string(),
    }
}
