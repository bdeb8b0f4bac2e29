//! How many different n-grams there are.

use rustc_hash::FxHashSet;

use super::words::{Words, mix};

/// Below so many bits, marks for all keys take 2 MiB at most, which a processor keeps at hand.
const MARKED: usize = 25;
/// Keys are sorted into parts of about so many, whose table stays in the fastest memory.
const PART: usize = 2048;
/// More parts than this take longer to write to than they save.
const MAX_PARTS: usize = 1024;

/// The number of different n-grams, of which there are `total` in all.
pub(super) fn unique(words: &Words, n: usize, total: usize) -> usize {
    let vocabulary = words.vocabulary();
    if n == 1 {
        return vocabulary;
    }
    // An n-gram is a number if its words' numbers fit side by side, with room for one that is none.
    let bits = usize::BITS - vocabulary.leading_zeros();
    match n.saturating_mul(bits as usize) {
        width @ ..MARKED => marked(width, grams(words, n, bits)),
        MARKED..64 => different(total, || grams::<u64>(words, n, bits)),
        64..128 => different(total, || grams::<u128>(words, n, bits)),
        _ => {
            let mut seen: FxHashSet<&[u32]> = FxHashSet::default();
            words.texts().for_each(|text| seen.extend(text.windows(n)));
            seen.len()
        }
    }
}

/// The number of different keys of so few bits that each possible one has a mark.
fn marked(bits: usize, keys: impl Iterator<Item = u64>) -> usize {
    let (mut marks, mut count) = (vec![0_u64; (1 << bits) / 64 + 1], 0);
    for key in keys {
        let (marks, mark) = (&mut marks[(key / 64) as usize], 1 << (key % 64));
        count += usize::from(*marks & mark == 0);
        *marks |= mark;
    }
    count
}

/// A number that holds an n-gram.
trait Key: Copy + Eq {
    /// No n-gram.
    const NONE: Self;
    fn push(self, word: u32, bits: u32) -> Self;
    fn hash(self) -> u64;
}

impl Key for u64 {
    const NONE: Self = u64::MAX;

    fn push(self, word: u32, bits: u32) -> Self {
        self << bits | u64::from(word)
    }

    fn hash(self) -> u64 {
        mix(self)
    }
}

impl Key for u128 {
    const NONE: Self = u128::MAX;

    fn push(self, word: u32, bits: u32) -> Self {
        self << bits | u128::from(word)
    }

    fn hash(self) -> u64 {
        mix(mix((self >> 64) as u64) ^ self as u64)
    }
}

/// All n-grams as numbers, `bits` bits a word.
fn grams<K: Key + From<u32>>(words: &Words, n: usize, bits: u32) -> impl Iterator<Item = K> {
    let key =
        move |window: &[u32]| window.iter().fold(K::from(0), |key, &word| key.push(word, bits));
    words.texts().flat_map(move |text| text.windows(n).map(key))
}

/// The number of different keys. One big table would be slow, as every look at it waits for memory;
/// so keys are first written into parts by their hash, and each part has a small table.
fn different<K: Key, I: Iterator<Item = K>>(total: usize, keys: impl Fn() -> I) -> usize {
    let parts = (total / PART).next_power_of_two().min(MAX_PARTS);
    // The lower bits of a hash choose the part, the upper ones the place in its table.
    let part_of = |key: K| key.hash() as usize & (parts - 1);
    let mut ends = vec![0; parts];
    keys().for_each(|key| ends[part_of(key)] += 1);
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    // From now on `ends` holds where the next key of each part goes.
    let mut sorted = vec![K::NONE; total];
    for key in keys() {
        let end = &mut ends[part_of(key)];
        sorted[*end] = key;
        *end += 1;
    }
    let (mut table, mut count, mut start) = (Vec::new(), 0, 0);
    for end in ends {
        let part = &sorted[start..end];
        start = end;
        let size = (2 * part.len()).next_power_of_two().max(2);
        table.clear();
        table.resize(size, K::NONE);
        let shift = u64::BITS - size.trailing_zeros();
        for &key in part {
            let mut place = (key.hash() >> shift) as usize;
            while table[place] != key {
                if table[place] == K::NONE {
                    table[place] = key;
                    count += 1;
                    break;
                }
                place = (place + 1) & (size - 1);
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_key_counts_alike() {
        let mut rng = assay_array::random::stream(5, "unique", 0);
        for vocabulary in [1, 2, 3, 60, 3000, 70_000] {
            let text = |_| -> String {
                let word = |_| format!("{} ", assay_array::random::below(&mut rng, vocabulary));
                (0..5000).map(word).collect()
            };
            let texts: Vec<String> = (0..20).map(text).collect();
            let words = Words::of(&texts);
            for n in [1, 2, 3, 4, 7, 30, usize::MAX] {
                let mut seen: FxHashSet<&[u32]> = FxHashSet::default();
                words.texts().for_each(|text| seen.extend(text.windows(n)));
                let total = words.texts().map(|t| t.windows(n).count()).sum();
                assert_eq!(unique(&words, n, total), seen.len(), "n = {n} of {vocabulary} words");
            }
        }
    }
}
