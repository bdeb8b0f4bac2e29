use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::Case;

/// `a` or `an` before a word, by its first sound as far as spelling tells it.
///
/// ```
/// use culture_augment::words::article_for;
/// assert_eq!(["hour", "house", "university", "umbrella", "one", "MP"].map(article_for),
///            ["an", "a", "a", "an", "a", "an"]);
/// ```
pub fn article_for(word: &str) -> &'static str {
    const VOWEL_SOUND: &[&str] = &["heir", "honest", "honor", "honour", "hour"];
    const CONSONANT_SOUND: &[&str] = &[
        "eu", "ewe", "once", "one", "ubiquit", "unan", "uni", "ura", "uro", "usa", "use", "usi",
        "usu", "ute", "uti", "uto",
    ];
    // These begin like the words above but with a vowel's sound.
    const NOT_CONSONANT: &[&str] =
        &["onerous", "unid", "unil", "unim", "unin", "unint", "unana", "unann"];
    let first = word.chars().next();
    if Case::of(word) == Case::Upper {
        // Letters are spelled out: an MP, a UN.
        return if first.is_some_and(|c| "AEFHILMNORSX".contains(c)) { "an" } else { "a" };
    }
    if let Some(digit) = first.filter(char::is_ascii_digit) {
        return if digit == '8' || word.starts_with("11") || word.starts_with("18") {
            "an"
        } else {
            "a"
        };
    }
    let lower = word.to_lowercase();
    let begins = |list: &[&str]| list.iter().any(|start| lower.starts_with(start));
    let vowel = lower.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'è', 'ö', 'ä', 'ü']);
    if begins(VOWEL_SOUND) || (vowel && (begins(NOT_CONSONANT) || !begins(CONSONANT_SOUND))) {
        "an"
    } else {
        "a"
    }
}

/// The text with `a` and `an` as the words after them need it.
pub fn mend_articles(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    for (article, next) in articles(text) {
        let (right, written) = (article_for(next), text.get(article.clone()).unwrap_or(""));
        if written.eq_ignore_ascii_case(right) {
            continue;
        }
        let right =
            if written.starts_with('A') { Case::Capital.apply(right) } else { right.into() };
        let out = out.get_or_insert_default();
        out.push_str(text.get(copied..article.start).unwrap_or(""));
        out.push_str(&right);
        copied = article.end;
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(text.get(copied..).unwrap_or(""));
            Cow::Owned(out)
        }
    }
}

/// Where `a` or `an` stands as a word with one blank after it, and the word after that. ("a" that is a
/// letter is followed by something else.)
fn articles(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let bytes = text.as_bytes();
    let blanks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    blanks.filter_map(move |(to, _)| {
        let before = &bytes[..to];
        let length = match before {
            [.., b'a' | b'A', b'n' | b'N'] => 2,
            [.., b'a' | b'A'] => 1,
            _ => return None,
        };
        let from = to - length;
        if before[..from].last().is_some_and(u8::is_ascii_alphanumeric) {
            return None; // the end of a longer word
        }
        // Words are the same whatever stands before a blank.
        let start = before.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
        let words = text.get(start..)?.unicode_word_indices();
        let mut words = words.map(|(at, word)| (start + at, word)).skip_while(|item| item.0 < from);
        let (article, next) = (words.next()?, words.next()?);
        let apart = article.0 == from && article.1.len() == length && next.0 == to + 1;
        apart.then_some((from..to, next.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tokens;

    /// Among all words, as Unicode parts them.
    fn oracle(text: &str) -> Vec<(Range<usize>, &str)> {
        let words = tokens(text);
        let article = |word: &str| ["a", "an"].iter().any(|a| word.eq_ignore_ascii_case(a));
        let pairs = words.windows(2).filter(|pair| {
            article(pair[0].word) && text.get(pair[0].range.end..pair[1].range.start) == Some(" ")
        });
        pairs.map(|pair| (pair[0].range.clone(), pair[1].word)).collect()
    }

    proptest::proptest! {
        #[test]
        fn articles_are_found_where_they_are_words(
            text in "([aAn ]|[aA]n? |[bé.,'\"_-]|\u{301}|\u{200d}|a\u{308}|1\\.a|hour|\n|  |日){0,20}"
        ) {
            proptest::prop_assert_eq!(articles(&text).collect::<Vec<_>>(), oracle(&text));
        }
    }
}
