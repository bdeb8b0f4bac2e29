//! Similarity of embeddings that the caller brings: cosine, and greedy matching of tokens.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use assay_array::Scalar;

use crate::{Error, Result};

/// Independent partial sums, so that the compiler can use vector registers.
const LANES: usize = 8;

/// The cosine of two vectors; `None` where one is zero.
///
/// # Errors
/// [`Error::Length`] unless they are of one length, [`Error::Value`] for a value that is not finite.
pub fn cosine<T: Scalar>(a: &[T], b: &[T]) -> Result<Option<f64>> {
    let operation = "cosine";
    if a.len() != b.len() {
        return Err(Error::Length { operation, items: "values", expected: a.len(), got: b.len() });
    }
    if let Some(cosine) = plain_cosine(a, b) {
        return Ok(Some(cosine));
    }
    let (a, b) = (unit_rows(operation, a, a.len())?, unit_rows(operation, b, b.len())?);
    let some = |row: &[f64]| row.iter().any(|&x| x != 0.0);
    Ok((some(&a) && some(&b)).then(|| dot(&a, &b).clamp(-1.0, 1.0)))
}

/// The cosine in one pass, where no square comes near the ends of `f64`; else the caller scales first.
fn plain_cosine<T: Scalar>(a: &[T], b: &[T]) -> Option<f64> {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let [mut aa, mut bb, mut ab] = [[0.0; LANES]; 3];
    let mut add = |lane: usize, a: T, b: T| {
        let (a, b) = (a.to_f64(), b.to_f64());
        aa[lane] += a * a;
        bb[lane] += b * b;
        ab[lane] += a * b;
    };
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            add(lane, a[lane], b[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        add(lane, *a, *b);
    }
    let [aa, bb, ab] = [aa, bb, ab].map(|lanes| lanes.iter().sum::<f64>());
    let safe = |square: f64| (1e-200..=1e200).contains(&square);
    (safe(aa) && safe(bb)).then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}

/// Precision, recall and F of greedily matched tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GreedyScores {
    /// The mean similarity of the hypothesis' tokens to their best matches.
    pub precision: f64,
    /// The mean similarity of the reference's tokens to their best matches.
    pub recall: f64,
    /// The harmonic mean; 0 where precision and recall cancel.
    pub f1: f64,
}

impl GreedyScores {
    /// Stretches each score so that a baseline, such as that of unrelated sentences, becomes 0:
    /// `(x − b) / (1 − b)`, separately, as bert-score has it.
    ///
    /// # Errors
    /// [`Error::Setting`] for a baseline outside `[−1, 1)`.
    pub fn rescaled(&self, baseline: &Self) -> Result<Self> {
        let stretch = |x: f64, b: f64| {
            if (-1.0..1.0).contains(&b) {
                return Ok((x - b) / (1.0 - b));
            }
            let (operation, name) = ("rescaling", "baseline");
            Err(Error::Setting { operation, name, expected: "from -1 to below 1", got: b })
        };
        Ok(Self {
            precision: stretch(self.precision, baseline.precision)?,
            recall: stretch(self.recall, baseline.recall)?,
            f1: stretch(self.f1, baseline.f1)?,
        })
    }
}

/// Matches every token of the hypothesis with its most similar one in the reference and the other way
/// round: BERTScore's form (Zhang et al. 2020) for any embeddings.
///
/// `P = Σ_i w_i max_j cos(h_i, r_j) / Σ w_i`, `R = Σ_j v_j max_i cos(h_i, r_j) / Σ v_j`,
/// `F = 2PR/(P + R)`. Rows of length `dimensions`; weights are one unless given, such as
/// [`idf_weights`]. A zero row is similar to nothing (0, where bert-score has NaN); negative
/// similarities are kept (bert-score's padding clips them at 0 in batches). An empty side scores 0.
///
/// ```
/// use assay_score::text::greedy_match;
/// let scores = greedy_match(&[1.0, 0.0, 0.6, 0.8], &[0.0, 1.0, 1.0, 0.0], 2, None)?;
/// assert!((scores.precision - 0.9).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for no dimensions, [`Error::Length`] for an incomplete row or weights that do not
/// fit, [`Error::Value`] for a value that is not finite or a negative weight.
pub fn greedy_match<T: Scalar>(
    hypothesis: &[T],
    reference: &[T],
    dimensions: usize,
    weights: Option<(&[f64], &[f64])>,
) -> Result<GreedyScores> {
    let operation = "greedy matching";
    if dimensions == 0 {
        let (name, expected) = ("dimensions", "at least 1");
        return Err(Error::Setting { operation, name, expected, got: 0.0 });
    }
    for rows in [hypothesis.len(), reference.len()] {
        if !rows.is_multiple_of(dimensions) {
            let (items, got) = ("values in the last row", rows % dimensions);
            return Err(Error::Length { operation, items, expected: dimensions, got });
        }
    }
    let (h, r) = (hypothesis.len() / dimensions, reference.len() / dimensions);
    if let Some((of_h, of_r)) = weights {
        for (weights, expected) in [(of_h, h), (of_r, r)] {
            if weights.len() != expected {
                let (items, got) = ("weights", weights.len());
                return Err(Error::Length { operation, items, expected, got });
            }
            if let Some(index) = weights.iter().position(|w| !(0.0..=1e100).contains(w)) {
                let value = weights[index];
                return Err(Error::Value { operation, index, value, lower: 0.0, upper: 1e100 });
            }
        }
    }
    let hypothesis = unit_rows(operation, hypothesis, dimensions)?;
    let reference = unit_rows(operation, reference, dimensions)?;
    if h == 0 || r == 0 {
        return Ok(GreedyScores { precision: 0.0, recall: 0.0, f1: 0.0 });
    }
    let (mut of_h, mut of_r) = (vec![f64::NEG_INFINITY; h], vec![f64::NEG_INFINITY; r]);
    for (a, best_a) in hypothesis.chunks(dimensions).zip(&mut of_h) {
        for (b, best_b) in reference.chunks(dimensions).zip(&mut of_r) {
            let similarity = dot(a, b);
            *best_a = best_a.max(similarity);
            *best_b = best_b.max(similarity);
        }
    }
    let mean = |best: &[f64], weights: Option<&[f64]>| match weights {
        None => best.iter().sum::<f64>() / best.len() as f64,
        Some(weights) => {
            let total: f64 = weights.iter().sum();
            let sum: f64 = best.iter().zip(weights).map(|(best, weight)| best * weight).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        }
    };
    let precision = mean(&of_h, weights.map(|(of_h, _)| of_h));
    let recall = mean(&of_r, weights.map(|(_, of_r)| of_r));
    let sum = precision + recall;
    let f1 = if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum };
    Ok(GreedyScores { precision, recall, f1 })
}

/// The weights `ln((M + 1)/(df + 1))` of tokens, `M` the number of reference sentences and `df` how many
/// hold the token: bert-score's inverse document frequencies.
pub fn idf_weights<K: Eq + Hash>(references: &[&[K]], tokens: &[K]) -> Vec<f64> {
    let mut frequency: HashMap<&K, usize> = HashMap::new();
    for reference in references {
        for token in reference.iter().collect::<HashSet<_>>() {
            *frequency.entry(token).or_default() += 1;
        }
    }
    let all = references.len() as f64 + 1.0;
    let weight = |token| (all / (frequency.get(token).copied().unwrap_or(0) as f64 + 1.0)).ln();
    tokens.iter().map(weight).collect()
}

/// Rows divided by their lengths; zero rows stay.
fn unit_rows<T: Scalar>(
    operation: &'static str,
    values: &[T],
    dimensions: usize,
) -> Result<Vec<f64>> {
    let mut rows: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
    let upper = crate::Moments::LIMIT;
    if let Some(index) = rows.iter().position(|value| !(-upper..=upper).contains(value)) {
        return Err(Error::Value { operation, index, value: rows[index], lower: -upper, upper });
    }
    for row in rows.chunks_mut(dimensions.max(1)) {
        // Scaled first, so that squares neither over- nor underflow.
        let largest = row.iter().fold(0.0, |a, x| f64::max(a, x.abs()));
        if largest > 0.0 {
            for x in &mut *row {
                *x /= largest;
            }
            let length = dot(row, row).sqrt();
            for x in row {
                *x /= length;
            }
        }
    }
    Ok(rows)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}
