use std::ops::RangeInclusive;

/// All numbers in a text, in their order: `-3`, `1,234.5`, `.5`, `75%` (as 75), `2e3`. Numbers that
/// are part of a word (`Q27`, `3rd`) do not count; infinities neither.
///
/// ```
/// use assay_language::parse::numbers;
/// assert_eq!(numbers("From -3 to 1,234.5, see Q27 (75%)."), [-3.0, 1234.5, 75.0]);
/// ```
pub fn numbers(text: &str) -> Vec<f64> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !(digit(at) || (bytes[at] == b'.' && digit(at + 1))) {
            at += 1;
            continue;
        }
        let end = end_of_number(bytes, at);
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(end..).and_then(|t| t.chars().next());
        let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
            || after.is_some_and(|c| c.is_alphabetic() || c == '_');
        if !in_word {
            let digits: String =
                text.get(at..end).unwrap_or("").chars().filter(|c| *c != ',').collect();
            // A hyphen between words or numbers ("1-4") is no sign.
            let mut ahead = text.get(..at).unwrap_or("").chars().rev();
            let negative = matches!(ahead.next(), Some('-' | '−'))
                && !ahead.next().is_some_and(|c| c.is_alphanumeric() || c == ')');
            if let Some(value) = digits.parse::<f64>().ok().filter(|v| v.is_finite()) {
                found.push(if negative { -value } else { value });
            }
        }
        at = end.max(at + 1);
    }
    found
}

/// Where the number that begins at `at` ends.
fn end_of_number(bytes: &[u8], mut at: usize) -> usize {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let digits = |mut at: usize| {
        while digit(at) {
            at += 1;
        }
        at
    };
    let start = at;
    at = digits(at);
    // Groups of three digits after a comma, as in 1,234,567.
    if (1..=3).contains(&(at - start)) {
        while bytes.get(at) == Some(&b',') && digits(at + 1) == at + 4 {
            at += 4;
        }
    }
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digit(at + 1 + sign) {
            at = digits(at + 1 + sign);
        }
    }
    at
}

/// The one number of a range that an answer names; `None` when it names none or several different
/// ones. A range that is spelled out (`from 1 to 4`, `1-4`, `out of 4`, `/4`) is no answer.
///
/// ```
/// use assay_language::parse::number_in;
/// assert_eq!(number_in("I would say 3 out of 4.", 1.0..=4.0), Some(3.0));
/// assert_eq!(number_in("Either 2 or 3", 1.0..=4.0), None);
/// assert_eq!(number_in("2. agree", 1.0..=4.0), Some(2.0));
/// ```
pub fn number_in(text: &str, range: RangeInclusive<f64>) -> Option<f64> {
    let text = without_ranges(text);
    let mut inside: Vec<f64> = numbers(&text).into_iter().filter(|n| range.contains(n)).collect();
    inside.dedup();
    match inside.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// The text with spelled-out ranges removed.
fn without_ranges(text: &str) -> String {
    let number = |w: &str| {
        let w = w.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
        !w.is_empty() && w.parse::<f64>().is_ok()
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out: Vec<&str> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        let next = |k: usize| words.get(at + k).copied().unwrap_or("");
        let lower = word.to_lowercase();
        if matches!(lower.as_str(), "from" | "between" | "(from")
            && number(next(1))
            && matches!(next(2), "to" | "and")
            && number(next(3))
        {
            at += 4;
        } else if lower == "out" && next(1) == "of" && number(next(2)) {
            at += 3;
        } else if let Some((value, limit)) = word.split_once('/')
            && number(value)
            && number(limit)
        {
            out.push(value);
            at += 1;
        } else if let Some((low, high)) = word.split_once(['-', '–'])
            && number(low)
            && number(high)
        {
            at += 1;
        } else {
            out.push(word);
            at += 1;
        }
    }
    out.join(" ")
}
