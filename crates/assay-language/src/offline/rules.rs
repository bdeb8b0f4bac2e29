//! Answers by the form that a prompt asks for.

use assay_array::random::{Stream, below, uniform};
use serde_json::{Map, Value, json};

use crate::Request;

/// Deeper schemas than this are filled with null; it bounds recursion.
const MAX_DEPTH: usize = 16;
/// Arrays of the offline model are short whatever the schema asks.
const MAX_ITEMS: u64 = 64;

/// The answer of the first rule that fits.
pub(super) fn answer(request: &Request, stream: &mut Stream) -> String {
    if let Some(schema) = &request.schema {
        return filled(schema, stream, 0).to_string();
    }
    let prompt = request.prompt();
    if let Some(label) = label(prompt, stream) {
        return label;
    }
    if let Some(number) = number(prompt, stream) {
        return number;
    }
    echo(prompt)
}

/// One of the labels of `say "A", otherwise, say "B"` or `"A" or "B"`.
fn label(prompt: &str, stream: &mut Stream) -> Option<String> {
    let lower = prompt.to_ascii_lowercase();
    if !(lower.contains("say") || lower.contains("answer") || lower.contains("choose")) {
        return None;
    }
    // Labels stand in the instruction, which is the part before the first colon.
    let head = prompt.split_once(':').map_or(prompt, |(head, _)| head);
    let rest = prompt.get(head.len()..).unwrap_or("");
    let mut labels = quoted(head);
    if labels.len() < 2 {
        labels = quoted(rest);
    }
    labels.dedup();
    if labels.len() < 2 {
        return None;
    }
    labels.get(below(stream, labels.len())).map(|label| (*label).to_owned())
}

/// The texts between double quotes, each short.
fn quoted(text: &str) -> Vec<&str> {
    let parts = text.split('"').skip(1).step_by(2);
    parts.filter(|part| !part.is_empty() && part.len() <= 40 && !part.contains('\n')).collect()
}

/// A whole number of the range in `from A to B` or `between A and B`.
fn number(prompt: &str, stream: &mut Stream) -> Option<String> {
    let words: Vec<&str> = prompt
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '-'))
        .collect();
    words.windows(4).find_map(|w| {
        let [from, low, to, high] = w else { return None };
        let ends = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        if !matches!((ends.0.as_str(), ends.1.as_str()), ("from", "to") | ("between", "and")) {
            return None;
        }
        let (low, high): (i32, i32) = (low.parse().ok()?, high.parse().ok()?);
        let (low, high) = (i64::from(low.min(high)), i64::from(low.max(high)));
        let span = usize::try_from(high - low + 1).unwrap_or(1);
        Some(low.saturating_add_unsigned(below(stream, span) as u64).to_string())
    })
}

/// The last line that says something, without its instruction.
fn echo(prompt: &str) -> String {
    let line = prompt.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("");
    line.rsplit_once(": ").map_or(line, |(_, after)| after).to_owned()
}

/// A value that satisfies the common part of a JSON schema: types, `enum`, `const`, `properties`,
/// `items`, `minimum` and `maximum`.
fn filled(schema: &Value, stream: &mut Stream, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array)
        && let Some(option) = options.get(below(stream, options.len()))
    {
        return option.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    };
    let bound =
        |name: &str, default: f64| schema.get(name).and_then(Value::as_f64).unwrap_or(default);
    match kind {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let fields: Map<String, Value> = properties
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), filled(schema, stream, depth + 1)))
                .collect();
            Value::Object(fields)
        }
        "array" => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).min(MAX_ITEMS);
            let items = schema.get("items").unwrap_or(&Value::Null);
            Value::Array((0..least).map(|_| filled(items, stream, depth + 1)).collect())
        }
        "integer" => {
            let low = bound("minimum", 0.0).ceil();
            let high = bound("maximum", low + 9.0).floor().max(low);
            let span = (high - low).min(1e9) as usize;
            json!((low + below(stream, span + 1) as f64) as i64)
        }
        "number" => {
            let low = bound("minimum", 0.0);
            let high = bound("maximum", low + 1.0).max(low);
            json!(low + uniform(stream) * (high - low))
        }
        "boolean" => json!(below(stream, 2) == 1),
        "null" => Value::Null,
        _ => json!("offline"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_array::random::stream;
    use proptest::prelude::*;

    #[test]
    fn schemas_are_satisfied() {
        let schema = json!({"type": "object", "properties": {
            "answer": {"enum": ["yes", "no"]},
            "score": {"type": "integer", "minimum": 3, "maximum": 5},
            "tags": {"type": "array", "minItems": 2, "items": {"type": "string"}},
        }});
        let request = Request::new("x").with_schema(schema);
        for index in 0..20 {
            let text = answer(&request, &mut stream(1, "test", index));
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(["yes", "no"].contains(&value["answer"].as_str().unwrap()));
            assert!((3..=5).contains(&value["score"].as_i64().unwrap()));
            assert_eq!(value["tags"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn labels_and_numbers_are_picked() {
        let mut rng = stream(0, "test", 0);
        let prompt = "if the following sentence is offensive, just say \"OFF\", otherwise, say \
                      \"NOT_OFF\" without explanation: \"what\" a day";
        for _ in 0..10 {
            let request = Request::new(prompt);
            assert!(["OFF", "NOT_OFF"].contains(&answer(&request, &mut rng).as_str()));
        }
        assert_eq!(answer(&Request::new("Translate: hello there"), &mut rng), "hello there");
        assert_eq!(answer(&Request::new("between -3 and -3"), &mut rng), "-3");
    }

    proptest! {
        #[test]
        fn any_prompt_has_an_answer(prompt in ".{0,200}", index: u64) {
            answer(&Request::new(prompt), &mut stream(0, "test", index));
        }
    }
}
