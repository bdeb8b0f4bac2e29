use reqwest::header::HeaderValue;

use crate::{Error, Result};

/// An API key. It has no way out but the header: `Debug` hides it, and it is not serialisable.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// # Errors
    /// [`Error::Setting`] for a key that is empty or cannot stand in a header; the message does not
    /// hold it.
    pub(super) fn new(key: &str) -> Result<Self> {
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::Setting {
                operation: "http model",
                name: "API key",
                expected: "printable ASCII without blanks",
                got: format!("{} characters that are not", key.chars().count()),
            });
        }
        Ok(Self(key.to_owned()))
    }

    pub(super) fn bearer(&self) -> Result<HeaderValue> {
        Self::header(&format!("Bearer {}", self.0))
    }

    pub(super) fn plain(&self) -> Result<HeaderValue> {
        Self::header(&self.0)
    }

    fn header(text: &str) -> Result<HeaderValue> {
        let value = HeaderValue::from_str(text);
        let mut value = value.map_err(|_| Error::Setting {
            operation: "http model",
            name: "API key",
            expected: "a header's value",
            got: "something else".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The error without the key, should a server have repeated it.
    pub(super) fn redact(&self, error: Error) -> Error {
        let hide = |text: String| text.replace(&self.0, "[key]");
        match error {
            Error::Status { status, body, retry_after, transient } => {
                Error::Status { status, body: hide(body), retry_after, transient }
            }
            Error::Connection { problem } => Error::Connection { problem: hide(problem) },
            Error::Decode { expected, got } => Error::Decode { expected, got: hide(got) },
            other => other,
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key]")
    }
}
