use super::in_word;
use crate::Outcome;

/// What announces an option.
const CUES: [&str; 5] = ["answer is", "answer", "option", "choose", "choice"];

/// The option that an answer picks from `A` to the last of `count` letters.
///
/// 1. An answer that is one letter between marks is that letter: `A.`, `(b)`, `**C**`.
/// 2. `A or B` is ambiguous.
/// 3. Else the letters after "answer", "answer is", "option", "choose" or "choice" decide; several
///    different ones are ambiguous. The article in "A cat sat" announces nothing.
///
/// ```
/// use trust_metrics::{Outcome, parse::choice};
/// assert_eq!(choice("(b)", 4), Outcome::label("B"));
/// assert_eq!(choice("A cat sat; I choose C", 4), Outcome::label("C"));
/// assert_eq!(choice("Option A or B", 4), Outcome::Ambiguous(vec!["A".into(), "B".into()]));
/// assert_eq!(choice("A cat sat.", 4), Outcome::Unparsed);
/// ```
pub fn choice(answer: &str, count: usize) -> Outcome {
    let letter = |c: char| -> Option<String> {
        let upper = c.to_ascii_uppercase();
        let index = (upper as usize).checked_sub('A' as usize)?;
        (c.is_ascii_alphabetic() && index < count).then(|| upper.to_string())
    };
    let bare = answer.trim_matches(|c: char| !in_word(c));
    let mut characters = bare.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return letter(only).map_or(Outcome::Unparsed, Outcome::Label);
    }
    let words: Vec<&str> =
        answer.split(|c: char| !in_word(c)).filter(|word| !word.is_empty()).collect();
    let capital = |word: &str| {
        let mut characters = word.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii_uppercase() => letter(c),
            _ => None,
        }
    };
    for three in words.windows(3) {
        if let (Some(a), "or", Some(b)) = (capital(three[0]), three[1], capital(three[2])) {
            return Outcome::of_found(vec![a, b]);
        }
    }
    let lower = answer.to_ascii_lowercase();
    let mut found = Vec::new();
    for cue in CUES {
        for (at, _) in lower.match_indices(cue) {
            let after = answer[at + cue.len()..].trim_start();
            let after = after.strip_prefix([':', '-']).unwrap_or(after);
            let after = after.trim_start().trim_start_matches(['(', '*']);
            let mut characters = after.chars();
            let (Some(first), next) = (characters.next(), characters.next()) else { continue };
            if !next.is_some_and(in_word) {
                found.extend(letter(first));
            }
        }
    }
    Outcome::of_found(found)
}
