//! Counts of n-grams of words split at white space. N-grams never cross texts.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Error, Result};

/// Distinct-n of a set of texts (Li et al. 2016, over the whole set).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Distinct {
    /// Length of the n-grams.
    pub n: usize,
    /// Different n-grams.
    pub unique: usize,
    /// N-grams in all.
    pub total: usize,
    /// `unique / total`; 0 when there is none.
    pub value: f64,
}

/// The share of n-grams that are different ones: `unique / total` over all texts together.
///
/// It falls with the amount of text; compare sets of equal size.
///
/// ```
/// let d = culture_augment::measure::distinct(&["the cat sat on the mat", "the dog sat on the log"], 1)?;
/// assert_eq!((d.unique, d.total), (7, 12));
/// # Ok::<(), culture_augment::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] when `n` is 0.
pub fn distinct<S: AsRef<str>>(texts: &[S], n: usize) -> Result<Distinct> {
    check(n)?;
    let words = Words::of(texts);
    Ok(words.distinct(n))
}

/// Distinct-1 to distinct-n, with the words looked up once.
///
/// # Errors
/// As [`distinct`].
pub fn distinct_up_to<S: AsRef<str>>(texts: &[S], n: usize) -> Result<Vec<Distinct>> {
    check(n)?;
    let words = Words::of(texts);
    Ok((1..=n).map(|n| words.distinct(n)).collect())
}

/// The Shannon entropy of the n-grams' frequencies, `−Σ p ln p`, in nats; 0 when there is none.
///
/// # Errors
/// As [`distinct`].
pub fn ngram_entropy<S: AsRef<str>>(texts: &[S], n: usize) -> Result<f64> {
    check(n)?;
    let words = Words::of(texts);
    let mut counts: Vec<u64> = words.counts(n);
    // Summed in the order of size, so that the result does not depend on the table's order.
    counts.sort_unstable();
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Ok(0.0);
    }
    let total = total as f64;
    let sum: f64 = counts.iter().map(|&c| c as f64 * (c as f64).ln()).sum();
    Ok((total.ln() - sum / total).max(0.0))
}

/// Lengths of texts in words.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Lengths {
    /// The shortest.
    pub shortest: usize,
    /// The longest.
    pub longest: usize,
    /// The mean.
    pub mean: f64,
    /// The standard deviation, over all texts.
    pub deviation: f64,
}

/// The lengths of texts in words; `None` without texts.
pub fn lengths<S: AsRef<str>>(texts: &[S]) -> Option<Lengths> {
    let counts: Vec<usize> = texts.iter().map(|t| t.as_ref().split_whitespace().count()).collect();
    let (shortest, longest) = (*counts.iter().min()?, *counts.iter().max()?);
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<usize>() as f64 / n;
    let square = counts.iter().map(|&c| (c as f64 - mean).powi(2)).sum::<f64>() / n;
    Some(Lengths { shortest, longest, mean, deviation: square.sqrt() })
}

fn check(n: usize) -> Result<()> {
    if n == 0 {
        return Err(Error::setting("n-grams", "n", "at least 1", n));
    }
    Ok(())
}

/// The words of texts as numbers.
pub(crate) struct Words {
    /// One number a word, all texts in a row.
    ids: Vec<u32>,
    /// Where each text ends in `ids`.
    ends: Vec<usize>,
}

impl Words {
    pub(crate) fn of<S: AsRef<str>>(texts: &[S]) -> Self {
        let mut index: FxHashMap<&[u8], u32> = FxHashMap::default();
        let mut ids = Vec::new();
        let mut ends = Vec::with_capacity(texts.len());
        let mut add = |word| {
            let next = index.len() as u32;
            ids.push(*index.entry(word).or_insert(next));
            ids.len()
        };
        let mut end = 0;
        for text in texts {
            let text: &str = text.as_ref();
            if text.is_ascii() {
                // The same words by bytes, which is faster.
                let words = text.as_bytes().split(|byte| matches!(byte, b' ' | 9..=13));
                words.filter(|word| !word.is_empty()).for_each(|word| end = add(word));
            } else {
                text.split_whitespace().for_each(|word| end = add(word.as_bytes()));
            }
            ends.push(end);
        }
        Self { ids, ends }
    }

    /// The numbers of every text's words.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let text = self.ids.get(start..end).unwrap_or(&[]);
            start = end;
            text
        })
    }

    fn distinct(&self, n: usize) -> Distinct {
        let total: usize = self.texts().map(|t| (t.len() + 1).saturating_sub(n)).sum();
        let vocabulary = self.ids.iter().max().map_or(0, |&most| most as usize + 1);
        let unique = match (n, self.dense(n, vocabulary)) {
            (_, Some(unique)) => unique,
            (2, None) => self.unique(n, |w| pack(w) as u64, total),
            (3 | 4, None) => self.unique(n, pack, total),
            _ => {
                let mut seen: FxHashSet<&[u32]> = FxHashSet::default();
                self.texts().for_each(|t| seen.extend(t.windows(n)));
                seen.len()
            }
        };
        let value = if total == 0 { 0.0 } else { unique as f64 / total as f64 };
        Distinct { n, unique, total, value }
    }

    /// Counts different words, and different pairs or triples of a small vocabulary by a bit for each
    /// possible one.
    fn dense(&self, n: usize, vocabulary: usize) -> Option<usize> {
        if n == 1 {
            return Some(vocabulary);
        }
        let pairs = vocabulary.checked_mul(vocabulary).filter(|&pairs| pairs <= MOST_PAIRS)?;
        let pair = |w: &[u32]| w[0] as usize * vocabulary + w[1] as usize;
        if n == 2 {
            let mut seen = Bits::new(pairs);
            self.texts().flat_map(|text| text.windows(2)).for_each(|w| seen.set(pair(w)));
            return Some(seen.count);
        }
        if n != 3 {
            return None;
        }
        // Pairs are numbered as they come, so that triples are a pair's number and a word.
        let mut numbers = vec![0_u32; pairs];
        let mut count = 0;
        for window in self.texts().flat_map(|text| text.windows(2)) {
            if let Some(number) = numbers.get_mut(pair(window))
                && *number == 0
            {
                count += 1;
                *number = count;
            }
        }
        let triples = (count as usize + 1).checked_mul(vocabulary).filter(|&t| t <= MOST_BITS)?;
        let mut seen = Bits::new(triples);
        for window in self.texts().flat_map(|text| text.windows(3)) {
            let number = numbers.get(pair(window)).copied().unwrap_or(0) as usize;
            seen.set(number * vocabulary + window[2] as usize);
        }
        Some(seen.count)
    }

    /// Counts different keys; up to four words fit into a key without loss.
    fn unique<K: Copy + Eq + std::hash::Hash>(
        &self,
        n: usize,
        key: impl Fn(&[u32]) -> K,
        total: usize,
    ) -> usize {
        let mut seen = FxHashSet::with_capacity_and_hasher(total / 4, rustc_hash::FxBuildHasher);
        for text in self.texts() {
            for window in text.windows(n) {
                seen.insert(key(window));
            }
        }
        seen.len()
    }

    fn counts(&self, n: usize) -> Vec<u64> {
        let mut counts: FxHashMap<&[u32], u64> = FxHashMap::default();
        for text in self.texts() {
            for window in text.windows(n) {
                *counts.entry(window).or_default() += 1;
            }
        }
        counts.into_values().collect()
    }
}

/// Tables of pairs up to 16 MiB and of bits up to 64 MiB; larger vocabularies are hashed.
const MOST_PAIRS: usize = 1 << 22;
const MOST_BITS: usize = 1 << 29;

/// A bit for every possible key, and how many are set.
struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    fn new(size: usize) -> Self {
        Self { words: vec![0; size / 64 + 1], count: 0 }
    }

    fn set(&mut self, key: usize) {
        if let Some(word) = self.words.get_mut(key / 64) {
            let bit = 1 << (key % 64);
            self.count += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }
}

/// At most four words in one number.
fn pack(window: &[u32]) -> u128 {
    window.iter().fold(0, |key, &word| (key << 32) | u128::from(word))
}
