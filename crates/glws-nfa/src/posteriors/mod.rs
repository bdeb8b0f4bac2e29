//! Many questions about the labels of a bag, given what is known of it.

mod arcs;
mod best;
mod distance;
mod sample;
mod trellis;

use std::sync::Arc;

use assay_array::Scalar;
use rayon::prelude::*;

pub use arcs::PathCounts;
pub use best::LabelSequence;
pub use distance::Distance;

use crate::bags::Bags;
use crate::constraint::Constraint;
use crate::error::{Error, Result};
use crate::kernel::softmax::log_softmax;
use crate::nfa::Nfa;
use crate::semiring::{Edge, Entropy, PathSemiring, Step, fold};

/// The distributions `P(Y | W, X)` over the label sequences of each bag, given what is known of it.
///
/// [`marginals`](crate::marginals()) answers the question that training asks, as fast as it can. This
/// type answers the others: which sequence is likeliest, how uncertain the rest is, what another
/// statement about the same instances would change, which arcs of an automaton were taken how often.
/// All run on the constraint's automaton, in log space and `f64`: exact for every input, at
/// `O(L · arcs)` a bag, with `O(L · states)` memory where a question needs to look back; beyond 32 MiB a
/// bag, `O(√L · states)` at twice the time.
///
/// ```
/// use glws_nfa::{Bags, Constraint, Posteriors};
/// use ndarray::array;
///
/// let logits = array![[1.0_f64, -1.0], [0.0, 0.5], [2.0, -2.0]];
/// let bags = Bags::new(logits.view(), &[3])?;
/// let posteriors = Posteriors::new(&bags, &[Constraint::Count { class: 1, count: 1 }])?;
///
/// // The likeliest labels, how likely they are, and how far from certain that leaves us.
/// let best = posteriors.most_probable()?.remove(0).expect("one of three is possible");
/// assert_eq!(best.labels, [0, 1, 0]);
/// let entropy = posteriors.entropy()?[0].expect("feasible");
/// assert!(best.log_probability.exp() > 0.8 && entropy < 3.0_f64.ln());
///
/// // A thousand draws, always with exactly one 1; the same for the same seed.
/// let draws = posteriors.sample(1000, 42)?.remove(0).expect("feasible");
/// assert!(draws.rows().into_iter().all(|labels| labels.sum() == 1));
/// # Ok::<(), glws_nfa::Error>(())
/// ```
///
/// A bag that cannot be as described has no distribution: every answer about it is `None`.
#[derive(Debug)]
pub struct Posteriors<'a, T> {
    logits: &'a [T],
    classes: usize,
    offsets: &'a [usize],
    /// `None` where the lengths alone rule the constraint out.
    automata: Vec<Option<Arc<Nfa>>>,
}

/// The largest table of one bag, in numbers: one gigabyte.
const MAX_CELLS: usize = 1 << 27;
/// Tables of one bag up to this size are kept whole.
const KEPT_CELLS: usize = 1 << 22;

impl<'a, T: Scalar> Posteriors<'a, T> {
    /// The distributions of `bags` under one constraint each.
    ///
    /// # Errors
    /// As [`marginals`](crate::marginals()), and [`Error::TooManyStates`] or [`Error::TooManySteps`]
    /// for a constraint whose automaton would be too large.
    pub fn new(bags: &'a Bags<'_, T>, constraints: &[Constraint]) -> Result<Self> {
        if constraints.len() != bags.len() {
            let (expected, got) = (vec![bags.len()], vec![constraints.len()]);
            return Err(Error::Shape { operation: "constraints [B]", expected, got });
        }
        let classes = bags.num_classes();
        let mut automata: Vec<Option<Arc<Nfa>>> = Vec::with_capacity(constraints.len());
        for (bag, constraint) in constraints.iter().enumerate() {
            let length = bags.offsets()[bag + 1] - bags.offsets()[bag];
            constraint.check(bag, length, classes)?;
            automata.push(if crate::kernel::infeasible(constraint, length, classes).is_some() {
                None
            } else if bag > 0 && constraints[bag - 1] == *constraint {
                match &automata[bag - 1] {
                    Some(same) => Some(same.clone()),
                    None => Some(constraint.automaton(classes)?),
                }
            } else {
                Some(constraint.automaton(classes)?)
            });
        }
        Ok(Self { logits: bags.values(), classes, offsets: bags.offsets(), automata })
    }

    /// How many bags there are.
    pub fn len(&self) -> usize {
        self.automata.len()
    }

    /// Whether there is no bag.
    pub fn is_empty(&self) -> bool {
        self.automata.is_empty()
    }

    /// The automaton that the answers about `bag` refer to; `None` when there is no such bag, or when
    /// the bag's length alone rules its constraint out.
    pub fn automaton(&self, bag: usize) -> Option<&Nfa> {
        self.automata.get(bag)?.as_deref()
    }

    /// The sum over all paths of any quantity that a [semiring](crate::semiring) can add up, one for
    /// each bag; the semiring's zero for a bag without a path.
    ///
    /// Memory: two weights a state.
    ///
    /// ```
    /// use glws_nfa::semiring::{Counting, Log};
    /// use glws_nfa::{Bags, Constraint, Posteriors, marginals};
    /// use ndarray::Array2;
    ///
    /// let logits = Array2::from_shape_fn((6, 3), |(i, c)| (i * c) as f64 / 5.0);
    /// let bags = Bags::new(logits.view(), &[6])?;
    /// let known = [Constraint::CountVector(vec![1, 2, 3])];
    /// let posteriors = Posteriors::new(&bags, &known)?;
    /// assert_eq!(posteriors.fold(&Counting)?, [60]); // 6! / (1! 2! 3!)
    /// let log_z = marginals(&bags, &known)?.log_z();
    /// assert!((posteriors.fold(&Log)?[0] - log_z[0]).abs() < 1e-12);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// None now; a semiring's own limits may bring some.
    pub fn fold<S: PathSemiring + Sync>(&self, semiring: &S) -> Result<Vec<S::Weight>> {
        self.each(|bag| {
            let Some(bag) = bag else { return Ok(semiring.zero()) };
            let arcs = bag.nfa.arcs();
            let edges: Vec<Edge> =
                arcs.iter().map(|arc| Edge { source: arc.source, target: arc.target }).collect();
            let ends = |weights: &[f64]| weights.iter().map(|&w| semiring.end(w)).collect();
            let accepting: Vec<S::Weight> = ends(bag.nfa.final_log_weights());
            let weight = |position: usize, arc: usize| {
                let (class, log_weight) = (arcs[arc].class, arcs[arc].log_weight);
                let log_weight = log_weight + bag.log_p[position * bag.classes + class];
                semiring.step(&Step { position, class, log_weight })
            };
            let initial = ends(bag.nfa.initial_log_weights());
            Ok(fold(semiring, bag.length, initial, &edges, weight, &accepting))
        })
    }

    /// The entropy of each bag's distribution over label sequences, in nats; at least 0.
    ///
    /// # Errors
    /// [`Error::Ambiguous`]: the entropy of paths is not that of sequences where a sequence has two.
    pub fn entropy(&self) -> Result<Vec<Option<f64>>> {
        self.check_unambiguous("entropy")?;
        let found = self.fold(&Entropy)?;
        let feasible = |log_mass: f64| log_mass > f64::NEG_INFINITY;
        Ok(found.iter().map(|w| feasible(w.log_mass).then_some(w.entropy)).collect())
    }

    /// Asks one question of every bag, in parallel; the order of the answers is that of the bags.
    fn each<R: Send>(
        &self,
        question: impl Fn(Option<&Bag<'_>>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.each_indexed(|_, bag| question(bag))
    }

    fn each_indexed<R: Send>(
        &self,
        question: impl Fn(usize, Option<&Bag<'_>>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        (0..self.len())
            .into_par_iter()
            .map(|index| match &self.automata[index] {
                Some(nfa) => question(index, Some(&self.bag(index, nfa))),
                None => question(index, None),
            })
            .collect()
    }

    fn bag<'n>(&self, index: usize, nfa: &'n Nfa) -> Bag<'n> {
        let classes = self.classes;
        let logits = &self.logits[self.offsets[index] * classes..self.offsets[index + 1] * classes];
        let mut log_p = vec![0.0; logits.len()];
        for (row, log_p) in logits.chunks_exact(classes).zip(log_p.chunks_exact_mut(classes)) {
            log_softmax(row, log_p);
        }
        Bag { nfa, log_p, classes, length: logits.len() / classes }
    }

    fn check_unambiguous(&self, operation: &'static str) -> Result<()> {
        self.automata.iter().flatten().try_for_each(|nfa| nfa.check_unambiguous(operation))
    }
}

/// One bag with an automaton.
struct Bag<'n> {
    nfa: &'n Nfa,
    /// `ln p_i(c)`, instance by instance.
    log_p: Vec<f64>,
    classes: usize,
    length: usize,
}

impl Bag<'_> {
    /// The log weight of each arc at an instance, next to the arc.
    fn weighted(&self, position: usize) -> impl Iterator<Item = (&crate::NfaArc, f64)> {
        let log_p = &self.log_p[position * self.classes..(position + 1) * self.classes];
        self.nfa.arcs().iter().map(move |arc| (arc, arc.log_weight + log_p[arc.class]))
    }

    /// Refuses tables of `rows` numbers a step that would not fit in memory.
    fn check_cells(&self, operation: &'static str, row: usize) -> Result<()> {
        match (self.length + 1).checked_mul(row) {
            Some(cells) if cells <= MAX_CELLS => Ok(()),
            _ => Err(Error::TooManySteps { operation, limit: MAX_CELLS }),
        }
    }
}
