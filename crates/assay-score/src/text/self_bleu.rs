//! Self-BLEU: every text against all others as references.

use std::collections::BTreeMap;

use super::bleu::{BleuConfig, BleuStatistics, Smoothing};
use super::ngram::{SharedNgrams, ngrams};
use super::words::{Vocabulary, words};
use crate::{Error, Result};

const OPERATION: &str = "self-BLEU";
/// An order without a match counts so many (Chen and Cherry 2014, method 1, with NLTK's value).
const EPSILON: f64 = 0.1;

/// Self-BLEU of a set of texts (Zhu et al. 2018): high when the texts repeat each other.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SelfBleu {
    /// The BLEU of every text with all others as references, from 0 to 1.
    pub per_text: Vec<f64>,
    /// Their mean.
    pub mean: f64,
}

/// Self-BLEU of words between white space with n-grams up to `max_order`, uniform weights, smoothing
/// method 1 (ε = 0.1), and the closest reference length, the shorter of two as close: NLTK's
/// `sentence_bleu` of each text on the others, from 0 to 1.
///
/// Of every n-gram the two largest counts in a text and the owner of the largest are kept, so that
/// "the largest count in any other text" needs no second look at the others: the cost is that of
/// counting all n-grams once.
///
/// ```
/// use assay_score::text::self_bleu;
/// let alike = self_bleu(&["tea is good for you", "tea is good for him"], 2)?;
/// let apart = self_bleu(&["tea is good for you", "it rained the whole day"], 2)?;
/// assert!(alike.mean > 0.7 && apart.mean < 0.1);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for fewer than two texts, [`Error::Setting`] for orders outside 1 to 8.
pub fn self_bleu<S: AsRef<str>>(texts: &[S], max_order: usize) -> Result<SelfBleu> {
    if texts.len() < 2 {
        return Err(Error::Empty { operation: OPERATION, item: "text besides each text" });
    }
    let config =
        BleuConfig::new().with_smoothing(Smoothing::Floor(EPSILON)).with_max_order(max_order);
    config.init()?;
    let mut vocabulary = Vocabulary::default();
    let mut numbers = Vec::new();
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    let mut all = SharedNgrams::new(max_order);
    for text in texts {
        vocabulary.numbers(words(text.as_ref()), &mut numbers);
        *lengths.entry(numbers.len()).or_default() += 1;
        all.add(&numbers);
    }
    let mut per_text = Vec::with_capacity(texts.len());
    all.each(|length, shared| {
        let mut statistics = BleuStatistics {
            hypothesis: length as u64,
            reference: closest(&lengths, length) as u64,
            ..BleuStatistics::default()
        };
        for (order, (matches, total)) in
            statistics.matches.iter_mut().zip(&mut statistics.totals).enumerate().take(max_order)
        {
            *matches = shared.get(order).copied().unwrap_or(0);
            // NLTK divides by one where a text is too short for an order; the corpus score would be 0.
            *total = ngrams(length, order).max(1);
        }
        // A perfect match scores a rounding error above 100.
        per_text.push((statistics.score(&config) / 100.0).min(1.0));
    });
    let mean = per_text.iter().sum::<f64>() / per_text.len() as f64;
    Ok(SelfBleu { per_text, mean })
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

#[cfg(test)]
mod tests {
    use super::super::{BleuConfig, Segment, Smoothing, Tokenizer};
    use super::*;

    /// Texts long enough for every order score as they do one by one against the others.
    #[test]
    fn it_is_bleu_against_the_others() {
        let mut rng = assay_array::random::stream(3, "self-BLEU", 0);
        let words = ["red", "tea", "is", "good", "cold"];
        for _ in 0..50 {
            let mut text = || -> String {
                let n = 4 + assay_array::random::below(&mut rng, 8);
                let word = |_| words[assay_array::random::below(&mut rng, words.len())];
                (0..n).map(word).collect::<Vec<_>>().join(" ")
            };
            let texts: Vec<String> = (0..5).map(|_| text()).collect();
            let config = BleuConfig::new()
                .with_tokenizer(Tokenizer::None)
                .with_smoothing(Smoothing::Floor(EPSILON));
            let bleu = config.init().unwrap();
            let got = self_bleu(&texts, 4).unwrap();
            for (i, score) in got.per_text.iter().enumerate() {
                let others: Vec<&str> =
                    (0..5).filter(|j| *j != i).map(|j| texts[j].as_str()).collect();
                let segment = Segment { hypothesis: &texts[i], references: &others };
                let slow = bleu.statistics(&[segment]).unwrap()[0].score(&config) / 100.0;
                assert!((score - slow).abs() < 1e-12, "{score} {slow} {texts:?}");
            }
        }
    }

    #[test]
    fn odd_sets() {
        assert!(self_bleu(&["a"], 4).is_err() && self_bleu(&["a", "b"], 0).is_err());
        assert!(self_bleu(&["a", "b"], 9).is_err());
        assert_eq!(self_bleu(&["", ""], 4).unwrap().mean, 0.0);
        assert_eq!(self_bleu(&["a b", "a b"], 2).unwrap().mean, 1.0);
    }
}
