//! Total readers of what models write: each returns an [`Outcome`](crate::Outcome), and never guesses.

mod choice;
mod email;
mod labels;
mod rating;
mod script;

pub use choice::choice;
pub use email::emails;
pub use labels::{Labels, yes_no};
pub use rating::{first_integer, rating};
pub use script::script_share;

/// Lower case with straight apostrophes and single spaces, in compatibility form: what two texts that
/// read alike have in common.
pub fn normalize(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        let c = match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{ff07}' | '`' | '\u{b4}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' => '"',
            other => other,
        };
        if c.is_whitespace() {
            space = !out.is_empty();
        } else {
            if space {
                out.push(' ');
                space = false;
            }
            out.push(c);
        }
    }
    out
}

/// Whether a character is part of a word: a letter, a number or `_`.
pub(crate) fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The places of a phrase as whole words.
pub(crate) fn places<'t>(text: &'t str, phrase: &'t str) -> impl Iterator<Item = usize> + 't {
    let apart = move |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        // A boundary is needed only where the phrase itself ends in a letter.
        let open = |inner: Option<char>, outer: Option<char>| {
            !(inner.is_some_and(in_word) && outer.is_some_and(in_word))
        };
        open(phrase.chars().next(), before) && open(phrase.chars().next_back(), after)
    };
    text.match_indices(phrase).map(|(at, _)| at).filter(move |&at| !phrase.is_empty() && apart(at))
}
