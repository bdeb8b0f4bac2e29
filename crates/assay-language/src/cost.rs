//! What requests cost, and where to stop.

use std::sync::Mutex;

use crate::{BoxFuture, Error, Request, Response, Result, TextModel, Usage};

/// Prices and a cap; wraps a model with [`around`](Self::around).
///
/// A request is sent only if its worst case still fits under the cap: as many prompt tokens as bytes
/// and `max_tokens` for every answer. Afterwards the worst case is replaced by what the server
/// counted; where it counts nothing, or the request failed after it was sent, the worst case stays
/// counted. So the cap holds whatever the concurrency, as long as the server keeps to `max_tokens`
/// and the prices are right.
///
/// ```
/// use assay_language::{CostCap, OfflineModel, Request, TextModel};
/// // 2.50 a million tokens read, 10 a million written, at most 0.001 in all.
/// let model = CostCap::new(2.5e-6, 1e-5, 0.001).around(OfflineModel::new())?;
/// model.ask(&Request::new("Name a river.").with_max_tokens(20))?;
/// assert!(model.spent().cost < 0.001);
/// assert!(model.ask(&Request::new("Name a river.").with_max_tokens(1000)).is_err());
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostCap {
    prompt_token: f64,
    completion_token: f64,
    cap: f64,
    default_completion: u32,
}

impl CostCap {
    /// The price of a token read, of a token written, and the cap, all in one currency. Requests
    /// without `max_tokens` are reckoned with 4096.
    pub fn new(prompt_token: f64, completion_token: f64, cap: f64) -> Self {
        Self { prompt_token, completion_token, cap, default_completion: 4096 }
    }

    /// Sets the tokens that an answer without `max_tokens` may have.
    #[must_use]
    pub fn with_default_completion(self, tokens: u32) -> Self {
        Self { default_completion: tokens, ..self }
    }

    /// A model that counts what `model` costs and stops before the cap.
    ///
    /// # Errors
    /// [`Error::Setting`] for a price or a cap that is negative or not finite.
    pub fn around<M: TextModel>(self, model: M) -> Result<Capped<M>> {
        let prices =
            [("prompt price", self.prompt_token), ("completion price", self.completion_token)];
        for (name, got) in prices.into_iter().chain([("cap", self.cap)]) {
            if !(got.is_finite() && got >= 0.0) {
                return Err(Error::Setting {
                    operation: "cost cap",
                    name,
                    expected: "finite and at least 0",
                    got: got.to_string(),
                });
            }
        }
        Ok(Capped { model, prices: self, state: Mutex::default() })
    }

    fn cost(&self, usage: Usage) -> f64 {
        usage.prompt_tokens as f64 * self.prompt_token
            + usage.completion_tokens as f64 * self.completion_token
    }
}

/// What was spent so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Requests sent.
    pub requests: u64,
    /// Tokens that servers counted.
    pub usage: Usage,
    /// The cost: counted where the server counted, worst cases elsewhere.
    pub cost: f64,
    /// Requests whose cost is a worst case because the server did not count.
    pub uncounted: u64,
}

/// A model whose cost is counted and capped; see [`CostCap`].
#[derive(Debug)]
pub struct Capped<M> {
    model: M,
    prices: CostCap,
    state: Mutex<Spent>,
}

impl<M> Capped<M> {
    /// What was spent so far, requests under way at their worst case.
    pub fn spent(&self) -> Spent {
        *self.state()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<M: TextModel> TextModel for Capped<M> {
    fn id(&self) -> String {
        self.model.id()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let most = request.max_tokens.unwrap_or(self.prices.default_completion);
            let worst = self.prices.cost(Usage {
                prompt_tokens: request.most_prompt_tokens(),
                completion_tokens: u64::from(most) * u64::from(request.count),
            });
            {
                let mut spent = self.state();
                let left = self.prices.cap - spent.cost;
                if worst > left {
                    return Err(Error::CostCap { needed: worst, left, cap: self.prices.cap });
                }
                spent.requests += 1;
                spent.cost += worst;
                spent.uncounted += 1;
            }
            let response = self.model.generate(request).await?;
            if let Some(usage) = response.usage {
                let mut spent = self.state();
                spent.cost += self.prices.cost(usage) - worst;
                spent.uncounted -= 1;
                let sum = &mut spent.usage;
                sum.prompt_tokens = sum.prompt_tokens.saturating_add(usage.prompt_tokens);
                sum.completion_tokens =
                    sum.completion_tokens.saturating_add(usage.completion_tokens);
            }
            Ok(response)
        })
    }
}
