//! Counts of n-grams of words split at white space. N-grams never cross texts.

use rustc_hash::FxHashMap;

use super::unique::unique;
use super::words::{self, Words};
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

impl Distinct {
    fn new(n: usize, unique: usize, total: usize) -> Self {
        let value = if total == 0 { 0.0 } else { unique as f64 / total as f64 };
        Self { n, unique, total, value }
    }
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
    if n == 1 {
        let (unique, total) = words::count(texts);
        return Ok(Distinct::new(n, unique, total));
    }
    let words = Words::of(texts);
    Ok(count(&words, n))
}

/// Distinct-1 to distinct-n, with the words looked up once.
///
/// # Errors
/// As [`distinct`].
pub fn distinct_up_to<S: AsRef<str>>(texts: &[S], n: usize) -> Result<Vec<Distinct>> {
    check(n)?;
    let words = Words::of(texts);
    Ok((1..=n).map(|n| count(&words, n)).collect())
}

/// The Shannon entropy of the n-grams' frequencies, `−Σ p ln p`, in nats; 0 when there is none.
///
/// # Errors
/// As [`distinct`].
pub fn ngram_entropy<S: AsRef<str>>(texts: &[S], n: usize) -> Result<f64> {
    check(n)?;
    let words = Words::of(texts);
    let mut counts: FxHashMap<&[u32], u64> = FxHashMap::default();
    for window in words.texts().flat_map(|text| text.windows(n)) {
        *counts.entry(window).or_default() += 1;
    }
    let mut counts: Vec<u64> = counts.into_values().collect();
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

fn count(words: &Words, n: usize) -> Distinct {
    let total: usize = words.texts().map(|text| (text.len() + 1).saturating_sub(n)).sum();
    Distinct::new(n, unique(words, n, total), total)
}
