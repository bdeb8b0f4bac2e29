//! The JSON of OpenAI-compatible servers: what we write exactly, what we read leniently.
//!
//! Only the fields that we use are read; anything else may be missing, new, or of another type. The
//! raw answer is kept in the response.

use serde_json::{Map, Value, json};

use crate::error::excerpt;
use crate::response::{Choice, Finish, TokenLogprob, Usage};
use crate::{Error, Request, Response, Result};

/// Which of the two protocols a server is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// `chat/completions`: messages in, a message out.
    #[default]
    Chat,
    /// `completions`: the messages' texts joined by blank lines in, a text out.
    Completions,
}

impl Api {
    /// The path after the base URL.
    pub fn path(self) -> &'static str {
        match self {
            Api::Chat => "chat/completions",
            Api::Completions => "completions",
        }
    }
}

/// The body that asks `model` for an answer.
pub(crate) fn encode(api: Api, model: &str, request: &Request) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    match api {
        Api::Chat => {
            let messages: Vec<Value> = request
                .messages
                .iter()
                .map(|m| json!({"role": m.role, "content": m.content}))
                .collect();
            body.insert("messages".into(), Value::Array(messages));
            if let Some(top) = request.logprobs {
                body.insert("logprobs".into(), json!(true));
                body.insert("top_logprobs".into(), json!(top));
            }
        }
        Api::Completions => {
            let texts: Vec<&str> = request.messages.iter().map(|m| m.content.as_str()).collect();
            body.insert("prompt".into(), json!(texts.join("\n\n")));
            if let Some(top) = request.logprobs {
                body.insert("logprobs".into(), json!(top));
            }
        }
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    set("temperature", request.temperature.map(|t| json!(t)));
    set("top_p", request.top_p.map(|p| json!(p)));
    set("seed", request.seed.map(|s| json!(s)));
    set("max_tokens", request.max_tokens.map(|n| json!(n)));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("n", (request.count != 1).then(|| json!(request.count)));
    set(
        "response_format",
        request.schema.as_ref().map(|schema| {
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}})
        }),
    );
    for (name, value) in &request.extra {
        body.insert(name.clone(), value.clone());
    }
    Value::Object(body)
}

/// Reads an answer's body of either protocol.
///
/// # Errors
/// [`Error::Decode`] when there is no choice with a text, [`Error::Status`] when a body that came as
/// a success is an error message.
pub(crate) fn decode(body: &str) -> Result<Response> {
    let raw: Value = serde_json::from_str(body)
        .map_err(|_| Error::Decode { expected: "JSON", got: excerpt(body, 120) })?;
    let found = raw.get("choices").and_then(Value::as_array);
    let choices: Vec<Choice> = found.into_iter().flatten().map(choice).collect();
    if choices.is_empty() {
        if let Some(message) = error_message(&raw) {
            let transient = speaks_of_overload(&message);
            let body = excerpt(&message, 200);
            return Err(Error::Status { status: 200, body, retry_after: None, transient });
        }
        let got = excerpt(body, 120);
        return Err(Error::Decode { expected: "an object with choices", got });
    }
    let usage = raw.get("usage").filter(|u| u.is_object()).map(|u| Usage {
        prompt_tokens: u.get("prompt_tokens").and_then(Value::as_u64).unwrap_or(0),
        completion_tokens: u.get("completion_tokens").and_then(Value::as_u64).unwrap_or(0),
    });
    Ok(Response { choices, usage, raw })
}

fn choice(value: &Value) -> Choice {
    let message = value.get("message");
    let content = message.and_then(|m| m.get("content")).or_else(|| value.get("text"));
    let finish = match value.get("finish_reason").and_then(Value::as_str) {
        Some("stop") => Finish::Stop,
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        other => Finish::Other(excerpt(other.unwrap_or(""), 40)),
    };
    let logprobs = value.get("logprobs").map(logprobs).unwrap_or_default();
    Choice { text: content.map(text).unwrap_or_default(), finish, logprobs }
}

/// A content is a text, or parts of which some are texts, or null.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

fn logprobs(value: &Value) -> Vec<TokenLogprob> {
    if let Some(content) = value.get("content").and_then(Value::as_array) {
        return content.iter().map(chat_token).collect();
    }
    // The older protocol: parallel arrays of tokens, numbers and maps.
    let tokens = value.get("tokens").and_then(Value::as_array);
    let numbers = value.get("token_logprobs").and_then(Value::as_array);
    let tops = value.get("top_logprobs").and_then(Value::as_array);
    let tokens = tokens.into_iter().flatten().enumerate();
    tokens
        .map(|(i, token)| TokenLogprob {
            token: token.as_str().unwrap_or("").to_owned(),
            logprob: numbers.and_then(|n| n.get(i)).and_then(finite),
            top: tops
                .and_then(|t| t.get(i))
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(token, number)| Some((token.clone(), finite(number)?)))
                .collect(),
        })
        .collect()
}

fn chat_token(value: &Value) -> TokenLogprob {
    let name = |v: &Value| v.get("token").and_then(Value::as_str).unwrap_or("").to_owned();
    let number = |v: &Value| v.get("logprob").and_then(finite);
    let top = value.get("top_logprobs").and_then(Value::as_array);
    TokenLogprob {
        token: name(value),
        logprob: number(value),
        top: top.into_iter().flatten().filter_map(|v| Some((name(v), number(v)?))).collect(),
    }
}

fn finite(value: &Value) -> Option<f64> {
    value.as_f64().filter(|x| x.is_finite())
}

/// The text of an error body: `{"error": {"message": …}}`, `{"error": …}`, `{"detail": …}` or
/// `{"message": …}`.
fn error_message(raw: &Value) -> Option<String> {
    let error = raw.get("error").or_else(|| raw.get("detail")).or_else(|| raw.get("message"))?;
    let message = error.get("message").unwrap_or(error);
    Some(message.as_str().map_or_else(|| message.to_string(), str::to_owned))
}

/// The error of an answer whose status is no success.
pub(crate) fn status_error(
    status: u16,
    body: &str,
    retry_after: Option<std::time::Duration>,
) -> Error {
    let message = serde_json::from_str(body).ok().and_then(|raw| error_message(&raw));
    let message = message.unwrap_or_else(|| body.to_owned());
    // A quota that is spent also comes as 429, and waiting does not refill it.
    let spent = status == 429 && message.contains("insufficient_quota");
    let transient =
        !spent && (matches!(status, 408 | 409 | 429 | 500..=599) || speaks_of_overload(&message));
    Error::Status { status, body: excerpt(&message, 200), retry_after, transient }
}

fn speaks_of_overload(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["overload", "over capacity", "temporarily unavailable", "try again later"]
        .iter()
        .any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_values_are_read() {
        let body = r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"image"},
            {"type":"text","text":"b"}],"role":"oracle"},"finish_reason":""}],
            "service_tier":"on_demand","usage":{"prompt_tokens":3,"completion_tokens":"many"}}"#;
        let response = decode(body).unwrap();
        assert_eq!(response.text(), "ab");
        assert_eq!(response.choices[0].finish, Finish::Other(String::new()));
        assert_eq!(response.usage, Some(Usage { prompt_tokens: 3, completion_tokens: 0 }));
        let null = decode(r#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#);
        assert_eq!(null.unwrap().choices[0].finish, Finish::Length);
    }

    #[test]
    fn both_forms_of_logprobs_are_read() {
        let chat = decode(
            r#"{"choices":[{"message":{"content":"Hi"},"logprobs":{"content":[{"token":"Hi",
            "logprob":-0.5,"top_logprobs":[{"token":"Hi","logprob":-0.5},{"token":"Yo"}]}]}}]}"#,
        );
        let token = &chat.unwrap().choices[0].logprobs[0];
        assert_eq!((token.logprob, token.top.len()), (Some(-0.5), 1));
        let old = decode(
            r#"{"choices":[{"text":"Hi","logprobs":{"tokens":["H","i"],"token_logprobs":[null,-1],
            "top_logprobs":[null,{"i":-1,"o":-2.5}]}}]}"#,
        );
        let tokens = &old.unwrap().choices[0].logprobs;
        assert_eq!(
            (tokens[0].logprob, tokens[1].logprob, tokens[1].top.len()),
            (None, Some(-1.0), 2)
        );
    }

    #[test]
    fn overload_is_transient_wherever_it_is_said() {
        let transient = |status, body: &str| match status_error(status, body, None) {
            Error::Status { transient, .. } => transient,
            other => panic!("{other}"),
        };
        assert!(transient(400, r#"{"detail":"the model is overloaded"}"#));
        assert!(transient(429, "slow down") && transient(503, "") && transient(409, ""));
        assert!(!transient(400, "bad request") && !transient(401, "no key"));
        assert!(!transient(429, r#"{"error":{"message":"insufficient_quota"}}"#));
        assert!(matches!(
            decode(r#"{"error":{"message":"Overloaded"}}"#),
            Err(Error::Status { status: 200, transient: true, .. })
        ));
    }
}
