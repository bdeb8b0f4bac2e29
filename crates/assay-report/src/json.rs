//! Numbers for programs.

use serde::Serialize;

use crate::error::Result;

/// A value as indented JSON with a newline at its end: the same bytes for the same value, in the order
/// of its fields. Keep times, dates and paths out of what you give it (and `HashMap`s, whose order
/// changes), so that two runs with one seed can be compared byte by byte.
///
/// JSON has neither NaN nor infinities: they become `null`. Use `Option` for what may be undefined.
///
/// # Errors
/// [`Error::Json`](crate::Error::Json) for what JSON cannot hold, such as maps with keys that are no
/// text.
pub fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Numbers {
        right: usize,
        share: f64,
        undefined: f64,
    }

    #[test]
    fn numbers_come_back() {
        let text = json(&Numbers { right: 7, share: 0.1, undefined: f64::NAN }).unwrap();
        assert_eq!(text, "{\n  \"right\": 7,\n  \"share\": 0.1,\n  \"undefined\": null\n}\n");
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        let error = json(&BTreeMap::from([((1, 2), 3)])).unwrap_err();
        assert!(error.to_string().starts_with("json: "), "{error}");
    }
}
