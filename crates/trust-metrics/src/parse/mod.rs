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
    if text.is_ascii() {
        return normalize_ascii(text);
    }
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
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}

/// The same for ASCII, which is its own compatibility form: most texts, many bytes at a time.
fn normalize_ascii(text: &str) -> String {
    let white = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let text = text.trim_matches(|c: char| c.is_whitespace());
    let plain = |byte: u8| if byte == b'`' { b'\'' } else { byte.to_ascii_lowercase() };
    let mut bytes: Vec<u8> = text.bytes().map(plain).collect();
    // Only now and then is there white space other than single spaces.
    let other = bytes.iter().any(|byte| matches!(byte, b'\t'..=b'\r'));
    let double = || bytes.iter().zip(bytes.iter().skip(1)).any(|(a, b)| *a == b' ' && *b == b' ');
    if other || double() {
        let mut previous = false;
        bytes.retain_mut(|byte| {
            let after = std::mem::replace(&mut previous, white(*byte));
            if previous {
                *byte = b' ';
            }
            !(previous && after)
        });
    }
    String::from_utf8(bytes).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_normalised_as_any_text_is() {
        let all: String = (0_u8..128).map(char::from).collect();
        let text = format!("  {all}\t\n {all} ");
        // A letter beyond ASCII takes the other path; it stands at the end and is cut off.
        let other = normalize(&format!("{}\u{e9}", text.trim_end()));
        assert_eq!(normalize(&text), other.strip_suffix('\u{e9}').unwrap());
        assert_eq!(normalize("I\tCAN`T \r\n"), "i can't");
    }
}
