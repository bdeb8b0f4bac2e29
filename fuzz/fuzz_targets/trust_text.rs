//! Whatever a model or a file may hold: readers, detectors and item files, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust_metrics::answers::read_answers;
use trust_metrics::measure::ToxicityLexicon;
use trust_metrics::parse::{choice, emails, first_integer, rating, yes_no};
use trust_metrics::refusal::RefusalDetector;
use trust_metrics::report::Report;
use trust_metrics::task::{read_items, task};

fuzz_target!(|text: &str| {
    let _ = (yes_no(text), choice(text, 4), rating(text), first_integer(text));
    assert!(emails(text).iter().all(|mail| mail.matches('@').count() == 1));
    let _ = RefusalDetector::built_in().expect("lexicons").judge(text);
    let _ = read_answers("fuzz", text);
    for id in ["misuse", "hallucination-choice"] {
        let spec = task(id).expect("a task");
        let _ = read_items(&spec, text);
        let one = serde_json::json!([{"prompt": text, "answer": "x", "source": "mc"}]);
        let _ = read_items(&spec, &one.to_string());
    }
    if let Ok(score) = ToxicityLexicon::built_in().expect("phrases").score(text) {
        assert!((0.0..=1.0).contains(&score));
    }
    let _ = Report::read(text);
});
