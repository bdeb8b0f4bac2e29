//! Phrases of whole words, looked for only where words begin.

use std::collections::HashMap;

use crate::parse::in_word;

/// Bytes of a phrase that are looked up at once.
const KEY: usize = 8;
/// Bits of the filter: 8 KiB, which stay in the nearest cache.
const FILTER_BITS: u32 = 16;
/// Bytes that are told apart into words and what parts them at a time.
const BLOCK: usize = 64;

/// Phrases, each with what it stands for, found at the beginnings of words and up to the ends of words.
///
/// The first bytes of all phrases are in a hash map, and a filter of bits before it: at the beginning of
/// each word one multiplication and one bit tell that no phrase begins there.
#[derive(Debug, Clone)]
pub(super) struct WordPhrases<T> {
    phrases: Vec<(String, T)>,
    /// Of each key which phrases begin with it.
    by_key: HashMap<u64, Vec<usize>>,
    filter: Vec<u64>,
    /// The bytes of a key: all that the shortest phrase has, up to [`KEY`].
    mask: u64,
}

impl<T: Copy> WordPhrases<T> {
    /// Phrases that are not empty.
    pub(super) fn new(phrases: Vec<(String, T)>) -> Self {
        let shortest = phrases.iter().map(|(text, _)| text.len()).min().unwrap_or(0).min(KEY);
        let mask = u64::MAX.checked_shr(8 * (KEY - shortest) as u32).unwrap_or(0);
        let mut by_key: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut filter = vec![0; 1 << (FILTER_BITS - 6)];
        for (i, (text, _)) in phrases.iter().enumerate() {
            let key = key(text.as_bytes(), 0) & mask;
            by_key.entry(key).or_default().push(i);
            let (word, bit) = place(key);
            filter[word] |= bit;
        }
        Self { phrases, by_key, filter, mask }
    }

    /// Calls `found` with the first byte, the end and the meaning of each phrase that stands in the text.
    pub(super) fn find(&self, text: &str, mut found: impl FnMut(usize, usize, T)) {
        if self.phrases.is_empty() {
            return;
        }
        for_each_start(text, |at| {
            let key = key(text.as_bytes(), at) & self.mask;
            let (word, bit) = place(key);
            if self.filter[word] & bit == 0 {
                return;
            }
            for &i in self.by_key.get(&key).into_iter().flatten() {
                let (phrase, meaning) = &self.phrases[i];
                let ends = |rest: &str| !rest.chars().next().is_some_and(in_word);
                if text[at..].strip_prefix(&phrase[..]).is_some_and(ends) {
                    found(at, at + phrase.len(), *meaning);
                }
            }
        });
    }
}

/// Eight bytes from `at` on, zeros beyond the end.
#[inline]
fn key(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or(&[]);
    if let Some(eight) = rest.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    let mut eight = [0; KEY];
    eight.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(eight)
}

/// The word and the bit of a key in the filter.
#[inline]
fn place(key: u64) -> (usize, u64) {
    let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Calls `found` with each place that no letter, number or `_` stands before, in order.
#[inline]
fn for_each_start(text: &str, mut found: impl FnMut(usize)) {
    if !text.is_ascii() {
        let mut within = false;
        for (at, c) in text.char_indices() {
            if !within {
                found(at);
            }
            within = in_word(c);
        }
        return;
    }
    // Whether the last byte of the block before is no part of a word, as the lowest bit.
    let mut before = 1;
    for (block, bytes) in text.as_bytes().chunks(BLOCK).enumerate() {
        let apart = !word_bits(bytes);
        let mut starts = (apart << 1) | before;
        before = apart >> 63;
        if bytes.len() < BLOCK {
            starts &= (1 << bytes.len()) - 1;
        }
        while starts != 0 {
            found(block * BLOCK + starts.trailing_zeros() as usize);
            starts &= starts - 1;
        }
    }
}

/// Which of up to 64 bytes of ASCII are parts of words.
#[inline]
fn word_bits(bytes: &[u8]) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(bytes) {
        *flag = u8::from(byte.is_ascii_alphanumeric() || *byte == b'_');
    }
    // Eight flags of a byte each become eight bits: flag k moves to bit 56 + k.
    let (eights, _) = flags.as_chunks::<8>();
    let bits = eights
        .iter()
        .map(|eight| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    bits.enumerate().fold(0, |all, (i, bits)| all | (bits << (8 * i)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every phrase at every place, by the definition.
    fn slow(phrases: &[&str], text: &str) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for (at, _) in text.char_indices() {
            for (i, phrase) in phrases.iter().enumerate() {
                let before = text[..at].chars().next_back();
                let after = |rest: &str| rest.chars().next().is_some_and(in_word);
                if !before.is_some_and(in_word)
                    && text[at..].strip_prefix(phrase).is_some_and(|rest| !after(rest))
                {
                    found.push((at, at + phrase.len(), i));
                }
            }
        }
        found
    }

    fn fast(phrases: &[&str], text: &str) -> Vec<(usize, usize, usize)> {
        let meant = phrases.iter().enumerate().map(|(i, phrase)| ((*phrase).to_owned(), i));
        let mut found = Vec::new();
        WordPhrases::new(meant.collect()).find(text, |from, to, i| found.push((from, to, i)));
        found
    }

    #[test]
    fn phrases_of_every_length_are_found_at_every_place() {
        let phrases = ["a", "ab", "a b", "b_", "'t a", "a b a b a b", "ab ab ab ab ab"];
        for phrases in [&phrases[..], &phrases[2..], &phrases[5..]] {
            for pad in 0..140 {
                let text =
                    format!("{}ab ab ab ab ab a b a b a b, can't a b_", "b ".repeat(pad / 2));
                let text = &text[pad % 2..];
                assert_eq!(fast(phrases, text), slow(phrases, text));
            }
        }
        assert!(fast(&[], "ab").is_empty());
        assert!(fast(&["a"], "").is_empty());
    }

    proptest! {
        #[test]
        fn all_that_stand_there_are_found(text in "[ab_'. é我]{0,200}", long in any::<bool>()) {
            let all = ["a", "b", "ab", "a b", "é", "é a", "b.", ". a", "我", "我 b", "aa bb aa bb"];
            let phrases = if long { &all[10..] } else { &all[..] };
            prop_assert_eq!(fast(phrases, &text), slow(phrases, &text));
        }
    }
}
