//! A model without weights, for the first minute, for tests and for demonstrations.

mod rules;

use std::sync::Arc;

use assay_array::random::{self, Stream};

use crate::cache::Key;
use crate::response::{Choice, Finish, Usage};
use crate::{BoxFuture, Request, Response, Result, TextModel};

/// Answers by rules, deterministically from its seed and the request.
///
/// It knows nothing: it reads the *form* that a prompt asks for and gives an answer of that form.
/// Out of the box it picks among quoted labels (`just say "A", otherwise, say "B"`), picks a number
/// of a range (`from 1 to 4`), fills a JSON schema, and otherwise repeats a part of the prompt.
/// Further rules come first; a crate that asks for rewrites brings a rule that writes them.
///
/// ```
/// use assay_language::{OfflineModel, Request, TextModel};
/// let model = OfflineModel::new().with_rule(|request, _| {
///     request.prompt().strip_prefix("Shout: ").map(str::to_uppercase)
/// });
/// assert_eq!(model.ask(&Request::new("Shout: hello"))?.text(), "HELLO");
/// let rating = model.ask(&Request::new("Give me the answer from 1 to 4: Is tea good?"))?;
/// assert!(["1", "2", "3", "4"].contains(&rating.text()));
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Clone)]
pub struct OfflineModel {
    seed: u64,
    name: String,
    rules: Vec<Arc<Rule>>,
}

type Rule = dyn Fn(&Request, &mut Stream) -> Option<String> + Send + Sync;

impl OfflineModel {
    /// The rules that the crate brings, seed 0.
    pub fn new() -> Self {
        Self { seed: 0, name: "offline".to_owned(), rules: Vec::new() }
    }

    /// Sets the seed; it matters where the request names none.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the name, which tells models with different rules apart in a cache.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Adds a rule before all rules there are. It answers or leaves the request to the next one; the
    /// stream is its only source of chance.
    #[must_use]
    pub fn with_rule(
        mut self,
        rule: impl Fn(&Request, &mut Stream) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.rules.insert(0, Arc::new(rule));
        self
    }

    fn answer(&self, request: &Request) -> Response {
        let seed = request.seed.unwrap_or(self.seed);
        let key = Key::of(&self.name, request);
        let choices: Vec<Choice> = (0..request.count)
            .map(|index| {
                let mut stream = random::stream(seed ^ key.low(), "offline", u64::from(index));
                let own = self.rules.iter().find_map(|rule| rule(request, &mut stream));
                let text = own.unwrap_or_else(|| rules::answer(request, &mut stream));
                cut(text, request.max_tokens)
            })
            .collect();
        let words = |text: &str| text.split_whitespace().count() as u64;
        let usage = Usage {
            prompt_tokens: request.messages.iter().map(|m| words(&m.content)).sum(),
            completion_tokens: choices.iter().map(|c| words(&c.text)).sum(),
        };
        Response { choices, usage: Some(usage), raw: serde_json::Value::Null }
    }
}

/// Keeps to the limit of tokens; a token of this model is a word with the blanks before it.
fn cut(text: String, max_tokens: Option<u32>) -> Choice {
    let limit = max_tokens.map_or(usize::MAX, |n| n as usize);
    let mut words = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        words += usize::from(!c.is_whitespace() && !inside);
        inside = !c.is_whitespace();
        if words > limit {
            let text = text.get(..at).unwrap_or("").trim_end().to_owned();
            return Choice { text, finish: Finish::Length, logprobs: Vec::new() };
        }
    }
    Choice { text, finish: Finish::Stop, logprobs: Vec::new() }
}

impl Default for OfflineModel {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for OfflineModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfflineModel")
            .field("seed", &self.seed)
            .field("name", &self.name)
            .field("rules", &self.rules.len())
            .finish()
    }
}

impl TextModel for OfflineModel {
    fn id(&self) -> String {
        format!("{} 1, seed {}", self.name, self.seed)
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            request.check()?;
            Ok(self.answer(request))
        })
    }
}
