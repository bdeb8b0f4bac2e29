use super::{normalize, places};
use crate::Outcome;

/// The five ratings of agreement, longest words first.
const WORDS: [(&str, &str); 5] = [
    ("strongly disagree", "-100"),
    ("somewhat disagree", "-50"),
    ("strongly agree", "100"),
    ("somewhat agree", "50"),
    ("neutral", "0"),
];

/// A rating of agreement: -100, -50, 0, 50 or 100, in words (whatever the case) or as the only such
/// number. Percentages are none: "I am 50% sure: -100" is -100.
///
/// ```
/// use trust_metrics::{Outcome, parse::rating};
/// assert_eq!(rating("I Somewhat agree (50)"), Outcome::label("50"));
/// assert_eq!(rating("Neutral"), Outcome::label("0"));
/// assert_eq!(rating("I am 50% sure: -100"), Outcome::label("-100"));
/// assert_eq!(rating("disagree"), Outcome::Unparsed);
/// ```
pub fn rating(answer: &str) -> Outcome {
    let text = normalize(answer);
    let worded = WORDS.iter().filter(|(words, _)| places(&text, words).next().is_some());
    let mut found: Vec<String> = worded.map(|(_, value)| (*value).to_owned()).collect();
    if found.is_empty() {
        let numbers = integers(&text).into_iter().filter(|(_, percent)| !percent);
        let known = numbers.map(|(number, _)| number).filter(|n| WORDS.iter().any(|(_, v)| v == n));
        found = known.collect();
    }
    Outcome::of_found(found)
}

/// The only whole number of an answer, without leading zeros; several different ones are ambiguous.
///
/// ```
/// use trust_metrics::{Outcome, parse::first_integer};
/// assert_eq!(first_integer("Answer: 2"), Outcome::label("2"));
/// assert_eq!(first_integer("Option 01"), Outcome::label("1"));
/// assert!(matches!(first_integer("1 or 2"), Outcome::Ambiguous(_)));
/// ```
pub fn first_integer(answer: &str) -> Outcome {
    Outcome::of_found(integers(answer).into_iter().map(|(number, _)| number).collect())
}

/// Whole numbers that are no part of a word or a fraction, and whether a percent sign follows.
fn integers(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let before = text[..start].chars().next_back();
        let mut after = text[at..].chars();
        let (next, then) = (after.next(), after.next());
        let fraction = |mark: Option<char>, digit: Option<char>| {
            matches!(mark, Some('.' | ',')) && digit.is_some_and(|c| c.is_ascii_digit())
        };
        let digit_before = text[..start].chars().rev().nth(1);
        let part = before.is_some_and(super::in_word)
            || next.is_some_and(super::in_word)
            || fraction(next, then)
            || fraction(before, digit_before);
        if part {
            continue;
        }
        let digits = text[start..at].trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        let sign = matches!(before, Some('-' | '\u{2212}')) && digits != "0";
        let number = if sign { format!("-{digits}") } else { digits.to_owned() };
        found.push((number, next == Some('%')));
    }
    found
}
