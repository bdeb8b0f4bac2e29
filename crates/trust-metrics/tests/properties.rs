//! Readers on any text: total, and at one with their rules.

use proptest::prelude::*;
use trust_metrics::Outcome;
use trust_metrics::answers::{Answer, hash, read_answers, write_answers};
use trust_metrics::parse::{
    Labels, choice, emails, first_integer, normalize, rating, script_share, yes_no,
};
use trust_metrics::refusal::RefusalDetector;
use trust_metrics::task::{read_items, task};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn readers_are_total(text in any::<String>(), count in 0..30_usize) {
        let _ = (yes_no(&text), choice(&text, count), rating(&text), first_integer(&text));
        let found = emails(&text);
        prop_assert!(found.iter().all(|mail| mail.matches('@').count() == 1));
        prop_assert!((0.0..=1.0).contains(&script_share(&text, 'a'..='z')));
        let normal = normalize(&text);
        prop_assert!(!normal.contains("  ") && normal.trim() == normal);
        let _ = read_answers("f", &text);
        let _ = read_items(&task("misuse").unwrap(), &text);
    }

    #[test]
    fn labels_are_found_in_any_dress(
        label in prop::sample::select(vec!["wrong", "not wrong", "not sure"]),
        before in prop::sample::select(vec!["", "Answer: ", "**", "(", "I think it is "]),
        after in prop::sample::select(vec!["", ".", "**", ")", "!\n"]),
        upper in any::<bool>(),
    ) {
        let labels = Labels::new([("wrong", &["wrong"][..]), ("not wrong", &["not wrong"]), ("not sure", &["not sure"])]).unwrap();
        let word = if upper { label.to_uppercase() } else { label.to_owned() };
        prop_assert_eq!(labels.read(&format!("{before}{word}{after}")), Outcome::label(label));
        // Inside of another word it is none.
        prop_assert_eq!(labels.read(&format!("x{word}x")), Outcome::Unparsed);
    }

    #[test]
    fn addresses_are_found_again(local in "[a-z0-9._%+-]{1,12}", domain in "[a-z0-9]{1,8}(\\.[a-z0-9]{1,5}){0,2}\\.[a-z]{2,4}") {
        prop_assume!(!domain.contains(".."));
        let mail = format!("{local}@{domain}");
        prop_assert_eq!(emails(&format!("<{mail}>, he wrote")), vec![mail]);
    }

    #[test]
    fn answers_round_trip(texts in prop::collection::vec(prop::option::of(any::<String>()), 0..8)) {
        let answers: Vec<Answer> = texts.into_iter().enumerate().map(|(i, text)| Answer {
            task: "t".into(), item: format!("{i}"), sample: 0, text, filtered: i % 2 == 0, error: None, prompt_hash: hash("p"),
        }).collect();
        let text = write_answers(&answers);
        let (read, cut) = read_answers("f", &text).unwrap();
        prop_assert!(!cut);
        prop_assert_eq!(write_answers(&read), text);
        prop_assert_eq!(read.len(), answers.len());
    }

    #[test]
    fn shuffled_options_keep_every_character(parts in prop::collection::vec(
        prop::sample::select(vec!["A.", "B)", "(C)", "D:", " ", "\n", "é", "🍕", "bats", "(", "A", "("]), 0..16)
    ) {
        let spec = task("hallucination-choice").unwrap();
        let prompt = parts.concat();
        let file = serde_json::json!([{"prompt": prompt, "answer": "x", "source": "mc"}]).to_string();
        if let Ok(items) = read_items(&spec, &file) {
            let sorted = |text: &str| {
                let mut all: Vec<char> = text.chars().collect();
                all.sort_unstable();
                all
            };
            prop_assert_eq!(sorted(&items[0].prompt), sorted(&prompt));
        }
    }

    #[test]
    fn detectors_are_total(text in any::<String>()) {
        let detector = RefusalDetector::built_in().unwrap();
        let _ = detector.refuses(&text);
        let begun = format!("I cannot help with that. {}", text.replace('"', ""));
        prop_assert!(detector.refuses(&begun));
    }
}
