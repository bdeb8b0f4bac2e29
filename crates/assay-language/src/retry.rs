//! Timeouts and further attempts.

use std::time::{Duration, Instant};

use assay_array::random;
use futures_timer::Delay;
use futures_util::future::{Either, select};

use crate::cache::Key;
use crate::{BoxFuture, Error, Request, Response, Result, Retry, TextModel};

/// How often and how long to try; wraps a model with [`around`](Self::around).
///
/// The wait before attempt `k + 1` is drawn uniformly from `[b/2, b]` with `b = min(most, first · 2^k)`
/// (jitter, so that many clients do not come back at once), but never less than what the server
/// asked for with `Retry-After`. The draw depends on the seed, the request and `k` alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    first: Duration,
    most: Duration,
    longest: Duration,
    timeout: Duration,
    seed: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryPolicy {
    /// Six attempts of at most 120 s each, waits from 0.5 s up to 30 s; a server that asks for more
    /// than five minutes is not waited for.
    pub fn new() -> Self {
        Self {
            attempts: 6,
            first: Duration::from_millis(500),
            most: Duration::from_secs(30),
            longest: Duration::from_mins(5),
            timeout: Duration::from_mins(2),
            seed: 0,
        }
    }

    /// Sets the number of attempts, the first included; 0 counts as 1.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..self }
    }

    /// Sets the first wait and the longest wait of our own choosing.
    #[must_use]
    pub fn with_waits(self, first: Duration, most: Duration) -> Self {
        Self { first, most, ..self }
    }

    /// Sets the longest `Retry-After` that is honoured; a longer one ends the attempts.
    #[must_use]
    pub fn with_longest_retry_after(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Sets the time that one attempt may take.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the seed of the jitter.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// A model that asks `model` by this policy.
    pub fn around<M: TextModel>(self, model: M) -> Retrying<M> {
        Retrying { model, policy: self }
    }

    /// The wait after failed attempt `attempt` (from 0) for this request.
    fn wait(&self, attempt: u32, key: &Key, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempt.min(30)));
        let bound = doubled.min(self.most);
        let mut stream = random::stream(self.seed ^ key.low(), "retry", u64::from(attempt));
        let own = bound.mul_f64(0.5 + 0.5 * random::uniform(&mut stream));
        own.max(asked.unwrap_or(Duration::ZERO))
    }
}

/// A model asked again when it fails; see [`RetryPolicy`].
#[derive(Debug)]
pub struct Retrying<M> {
    model: M,
    policy: RetryPolicy,
}

impl<M: TextModel> TextModel for Retrying<M> {
    fn id(&self) -> String {
        self.model.id()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let key = Key::of(&self.model.id(), request);
            let mut attempt = 0;
            loop {
                let answer = within(self.policy.timeout, self.model.generate(request)).await;
                let error = match answer {
                    Ok(response) => return Ok(response),
                    Err(error) => error,
                };
                attempt += 1;
                let asked = match error.retry() {
                    Retry::After(asked) if asked.is_none_or(|t| t <= self.policy.longest) => asked,
                    _ => return Err(error),
                };
                if attempt >= self.policy.attempts {
                    return Err(Error::Exhausted { attempts: attempt, last: Box::new(error) });
                }
                Delay::new(self.policy.wait(attempt - 1, &key, asked)).await;
            }
        })
    }
}

/// The future's result, or [`Error::Timeout`] after `limit`; the future is then dropped.
async fn within<T>(limit: Duration, future: impl Future<Output = Result<T>> + Unpin) -> Result<T> {
    // A limit beyond the clock's range is no limit.
    if Instant::now().checked_add(limit).is_none() {
        return future.await;
    }
    match select(future, Delay::new(limit)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(Error::Timeout { limit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_bounds_and_honour_the_server() {
        let policy = RetryPolicy::new();
        let key = Key::of("m", &Request::new("x"));
        for attempt in 0..40 {
            let bound = Duration::from_millis(500) * 2_u32.pow(attempt.min(6));
            let bound = bound.min(Duration::from_secs(30));
            let wait = policy.wait(attempt, &key, None);
            assert!(wait >= bound / 2 && wait <= bound, "attempt {attempt}: {wait:?}");
            assert_eq!(wait, policy.wait(attempt, &key, None));
        }
        assert_ne!(policy.wait(3, &key, None), policy.with_seed(1).wait(3, &key, None));
        let asked = Duration::from_secs(77);
        assert_eq!(policy.wait(0, &key, Some(asked)), asked);
    }
}
