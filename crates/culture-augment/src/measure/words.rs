//! The words of texts as numbers.

use rustc_hash::FxHashMap;

/// The words of texts, split at white space, equal words with equal numbers.
pub(super) struct Words {
    /// One number a word, all texts in a row.
    ids: Vec<u32>,
    /// Where each text ends in `ids`.
    ends: Vec<usize>,
    /// How many different words there are.
    vocabulary: usize,
}

impl Words {
    pub(super) fn of<S: AsRef<str>>(texts: &[S]) -> Self {
        let mut index = Index::default();
        let mut ids = Vec::new();
        let mut ends = Vec::with_capacity(texts.len());
        for text in texts {
            index.number_all(text.as_ref(), |id| ids.push(id));
            ends.push(ids.len());
        }
        Self { ids, ends, vocabulary: index.len() }
    }

    /// The numbers of every text's words.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let text = self.ids.get(start..end).unwrap_or(&[]);
            start = end;
            text
        })
    }

    /// How many different words there are; all numbers are below.
    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary
    }
}

/// How many different words there are, and how many in all.
pub(super) fn count<S: AsRef<str>>(texts: &[S]) -> (usize, usize) {
    let (mut index, mut total) = (Index::default(), 0);
    for text in texts {
        index.number_all(text.as_ref(), |_| total += 1);
    }
    (index.len(), total)
}

/// The longest words whose bytes are their own key.
const SHORT: usize = 15;

/// Numbers of words in the order in which they came.
#[derive(Default)]
struct Index<'a> {
    short: ShortWords,
    long: FxHashMap<&'a [u8], u32>,
}

impl<'a> Index<'a> {
    fn len(&self) -> usize {
        self.short.count + self.long.len()
    }

    /// Calls `each` with the number of every word of a text.
    #[inline]
    fn number_all(&mut self, text: &'a str, mut each: impl FnMut(u32)) {
        if text.is_ascii() {
            let bytes = text.as_bytes();
            ascii_words(bytes, |start, end| each(self.number(bytes, start, end)));
        } else {
            for word in text.split_whitespace() {
                each(self.number(word.as_bytes(), 0, word.len()));
            }
        }
    }

    /// The number of the word between two places of a text.
    #[inline]
    fn number(&mut self, text: &'a [u8], start: usize, end: usize) -> u32 {
        let length = end - start;
        if length > SHORT {
            let next = self.len() as u32;
            return *self.long.entry(text.get(start..end).unwrap_or(&[])).or_insert(next);
        }
        let bits = 8 * length as u32;
        // Sixteen bytes that begin or end with the word are read at once and cut to it.
        let bytes = if let Some(from) = text.get(start..).and_then(<[u8]>::first_chunk::<16>) {
            u128::from_le_bytes(*from) & ((1 << bits) - 1)
        } else if let Some(upto) = text.get(..end).and_then(<[u8]>::last_chunk::<16>)
            && length > 0
        {
            u128::from_le_bytes(*upto) >> (128 - bits)
        } else {
            let mut padded = [0; 16];
            padded.iter_mut().zip(text.get(start..end).unwrap_or(&[])).for_each(|(p, b)| *p = *b);
            u128::from_le_bytes(padded)
        };
        self.short.number(bytes | (length as u128) << 120, self.long.len())
    }
}

/// A table of short words. The key of a word is its bytes with its length above them, so that telling
/// words apart takes no look at the text.
struct ShortWords {
    /// Halves of the key and the word's number; a key of zero, which no word has, marks a free slot.
    /// At most half of them are taken.
    slots: Vec<(u64, u64, u32)>,
    count: usize,
}

impl Default for ShortWords {
    fn default() -> Self {
        Self { slots: vec![(0, 0, 0); 1024], count: 0 }
    }
}

impl ShortWords {
    /// The number of a word; a new one is numbered after all words here and `others`.
    #[inline]
    fn number(&mut self, key: u128, others: usize) -> u32 {
        let (low, high) = (key as u64, (key >> 64) as u64);
        let place = self.place(low, high);
        let slot = &mut self.slots[place];
        if (slot.0, slot.1) == (low, high) {
            return slot.2;
        }
        let next = (self.count + others) as u32;
        *slot = (low, high, next);
        self.count += 1;
        if 2 * self.count > self.slots.len() {
            self.grow();
        }
        next
    }

    /// Where a key is or would be; there is always a free slot.
    #[inline]
    fn place(&self, low: u64, high: u64) -> usize {
        let mask = self.slots.len() - 1;
        // One round of what `mix` does: words' bytes differ enough.
        let product = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut place = (product ^ (product >> 32)) as usize & mask;
        loop {
            let slot = &self.slots[place];
            if (slot.0, slot.1) == (low, high) || (slot.0, slot.1) == (0, 0) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = 4 * self.slots.len();
        for slot in std::mem::replace(&mut self.slots, vec![(0, 0, 0); size]) {
            if (slot.0, slot.1) != (0, 0) {
                let place = self.place(slot.0, slot.1);
                self.slots[place] = slot;
            }
        }
    }
}

/// Two rounds of multiplying and bringing the upper half down (as in MurmurHash3's finaliser), so that
/// every bit depends on every other.
#[inline]
pub(super) fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let key = (key ^ (key >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    key ^ (key >> 32)
}

/// Calls `each` with the start and the end of every word of an ASCII text.
#[inline]
fn ascii_words(text: &[u8], mut each: impl FnMut(usize, usize)) {
    // Beginnings and ends of words are where a mask of blanks and the same mask moved by one differ.
    let (mut start, mut inside) = (0, false);
    for (block, bytes) in text.chunks(64).enumerate() {
        let blanks = if let Ok(bytes) = bytes.try_into() {
            blanks(bytes)
        } else {
            let mut padded = [b' '; 64];
            padded.iter_mut().zip(bytes).for_each(|(p, b)| *p = *b);
            blanks(&padded)
        };
        let mut edges = blanks ^ (blanks << 1 | u64::from(!inside));
        while edges != 0 {
            let at = 64 * block + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            if inside {
                each(start, at);
            }
            start = at;
            inside = !inside;
        }
    }
    if inside {
        each(start, text.len());
    }
}

/// A bit for each byte that is a blank, a tab, or one of the four characters that end lines.
#[inline]
fn blanks(bytes: &[u8; 64]) -> u64 {
    let mut flags = [0_u8; 64];
    for (flag, &byte) in flags.iter_mut().zip(bytes) {
        *flag = u8::from(byte == b' ') | u8::from(byte.wrapping_sub(9) < 5);
    }
    // The product moves the lowest bit of each byte to the top byte.
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |mask, eight| {
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask << 8 | bits
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_those_of_the_standard_library(texts in proptest::collection::vec("[ab \0\t\n\u{b}\u{c}\r.é]{0,150}|[a-c]{14,18}( [a-c]{14,18}){0,9}", 0..9)) {
            let words = Words::of(&texts);
            let mut seen: FxHashMap<&str, u32> = FxHashMap::default();
            for (text, got) in texts.iter().zip(words.texts()) {
                let want: Vec<u32> = text
                    .split_whitespace()
                    .map(|word| {
                        let next = seen.len() as u32;
                        *seen.entry(word).or_insert(next)
                    })
                    .collect();
                prop_assert_eq!(got, want);
            }
            prop_assert_eq!(words.vocabulary(), seen.len());
        }
    }
}
