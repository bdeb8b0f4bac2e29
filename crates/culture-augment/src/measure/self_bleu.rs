//! Self-BLEU: every text against all others as references.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::ngrams::Words;
use crate::{Error, Result};

/// A precision of zero counts as this over its denominator (Chen and Cherry 2014, method 1, with
/// NLTK's value).
const EPSILON: f64 = 0.1;
/// Longer n-grams are not used by anybody; it bounds memory.
const MAX_N: usize = 8;

/// Self-BLEU of a set of texts (Zhu et al. 2018): high when the texts repeat each other.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SelfBleu {
    /// The BLEU of every text with all others as references.
    pub per_text: Vec<f64>,
    /// Their mean.
    pub mean: f64,
}

/// Self-BLEU with n-grams up to `max_n`, uniform weights, smoothing method 1 (ε = 0.1), and the
/// closest reference length, the shorter of two as close: NLTK's `sentence_bleu` of each text on the
/// others.
///
/// Of every n-gram the two largest counts in a text and the owner of the largest are kept, so that
/// "the largest count in any other text" needs no second look at the others: the cost is that of
/// counting all n-grams once.
///
/// # Errors
/// [`Error::Empty`] for fewer than two texts, [`Error::Setting`] for `max_n` outside 1 to 8.
pub fn self_bleu<S: AsRef<str>>(texts: &[S], max_n: usize) -> Result<SelfBleu> {
    const OPERATION: &str = "self-BLEU";
    if texts.len() < 2 {
        return Err(Error::Empty { operation: OPERATION, item: "text besides each text" });
    }
    if !(1..=MAX_N).contains(&max_n) {
        return Err(Error::setting(OPERATION, "the longest n-gram", "from 1 to 8", max_n));
    }
    let words = Words::of(texts);
    let texts: Vec<&[u32]> = words.texts().collect();
    let orders: Vec<FxHashMap<&[u32], Most>> =
        (1..=max_n).into_par_iter().map(|n| most_counts(&texts, n)).collect();
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for text in &texts {
        *lengths.entry(text.len()).or_default() += 1;
    }
    let per_text: Vec<f64> = texts
        .par_iter()
        .enumerate()
        .map(|(index, text)| bleu(index, text, &orders, closest(&lengths, text.len())))
        .collect();
    let mean = per_text.iter().sum::<f64>() / per_text.len() as f64;
    Ok(SelfBleu { per_text, mean })
}

/// The two largest counts of an n-gram in single texts.
#[derive(Debug, Clone, Copy)]
struct Most {
    first: u32,
    owner: u32,
    second: u32,
}

fn most_counts<'a>(texts: &[&'a [u32]], n: usize) -> FxHashMap<&'a [u32], Most> {
    let mut most: FxHashMap<&[u32], Most> = FxHashMap::default();
    let mut own: FxHashMap<&[u32], u32> = FxHashMap::default();
    for (index, text) in texts.iter().enumerate() {
        own.clear();
        text.windows(n).for_each(|w| *own.entry(w).or_default() += 1);
        for (&window, &count) in &own {
            let entry = most.entry(window).or_insert(Most { first: 0, owner: 0, second: 0 });
            if count > entry.first {
                entry.second = entry.first;
                (entry.first, entry.owner) = (count, index as u32);
            } else {
                entry.second = entry.second.max(count);
            }
        }
    }
    most
}

/// The length of another text that is closest, the shorter of two as close.
fn closest(lengths: &BTreeMap<usize, usize>, own: usize) -> usize {
    if lengths.get(&own).is_some_and(|&count| count > 1) {
        return own;
    }
    let below = lengths.range(..own).next_back().map(|(&l, _)| l);
    let above = lengths.range(own + 1..).next().map(|(&l, _)| l);
    match (below, above) {
        (Some(below), Some(above)) if above - own < own - below => above,
        (Some(below), _) => below,
        (None, Some(above)) => above,
        (None, None) => own,
    }
}

fn bleu(index: usize, text: &[u32], orders: &[FxHashMap<&[u32], Most>], reference: usize) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let mut logs = 0.0;
    for (n, most) in (1..).zip(orders) {
        let mut own: FxHashMap<&[u32], u32> = FxHashMap::default();
        text.windows(n).for_each(|w| *own.entry(w).or_default() += 1);
        let clipped: u32 = own
            .iter()
            .map(|(window, &count)| {
                let limit = most
                    .get(window)
                    .map_or(0, |m| if m.owner as usize == index { m.second } else { m.first });
                count.min(limit)
            })
            .sum();
        let total = (text.len() + 1).saturating_sub(n).max(1) as f64;
        if clipped == 0 && n == 1 {
            return 0.0;
        }
        let numerator = if clipped == 0 { EPSILON } else { f64::from(clipped) };
        logs += (numerator / total).ln();
    }
    let brevity = if text.len() > reference {
        1.0
    } else {
        (1.0 - reference as f64 / text.len() as f64).exp()
    };
    brevity * (logs / orders.len() as f64).exp()
}
