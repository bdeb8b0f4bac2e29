//! From a form to the words it may come from (WordNet's "Morphy": rules of detachment).

use assay_score::text::WordClass;

use super::Pos;

/// The candidates for a lower-case form: itself, then by the rules, then with a doubled consonant
/// undone (`planned`). Not all are words.
pub(super) fn candidates(word: &str, pos: Pos) -> Vec<String> {
    let mut found = vec![word.to_owned()];
    let mut push = |candidate: String| {
        if candidate.len() > 1 && !found.contains(&candidate) {
            found.push(candidate);
        }
    };
    let rules = class(pos).endings();
    for (ending, replacement) in rules {
        if let Some(stem) = word.strip_suffix(ending) {
            push(format!("{stem}{replacement}"));
        }
    }
    if matches!(pos, Pos::Verb | Pos::Adjective) {
        for (ending, _) in rules {
            let Some(stem) = word.strip_suffix(ending) else { continue };
            let mut ends = stem.chars().rev();
            if let (Some(a), Some(b)) = (ends.next(), ends.next())
                && a == b
            {
                push(stem.get(..stem.len() - a.len_utf8()).unwrap_or("").to_owned());
            }
        }
    }
    found
}

fn class(pos: Pos) -> WordClass {
    match pos {
        Pos::Noun => WordClass::Noun,
        Pos::Verb => WordClass::Verb,
        Pos::Adjective => WordClass::Adjective,
        Pos::Adverb => WordClass::Adverb,
    }
}
