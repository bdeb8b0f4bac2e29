//! Regular expressions: errors with columns, hostile input, serde.

use glws_nfa::{Alphabet, Error, Nfa, Regex, RegexErrorKind as Kind};

fn digits() -> Alphabet {
    Alphabet::new(10).unwrap().with_set("even", [0, 2, 4, 6, 8]).unwrap()
}

#[test]
fn errors_point_at_the_column() {
    let cases = [
        ("", 1, "()"),
        ("0|", 3, "expected an expression"),
        ("(0|1", 1, "never closed"),
        ("0)1", 2, "closes nothing"),
        ("0(&1)", 3, "expected an expression"),
        ("*0", 1, "nothing to repeat"),
        ("0|+", 3, "nothing to repeat"),
        ("01 x", 4, "'x'"),
        ("[01", 1, "never closed"),
        ("0[]", 3, "at least one class"),
        ("[^]", 3, "at least one class"),
        ("[3-1]", 2, "low to high"),
        ("[<even>-9]", 2, "low to high"),
        ("[1-]", 2, "low to high"),
        ("0<odd>", 2, "\"odd\""),
        ("0<10>", 2, "below 10"),
        ("0<99999999999999999999999>", 2, "below 10"),
        ("0<even", 2, "never closed"),
        ("0{2,1}", 2, "m not above n"),
        ("0{a}", 3, "{m,n}"),
        ("0{1", 2, "never closed"),
        ("0{", 2, "never closed"),
        ("0{,3}", 3, "{m,n}"),
        ("0{1 2}", 5, "{m,n}"),
        ("0{10001}", 3, "at most 10000"),
        ("0{99999999999}", 3, "at most 10000"),
        ("0!", 3, "expected an expression"),
        ("!|0", 2, "expected an expression"),
        ("0}", 2, "closes nothing"),
    ];
    for (pattern, column, word) in cases {
        let error = Regex::parse(pattern, &digits()).expect_err(pattern);
        assert_eq!(error.column(), column, "{pattern}: {error}");
        let text = error.to_string();
        assert!(text.contains(word), "{pattern}: {text}");
        let caret = text.lines().last().unwrap().chars().count();
        assert_eq!(caret, 2 + column, "{text}");
    }
}

#[test]
fn long_expressions_are_shown_in_part() {
    let pattern = format!("{}x{}", "01".repeat(500), "1".repeat(500));
    let error = Regex::parse(&pattern, &digits()).unwrap_err();
    assert_eq!(error.column(), 1001);
    let text = error.to_string();
    assert!(text.len() < 250, "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let caret = lines[2].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[1].chars().nth(caret), Some('x'), "{text}");
}

#[test]
fn hostile_expressions_are_errors() {
    let error = |pattern: &str| Regex::parse(pattern, &digits()).unwrap_err();
    for deep in ["(", "!", "(0|", "(!", "0(1&"] {
        let text = error(&deep.repeat(15_000)).to_string();
        assert!(text.contains("at most 128 nested"), "{text}");
    }
    assert!(matches!(error(&"(".repeat(100_000)).kind(), Kind::TooLong { length: 100_000, .. }));
    assert!(matches!(error(&format!("0{}", "*".repeat(60_000))).kind(), Kind::TooDeep { .. }));
    assert!(matches!(error("0{1000000}").kind(), Kind::RepeatTooLarge { .. }));
    let nfa = |pattern: &str| Regex::parse(pattern, &digits()).unwrap().to_nfa();
    for big in ["(.{10000}){10000}", "((0{100}){100}){100}", "(.*1.*){9999}|(()*{5000}){5000}"] {
        assert!(matches!(nfa(big), Err(Error::TooManyStates { .. })), "{big}");
    }
    assert!(matches!(
        nfa(".*1.{40}"),
        Err(Error::TooManyStates { .. } | Error::TooManySteps { .. })
    ));
    let nested = format!("{}0{}", "!(.*1".repeat(60), ".)".repeat(60));
    // It may succeed or run into a cap; it must end.
    let _ = Regex::parse(&nested, &digits()).unwrap().to_nfa_within(2000);
    let flat = format!("({})*", vec!["0123456789"; 5000].join("|"));
    assert!(nfa(&flat).unwrap().accepts(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap());
    let wide = Alphabet::new(1 << 20).unwrap();
    let ranges = "[<0>-<1048575>]".repeat(4000);
    let result = Regex::parse(&ranges, &wide).unwrap().to_nfa();
    assert!(matches!(result, Err(Error::TooManySteps { .. })));
}

#[test]
fn examples_mean_what_they_say() {
    let accepts = |pattern: &str, string: &[usize]| {
        Regex::parse(pattern, &digits()).unwrap().to_nfa().unwrap().accepts(string).unwrap()
    };
    assert!(accepts("()", &[]) && !accepts("()", &[0]));
    assert!(accepts("<even>+", &[0, 8]) && !accepts("<even>+", &[0, 1]));
    assert!(accepts("[^<even>]", &[7]) && !accepts("[^<even>]", &[6]));
    assert!(accepts("[0-3 <9>]{2,3}", &[3, 9]) && !accepts("[0-3 <9>]{2,3}", &[3]));
    // `!` takes in the repeat, but not what follows.
    assert!(accepts("!0*1", &[2, 1]) && accepts("!0*1", &[0, 2, 1]) && !accepts("!0*1", &[0, 1]));
    assert!(!accepts("!(0*1)", &[0, 1]) && accepts("!(0*1)", &[]));
    assert!(accepts("0*&..|1", &[1]) && accepts("0*&..|1", &[0, 0]));
    assert_eq!(Nfa::from_regex(".*", 1000).unwrap().num_states(), 1);
    assert!(Nfa::from_regex("[^0-9]", 10).unwrap().is_empty());
    assert_eq!(Regex::parse(" ( (0) | 1 )*{1,1} ", &digits()).unwrap().to_string(), "(0|1)*{1}");
}

#[test]
fn alphabets_are_checked() {
    let message = |result: Result<Alphabet, Error>| result.unwrap_err().to_string();
    assert!(message(Alphabet::new(0)).contains("got 0"));
    assert!(message(Alphabet::new(usize::MAX)).contains("1048576"));
    assert!(message(Alphabet::named(["a", "a"])).contains("twice"));
    for name in ["", "12", "a>", " a", "<"] {
        assert!(message(Alphabet::named([name])).contains("expected a name"), "{name:?}");
    }
    assert!(message(digits().with_set("even", [1])).contains("twice"));
    assert!(matches!(
        digits().with_set("big", [10]),
        Err(Error::ClassOutOfRange { class: 10, num_classes: 10, .. })
    ));
}

#[cfg(feature = "serde")]
#[test]
fn serde_parses_again() {
    let names = Alphabet::named(["cat", "dog"]).unwrap().with_set("pet", [0, 1]).unwrap();
    let regex = Regex::parse("<cat>* <pet>{2,} & !(<dog>)", &names).unwrap();
    let text = serde_json::to_string(&regex).unwrap();
    assert_eq!(serde_json::from_str::<Regex>(&text).unwrap(), regex);
    let bad = text.replace("<cat>", "<cow>");
    assert!(serde_json::from_str::<Regex>(&bad).unwrap_err().to_string().contains("column 1"));
    assert!(serde_json::from_str::<Alphabet>(r#"{"num_classes":3,"class_names":["a"]}"#).is_err());
}
