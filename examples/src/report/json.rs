//! The numbers of a report.

use super::Report;

/// The report as indented JSON with a newline at its end.
///
/// # Errors
/// None that a report can cause; serde's signature.
pub fn numbers(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let report = super::super::sample::report();
        let text = numbers(&report).unwrap();
        assert_eq!(text, numbers(&report).unwrap());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["manifest"]["seed"], 7);
        assert_eq!(value["stories"][0]["methods"][0]["role"], "weak");
        assert_eq!(value["stories"][0]["methods"][0]["score"]["accuracy"], 0.95);
        assert_eq!(value["stories"][0]["methods"][1]["curve"][1]["images"], 200);
    }
}
