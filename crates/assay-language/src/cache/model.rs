use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::lock::Mutex as AsyncMutex;

use super::{Cache, Key};
use crate::{BoxFuture, Error, Request, Response, Result, TextModel};

/// A model whose answers are kept: the same question is asked once.
///
/// Questions that are under way are waited for, so that a run with many equal requests asks each
/// once, too. Errors are not kept.
#[derive(Debug)]
pub struct Cached<M> {
    model: M,
    cache: Arc<Cache>,
    under_way: Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>,
}

impl<M: TextModel> Cached<M> {
    /// Keeps the answers of `model` in `cache`.
    pub fn new(model: M, cache: Arc<Cache>) -> Self {
        Self { model, cache, under_way: Mutex::default() }
    }

    /// The cache.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    fn gate(&self, key: Key) -> Gate<'_, M> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Arc::clone(under_way.entry(key).or_default());
        Gate { of: self, key, lock: Some(lock) }
    }
}

/// Removes the lock of a question when nobody waits for it any more.
struct Gate<'a, M> {
    of: &'a Cached<M>,
    key: Key,
    lock: Option<Arc<AsyncMutex<()>>>,
}

impl<M> Drop for Gate<'_, M> {
    fn drop(&mut self) {
        let mut under_way = self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock = None;
        if under_way.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            under_way.remove(&self.key);
        }
    }
}

impl<M: TextModel> TextModel for Cached<M> {
    fn id(&self) -> String {
        self.model.id()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let id = self.model.id();
            let key = Key::of(&id, request);
            if let Some(response) = self.cache.get(&key)? {
                return Ok(response);
            }
            let gate = self.gate(key);
            let lock = gate.lock.clone().unwrap_or_default();
            let turn = lock.lock().await;
            if let Some(response) = self.cache.get(&key)? {
                return Ok(response);
            }
            let response = self.model.generate(request).await?;
            self.cache.put(&id, request, &response)?;
            drop(turn);
            drop(lock);
            Ok(response)
        })
    }
}

/// Answers from a recording, which is the [`Cache`] of an earlier run, and asks nobody.
///
/// ```
/// use std::sync::Arc;
/// use assay_language::{Cache, Cached, OfflineModel, Replay, Request, TextModel};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("answers.jsonl");
/// let request = Request::new("Name a river.");
/// let model = Cached::new(OfflineModel::new(), Arc::new(Cache::open(&path)?));
/// let answer = model.ask(&request)?;
///
/// let replay = Replay::open(&path, model.id())?;
/// assert_eq!(replay.ask(&request)?, answer);
/// assert!(replay.ask(&Request::new("Name another.")).is_err());
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug)]
pub struct Replay {
    cache: Cache,
    id: String,
}

impl Replay {
    /// The recording at `path` of the model with that id.
    ///
    /// # Errors
    /// As [`Cache::open`]; a file that is not there is an error here.
    pub fn open(path: impl Into<PathBuf>, id: impl Into<String>) -> Result<Self> {
        let path = path.into();
        std::fs::metadata(&path).map_err(Error::file("open", &path))?;
        Ok(Self { cache: Cache::open(path)?, id: id.into() })
    }
}

impl TextModel for Replay {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            self.cache.get(&Key::of(&self.id, request))?.ok_or_else(|| Error::NoAnswer {
                model: format!("replay of {}", self.id),
                request: request.excerpt(),
            })
        })
    }
}
