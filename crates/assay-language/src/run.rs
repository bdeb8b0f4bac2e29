//! Many requests at once.

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::{Cancel, Error, Request, Response, Result, TextModel};

/// How to put many requests to a model.
///
/// At most [`with_concurrency`](Self::with_concurrency) requests are under way; the next is taken
/// from the iterator when one has ended, so that memory depends on the concurrency and not on the
/// number of requests.
///
/// ```
/// use assay_language::{OfflineModel, Request, RunConfig};
/// let requests = (0..100).map(|i| Request::new(format!("between 0 and {i}")));
/// let mut done = 0;
/// let answers = RunConfig::new()
///     .with_concurrency(8)
///     .collect(&OfflineModel::new(), requests, |progress| done = progress.done)?;
/// assert_eq!((answers.len(), done), (100, 100));
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RunConfig {
    concurrency: usize,
    cancel: Cancel,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Requests answered or failed.
    pub done: u64,
    /// Requests failed.
    pub failed: u64,
    /// Requests under way.
    pub under_way: usize,
    /// Tokens read and written as far as servers counted them.
    pub tokens: u64,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl RunConfig {
    /// Sixteen requests at once, and a switch that nobody holds.
    pub fn new() -> Self {
        Self { concurrency: 16, cancel: Cancel::new() }
    }

    /// Sets how many requests are under way at once; 0 counts as 1.
    #[must_use]
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), ..self }
    }

    /// Sets the switch that stops the run.
    #[must_use]
    pub fn with_cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// Whether the run was stopped.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Asks every request and hands each answer to `each` with the request's place, in the order in
    /// which answers come. Returns the final count.
    ///
    /// When the run is cancelled, requests under way are dropped, no further one is taken, and those
    /// dropped get [`Error::Cancelled`].
    ///
    /// # Errors
    /// What `each` returns as an error ends the run; failed requests do not.
    pub fn each(
        &self,
        model: &dyn TextModel,
        requests: impl IntoIterator<Item = Request>,
        each: impl FnMut(usize, Result<Response>, Progress) -> Result<()>,
    ) -> Result<Progress> {
        pollster::block_on(self.each_async(model, requests, each))
    }

    /// As [`each`](Self::each), on the caller's executor.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub async fn each_async(
        &self,
        model: &dyn TextModel,
        requests: impl IntoIterator<Item = Request>,
        mut each: impl FnMut(usize, Result<Response>, Progress) -> Result<()>,
    ) -> Result<Progress> {
        let ask = async |index: usize, request: Request| {
            let answer = match request.check() {
                Ok(()) => match select(model.generate(&request), self.cancel.cancelled()).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => Err(Error::Cancelled),
                },
                Err(error) => Err(error),
            };
            (index, answer)
        };
        let mut requests = requests.into_iter().enumerate();
        let mut under_way = FuturesUnordered::new();
        let mut progress = Progress::default();
        loop {
            while under_way.len() < self.concurrency && !self.cancel.is_cancelled() {
                let Some((index, request)) = requests.next() else { break };
                under_way.push(ask(index, request));
            }
            let Some((index, answer)) = under_way.next().await else { return Ok(progress) };
            progress.done += 1;
            progress.under_way = under_way.len();
            match &answer {
                Ok(Response { usage: Some(usage), .. }) => {
                    let tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
                    progress.tokens = progress.tokens.saturating_add(tokens);
                }
                Ok(_) => {}
                Err(_) => progress.failed += 1,
            }
            each(index, answer, progress)?;
        }
    }

    /// As [`each`](Self::each), and gives all answers in the order of the requests.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the run was cancelled before every request was taken.
    pub fn collect(
        &self,
        model: &dyn TextModel,
        requests: impl IntoIterator<Item = Request>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Vec<Result<Response>>> {
        let mut answers: Vec<Option<Result<Response>>> = Vec::new();
        self.each(model, requests, |index, answer, now| {
            if answers.len() <= index {
                answers.resize_with(index + 1, || None);
            }
            if let Some(place) = answers.get_mut(index) {
                *place = Some(answer);
            }
            progress(now);
            Ok(())
        })?;
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(answers.into_iter().map(|a| a.unwrap_or(Err(Error::Cancelled))).collect())
    }
}
