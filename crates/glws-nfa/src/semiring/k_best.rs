//! The semiring of the k heaviest paths.

use std::cmp::Ordering;

use super::{PathSemiring, Semiring, Step};

/// The k heaviest paths with their labels; `times` joins two lists of paths, each with each.
///
/// Paths of equal weight stand in the order of their lengths, and those of one length in lexicographic
/// order of their labels. Every product copies its label
/// sequences; [`Posteriors::k_best`](crate::Posteriors::k_best) gives the same result with pointers
/// instead of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KBest {
    k: usize,
}

impl KBest {
    /// The `k` heaviest.
    pub fn new(k: usize) -> Self {
        Self { k }
    }

    fn keep(self, mut paths: Vec<Labelled>) -> Vec<Labelled> {
        paths.sort_by(Labelled::heavier_first);
        paths.truncate(self.k);
        paths
    }
}

/// A path's labels and its log weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The log weight.
    pub log_weight: f64,
    /// The classes along the path.
    pub labels: Vec<usize>,
}

impl Labelled {
    fn heavier_first(&self, other: &Self) -> Ordering {
        // Shorter first, then lexicographic: joining sequences on either side keeps this order, without
        // which `times` would not distribute over a `plus` that drops some.
        let order = other.log_weight.total_cmp(&self.log_weight);
        order
            .then_with(|| self.labels.len().cmp(&other.labels.len()))
            .then_with(|| self.labels.cmp(&other.labels))
    }
}

impl Semiring for KBest {
    type Weight = Vec<Labelled>;

    fn zero(&self) -> Vec<Labelled> {
        vec![]
    }
    fn one(&self) -> Vec<Labelled> {
        self.keep(vec![Labelled { log_weight: 0.0, labels: vec![] }])
    }
    fn plus(&self, a: &Vec<Labelled>, b: &Vec<Labelled>) -> Vec<Labelled> {
        self.keep(a.iter().chain(b).cloned().collect())
    }
    fn times(&self, a: &Vec<Labelled>, b: &Vec<Labelled>) -> Vec<Labelled> {
        let join = |first: &Labelled, second: &Labelled| Labelled {
            log_weight: first.log_weight + second.log_weight,
            labels: [first.labels.as_slice(), &second.labels].concat(),
        };
        self.keep(
            a.iter().flat_map(|first| b.iter().map(move |second| join(first, second))).collect(),
        )
    }
}

impl PathSemiring for KBest {
    fn step(&self, step: &Step) -> Vec<Labelled> {
        if step.log_weight == f64::NEG_INFINITY {
            return vec![];
        }
        self.keep(vec![Labelled { log_weight: step.log_weight, labels: vec![step.class] }])
    }
    fn end(&self, log_weight: f64) -> Vec<Labelled> {
        if log_weight == f64::NEG_INFINITY {
            return vec![];
        }
        self.keep(vec![Labelled { log_weight, labels: vec![] }])
    }
}
