use assay_array::random::{below, stream, uniform};
use ndarray::{Array2, ArrayView2};

use super::{check_labels, check_rate, label};
use crate::error::{Error, Result};
use crate::languages::check_class;
use crate::weak_labels::check_transition;

/// Candidate sets `[N, C]`: the true class, and each wrong one with probability `rate`.
///
/// # Errors
/// [`Error::ClassOutOfRange`] for a label, [`Error::Parameter`] for a rate outside 0 to 1.
pub fn candidates(
    labels: &[usize],
    num_classes: usize,
    rate: f64,
    seed: u64,
) -> Result<Array2<bool>> {
    check_labels("candidate sets", labels, num_classes)?;
    check_rate("rate of wrong candidates", rate)?;
    let mut sets = Array2::from_elem((labels.len(), num_classes), false);
    for (i, (mut row, &label)) in sets.rows_mut().into_iter().zip(labels).enumerate() {
        let mut rng = stream(seed, "candidate sets", i as u64);
        for (class, candidate) in row.iter_mut().enumerate() {
            // A draw for each class, the true one too, so that sets grow with the rate.
            *candidate = uniform(&mut rng) < rate || class == label;
        }
    }
    Ok(sets)
}

/// A wrong class for each instance, all wrong classes alike likely.
///
/// # Errors
/// [`Error::ClassOutOfRange`] for a label, [`Error::Parameter`] for fewer than two classes.
pub fn complements(labels: &[usize], num_classes: usize, seed: u64) -> Result<Vec<usize>> {
    check_labels("complementary labels", labels, num_classes)?;
    if num_classes < 2 {
        let (name, expected) = ("classes of complementary labels", "at least 2");
        return Err(Error::Parameter { name, expected, got: num_classes as f64 });
    }
    let wrong = labels.iter().enumerate().map(|(i, &label)| {
        let mut rng = stream(seed, "complementary labels", i as u64);
        (label + 1 + below(&mut rng, num_classes - 1)) % num_classes
    });
    Ok(wrong.collect())
}

/// A label for each instance as an annotator sees it: class `c` becomes `y` with probability
/// `transition[[c, y]]`.
///
/// # Errors
/// As [`WeakLabels::noisy`](crate::WeakLabels::noisy).
pub fn flips(labels: &[usize], transition: ArrayView2<'_, f64>, seed: u64) -> Result<Vec<usize>> {
    check_transition(transition)?;
    check_labels("noisy labels", labels, transition.nrows())?;
    let seen = labels.iter().enumerate().map(|(i, &label)| {
        let row = transition.row(label);
        let mut left = uniform(&mut stream(seed, "noisy labels", i as u64)) * row.sum();
        // Rounding may leave a little after the last class: the last one that is possible takes it.
        let mut last = label;
        for (class, &probability) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            last = class;
            left -= probability;
            if left < 0.0 {
                break;
            }
        }
        last
    });
    Ok(seen.collect())
}

/// The transition matrix of symmetric noise: with probability `rate` a label is drawn anew from all
/// classes, the true one included, `T = (1 − ε) I + ε/C`.
///
/// # Errors
/// [`Error::NoClasses`], [`Error::Parameter`] for a rate outside 0 to 1.
pub fn symmetric_noise(num_classes: usize, rate: f64) -> Result<Array2<f64>> {
    check_class("symmetric noise", 0, num_classes)?;
    check_rate("rate of symmetric noise", rate)?;
    let other = rate / num_classes as f64;
    let entry = |(c, y)| if c == y { 1.0 - rate + other } else { other };
    Ok(Array2::from_shape_fn((num_classes, num_classes), entry))
}

/// `n` instances drawn with repetition from a population in which class `c` has the share
/// `proportions[c]`: first the class, then one of its instances. Without proportions, any instance is as
/// likely as any other.
///
/// A population for unlabelled-unlabelled learning; with all weight on one class, the labelled positives
/// of positive-unlabelled learning.
///
/// # Errors
/// [`Error::NoInstance`] for no labels; [`Error::ClassOutOfRange`] for a label beyond the proportions,
/// [`Error::Weight`] for a proportion that is negative or not finite, [`Error::Parameter`] when they sum
/// to 0 or a class that has a share has no instance.
pub fn draw(
    labels: &[usize],
    proportions: Option<&[f64]>,
    n: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    let population = Population::new(labels, proportions)?;
    Ok((0..n).map(|i| population.draw(&mut stream(seed, "draws", i as u64))).collect())
}

/// Where instances are drawn from.
pub(super) struct Population {
    /// The instances of each class that has a share, with the shares summed up to it.
    classes: Vec<(f64, Vec<usize>)>,
}

impl Population {
    pub(super) fn new(labels: &[usize], proportions: Option<&[f64]>) -> Result<Self> {
        label("draws", labels, 0)?;
        let Some(proportions) = proportions else {
            return Ok(Self { classes: vec![(1.0, (0..labels.len()).collect())] });
        };
        check_labels("draws", labels, proportions.len())?;
        if let Some(&weight) = proportions.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
            return Err(Error::Weight { operation: "proportions", weight });
        }
        let mut members = vec![vec![]; proportions.len()];
        for (instance, &label) in labels.iter().enumerate() {
            members[label].push(instance);
        }
        let mut classes = Vec::new();
        let mut sum = 0.0;
        for (members, &share) in members.into_iter().zip(proportions).filter(|(_, s)| **s > 0.0) {
            if members.is_empty() {
                let (name, expected) = ("share of a class without instances", "0");
                return Err(Error::Parameter { name, expected, got: share });
            }
            sum += share;
            classes.push((sum, members));
        }
        if !(sum > 0.0 && sum.is_finite()) {
            let (name, expected) = ("sum of the proportions", "a positive finite number");
            return Err(Error::Parameter { name, expected, got: sum });
        }
        Ok(Self { classes })
    }

    pub(super) fn draw(&self, rng: &mut assay_array::random::Stream) -> usize {
        let total = self.classes.last().map_or(0.0, |(sum, _)| *sum);
        let at = uniform(rng) * total;
        let class = self.classes.partition_point(|(sum, _)| *sum <= at);
        let members = self.classes.get(class).or(self.classes.last()).map(|(_, members)| members);
        // cannot be empty: the constructor refuses classes without instances
        members.and_then(|members| members.get(below(rng, members.len()))).copied().unwrap_or(0)
    }
}
