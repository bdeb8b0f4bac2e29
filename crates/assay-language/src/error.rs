use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong in this crate.
///
/// Every message names the operation, what it expected and what came. No message holds an API key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was given, and the result of nothing is not defined.
    #[error("{operation}: expected at least one {item}, got none")]
    Empty {
        /// The operation asked for.
        operation: &'static str,
        /// What was missing.
        item: &'static str,
    },
    /// A setting that no result exists for.
    #[error("{operation}: expected {name} {expected}, got {got}")]
    Setting {
        /// The operation asked for.
        operation: &'static str,
        /// The setting's name.
        name: &'static str,
        /// What is allowed, in words.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// Two inputs that belong together differ in length.
    #[error("{operation}: expected {expected} {items}, got {got}")]
    Length {
        /// The operation asked for.
        operation: &'static str,
        /// What was counted.
        items: &'static str,
        /// The length that the other input sets.
        expected: usize,
        /// The length given.
        got: usize,
    },

    /// The server answered with a status that is not a success.
    #[error("the server answered {status}: {body}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body, without secrets.
        body: String,
        /// What the server asked to wait.
        retry_after: Option<Duration>,
        /// The status or the body says that asking again may help.
        transient: bool,
    },
    /// The connection could not be made, or broke.
    #[error("the connection failed: {problem}")]
    Connection {
        /// What happened, without secrets.
        problem: String,
    },
    /// No answer came in time.
    #[error("no answer within {limit:?}")]
    Timeout {
        /// The time allowed.
        limit: Duration,
    },
    /// The caller stopped the run.
    #[error("cancelled before the answer came")]
    Cancelled,
    /// The answer is larger than allowed.
    #[error("expected an answer of at most {limit} bytes, got more")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not what the protocol promises.
    #[error("cannot read the answer: expected {expected}, got {got}")]
    Decode {
        /// What should have been there.
        expected: &'static str,
        /// The beginning of what was there.
        got: String,
    },
    /// Every attempt failed; the last reason is the source.
    #[error("{attempts} attempts failed; the last: {last}")]
    Exhausted {
        /// How often the model was asked.
        attempts: u32,
        /// Why the last attempt failed.
        #[source]
        last: Box<Error>,
    },
    /// Asking could cost more than is left.
    #[error("cost cap: expected a worst case of at most {left} of {cap}, got {needed}")]
    CostCap {
        /// What the request may cost at most.
        needed: f64,
        /// What is left.
        left: f64,
        /// The cap.
        cap: f64,
    },
    /// A scripted or recorded model has no answer to this request.
    #[error("{model}: no answer for the request {request}")]
    NoAnswer {
        /// Which model.
        model: String,
        /// The beginning of the request.
        request: String,
    },

    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: `open`, `read`, `lock`, `append to`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of a format that this version does not know.
    #[error("{}: expected {format} version {known}, got {found}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// The version known here.
        known: u64,
        /// The version found.
        found: String,
    },
    /// A file that is not of the expected format.
    #[error("{}, line {line}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from one.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A run is resumed with other settings than it was begun with.
    #[error("{}: the run was begun with {stored}, now it is {given}", path.display())]
    OtherRun {
        /// The manifest.
        path: PathBuf,
        /// The settings stored.
        stored: String,
        /// The settings given.
        given: String,
    },
    /// An embedder failed.
    #[error("embedder {id}: {problem}")]
    Embedder {
        /// The embedder.
        id: String,
        /// What went wrong.
        problem: String,
    },
    /// An array could not be read.
    #[error(transparent)]
    Array(#[from] assay_array::Error),
}

impl Error {
    /// Whether asking again may help, and how long the server asked to wait.
    ///
    /// Statuses 408, 409, 429 and 5xx, bodies that speak of overload, broken connections, timeouts
    /// and answers cut off in the middle are worth another attempt; refused settings are not.
    pub fn retry(&self) -> Retry {
        match self {
            Error::Status { transient: true, retry_after, .. } => Retry::After(*retry_after),
            Error::Connection { .. } | Error::Timeout { .. } | Error::Decode { .. } => {
                Retry::After(None)
            }
            _ => Retry::No,
        }
    }

    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::File { action, path, source }
    }
}

/// What [`Error::retry`] advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Asking again gives the same error.
    No,
    /// Asking again may help, after this time where the server named one.
    After(Option<Duration>),
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The beginning of a text for a message: one line, at most `limit` characters.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let mut short: String =
        text.chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        short.push('…');
    }
    short
}
