//! The parsers of answers: golden cases live in culture-augment; here are the hard ones and the
//! properties.

use assay_language::parse::{
    Reading, Verbaliser, first_json, is_refusal, json_values, number_in, numbered_list, numbers,
};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn lists_of_every_kind() {
    let items = |text: &str| numbered_list(text).items;
    assert_eq!(items("1: a\n**2.** b\n(3) c\n 4. \"d\""), ["a", "b", "c", "d"]);
    assert_eq!(items("- a\n* b\n• c"), ["a", "b", "c"]);
    assert_eq!(items("1. a\n   goes on\n\n2. b\n   - sub"), ["a goes on", "b"]);
    assert_eq!(items("1.\n2. b"), ["b"]);
    assert_eq!(items("3.5 litres a day\nplain"), Vec::<String>::new());
    assert_eq!(items("1. He said \"no\" and \"yes\""), ["He said \"no\" and \"yes\""]);
    let list = numbered_list("Here are:\r\n1. a\r\n\r\nBye");
    assert_eq!(
        (list.items, list.unread),
        (vec!["a".into()], vec!["Here are:".into(), "Bye".into()])
    );
}

#[test]
fn json_is_found_and_mended() {
    let one = |text: &str| first_json(text).unwrap();
    assert_eq!(one("so {\"a\": [1, {\"b\": \"}\"}]} it is")["a"][1]["b"], "}");
    assert_eq!(
        one("{'it': 'isn\\'t', ok: True, n: [1,2,],}"),
        json!({"it": "isn't", "ok": true, "n": [1, 2]})
    );
    assert_eq!(one("{\"s\": \"two\nlines\"}")["s"], "two\nlines");
    assert_eq!(one("{\"u\": \"\\ud83d\\ude00\"}")["u"], "😀");
    // A brace that opens nothing does not hide what follows.
    assert_eq!(one("if (x) { then [1, 2]"), json!([1, 2]));
    for bad in ["{", "{\"a\"}", "{,}", "[1 2]", "{\"a\": \"\\ud83d\"}", "{\"a\": 01}", "none"] {
        assert_eq!(json_values(bad), [], "{bad}");
    }
    let deep = "[".repeat(100_000);
    assert!(json_values(&deep).is_empty());
}

#[test]
fn labels_with_negation() {
    let verbaliser =
        Verbaliser::new([("spam", &["spam"][..]), ("ham", &["not_spam", "ham"][..])]).unwrap();
    let label = |text: &str| verbaliser.read(text).label();
    assert_eq!(label("SPAM!"), Some(0));
    assert_eq!(label("\"NOT_Spam\""), Some(1));
    assert_eq!(label("This isn’t spam."), Some(1));
    assert_eq!(label("It is not a spam message"), Some(1));
    assert_eq!(label("I would not hesitate, spam"), Some(0));
    assert_eq!(label("spammers"), None);
    assert_eq!(verbaliser.read("ham, or spam"), Reading::Ambiguous(vec![0, 1]));
    let three =
        Verbaliser::new([("a", &["red"][..]), ("b", &["green"]), ("c", &["blue"])]).unwrap();
    assert_eq!(three.read("not red but green"), Reading::Label(1));
    assert_eq!(three.read("not red"), Reading::Unread);
    assert!(Verbaliser::new([("a", &["x"][..]), ("b", &["X"][..])]).is_err());
    assert!(Verbaliser::new([("a", &[][..])]).is_err());
    assert!(Verbaliser::new(Vec::<(&str, &[&str])>::new()).is_err());
}

#[test]
fn numbers_and_scales() {
    assert_eq!(
        numbers("1,000,000 or 1,00 .5 2e3 -7 −2 (-1) a1 1a 5-6 v1.2.3"),
        [1e6, 1.0, 0.0, 0.5, 2000.0, -7.0, -2.0, -1.0, 5.0, 6.0]
    );
    assert_eq!(number_in("On a scale from 1 to 10, 7.", 1.0..=10.0), Some(7.0));
    assert_eq!(number_in("3/4", 1.0..=4.0), Some(3.0));
    assert_eq!(number_in("(1-4): 2", 1.0..=4.0), Some(2.0));
    assert_eq!(number_in("17", 1.0..=4.0), None);
    assert_eq!(number_in("2, I repeat: 2", 1.0..=4.0), Some(2.0));
}

#[test]
fn refusals() {
    for text in [
        "I'm sorry, but I can't assist with that.",
        "Sorry, I am unable to rate people.",
        "As an AI, I don’t have personal opinions. But many say 3.",
        "I cannot provide that information.",
    ] {
        assert!(is_refusal(text), "{text}");
    }
    for text in
        ["", "2", "Sorry to say, the answer is 3.", "People cannot help it. They eat. I won't."]
    {
        assert!(!is_refusal(text), "{text}");
    }
}

/// An obvious reader of lists: numbers at the beginning of lines, nothing else.
fn plain_list(items: &[String]) -> String {
    let lines = items.iter().enumerate().map(|(i, item)| format!("{}. {item}", i + 1));
    lines.collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn every_parser_is_total(text in any::<String>()) {
        let _ = numbered_list(&text);
        let _ = json_values(&text);
        let _ = numbers(&text);
        let _ = number_in(&text, 1.0..=4.0);
        let _ = is_refusal(&text);
        let verbaliser = Verbaliser::new([("a", &["OFF", "é"][..]), ("b", &["NOT_OFF"][..])]).unwrap();
        let _ = verbaliser.read(&text);
        prop_assert!(numbers(&text).iter().all(|n| n.is_finite()));
    }

    #[test]
    fn hard_characters_are_survived(text in "[0-9.,eE+\\-{}\\[\\]\"'\\\\:uU*() \n\té−not OFF_]{0,60}") {
        let _ = (numbered_list(&text), numbers(&text), number_in(&text, 0.0..=9.0));
        let verbaliser = Verbaliser::new([("a", &["OFF"][..]), ("b", &["NOT_OFF"][..])]).unwrap();
        let _ = verbaliser.read(&text);
        for fragment in json_values(&text) {
            prop_assert!(text.get(fragment.range).is_some());
        }
    }

    #[test]
    fn plain_lists_come_back(items in proptest::collection::vec("[a-zA-Z][a-z ]{0,20}[a-z]", 0..9)) {
        let list = numbered_list(&plain_list(&items));
        prop_assert_eq!(list.items, items);
        prop_assert!(list.unread.is_empty());
    }

    #[test]
    fn what_serde_writes_is_read_unmended(a in any::<Vec<i64>>(), b in any::<String>(), c in any::<f64>()) {
        let value = json!({"a": a, "b": b, "c": [c, null, true], "d": {}});
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let found = json_values(&format!("so:\n```json\n{text}\n```\n"));
            prop_assert_eq!(found.len(), 1);
            let round: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&found[0].value, &round);
            prop_assert!(!found[0].mended);
        }
    }

    #[test]
    fn numbers_come_back(values in proptest::collection::vec(-1e9..1e9_f64, 0..6)) {
        let text: Vec<String> = values.iter().map(|v| format!("({v})")).collect();
        prop_assert_eq!(numbers(&text.join(" and ")), values);
    }
}
