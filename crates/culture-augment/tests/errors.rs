//! Bad settings and hostile surroundings.

use culture_augment::export::{Format, Row};
use culture_augment::pipeline::{PipelineConfig, Select};
use culture_augment::survey::SeedQuestion;
use culture_augment::{Error, compat, prompt};

#[test]
fn settings_are_checked() {
    let config = PipelineConfig::new;
    assert!(config().with_samples(0).init().is_err());
    assert!(config().with_samples(2_000_000).init().is_err());
    assert!(config().with_threshold(f64::NAN).init().is_err());
    assert!(config().with_threshold(1.5).init().is_err());
    assert!(config().with_select(Select::Mmr { lambda: -0.1 }).init().is_err());
    let seed = |content: &str, options: &str| SeedQuestion {
        topic: "T".into(),
        id: "Q".into(),
        content: content.into(),
        options: options.into(),
    };
    assert!(prompt::question(&seed("x", "yes or no")).is_err());
    assert!(prompt::question_compat(&seed("x", "yes or no")).is_err());
    let braces = prompt::question(&seed("{a} \u{1b}[0m {{b}}", "1. {x} 2. {y}")).unwrap();
    assert!(braces.contains("{a} \u{1b}[0m {{b}}? 1. {x} 2. {y}. You"));
    assert_eq!(compat::label(f64::NAN), None);
    assert_eq!(compat::bigram_perplexity("?!", true), None);
    assert_eq!(compat::quota(10, 0), (10, 10));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let row = Row {
        culture: "N".into(),
        prompt: "p".repeat(10_000),
        answer: 1,
        seed_id: "Q".into(),
        topic: "T".into(),
        content: "c".into(),
        step: None,
        similarity: 1.0,
    };
    let mut full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = Format::Text.write(&mut full, &[row]).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

#[test]
fn messages_name_what_was_expected_and_what_came() {
    let error = PipelineConfig::new().with_samples(0).init().unwrap_err();
    assert_eq!(error.to_string(), "pipeline: expected samples a seed from 1 to 1,000,000, got 0");
}
