//! What is known of the labels of a batch.

mod bags;
mod composite;
mod instances;
mod pairs;

use crate::constraint::Constraint;
use crate::error::{Error, Result};

pub use bags::binomial_log_weights;
pub use instances::Ordinal;
pub(crate) use instances::check_transition;

/// What is known of the labels of a batch: bags of consecutive instances, and one constraint a bag.
///
/// One constructor a setting. [`each`](Self::each) and [`new`](Self::new) take any constraint, and with
/// it any automaton or regular expression. The instances of bag 0 come first, then those of bag 1, and
/// so on; lengths may differ.
///
/// [`and`](Self::and) puts two kinds of knowledge side by side, each a *part* with a mean of its own:
/// positives and an unlabelled batch, say, which [`positive_unlabelled`](Self::positive_unlabelled)
/// names.
///
/// ```
/// use glws_nfa::{Nfa, WeakLabels};
/// // Two bags of 3 and 4 images; the first holds two nines, the second none.
/// let labels = WeakLabels::label_proportions(9, &[3, 4], &[2, 0])?;
/// assert_eq!(labels.lengths(), [3, 4]);
/// // Two sequences of binary labels whose ones stand together.
/// let labels = WeakLabels::each(&[7, 9], Nfa::from_regex("0*1+0*", 2)?);
/// assert_eq!(labels.constraints().len(), 2);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeakLabels {
    lengths: Vec<usize>,
    constraints: Vec<Constraint>,
    parts: Vec<Part>,
}

/// Consecutive bags whose losses are averaged with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    /// How many bags there are.
    pub(crate) bags: usize,
    /// The weight of the mean of `−log Z`.
    pub(crate) supervised: f64,
    /// The weight of the mean cross-entropy between the views.
    pub(crate) unsupervised: f64,
    /// How a statement about all classes is read.
    pub(crate) reading: Reading,
}

/// How a statement about all classes, such as the count of each, is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As one statement.
    Joint,
    /// As a statement for each class against the rest.
    OneVsRest,
}

impl WeakLabels {
    /// Any constraints, one a bag.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many constraints as lengths.
    pub fn new(
        lengths: impl Into<Vec<usize>>,
        constraints: impl Into<Vec<Constraint>>,
    ) -> Result<Self> {
        let (lengths, constraints) = (lengths.into(), constraints.into());
        same_count("weak labels [B]", lengths.len(), constraints.len())?;
        Ok(Self::from_parts(lengths, constraints))
    }

    /// The same constraint for each bag: a [`Constraint`], or an [`Nfa`](crate::Nfa).
    ///
    /// ```
    /// use glws_nfa::{Nfa, Parity, WeakLabels};
    /// let together = WeakLabels::each(&[8, 5], Nfa::contiguous(2, 1)?); // one block of ones
    /// let even = WeakLabels::each(&[8, 5], Nfa::parity(2, 1, Parity::Even)?);
    /// let apart = WeakLabels::each(&[8, 5], Nfa::no_two_adjacent(2, 1)?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn each(lengths: &[usize], constraint: impl Into<Constraint>) -> Self {
        Self::from_parts(lengths.to_vec(), vec![constraint.into(); lengths.len()])
    }

    /// One part that counts fully.
    fn from_parts(lengths: Vec<usize>, constraints: Vec<Constraint>) -> Self {
        let part = Part {
            bags: lengths.len(),
            supervised: 1.0,
            unsupervised: 1.0,
            reading: Reading::Joint,
        };
        Self { lengths, constraints, parts: vec![part] }
    }

    /// These bags followed by others. Each side keeps its own means, and the loss is their sum.
    ///
    /// ```
    /// use glws_nfa::WeakLabels;
    /// // Three labelled positives, then eight instances of which three are positive.
    /// let labels = WeakLabels::labelled(2, &[1, 1, 1])?
    ///     .and(WeakLabels::label_proportions(1, &[8], &[3])?);
    /// assert_eq!(labels.lengths(), [1, 1, 1, 8]);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.lengths.extend(other.lengths);
        self.constraints.extend(other.constraints);
        self.parts.extend(other.parts);
        self
    }

    /// These bags followed by others, averaged with each other where weights and readings agree.
    #[cfg(feature = "dataset")]
    pub(crate) fn append(&mut self, other: Self) {
        self.lengths.extend(other.lengths);
        self.constraints.extend(other.constraints);
        for part in other.parts {
            match self.parts.last_mut() {
                Some(last) if *last == (Part { bags: last.bags, ..part }) => last.bags += part.bags,
                _ => self.parts.push(part),
            }
        }
    }

    /// Multiplies the weights of the two parts of the loss, of which 1 is the default.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a weight that is negative or not finite.
    pub fn weighted(mut self, supervised: f64, unsupervised: f64) -> Result<Self> {
        for (name, weight) in [("supervised", supervised), ("unsupervised", unsupervised)] {
            if !(weight.is_finite() && weight >= 0.0) {
                let expected = "a finite weight of 0 or more";
                return Err(Error::Parameter { name, expected, got: weight });
            }
        }
        for part in &mut self.parts {
            part.supervised *= supervised;
            part.unsupervised *= unsupervised;
        }
        Ok(self)
    }

    /// Reads counts or presence of all classes as one statement for each class against the rest, and
    /// averages their losses over the classes, as the paper's experiments do.
    ///
    /// It costs less than the joint statement when bags are large and classes many, and says less: the
    /// posterior `γ_i(c)` of a class does not know of the other classes' counts, so that a row need
    /// not sum to 1.
    ///
    /// ```
    /// use glws_nfa::WeakLabels;
    /// use ndarray::array;
    /// let counts = array![[2, 1, 1], [0, 3, 0]];
    /// let labels = WeakLabels::class_counts(&[4, 3], counts.view())?.one_vs_rest()?;
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotOneVsRest`] when a bag's constraint is neither a count vector nor a presence vector.
    pub fn one_vs_rest(mut self) -> Result<Self> {
        let vector = |c: &Constraint| {
            matches!(c, Constraint::CountVector(_) | Constraint::PresenceVector(_))
        };
        if let Some(bag) = self.constraints.iter().position(|constraint| !vector(constraint)) {
            Err(Error::NotOneVsRest { bag })
        } else {
            self.parts.iter_mut().for_each(|part| part.reading = Reading::OneVsRest);
            Ok(self)
        }
    }

    /// The number of instances of each bag.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// What is known of each bag.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The number of instances of all bags; `usize::MAX` when that overflows.
    pub fn num_instances(&self) -> usize {
        self.lengths.iter().fold(0, |sum: usize, &length| sum.saturating_add(length))
    }

    /// How many parts [`and`](Self::and) has put together.
    pub(crate) fn num_parts(&self) -> usize {
        self.parts.len()
    }

    /// The bags named, in that order, as one part with the weights and the reading of the first. Those
    /// that do not exist are left out.
    pub(crate) fn select(&self, bags: &[usize]) -> Self {
        let own = |&&bag: &&usize| bag < self.lengths.len();
        let lengths: Vec<usize> = bags.iter().filter(own).map(|&bag| self.lengths[bag]).collect();
        let constraints = bags.iter().filter(own).map(|&bag| self.constraints[bag].clone());
        let constraints: Vec<Constraint> = constraints.collect();
        let parts = self.parts.first().map(|part| Part { bags: lengths.len(), ..*part });
        Self { lengths, constraints, parts: parts.into_iter().collect() }
    }

    /// The parts, whose bags are all of the batch.
    #[cfg(feature = "burn")]
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

pub(crate) fn same_count(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::Shape { operation: what, expected: vec![expected], got: vec![got] })
}

/// Refuses what is no probability.
fn check_probability(name: &'static str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { name, expected: "a probability from 0 to 1", got: value })
}
