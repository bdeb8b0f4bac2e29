use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::excerpt;
use crate::{Error, Result};

const OPERATION: &str = "request";
/// More choices than any server gives; bounds what an answer may hold.
const MAX_COUNT: u32 = 128;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sets the scene.
    System,
    /// Asks.
    User,
    /// Answered earlier.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; any Unicode, control characters and braces included.
    pub content: String,
}

/// What a [`TextModel`](crate::TextModel) is asked.
///
/// Settings left out are the server's defaults. Two requests with equal fields are the same
/// question: the cache answers the second. To draw several answers to one prompt, give each its own
/// [`sample`](Self::with_sample).
///
/// ```
/// use assay_language::Request;
/// let request = Request::new("Name a river.").with_system("Be brief.").with_temperature(0.7);
/// assert_eq!(request.prompt(), "Name a river.");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Softmax temperature, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling's probability mass, in `(0, 1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The sampler's seed, for servers that take one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Most tokens of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Texts that end an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Ask for this many most probable tokens with their log probabilities at every place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u8>,
    /// Number of answers, from 1 to 128.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
    /// A JSON schema that the answer must satisfy, for servers that take one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Which draw this is; never sent, but part of the request's identity.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sample: u64,
    /// Further fields of the server's dialect, sent as they are.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(sample: &u64) -> bool {
    *sample == 0
}

impl Request {
    /// One question from the user.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self::conversation(vec![Message { role: Role::User, content: prompt.into() }])
    }

    /// A conversation so far.
    pub fn conversation(messages: Vec<Message>) -> Self {
        Self {
            messages,
            temperature: None,
            top_p: None,
            seed: None,
            max_tokens: None,
            stop: Vec::new(),
            logprobs: None,
            count: 1,
            schema: None,
            sample: 0,
            extra: Map::new(),
        }
    }

    /// Puts a system message first.
    #[must_use]
    pub fn with_system(mut self, content: impl Into<String>) -> Self {
        self.messages.insert(0, Message { role: Role::System, content: content.into() });
        self
    }

    /// Sets the temperature.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature: Some(temperature), ..self }
    }

    /// Sets nucleus sampling's mass.
    #[must_use]
    pub fn with_top_p(self, top_p: f64) -> Self {
        Self { top_p: Some(top_p), ..self }
    }

    /// Sets the sampler's seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Sets the most tokens of one answer.
    #[must_use]
    pub fn with_max_tokens(self, max_tokens: u32) -> Self {
        Self { max_tokens: Some(max_tokens), ..self }
    }

    /// Sets the texts that end an answer.
    #[must_use]
    pub fn with_stop(self, stop: Vec<String>) -> Self {
        Self { stop, ..self }
    }

    /// Asks for log probabilities with the `top` most probable tokens.
    #[must_use]
    pub fn with_logprobs(self, top: u8) -> Self {
        Self { logprobs: Some(top), ..self }
    }

    /// Sets the number of answers.
    #[must_use]
    pub fn with_count(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// Sets the JSON schema of the answer.
    #[must_use]
    pub fn with_schema(self, schema: Value) -> Self {
        Self { schema: Some(schema), ..self }
    }

    /// Sets which draw this is.
    #[must_use]
    pub fn with_sample(self, sample: u64) -> Self {
        Self { sample, ..self }
    }

    /// Adds a field of the server's dialect.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extra.insert(name.into(), value);
        self
    }

    /// The last thing that the user said; empty if the user said nothing.
    pub fn prompt(&self) -> &str {
        let last = self.messages.iter().rev().find(|m| m.role == Role::User);
        last.map_or("", |m| &m.content)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Empty`] without messages, [`Error::Setting`] for a setting outside its range.
    pub fn check(&self) -> Result<()> {
        if self.messages.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "message" });
        }
        let setting = |name, expected, got: String| {
            Err(Error::Setting { operation: OPERATION, name, expected, got })
        };
        if let Some(t) = self.temperature
            && !(t.is_finite() && t >= 0.0)
        {
            return setting("temperature", "finite and at least 0", t.to_string());
        }
        if let Some(p) = self.top_p
            && !(p > 0.0 && p <= 1.0)
        {
            return setting("top_p", "in (0, 1]", p.to_string());
        }
        if !(1..=MAX_COUNT).contains(&self.count) {
            return setting("count", "from 1 to 128", self.count.to_string());
        }
        if self.max_tokens == Some(0) {
            return setting("max_tokens", "at least 1", "0".to_owned());
        }
        Ok(())
    }

    /// The beginning of the prompt, for messages.
    pub(crate) fn excerpt(&self) -> String {
        format!("`{}`", excerpt(self.prompt(), 60))
    }

    /// An upper bound on the prompt's tokens: a byte-level tokeniser gives at most one token a byte,
    /// and chat formats add a few a message.
    pub(crate) fn most_prompt_tokens(&self) -> u64 {
        self.messages.iter().map(|m| m.content.len() as u64 + 8).sum::<u64>() + 8
    }

    /// A guess of the prompt's tokens for rate limits: four bytes a token, as in English.
    pub(crate) fn likely_prompt_tokens(&self) -> u64 {
        self.messages.iter().map(|m| m.content.len() as u64 / 4 + 4).sum()
    }
}
