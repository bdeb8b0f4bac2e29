//! The published code's numbers, where they differ from the mathematics.
//!
//! The code that accompanies the paper (commit f577553 of the authors' repository) was held against
//! enumeration of all labellings; several of its targets are wrong, and some of its losses are not those
//! of the paper. These functions give its numbers for comparison with published results, on the host and
//! in `f64`. Nothing else in this crate uses them, and nobody should train with them.
//!
//! What the code does right is not here: pairwise similarity, positive confidence, partial and noisy
//! labels have the same targets in both.

use assay_array::numeric::{log_add_exp, log_softmax};
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::bags::Bags;
use crate::constraint::Constraint;
use crate::error::{Error, Result};
use crate::languages::check_class;
use crate::marginals::{cross_entropy, marginals};
use crate::weak_labels::{WeakLabels, same_count};

/// What the published code computes for some bags.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The targets of the unsupervised part, one row an instance; rows of bags in order.
    pub targets: Array2<f64>,
    /// The probability that the supervised part compares with what is known, one a bag.
    pub predictions: Vec<f64>,
}

/// The published code keeps its probabilities off 0 and 1 by this much.
const CLAMP: f64 = 1e-12;

/// The count that the published code takes for `n` unlabelled instances of a population with a share
/// `prior` of positives: `⌊prior · n⌋`.
///
/// # Errors
/// [`Error::Parameter`] for a prior outside 0 to 1.
pub fn count_of_prior(prior: f64, n: usize) -> Result<usize> {
    if !(0.0..=1.0).contains(&prior) {
        let (name, expected) = ("prior", "a probability from 0 to 1");
        return Err(Error::Parameter { name, expected, got: prior });
    }
    Ok((prior * n as f64) as usize)
}

/// Multiple instances of class 1 of two.
///
/// Backwards, the state of later positives reads the probability of class 0. Besides, a line that should
/// mask the all-negative state at each bag's last instance masks it in the batch's first bag, at the
/// last positions of all bags: the first bag's targets depend on the other bags' lengths. The
/// predictions, `P(some instance is positive)`, are right.
///
/// # Errors
/// [`Error::Shape`] when there is not an answer for each bag, or for other than two classes.
pub fn multiple_instances(bags: &Bags<'_, f64>, present: &[bool]) -> Result<Published> {
    same_count("classes", 2, bags.num_classes())?;
    same_count("multiple instances [B]", bags.len(), present.len())?;
    let lasts: Vec<usize> =
        bags.offsets().windows(2).filter_map(|ends| (ends[1] - ends[0]).checked_sub(1)).collect();
    // 0: negatives so far; 1: the first positive; 2 and 3: later negatives and positives.
    let next: [&[usize]; 4] = [&[0, 1], &[2, 3], &[2, 3], &[2, 3]];
    Ok(each_bag(bags, |bag, log_p| {
        let masked: &[usize] = if bag == 0 { &lasts } else { &[] };
        let graph = Graph {
            next: next.iter().map(|next| next.to_vec()).collect(),
            read_back: vec![0, 1, 0, 0],
            accepting: vec![false, true, true, true],
        };
        let (mut targets, positive, all) = graph.run(log_p, masked);
        if !present[bag] {
            for mut row in targets.rows_mut() {
                (row[0], row[1]) = (1.0, 0.0);
            }
        }
        (targets, share(positive, all))
    }))
}

/// Label proportions of class 1 of two.
///
/// Backwards, the state of the last positive reads the probability of class 0; the predictions are
/// `P(count = m) / P(count ≤ m)`.
///
/// # Errors
/// [`Error::Shape`] when there is not a count for each bag, or for other than two classes;
/// [`Error::TooManyStates`] for a count above a bag's length, for which the code has no answer.
pub fn label_proportions(bags: &Bags<'_, f64>, counts: &[usize]) -> Result<Published> {
    same_count("classes", 2, bags.num_classes())?;
    same_count("label proportions [B]", bags.len(), counts.len())?;
    for (ends, &count) in bags.offsets().windows(2).zip(counts) {
        let length = ends[1] - ends[0];
        if count > length {
            let operation = "published label proportions";
            return Err(Error::TooManyStates { operation, num_states: count, limit: length });
        }
    }
    Ok(each_bag(bags, |bag, log_p| {
        // Even states read class 0, odd ones class 1; state q has seen (q + 1)/2 positives.
        let count = counts[bag];
        let states = 2 * count + 1;
        let seen = |state: usize| state.div_ceil(2);
        let next = (0..states).map(|state| {
            let more = (seen(state) < count).then_some(2 * seen(state) + 1);
            std::iter::once(2 * seen(state)).chain(more).collect()
        });
        let wrong = (2 * count).checked_sub(1);
        let graph = Graph {
            next: next.collect(),
            read_back: (0..states).map(|q| if Some(q) == wrong { 0 } else { q % 2 }).collect(),
            accepting: (0..states).map(|q| seen(q) == count).collect(),
        };
        let (targets, accepted, all) = graph.run(log_p, &[]);
        (targets, share(accepted, all))
    }))
}

/// Similarity confidence of two classes: the second instance's target is its own prediction. The
/// predictions, `P(the classes are equal)`, are right.
///
/// # Errors
/// As [`WeakLabels::similarity_confidence`] and [`marginals`].
pub fn similarity_confidence(pairs: &Bags<'_, f64>, confidence: &[f64]) -> Result<Published> {
    same_count("classes", 2, pairs.num_classes())?;
    let labels = WeakLabels::similarity_confidence(2, confidence)?;
    let mut targets = marginals(pairs, labels.constraints())?.posterior;
    for (mut target, logits) in
        targets.rows_mut().into_iter().zip(pairs.logits().rows()).skip(1).step_by(2)
    {
        let mut log_p = [0.0; 2];
        log_softmax(&[logits[0], logits[1]], &mut log_p);
        (target[0], target[1]) = (log_p[0].exp(), log_p[1].exp());
    }
    let similar = marginals(pairs, &vec![Constraint::Similar; pairs.len()])?;
    let predictions = similar.log_z().iter().map(|log_z| log_z.exp()).collect();
    Ok(Published { targets, predictions })
}

/// Confidence difference, with the sign turned: the first instance counts as the more positive one where
/// `difference = P(1 | second) − P(1 | first)` is positive. The second value holds, for each pair, the
/// unweighted predictions of the labels `(0,0)`, `(1,1)`, `(1,0)` and `(0,1)` among those accepted.
///
/// # Errors
/// As [`WeakLabels::confidence_difference`] and [`marginals`].
pub fn confidence_difference(
    pairs: &Bags<'_, f64>,
    difference: &[f64],
) -> Result<(Array2<f64>, Vec<[f64; 4]>)> {
    same_count("classes", 2, pairs.num_classes())?;
    // The code takes 0 for positive, and its turned sign must not.
    let turned: Vec<f64> =
        difference.iter().map(|&d| if d == 0.0 { -f64::MIN_POSITIVE } else { -d }).collect();
    let labels = WeakLabels::confidence_difference(&turned)?;
    let targets = marginals(pairs, labels.constraints())?.posterior;
    let predictions = pairs.offsets().windows(2).zip(&turned).map(|(ends, turned)| {
        let rows = log_probabilities(pairs, ends[0]..ends[1]);
        let mut joint = [(0, 0), (1, 1), (1, 0), (0, 1)].map(|(a, b)| {
            let accepted = a == b || (a < b) == (*turned >= 0.0);
            if accepted { (rows[[0, a]] + rows[[1, b]]).exp() } else { 0.0 }
        });
        let total: f64 = joint.iter().sum();
        joint = joint.map(|p| (p / total).clamp(CLAMP, 1.0 - CLAMP));
        joint
    });
    let predictions = predictions.collect();
    Ok((targets, predictions))
}

/// The two losses of partial labels in the published code: `−mean Σ_{c ∉ S} log(1 + 10^−7 − p(c))`, which
/// is not `−log Σ_S p`, and the mean of the posterior's cross-entropies to the weak view and to each
/// strong one.
///
/// # Errors
/// [`Error::Shape`] when the views or the candidates differ in shape, and as [`marginals`].
pub fn partial_label_losses(
    weak: ArrayView2<'_, f64>,
    strong: &[ArrayView2<'_, f64>],
    candidates: ArrayView2<'_, bool>,
) -> Result<(f64, f64)> {
    const EPSILON: f64 = 1e-7;
    let (rows, classes) = weak.dim();
    same_count("candidates [N]", rows, candidates.nrows())?;
    same_count("candidates [C]", classes, candidates.ncols())?;
    let labels = WeakLabels::partial(candidates)?;
    let bags = Bags::new(weak, labels.lengths())?;
    let posterior = marginals(&bags, labels.constraints())?.posterior;
    let log_p = log_probabilities(&bags, 0..rows);
    let against = candidates.iter().zip(&log_p).filter(|(candidate, _)| !**candidate);
    let sum: f64 = against.map(|(_, log_p)| -(1.0 + EPSILON - log_p.exp()).ln()).sum();
    let views = std::iter::once(weak).chain(strong.iter().copied());
    let mut unsupervised = 0.0;
    for view in views {
        unsupervised += cross_entropy(posterior.view(), view)? / (strong.len() + 1) as f64;
    }
    Ok((if rows == 0 { 0.0 } else { sum / rows as f64 }, unsupervised))
}

/// The noise layer of the published code: `N = row-normalised (column-normalised Wᵀ) · scale` with
/// Euclidean norms. `softmax` over its rows is `T(c, y)`; the code's first loss takes the softmax over
/// its columns instead.
///
/// # Errors
/// [`Error::Shape`] for a matrix that is not square, [`Error::NotFinite`].
pub fn noise_layer(weight: ArrayView2<'_, f64>, scale: f64) -> Result<NoiseLayer> {
    const EPSILON: f64 = 1e-12;
    check_class("noise layer", 0, weight.nrows())?;
    same_count("noise layer [C, C]", weight.nrows(), weight.ncols())?;
    if !(scale.is_finite() && weight.iter().all(|w| w.is_finite())) {
        return Err(Error::NotFinite { operation: "noise layer" });
    }
    let mut matrix = weight.t().to_owned();
    for mut column in matrix.columns_mut() {
        let norm = column.iter().map(|w| w * w).sum::<f64>().sqrt().max(EPSILON);
        column /= norm;
    }
    for mut row in matrix.rows_mut() {
        let norm = row.iter().map(|w| w * w).sum::<f64>().sqrt().max(EPSILON);
        row *= scale / norm;
    }
    let over_rows = softmax_rows(matrix.view());
    let over_columns = softmax_rows(matrix.t()).reversed_axes();
    Ok(NoiseLayer { matrix, over_rows, over_columns })
}

/// What [`noise_layer`] makes of its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseLayer {
    /// The normalised matrix.
    pub matrix: Array2<f64>,
    /// Its softmax with rows that sum to 1: `T(c, y)`.
    pub over_rows: Array2<f64>,
    /// Its softmax with columns that sum to 1.
    pub over_columns: Array2<f64>,
}

/// The three losses of noisy labels in the published code, which adds them up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoisyLosses {
    /// `−log` of the observed label under the predictions times the softmax over columns, renormalised.
    pub noise: f64,
    /// The cross-entropy from `γ ∝ p_w(c) T(c, y)` to `p_s(c) T(c, y)`, renormalised.
    pub em: f64,
    /// The cross-entropy from the weak view's prediction to the strong view's.
    pub consistency: f64,
}

impl NoiseLayer {
    /// The losses of a batch.
    ///
    /// # Errors
    /// [`Error::Shape`] when views and labels differ in shape, [`Error::ClassOutOfRange`], and as
    /// [`marginals`].
    pub fn losses(
        &self,
        weak: ArrayView2<'_, f64>,
        strong: ArrayView2<'_, f64>,
        observed: &[usize],
    ) -> Result<NoisyLosses> {
        let (rows, classes) = weak.dim();
        same_count("noisy labels [N]", rows, observed.len())?;
        same_count("noise layer [C]", self.matrix.nrows(), classes)?;
        let labels = WeakLabels::noisy(self.over_rows.view(), observed)?;
        let weak = Bags::new(weak, labels.lengths())?;
        let strong_bags = Bags::new(strong, labels.lengths())?;
        let target = marginals(&weak, labels.constraints())?.posterior;
        let other = marginals(&strong_bags, labels.constraints())?.posterior;
        let prediction = log_probabilities(&weak, 0..rows).mapv(f64::exp);
        let consistency = cross_entropy(prediction.view(), strong)?;
        let em = cross_entropy(target.view(), other.mapv(f64::ln).view())?;
        let seen = prediction.dot(&self.over_columns);
        let noise: f64 =
            seen.rows().into_iter().zip(observed).map(|(row, &y)| (row.sum() / row[y]).ln()).sum();
        let noise = if rows == 0 { 0.0 } else { noise / rows as f64 };
        Ok(NoisyLosses { noise, em, consistency })
    }
}

/// The clamped ratio of two masses in logarithms; an empty bag has none.
fn share(part: f64, all: f64) -> f64 {
    let ratio = if all == f64::NEG_INFINITY { 0.0 } else { (part - all).exp() };
    ratio.clamp(CLAMP, 1.0 - CLAMP)
}

fn softmax_rows(matrix: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = matrix.to_owned();
    for mut row in out.rows_mut() {
        let mut log_p = vec![0.0; row.len()];
        log_softmax(&row.to_vec(), &mut log_p);
        row.iter_mut().zip(log_p).for_each(|(p, log_p)| *p = log_p.exp());
    }
    out
}

fn log_probabilities(bags: &Bags<'_, f64>, rows: std::ops::Range<usize>) -> Array2<f64> {
    let mut out = bags.logits().slice_axis(Axis(0), Slice::from(rows)).to_owned();
    for mut row in out.rows_mut() {
        let mut log_p = vec![0.0; row.len()];
        log_softmax(&row.to_vec(), &mut log_p);
        row.iter_mut().zip(log_p).for_each(|(z, log_p)| *z = log_p);
    }
    out
}

fn each_bag(
    bags: &Bags<'_, f64>,
    mut answer: impl FnMut(usize, Array2<f64>) -> (Array2<f64>, f64),
) -> Published {
    let mut targets = Array2::zeros(bags.logits().dim());
    let mut predictions = Vec::with_capacity(bags.len());
    for (bag, ends) in bags.offsets().windows(2).enumerate() {
        let (rows, prediction) = answer(bag, log_probabilities(bags, ends[0]..ends[1]));
        targets.slice_axis_mut(Axis(0), Slice::from(ends[0]..ends[1])).assign(&rows);
        predictions.push(prediction);
    }
    Published { targets, predictions }
}

/// A hidden Markov chain whose state tells the label just read, `state % 2`; it starts in state 0 or 1.
struct Graph {
    next: Vec<Vec<usize>>,
    /// The class whose probability the backward pass reads in each state.
    read_back: Vec<usize>,
    accepting: Vec<bool>,
}

impl Graph {
    /// The targets, the log mass of accepting states at the end, and that of all states. In the targets,
    /// state 0 counts nothing at the `masked` positions.
    fn run(&self, log_p: Array2<f64>, masked: &[usize]) -> (Array2<f64>, f64, f64) {
        const NEVER: f64 = f64::NEG_INFINITY;
        let (length, states) = (log_p.nrows(), self.next.len());
        let mut alpha = Array2::from_elem((length, states), NEVER);
        let mut beta = Array2::from_elem((length, states), NEVER);
        for step in 0..length {
            if step == 0 {
                alpha.row_mut(0).iter_mut().take(2).for_each(|alpha| *alpha = 0.0);
            } else {
                for (from, next) in self.next.iter().enumerate() {
                    let before = alpha[[step - 1, from]];
                    for &to in next {
                        alpha[[step, to]] = log_add_exp(alpha[[step, to]], before);
                    }
                }
            }
            for (state, alpha) in alpha.row_mut(step).iter_mut().enumerate() {
                *alpha += log_p[[step, state % 2]];
            }
        }
        for step in (0..length).rev() {
            for state in 0..states {
                beta[[step, state]] = if step + 1 == length {
                    // The last step reads what it should.
                    if self.accepting[state] { log_p[[step, state % 2]] } else { NEVER }
                } else {
                    let after = self.next[state].iter();
                    let after =
                        after.fold(NEVER, |sum, &to| log_add_exp(sum, beta[[step + 1, to]]));
                    after + log_p[[step, self.read_back[state]]]
                };
            }
        }
        let mut targets = Array2::zeros((length, 2));
        for step in 0..length {
            let mut mass = [NEVER; 2];
            for state in 0..states {
                if state == 0 && masked.contains(&step) {
                    continue;
                }
                let path = alpha[[step, state]] + beta[[step, state]] - log_p[[step, state % 2]];
                mass[state % 2] = log_add_exp(mass[state % 2], path);
            }
            let total = log_add_exp(mass[0], mass[1]);
            (targets[[step, 0]], targets[[step, 1]]) =
                ((mass[0] - total).exp(), (mass[1] - total).exp());
        }
        let last = length.saturating_sub(1);
        let end = |keep: &dyn Fn(usize) -> bool| {
            let states = (0..states).filter(|&state| length > 0 && keep(state));
            states.fold(NEVER, |sum, state| log_add_exp(sum, alpha[[last, state]]))
        };
        (targets, end(&|state| self.accepting[state]), end(&|_| true))
    }
}
