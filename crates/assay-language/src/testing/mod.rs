//! A server on this machine that misbehaves on purpose.

mod http;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// What the server was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The path of the URL.
    pub path: String,
    /// The last message or the prompt.
    pub prompt: String,
    /// How often this prompt came before.
    pub before: usize,
    /// The whole body.
    pub body: Value,
    /// The value of the header `authorization`.
    pub authorization: Option<String>,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

/// What the server does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Answers with this text as a server should.
    Answer(String),
    /// Waits first.
    Slow(Duration, Box<Act>),
    /// Gives a status, headers and a body.
    Status(u16, Vec<(String, String)>, String),
    /// Promises a whole body and closes the connection in the middle of it.
    CutOff(String),
    /// Sends this many bytes of JSON that never ends, without announcing a length.
    Huge(usize),
    /// Sends these bytes instead of HTTP.
    Raw(Vec<u8>),
    /// Closes the connection without a word.
    Close,
}

impl Act {
    /// An answer with this status and body.
    pub fn status(status: u16, body: impl Into<String>) -> Self {
        Act::Status(status, Vec::new(), body.into())
    }
}

type Script = dyn Fn(&Asked) -> Act + Send + Sync;

/// A server on the loopback address that does what its script says; it stops when dropped.
///
/// ```
/// use assay_language::testing::{Act, LoopbackServer};
/// let server = LoopbackServer::start(|asked| match asked.before {
///     0 => Act::status(500, "the first time fails"),
///     _ => Act::Answer(asked.prompt.to_uppercase()),
/// });
/// assert!(server.base_url().starts_with("http://127.0.0.1:"));
/// assert_eq!(server.hits(), 0);
/// ```
pub struct LoopbackServer {
    address: SocketAddr,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

pub(crate) struct State {
    script: Box<Script>,
    prompts: Mutex<HashMap<String, usize>>,
    hits: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl LoopbackServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When the system has no free port: a test cannot go on.
    pub fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let state = Arc::new(State {
            script: Box::new(script),
            prompts: Mutex::default(),
            hits: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("loopback-server")
            .enable_io()
            .enable_time()
            .build()
            .expect("a thread");
        let shared = Arc::clone(&state);
        let listener = runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
            socket.listen(4096).expect("a queue")
        });
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(http::serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, runtime: Some(runtime) }
    }

    /// The base URL of its API.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Requests so far.
    pub fn hits(&self) -> usize {
        self.state.hits.load(Ordering::SeqCst)
    }

    /// How often each prompt came.
    pub fn prompts(&self) -> HashMap<String, usize> {
        self.state.prompts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The most requests that were being answered at once.
    pub fn most_at_once(&self) -> usize {
        self.state.most_at_once.load(Ordering::SeqCst)
    }
}

impl State {
    fn act(&self, path: &str, headers: Vec<(String, String)>, body: Value) -> Act {
        let message = body.get("messages").and_then(Value::as_array).and_then(|m| m.last());
        let prompt = message.and_then(|m| m.get("content")).or_else(|| body.get("prompt"));
        let prompt = prompt.and_then(Value::as_str).unwrap_or("").to_owned();
        self.hits.fetch_add(1, Ordering::SeqCst);
        let before = {
            let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = prompts.entry(prompt.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let authorization = headers.iter().find(|(name, _)| name == "authorization");
        let authorization = authorization.map(|(_, value)| value.clone());
        let path = path.to_owned();
        (self.script)(&Asked { path, prompt, before, body, authorization, headers })
    }

    fn enter(&self) -> Busy<'_> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        Busy(self)
    }
}

/// Counts one request as being answered until dropped.
struct Busy<'a>(&'a State);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for LoopbackServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopbackServer").field("address", &self.address).finish_non_exhaustive()
    }
}
