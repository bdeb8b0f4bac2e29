//! Requests and tokens a minute.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_timer::Delay;

use crate::{BoxFuture, Error, Request, Response, Result, TextModel};

/// How much a server allows; wraps a model with [`around`](Self::around).
///
/// Each limit is a bucket that holds what `burst` seconds allow and refills evenly, so that no
/// minute, wherever it begins, sees more than `limit · (1 + burst/60)`. A request's tokens are
/// guessed before it is sent (four bytes a token, and all of `max_tokens`) and corrected when the
/// server has counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    requests: Option<f64>,
    tokens: Option<f64>,
    burst: Duration,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimit {
    /// No limit; a burst of one second once there is one.
    pub fn new() -> Self {
        Self { requests: None, tokens: None, burst: Duration::from_secs(1) }
    }

    /// Sets the requests a minute.
    #[must_use]
    pub fn with_requests_per_minute(self, requests: f64) -> Self {
        Self { requests: Some(requests), ..self }
    }

    /// Sets the tokens a minute.
    #[must_use]
    pub fn with_tokens_per_minute(self, tokens: f64) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// Sets how much may be used at once, as a time at the full rate.
    #[must_use]
    pub fn with_burst(self, burst: Duration) -> Self {
        Self { burst, ..self }
    }

    /// A model that asks `model` no faster than allowed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a limit that is not a positive number.
    pub fn around<M: TextModel>(self, model: M) -> Result<RateLimited<M>> {
        let bucket = |name, limit: Option<f64>| match limit {
            None => Ok(None),
            Some(limit) if limit.is_finite() && limit > 0.0 => {
                Ok(Some(Bucket::new(limit / 60.0, self.burst)))
            }
            Some(limit) => Err(Error::Setting {
                operation: "rate limit",
                name,
                expected: "finite and above 0",
                got: limit.to_string(),
            }),
        };
        let requests = bucket("requests per minute", self.requests)?;
        let tokens = bucket("tokens per minute", self.tokens)?;
        Ok(RateLimited { model, start: Instant::now(), buckets: Mutex::new([requests, tokens]) })
    }
}

/// A bucket by its "theoretical arrival time": when it will be full again (GCRA, ITU-T I.371).
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    full_at: f64,
}

impl Bucket {
    fn new(per_second: f64, burst: Duration) -> Self {
        // At least one request must fit into the bucket's slack.
        Self { per_second, burst: burst.as_secs_f64(), full_at: 0.0 }
    }

    /// Takes `amount` at time `now` and says how long to wait first, in seconds.
    fn take(&mut self, amount: f64, now: f64) -> f64 {
        let wait = (self.full_at - self.burst - now).max(0.0);
        self.full_at = self.full_at.max(now) + amount / self.per_second;
        wait
    }

    /// Gives back what was taken too much; a negative amount takes more.
    fn correct(&mut self, amount: f64) {
        self.full_at -= amount / self.per_second;
    }
}

/// A model asked no faster than allowed; see [`RateLimit`].
#[derive(Debug)]
pub struct RateLimited<M> {
    model: M,
    start: Instant,
    buckets: Mutex<[Option<Bucket>; 2]>,
}

impl<M> RateLimited<M> {
    fn buckets(&self) -> std::sync::MutexGuard<'_, [Option<Bucket>; 2]> {
        // Arithmetic cannot panic while the lock is held, so a poisoned lock is still sound.
        self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<M: TextModel> TextModel for RateLimited<M> {
    fn id(&self) -> String {
        self.model.id()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let completion = u64::from(request.max_tokens.unwrap_or(0)) * u64::from(request.count);
            let guess = (request.likely_prompt_tokens() + completion) as f64;
            let wait = {
                let now = self.start.elapsed().as_secs_f64();
                let mut wait = 0.0_f64;
                for (bucket, amount) in self.buckets().iter_mut().zip([1.0, guess]) {
                    if let Some(bucket) = bucket {
                        wait = wait.max(bucket.take(amount, now));
                    }
                }
                wait
            };
            if wait > 0.0 {
                Delay::new(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX)).await;
            }
            let response = self.model.generate(request).await?;
            if let Some(usage) = response.usage
                && let [_, Some(tokens)] = &mut *self.buckets()
            {
                let used = usage.prompt_tokens.saturating_add(usage.completion_tokens) as f64;
                tokens.correct(guess - used);
            }
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_sees_more_than_allowed() {
        // 120 a minute, burst 5 s: clients ask at once and wait as told.
        let mut bucket = Bucket::new(2.0, Duration::from_secs(5));
        let times: Vec<f64> = (0..500).map(|_| bucket.take(1.0, 0.0)).collect();
        assert_eq!(times.iter().filter(|&&t| t == 0.0).count(), 11);
        for &begin in &times {
            let inside = times.iter().filter(|&&t| t >= begin && t < begin + 60.0).count();
            assert!(inside <= 131, "{inside} from {begin}");
        }
        // And the whole rate is used.
        assert!((times[499] - (499.0 / 2.0 - 5.0)).abs() < 1e-9);
    }

    #[test]
    fn corrections_give_time_back() {
        let mut bucket = Bucket::new(1.0, Duration::ZERO);
        assert_eq!(bucket.take(100.0, 0.0), 0.0);
        bucket.correct(90.0);
        assert_eq!(bucket.take(1.0, 0.0), 10.0);
        // An idle bucket does not save up more than its burst.
        assert_eq!(bucket.take(1.0, 1000.0), 0.0);
        assert_eq!(bucket.take(1.0, 1000.0), 1.0);
    }
}
