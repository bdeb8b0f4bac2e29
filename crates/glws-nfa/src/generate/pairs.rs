use assay_array::random::stream;
use ndarray::ArrayView2;

use super::instances::Population;
use super::label;
use crate::error::{Error, Result};

/// `n` pairs of instances, each drawn as [`draw`](super::draw) draws: `proportions` is the prior of the
/// classes. The two of a pair may be the same instance.
///
/// # Errors
/// As [`draw`](super::draw).
///
/// ```
/// use glws_nfa::WeakLabels;
/// use glws_nfa::generate::{WeakSet, pairs, similarities};
/// let labels = [0, 1, 1, 0, 1];
/// // Thirty per cent of class 1, whatever the data set has.
/// let pairs = pairs(&labels, Some(&[0.7, 0.3]), 100, 1)?;
/// let similar = similarities(&pairs, &labels)?;
/// let set = WeakSet::new(pairs.concat(), WeakLabels::pairwise_similarity(&similar))?;
/// # Ok::<(), glws_nfa::Error>(())
/// ```
pub fn pairs(
    labels: &[usize],
    proportions: Option<&[f64]>,
    n: usize,
    seed: u64,
) -> Result<Vec<[usize; 2]>> {
    let population = Population::new(labels, proportions)?;
    let pair = |i: usize| {
        let mut rng = stream(seed, "pairs", i as u64);
        [population.draw(&mut rng), population.draw(&mut rng)]
    };
    Ok((0..n).map(pair).collect())
}

/// Whether the two of each pair are of one class.
///
/// # Errors
/// [`Error::NoInstance`].
pub fn similarities(pairs: &[[usize; 2]], labels: &[usize]) -> Result<Vec<bool>> {
    pairs
        .iter()
        .map(|&[a, b]| Ok(label("similarities", labels, a)? == label("similarities", labels, b)?))
        .collect()
}

/// The pairs with the one of the higher class first, as a teacher lays them who compares. Pairs of one
/// class stay as they are.
///
/// # Errors
/// [`Error::NoInstance`].
pub fn compared(pairs: &[[usize; 2]], labels: &[usize]) -> Result<Vec<[usize; 2]>> {
    let sorted = pairs.iter().map(|&[a, b]| {
        let below = label("comparisons", labels, a)? < label("comparisons", labels, b)?;
        Ok(if below { [b, a] } else { [a, b] })
    });
    sorted.collect()
}

/// How likely the two of each pair are of one class, by a model's probabilities `[N, C]`:
/// `Σ_c p_a(c) p_b(c)`.
///
/// # Errors
/// [`Error::NoInstance`]; [`Error::Parameter`] where the probabilities give no probability.
pub fn similarity_confidences(
    pairs: &[[usize; 2]],
    probabilities: ArrayView2<'_, f64>,
) -> Result<Vec<f64>> {
    let confidences = pairs.iter().map(|&[a, b]| {
        let (a, b) = (row(probabilities, a)?, row(probabilities, b)?);
        let same: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        probability("similarity confidence", same)
    });
    confidences.collect()
}

/// How much more positive the second of each pair is, by a model's probabilities of two classes `[N, 2]`:
/// `p_b(1) − p_a(1)`.
///
/// # Errors
/// [`Error::Shape`] for other than two classes, [`Error::NoInstance`], [`Error::Parameter`].
pub fn confidence_differences(
    pairs: &[[usize; 2]],
    probabilities: ArrayView2<'_, f64>,
) -> Result<Vec<f64>> {
    crate::weak_labels::same_count("classes of a difference", 2, probabilities.ncols())?;
    let differences = pairs.iter().map(|&[a, b]| {
        let positive = |instance| {
            let row = row(probabilities, instance)?;
            probability("probability of class 1", row.last().copied().unwrap_or(f64::NAN))
        };
        Ok(positive(b)? - positive(a)?)
    });
    differences.collect()
}

fn row(probabilities: ArrayView2<'_, f64>, instance: usize) -> Result<Vec<f64>> {
    if instance >= probabilities.nrows() {
        return Err(Error::NoInstance {
            operation: "confidences",
            instance,
            instances: probabilities.nrows(),
        });
    }
    Ok(probabilities.row(instance).to_vec())
}

/// Rounding may take a sum of products a little above 1.
fn probability(name: &'static str, value: f64) -> Result<f64> {
    if (0.0..=1.0 + 1e-6).contains(&value) {
        return Ok(value.min(1.0));
    }
    Err(Error::Parameter { name, expected: "a probability from 0 to 1", got: value })
}
