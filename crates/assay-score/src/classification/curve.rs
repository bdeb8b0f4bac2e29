//! How well scores separate two classes: ROC and precision-recall curves and the areas under them.
//!
//! Ranks need all scores at once, so none of this merges; keep the scores, or accept the rounding of
//! a [`Histogram`](crate::Histogram) for each class.

use assay_array::Scalar;

use crate::{Error, Result};

/// The area under the ROC curve with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RocReport {
    /// The probability that a positive's score exceeds a negative's, ties counting one half.
    pub auc: f64,
    /// DeLong, DeLong and Clarke-Pearson's standard error (1988); `None` with fewer than two
    /// positives or negatives.
    pub standard_error: Option<f64>,
    /// The number of positives.
    pub positives: u64,
    /// The number of negatives.
    pub negatives: u64,
}

/// One threshold of a ROC curve: calling positive what scores at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RocPoint {
    /// The score from which on items are called positive; infinite for the first point.
    pub threshold: f64,
    /// The share of positives called positive, which is also the recall.
    pub true_positive_rate: f64,
    /// The share of negatives called positive.
    pub false_positive_rate: f64,
    /// The share of positives among those called positive; `None` for the first point.
    pub precision: Option<f64>,
}

/// The area under the ROC curve (Mann and Whitney 1947; Bamber 1975),
/// `#{(i, j): y_i > y_j} + ½ #{ties} / (n₁ n₀)` over positives `i` and negatives `j`, in
/// `O(n log n)`.
///
/// ```
/// use assay_score::classification::roc;
/// let report = roc(&[false, false, true, true, true], &[0.1, 0.4, 0.35, 0.8, 0.4])?;
/// assert_eq!(report.auc, 0.75);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] unless there is a score for each label, [`Error::Value`] for a NaN score,
/// [`Error::Undefined`] unless both classes occur.
pub fn roc<T: Scalar>(positive: &[bool], scores: &[T]) -> Result<RocReport> {
    let groups = groups("area under the ROC curve", positive, scores)?;
    let positives: u64 = groups.iter().map(|group| group.positives).sum();
    let negatives: u64 = groups.iter().map(|group| group.negatives).sum();
    if positives == 0 || negatives == 0 {
        let reason = "only one class occurs";
        return Err(Error::Undefined { operation: "area under the ROC curve", reason });
    }
    // From the highest score down: what a positive beats, and what a negative loses to, in halves.
    let (mut wins, mut positives_above, mut negatives_above) = (0_u128, 0_u64, 0_u64);
    let (n1, n0) = (positives as f64, negatives as f64);
    let (mut of_positives, mut of_negatives) = (Vec::new(), Vec::new());
    for group in &groups {
        let below = 2 * (negatives - negatives_above - group.negatives) + group.negatives;
        let above = 2 * positives_above + group.positives;
        wins += u128::from(group.positives) * u128::from(below);
        positives_above += group.positives;
        negatives_above += group.negatives;
        of_positives.push((group.positives as f64, below as f64 / (2.0 * n0)));
        of_negatives.push((group.negatives as f64, above as f64 / (2.0 * n1)));
    }
    let auc = wins as f64 / (2.0 * n1 * n0);
    // The variance of the mean of what the items of one class contribute.
    let variance = |places: &[(f64, f64)], n: f64| {
        let squares = places.iter().map(|(count, place)| count * (place - auc).powi(2));
        squares.sum::<f64>() / (n - 1.0) / n
    };
    let standard_error = (positives > 1 && negatives > 1)
        .then(|| (variance(&of_positives, n1) + variance(&of_negatives, n0)).sqrt());
    Ok(RocReport { auc, standard_error, positives, negatives })
}

/// The points of the ROC curve, one for each different score from the highest down, after the point
/// where nothing is called positive.
///
/// # Errors
/// As [`roc`].
pub fn roc_curve<T: Scalar>(positive: &[bool], scores: &[T]) -> Result<Vec<RocPoint>> {
    let operation = "ROC curve";
    let groups = groups(operation, positive, scores)?;
    let positives: u64 = groups.iter().map(|group| group.positives).sum();
    let negatives: u64 = groups.iter().map(|group| group.negatives).sum();
    if positives == 0 || negatives == 0 {
        return Err(Error::Undefined { operation, reason: "only one class occurs" });
    }
    let (mut hits, mut alarms) = (0, 0);
    let first = RocPoint {
        threshold: f64::INFINITY,
        true_positive_rate: 0.0,
        false_positive_rate: 0.0,
        precision: None,
    };
    let rest = groups.into_iter().map(|group| {
        hits += group.positives;
        alarms += group.negatives;
        RocPoint {
            threshold: group.score,
            true_positive_rate: hits as f64 / positives as f64,
            false_positive_rate: alarms as f64 / negatives as f64,
            precision: Some(hits as f64 / (hits + alarms) as f64),
        }
    });
    Ok(std::iter::once(first).chain(rest).collect())
}

/// The area under the precision-recall curve as average precision,
/// `Σ_t (R_t − R_{t−1}) P_t` over the different scores `t` from the highest down.
///
/// Items with equal scores are called positive together, so ties are neither lucky nor unlucky; no
/// line is drawn between points, which would flatter (Davis and Goadrich 2006).
///
/// # Errors
/// As [`roc`], but only positives are needed.
pub fn average_precision<T: Scalar>(positive: &[bool], scores: &[T]) -> Result<f64> {
    let operation = "average precision";
    let groups = groups(operation, positive, scores)?;
    let positives: u64 = groups.iter().map(|group| group.positives).sum();
    if positives == 0 {
        return Err(Error::Undefined { operation, reason: "there are no positives" });
    }
    let (mut hits, mut called) = (0, 0);
    let sum: f64 = groups
        .iter()
        .map(|group| {
            hits += group.positives;
            called += group.positives + group.negatives;
            group.positives as f64 * hits as f64 / called as f64
        })
        .sum();
    Ok(sum / positives as f64)
}

/// The items that share a score.
struct Group {
    score: f64,
    positives: u64,
    negatives: u64,
}

/// Groups by score, the highest first.
fn groups<T: Scalar>(
    operation: &'static str,
    positive: &[bool],
    scores: &[T],
) -> Result<Vec<Group>> {
    let (expected, got) = (positive.len(), scores.len());
    if expected != got {
        return Err(Error::Length { operation, items: "scores", expected, got });
    }
    if expected == 0 {
        return Err(Error::Empty { operation, item: "score" });
    }
    let scores: Vec<f64> = scores.iter().map(|score| score.to_f64()).collect();
    if let Some(index) = scores.iter().position(|score| score.is_nan()) {
        let (lower, upper) = (f64::NEG_INFINITY, f64::INFINITY);
        return Err(Error::Value { operation, index, value: scores[index], lower, upper });
    }
    let mut items: Vec<(f64, bool)> = scores.into_iter().zip(positive.iter().copied()).collect();
    items.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    // `==` joins the two zeros, which total_cmp puts side by side.
    let groups = items.chunk_by(|a, b| a.0 == b.0).map(|group| {
        let positives = group.iter().filter(|item| item.1).count() as u64;
        Group { score: group[0].0, positives, negatives: group.len() as u64 - positives }
    });
    Ok(groups.collect())
}
