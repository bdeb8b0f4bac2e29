use std::sync::{Mutex, PoisonError};

use crate::error::excerpt;
use crate::{BoxFuture, Error, Request, Response, Result, TextModel};

/// A model for tests: answers what a function answers, and remembers what it was asked.
///
/// ```
/// use assay_language::{Request, Response, Scripted, TextModel};
/// let model = Scripted::answers(["one", "two"]);
/// assert_eq!(model.ask(&Request::new("a"))?.text(), "one");
/// assert_eq!(model.ask(&Request::new("b"))?.text(), "two");
/// assert!(model.ask(&Request::new("c")).is_err());
/// assert_eq!(model.asked().len(), 3);
/// # Ok::<(), assay_language::Error>(())
/// ```
pub struct Scripted {
    answer: Box<Answer>,
    asked: Mutex<Vec<Request>>,
}

type Answer = dyn Fn(&Request, usize) -> Result<Response> + Send + Sync;

impl Scripted {
    /// Answers by a function of the request and of how many were asked before it.
    pub fn new(
        answer: impl Fn(&Request, usize) -> Result<Response> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), asked: Mutex::default() }
    }

    /// Gives these answers in turn, then [`Error::NoAnswer`].
    pub fn answers(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        Self::new(move |request, turn| {
            texts.get(turn).map(Response::new).ok_or_else(|| Error::NoAnswer {
                model: "scripted".to_owned(),
                request: excerpt(request.prompt(), 60),
            })
        })
    }

    /// Gives this answer for ever.
    pub fn always(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(move |_, _| Ok(Response::new(&text)))
    }

    /// The requests so far, in the order in which they came.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

impl TextModel for Scripted {
    fn id(&self) -> String {
        "scripted".to_owned()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let turn = {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.push(request.clone());
                asked.len() - 1
            };
            (self.answer)(request, turn)
        })
    }
}
