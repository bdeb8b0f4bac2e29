use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// The word as it stands.
    pub word: &'a str,
    /// Where, in bytes.
    pub range: Range<usize>,
    /// Whether it is the first word of a sentence.
    pub first: bool,
}

/// The words of a text by the word boundaries of Unicode (UAX 29): punctuation and blanks are none.
///
/// ```
/// use culture_augment::words::tokens;
/// let words: Vec<&str> = tokens("It's 3 o'clock, isn't it?").iter().map(|t| t.word).collect();
/// assert_eq!(words, ["It's", "3", "o'clock", "isn't", "it"]);
/// ```
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut last = 0;
    text.unicode_word_indices()
        .enumerate()
        .map(|(index, (at, word))| {
            let between = text.get(last..at).unwrap_or("");
            last = at + word.len();
            let first = index == 0 || between.contains(['.', '!', '?', ':', '"', '“', '\n']);
            Token { word, range: at..at + word.len(), first }
        })
        .collect()
}

/// A word in lower case, without a copy where nothing changes.
pub(crate) fn lower(word: &str) -> Cow<'_, str> {
    let stays = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if word.bytes().all(stays) { word.into() } else { word.to_lowercase().into() }
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `word`, or anything that is none of the others.
    Lower,
    /// `Word`.
    Capital,
    /// `WORD`, of at least two letters.
    Upper,
}

impl Case {
    /// The case of a word.
    pub fn of(word: &str) -> Self {
        if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Case::Lower;
        }
        let letters = || word.chars().filter(|c| c.is_alphabetic());
        let upper = letters().filter(|c| c.is_uppercase()).count();
        if upper > 1 && upper == letters().count() {
            Case::Upper
        } else if upper == 1 && word.chars().next().is_some_and(char::is_uppercase) {
            Case::Capital
        } else {
            Case::Lower
        }
    }

    /// A word written in this case; `Lower` leaves it as it is.
    pub fn apply(self, word: &str) -> String {
        match self {
            Case::Lower => word.to_owned(),
            Case::Upper => word.to_uppercase(),
            Case::Capital => {
                let mut chars = word.chars();
                chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
            }
        }
    }
}
