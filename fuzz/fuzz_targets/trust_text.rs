//! Whatever a model or a file may hold: readers, detectors and item files, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust_metrics::answers::read_answers;
use trust_metrics::parse::{choice, emails, first_integer, rating, yes_no};
use trust_metrics::refusal::RefusalDetector;
use trust_metrics::report::Report;
use trust_metrics::task::{read_items, task};

fuzz_target!(|text: &str| {
    let _ = (yes_no(text), choice(text, 4), rating(text), first_integer(text));
    assert!(emails(text).iter().all(|mail| mail.matches('@').count() == 1));
    let _ = RefusalDetector::built_in().expect("lexicons").judge(text);
    let _ = read_answers("fuzz", text);
    let _ = read_items(&task("misuse").expect("a task"), text);
    let _ = Report::read(text);
});
