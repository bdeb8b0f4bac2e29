//! Every parser of a model's answer: any text, no panic, no long loop.
#![no_main]

use assay_language::parse::{
    Verbaliser, is_refusal, json_values, lines_after_dot, number_in, numbered_list, numbers,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (numbered_list(text), lines_after_dot(text), is_refusal(text));
    for fragment in json_values(text) {
        assert!(text.get(fragment.range).is_some());
    }
    assert!(numbers(text).iter().all(|number| number.is_finite()));
    assert!(number_in(text, 1.0..=10.0).is_none_or(|number| (1.0..=10.0).contains(&number)));
    let verbaliser = Verbaliser::new([("yes", &["OFF", "ja"][..]), ("no", &["NOT_OFF", "nein"])]);
    let _ = verbaliser.map(|verbaliser| (verbaliser.read(text), verbaliser.read_substring(text)));
});
