//! A client of OpenAI-compatible servers.
//!
//! The client brings a runtime of one thread, on which all its requests run however many there are;
//! its futures can be awaited on any executor, and dropping one drops the connection's request. That
//! is why it is asynchronous inside: a thread for each of a thousand requests would cost a thousand
//! stacks, and a blocking call cannot be taken back.

mod config;
mod retry_after;
mod secret;

pub use config::{HttpModelConfig, Proxy};

use std::time::Duration;

use reqwest::header::HeaderName;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::error::excerpt;
use crate::wire::{Api, decode, encode, status_error};
use crate::{BoxFuture, Error, Request, Response, Result, TextModel};
use retry_after::retry_after;
use secret::Secret;

/// A model behind an OpenAI-compatible server; see [`HttpModelConfig`].
pub struct HttpModel {
    client: reqwest::Client,
    url: reqwest::Url,
    model: String,
    api: Api,
    service: Option<Value>,
    key: Option<Secret>,
    key_header: Option<HeaderName>,
    extra: serde_json::Map<String, Value>,
    max_body: usize,
    /// Taken when dropped: a runtime must not be waited for inside another one.
    runtime: Option<Runtime>,
}

impl HttpModel {
    fn request(&self, request: &Request) -> Result<reqwest::RequestBuilder> {
        request.check()?;
        let mut body = match &self.service {
            None => encode(self.api, &self.model, request),
            Some(body) => filled(body, request.prompt()),
        };
        if let Value::Object(body) = &mut body {
            for (name, value) in &self.extra {
                body.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let builder = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string());
        Ok(match (&self.key, &self.key_header) {
            (Some(key), None) => builder.header("authorization", key.bearer()?),
            (Some(key), Some(name)) => builder.header(name, key.plain()?),
            (None, _) => builder,
        })
    }
}

/// A service's body with the text in its places.
fn filled(body: &Value, text: &str) -> Value {
    match body {
        Value::String(slot) if slot == "{text}" => Value::String(text.to_owned()),
        Value::Array(values) => values.iter().map(|value| filled(value, text)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, text))).collect()
        }
        other => other.clone(),
    }
}

/// What a service answered, whatever its form.
fn whole(body: &str) -> Result<Response> {
    let raw = serde_json::from_str(body)
        .map_err(|_| Error::Decode { expected: "JSON", got: excerpt(body, 120) })?;
    Ok(Response { raw, ..Response::new(body) })
}

/// Sends a request and reads the answer, at most `max_body` bytes of it.
async fn send(
    builder: reqwest::RequestBuilder,
    max_body: usize,
    read: fn(&str) -> Result<Response>,
) -> Result<Response> {
    let mut answer = builder.send().await.map_err(connection)?;
    let status = answer.status();
    let wait = retry_after(answer.headers());
    let location = answer.headers().get("location").cloned();
    let too_large = Error::TooLarge { limit: max_body };
    if answer.content_length().is_some_and(|length| length > max_body as u64) {
        return Err(too_large);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(connection)? {
        if chunk.len() > max_body - body.len() {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8_lossy(&body);
    if status.is_success() {
        return read(&body);
    }
    if status.is_redirection() {
        // A redirect would turn POST into GET or carry the key to another host: say where it went.
        let to = location.as_ref().and_then(|l| l.to_str().ok()).unwrap_or("nowhere");
        let body = format!("redirected to {}; set that as the base URL", excerpt(to, 200));
        let status = status.as_u16();
        return Err(Error::Status { status, body, retry_after: None, transient: false });
    }
    Err(status_error(status.as_u16(), &body, wait))
}

fn connection(error: reqwest::Error) -> Error {
    // The URL may hold a user's name and password.
    let error = error.without_url();
    let mut problem = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        problem = format!("{problem}: {inner}");
        source = inner.source();
    }
    Error::Connection { problem: excerpt(&problem, 300) }
}

/// Aborts the task when the caller drops the future.
struct Task(JoinHandle<Result<Response>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TextModel for HttpModel {
    fn id(&self) -> String {
        // Without the user's name and password, which a URL may hold.
        let port = self.url.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = self.url.host_str().unwrap_or("");
        let name = format!("{} at {host}{port}{}", self.model, self.url.path());
        match &self.service {
            None => name,
            // What is asked of a service besides the text is part of what it is.
            Some(body) => format!("{name} asked {body}"),
        }
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let builder = self.request(request)?;
            let runtime = self.runtime.as_ref().ok_or(Error::Cancelled)?;
            let read = if self.service.is_some() { whole } else { decode };
            let mut task = Task(runtime.spawn(send(builder, self.max_body, read)));
            let answer = (&mut task.0).await.unwrap_or(Err(Error::Cancelled));
            answer.map_err(|error| match &self.key {
                Some(key) => key.redact(error),
                None => error,
            })
        })
    }
}

impl Drop for HttpModel {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for HttpModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpModel")
            .field("id", &self.id())
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
