use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Request, Response, Result};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whatever answers text with text: a server, a rule, a script, a recording, or one of these behind
/// a cache, a limit or a cap.
///
/// Object safe, so that a program can choose its model at run time (`Arc<dyn TextModel>`). Futures
/// run on any executor: a model that needs a runtime of its own brings it. Dropping the future
/// cancels the request.
///
/// ```
/// use assay_language::{OfflineModel, Request, TextModel};
/// let model = OfflineModel::new();
/// let answer = model.ask(&Request::new("Say only \"yes\" or \"no\": is water wet?"))?;
/// assert!(["yes", "no"].contains(&answer.text()));
/// # Ok::<(), assay_language::Error>(())
/// ```
pub trait TextModel: Send + Sync {
    /// Names the model so that equal names mean equal behaviour: provider, model, version. It is
    /// part of the cache's key and holds no secret.
    fn id(&self) -> String;

    /// Answers a request.
    ///
    /// # Errors
    /// See [`Error`](crate::Error); [`Error::retry`](crate::Error::retry) says whether to ask again.
    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>>;

    /// As [`generate`](Self::generate), and waits for the answer on this thread.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    fn ask(&self, request: &Request) -> Result<Response> {
        pollster::block_on(self.generate(request))
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<M: TextModel + ?Sized> TextModel for $pointer {
            fn id(&self) -> String {
                (**self).id()
            }

            fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
                (**self).generate(request)
            }
        }
    )*};
}

forward!(&M, Box<M>, Arc<M>);
