use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a [`TextModel`](crate::TextModel) answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The answers, as many as the request's `count` where the server kept to it; never none.
    pub choices: Vec<Choice>,
    /// Tokens read and written, where the server counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The server's answer as it came; `null` for models that are not servers.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub raw: Value,
}

impl Response {
    /// One answer that ended by itself.
    pub fn new(text: impl Into<String>) -> Self {
        let choice = Choice { text: text.into(), finish: Finish::Stop, logprobs: Vec::new() };
        Self { choices: vec![choice], usage: None, raw: Value::Null }
    }

    /// The first answer's text; empty if there is none.
    pub fn text(&self) -> &str {
        self.choices.first().map_or("", |c| &c.text)
    }
}

/// One of the answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The text; empty where the server gave none.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// The tokens with their log probabilities, where asked for and given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<TokenLogprob>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// By itself or at a stop text.
    Stop,
    /// At the limit of tokens: the text is cut.
    Length,
    /// A filter of the server's held it back.
    ContentFilter,
    /// The server did not say, or said it in a way not known here.
    Other(String),
}

/// One token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// Its natural log probability; at most 0, `None` where the server gave none that is a number.
    pub logprob: Option<f64>,
    /// The most probable tokens at this place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(String, f64)>,
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens of all answers.
    pub completion_tokens: u64,
}
