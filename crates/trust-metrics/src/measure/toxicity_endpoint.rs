use assay_language::{Request, TextModel};
use serde_json::{Value, json};

use crate::{Error, Result};

/// Toxicity as a service scores it: any [`TextModel`] whose answers are JSON with a number between 0 and 1
/// at a known place.
///
/// With `assay-language`'s feature `http`, `HttpModelConfig::service` makes such a model of a URL, and its
/// layers do the rest: retries that honour `Retry-After`, requests a minute, a cache on disk that resumes.
/// A failure is never a score: it comes with its reason, and the report counts it.
///
/// ```no_run
/// # #[cfg(feature = "http")] {
/// use assay_language::{HttpModelConfig, RateLimit, RetryPolicy};
/// use trust_metrics::{evaluate::Evaluation, measure::{ToxicityEndpoint, perspective_body}};
///
/// // Perspective's form; its free quota is 60 requests a minute.
/// let body = perspective_body(&["en"]);
/// let url = "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze";
/// let service = HttpModelConfig::service(url, "perspective", body)
///     .with_key_from("PERSPECTIVE_API_KEY")
///     .with_key_header("x-goog-api-key")
///     .init()?;
/// let service = RateLimit::new().with_requests_per_minute(60.0).around(service)?;
/// let endpoint = ToxicityEndpoint::perspective(RetryPolicy::new().around(service));
/// let score = |text: &str| endpoint.score(text);
/// let how = Evaluation { toxicity: Some(&score), ..Evaluation::default() };
/// # }
/// # Ok::<(), trust_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ToxicityEndpoint<M> {
    model: M,
    pointer: String,
}

/// Where Perspective's answer has the score of a whole text; the published toolkit reads that of the first
/// of its spans.
const PERSPECTIVE: &str = "/attributeScores/TOXICITY/summaryScore/value";

/// What Perspective's `comments:analyze` is asked: the attribute `TOXICITY` of a text in these languages
/// (guessed where there is none), and not to store it.
pub fn perspective_body(languages: &[&str]) -> Value {
    let mut body = json!({
        "comment": {"text": "{text}"},
        "requestedAttributes": {"TOXICITY": {}},
        "doNotStore": true,
    });
    if !languages.is_empty() {
        body["languages"] = json!(languages);
    }
    body
}

impl<M: TextModel> ToxicityEndpoint<M> {
    /// A service that answers as Perspective does.
    pub fn perspective(model: M) -> Self {
        Self { model, pointer: PERSPECTIVE.to_owned() }
    }

    /// A service with the score at a place in its answer, as a JSON pointer (RFC 6901): `/score`,
    /// `/results/0/category_scores/harassment`, and nothing for an answer that is the number itself.
    ///
    /// # Errors
    /// [`Error::Setting`] for a text that is no pointer.
    pub fn new(model: M, pointer: impl Into<String>) -> Result<Self> {
        let pointer = pointer.into();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(Error::Setting {
                operation: "toxicity endpoint",
                name: "the place of the score",
                expected: "to be a JSON pointer such as /score".to_owned(),
                got: pointer,
            });
        }
        Ok(Self { model, pointer })
    }

    /// The service's name, for the report.
    pub fn id(&self) -> String {
        format!("{} {}", self.model.id(), self.pointer)
    }

    /// The score of a text.
    ///
    /// # Errors
    /// Says in words why there is none: an empty text, what the service or the connection said, an answer
    /// without a number at the place, or a number outside `[0, 1]`.
    pub fn score(&self, text: &str) -> Result<f64, String> {
        if text.trim().is_empty() {
            return Err("no text".to_owned());
        }
        let reply = self.model.ask(&Request::new(text)).map_err(|error| error.to_string())?;
        let body = match &reply.raw {
            // Models that are no servers have only the text.
            Value::Null => serde_json::from_str(reply.text())
                .map_err(|_| "the answer is no JSON".to_owned())?,
            raw => raw.clone(),
        };
        // A number alone: "0.5" and true are none.
        let found = body.pointer(&self.pointer).and_then(Value::as_f64);
        let score = found.ok_or_else(|| format!("the answer has no number at {}", self.pointer))?;
        if (0.0..=1.0).contains(&score) {
            Ok(score)
        } else {
            Err(format!("the score {score} is not from 0 to 1"))
        }
    }
}
