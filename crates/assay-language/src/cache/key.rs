use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Request;

/// What was asked of whom, as 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a request to the model of that id.
    pub fn of(model: &str, request: &Request) -> Self {
        // A request is plain data: serialising it cannot fail, and if it did, the empty value would
        // only make keys equal that differ in nothing that can be stored.
        let request = serde_json::to_value(request).unwrap_or(Value::Null);
        let mut hash = Sha256::new();
        hash.update(b"assay request 1\n");
        hash.update((model.len() as u64).to_le_bytes());
        hash.update(model.as_bytes());
        let mut text = String::new();
        canonical(&request, &mut text);
        hash.update(text.as_bytes());
        Self(hash.finalize().into())
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
            *byte = digit(pair[0])? * 16 + digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// Sixty-four of the bits, to seed a stream.
    pub(crate) fn low(&self) -> u64 {
        let mut low = [0; 8];
        low.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(low)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// JSON with sorted keys and no blanks, whatever order the map keeps.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (i, (name, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_name_everything_that_matters() {
        let base = Request::new("a").with_temperature(0.7);
        let key = |request: &Request| Key::of("m", request);
        assert_eq!(key(&base), key(&base.clone()));
        for other in [
            base.clone().with_sample(1),
            base.clone().with_seed(0),
            base.clone().with_temperature(0.8),
            base.clone().with_extra("k", json!(1)),
            base.clone().with_system(""),
        ] {
            assert_ne!(key(&base), key(&other), "{other:?}");
        }
        assert_ne!(key(&base), Key::of("n", &base));
        assert_eq!(Key::parse(&key(&base).to_string()), Some(key(&base)));
        assert_eq!(Key::parse("xyz"), None);
        assert_eq!(Key::parse(&"ä".repeat(32)), None);
    }

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let mut out = String::new();
        canonical(&json!({"b": [{"y": 1, "x": null}], "a": "\""}), &mut out);
        assert_eq!(out, r#"{"a":"\"","b":[{"x":null,"y":1}]}"#);
    }
}
