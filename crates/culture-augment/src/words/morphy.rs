//! From a form to the words it may come from (WordNet's "Morphy": rules of detachment).

use super::Pos;

/// Endings and what they are replaced by, in the order in which they are tried.
fn rules(pos: Pos) -> &'static [(&'static str, &'static str)] {
    match pos {
        Pos::Noun => &[
            ("s", ""),
            ("ses", "s"),
            ("xes", "x"),
            ("zes", "z"),
            ("ches", "ch"),
            ("shes", "sh"),
            ("men", "man"),
            ("ies", "y"),
        ],
        Pos::Verb => &[
            ("s", ""),
            ("ies", "y"),
            ("es", "e"),
            ("es", ""),
            ("ed", "e"),
            ("ed", ""),
            ("ing", "e"),
            ("ing", ""),
        ],
        Pos::Adjective => &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
        Pos::Adverb => &[],
    }
}

/// The candidates for a lower-case form: itself, then by the rules, then with a doubled consonant
/// undone (`planned`). Not all are words.
pub(super) fn candidates(word: &str, pos: Pos) -> Vec<String> {
    let mut found = vec![word.to_owned()];
    let mut push = |candidate: String| {
        if candidate.len() > 1 && !found.contains(&candidate) {
            found.push(candidate);
        }
    };
    let rules = rules(pos);
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
