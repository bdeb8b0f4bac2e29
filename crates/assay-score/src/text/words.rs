//! White space as Python has it, and words as numbers.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

/// Whether Python's `str.isspace` holds: Unicode's `White_Space` and the four ASCII separators.
///
/// The libraries that define these measures are written in Python, so its rule decides.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The words between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Gives equal words equal numbers.
#[derive(Debug, Default)]
pub(super) struct Vocabulary<'a> {
    numbers: HashMap<&'a str, u32, FxBuildHasher>,
}

impl<'a> Vocabulary<'a> {
    pub(super) fn number(&mut self, word: &'a str) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(word).or_insert(next)
    }

    pub(super) fn numbers(&mut self, words: impl Iterator<Item = &'a str>, into: &mut Vec<u32>) {
        into.clear();
        into.extend(words.map(|word| self.number(word)));
    }
}

/// Lower case as Python's `str.lower`, without a copy where nothing changes.
pub(super) fn lower(text: &str) -> std::borrow::Cow<'_, str> {
    let stays = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(stays) { text.into() } else { text.to_lowercase().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_python() {
        let found: Vec<&str> = words("  a\u{1c}b\u{a0}c\u{3000}\u{85}d\u{200b}e ").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
        assert_eq!(lower("ΟΔΟΣ İ"), "οδος i\u{307}");
        assert!(matches!(lower("plain"), std::borrow::Cow::Borrowed(_)));
    }
}
