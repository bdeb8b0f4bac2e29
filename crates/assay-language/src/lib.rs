//! What can be asked: text models and embedders behind traits, and what long runs need.
//!
//! # Asking
//! A [`TextModel`] answers a [`Request`] with a [`Response`]. The first minute needs no server: the
//! [`OfflineModel`] answers by rules. A server with the OpenAI protocol is `HttpModel` (feature
//! `http`), tests have [`Scripted`], earlier runs are asked again with [`Replay`], and [`batch`]
//! writes and reads the files of batch APIs.
//!
//! # Layers
//! Whatever wraps a model is a model, so the layers are put together as needed:
//!
//! | layer | does |
//! |---|---|
//! | [`RetryPolicy::around`] | asks again after transient errors, with jitter, honouring `Retry-After`; timeouts |
//! | [`RateLimit::around`] | keeps to requests and tokens a minute |
//! | [`CostCap::around`] | counts the cost and stops before the cap |
//! | [`Cached::new`] | keeps answers in a crash-safe file; the same question is asked once |
//!
//! [`RunConfig`] puts many requests to the whole, and a [`Run`] folder makes that resumable:
//!
//! ```
//! use assay_language::{
//!     CostCap, OfflineModel, RateLimit, Request, RetryPolicy, Run, RunConfig, TextModel,
//! };
//!
//! let model = RetryPolicy::new().with_attempts(3).around(OfflineModel::new());
//! let model = RateLimit::new().with_requests_per_minute(1e6).around(model)?;
//! let model = CostCap::new(1e-6, 2e-6, 0.5).around(model)?;
//!
//! let dir = tempfile::tempdir().unwrap();
//! let questions = ["Give me the answer from 1 to 4: Is tea good?", "Say \"yes\" or \"no\"."];
//! let run = Run::open(dir.path(), &serde_json::json!({"questions": questions}))?;
//! let mut answers = Vec::new();
//! let requests = questions.map(|q| Request::new(q).with_max_tokens(8));
//! run.each(&RunConfig::new().with_concurrency(2), &model, requests, |place, answer, _| {
//!     answers.push((place, answer?.text().to_owned()));
//!     Ok(())
//! })?;
//! assert_eq!(answers.len(), 2);
//! // Killed at any moment and started again, the run asks only what it has no answer to.
//! # Ok::<(), assay_language::Error>(())
//! ```
//!
//! # Embedding
//! An [`Embedder`] turns texts into vectors. [`HashedEmbedder`] needs no weights, [`TableEmbedder`]
//! reads word vectors.
//!
//! # Reading answers
//! [`parse`] has total readers of what models write: lists, JSON in prose, labels, numbers, refusals.
//!
//! # Features
//! - `http`: `HttpModel`, over reqwest, tokio and rustls. Without it the crate has no runtime.
//! - `testing`: `testing::LoopbackServer`, which misbehaves on purpose.
#![forbid(unsafe_code)]

pub mod batch;
pub mod cache;
mod cancel;
mod cost;
mod embed;
mod error;
#[cfg(feature = "http")]
mod http;
mod manifest;
mod model;
mod offline;
pub mod parse;
mod rate;
mod request;
mod response;
mod retry;
mod run;
mod scripted;
#[cfg(feature = "testing")]
pub mod testing;
mod wire;

pub use cache::{Cache, CacheConfig, CacheReport, Cached, Key, Replay};
pub use cancel::Cancel;
pub use cost::{Capped, CostCap, Spent};
pub use embed::{
    Embedder, HashedEmbedder, HashedEmbedderConfig, TableEmbedder, cosine, mean_pool, similar,
};
pub use error::{Error, Result, Retry};
#[cfg(feature = "http")]
pub use http::{HttpModel, HttpModelConfig, Proxy};
pub use manifest::{Manifest, Run};
pub use model::{BoxFuture, TextModel};
pub use offline::OfflineModel;
pub use rate::{RateLimit, RateLimited};
pub use request::{Message, Request, Role};
pub use response::{Choice, Finish, Response, TokenLogprob, Usage};
pub use retry::{RetryPolicy, Retrying};
pub use run::{Progress, RunConfig};
pub use scripted::Scripted;
pub use wire::Api;
