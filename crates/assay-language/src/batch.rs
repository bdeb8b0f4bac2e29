//! Files for batch APIs: many requests in one upload, the answers hours later, half the price.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::cache::Key;
use crate::error::excerpt;
use crate::wire::{Api, decode, encode, status_error};
use crate::{Error, Request, Response, Result};

/// A longer line is no answer; it bounds what one line may take.
const MAX_LINE: u64 = 1 << 28;

/// Writes one line a request; equal requests make one line.
///
/// Every line names its request by its [`Key`], so that [`read`] finds the answers whatever their
/// order. Returns the number of lines.
///
/// ```
/// use assay_language::{Api, Request, batch};
/// let requests = [Request::new("a"), Request::new("b"), Request::new("a")];
/// let mut file = Vec::new();
/// assert_eq!(batch::write(&mut file, Api::Chat, "m", &requests)?, 2);
/// # Ok::<(), assay_language::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] when `out` refuses; what [`Request::check`] refuses.
pub fn write(out: &mut impl Write, api: Api, model: &str, requests: &[Request]) -> Result<usize> {
    let mut seen = std::collections::HashSet::new();
    for request in requests {
        request.check()?;
        let key = Key::of(model, request);
        if !seen.insert(key) {
            continue;
        }
        let line = json!({
            "custom_id": key.to_string(),
            "method": "POST",
            "url": format!("/v1/{}", api.path()),
            "body": encode(api, model, request),
        });
        writeln!(out, "{line}").map_err(Error::file("write", Path::new("the batch file")))?;
    }
    Ok(seen.len())
}

/// What a batch's answers hold.
#[derive(Debug)]
pub struct Answers {
    by_key: HashMap<Key, Result<Response>>,
    /// Lines that could not be read, with their numbers from one.
    pub unread: Vec<(usize, String)>,
}

impl Answers {
    /// The answer to a request to that model, if the file has one.
    pub fn get(&self, model: &str, request: &Request) -> Option<&Result<Response>> {
        self.by_key.get(&Key::of(model, request))
    }

    /// Number of requests that the file answers, failures included.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether the file answers nothing.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

/// Reads the answers of a batch: the file of results, the file of errors, or both joined.
///
/// # Errors
/// [`Error::File`] when `input` fails. A line that cannot be read is listed, not fatal.
pub fn read(mut input: impl BufRead) -> Result<Answers> {
    let mut answers = Answers { by_key: HashMap::new(), unread: Vec::new() };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = std::io::Read::take(&mut input, MAX_LINE);
        let read = limited.read_until(b'\n', &mut line);
        if read.map_err(Error::file("read", Path::new("the batch file")))? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match answer(&text) {
            Ok((key, answer)) => {
                answers.by_key.insert(key, answer);
            }
            Err(problem) => answers.unread.push((number, problem)),
        }
    }
    Ok(answers)
}

fn answer(text: &str) -> Result<(Key, Result<Response>), String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    let id = value.get("custom_id").and_then(Value::as_str).unwrap_or("");
    let key =
        Key::parse(id).ok_or_else(|| format!("custom_id `{}` is none of ours", excerpt(id, 70)))?;
    let response = value.get("response").filter(|r| r.is_object());
    let Some(response) = response else {
        let error = value.get("error").map_or_else(|| "no response".to_owned(), Value::to_string);
        return Ok((key, Err(status_error(0, &error, None))));
    };
    let status = response.get("status_code").and_then(Value::as_u64).unwrap_or(200);
    let body = response.get("body").map(Value::to_string).unwrap_or_default();
    let answer = match status {
        200..=299 => decode(&body),
        _ => Err(status_error(u16::try_from(status).unwrap_or(0), &body, None)),
    };
    Ok((key, answer))
}
