//! Semirings: one recursion, many questions.
//!
//! The forward recursion over an automaton uses two operations, a sum over paths and a product along
//! each. Replace the numbers by those of another *semiring* and the same recursion answers another
//! question (Goodman 1999, *Semiring Parsing*; Mohri 2002, *Semiring Frameworks*):
//!
//! | semiring | what [`Posteriors::fold`](crate::Posteriors::fold) gives |
//! |---|---|
//! | [`Log`] | `log Z` |
//! | [`Real`] | `Z` |
//! | [`Tropical`] | the log weight of the heaviest path |
//! | [`KBest`] | the k heaviest paths, with their labels |
//! | [`Boolean`] | whether there is a path |
//! | [`Counting`] | how many paths there are |
//! | [`Expectation`] | `log Z` and the expected sum of a value along the path |
//! | [`Entropy`] | `log Z` and the entropy of the distribution over paths |
//! | [`Divergence`] | the Kullback-Leibler divergence between two such distributions |
//!
//! # Laws
//! For all weights `a`, `b` and `c`, up to rounding:
//! - `plus` is associative and commutative, and `zero` changes nothing: `a ⊕ 0 = a`;
//! - `times` is associative, and `one` changes nothing: `a ⊗ 1 = 1 ⊗ a = a`. It need not be
//!   commutative: [`KBest`] joins label sequences;
//! - `times` distributes over `plus` from both sides: `(a ⊕ b) ⊗ c = a ⊗ c ⊕ b ⊗ c`;
//! - `zero` annihilates: `a ⊗ 0 = 0 ⊗ a = 0`.
//!
//! The tests hold every semiring here to them. The means that [`Expectation`], [`Entropy`] and
//! [`Divergence`] carry are kept *per unit of mass*, next to the mass's logarithm. That is the same
//! semiring as the usual pairs of sums (Eisner 2002), in coordinates that neither under- nor overflow
//! and whose sums have only positive terms.

mod entropy;
mod fold;
mod k_best;
mod numbers;

use std::fmt::Debug;

pub use entropy::{Divergence, DivergenceWeight, Entropy, EntropyWeight, Expectation, MeanWeight};
pub(crate) use fold::{Edge, fold};
pub use k_best::{KBest, Labelled};
pub use numbers::{Boolean, Counting, Log, Real, Tropical};

/// Two operations on weights that obey the [laws](self#laws).
pub trait Semiring {
    /// What the operations work on.
    type Weight: Clone + Debug + PartialEq + Send;

    /// The sum of no paths.
    fn zero(&self) -> Self::Weight;
    /// The product of no arcs.
    fn one(&self) -> Self::Weight;
    /// The weight of two alternatives together.
    fn plus(&self, a: &Self::Weight, b: &Self::Weight) -> Self::Weight;
    /// The weight of one thing after another.
    fn times(&self, a: &Self::Weight, b: &Self::Weight) -> Self::Weight;
}

/// A semiring that knows how the parts of a path weigh.
pub trait PathSemiring: Semiring {
    /// The weight of an arc taken at an instance.
    fn step(&self, step: &Step) -> Self::Weight;
    /// The weight of starting or ending in a state whose log weight this is.
    fn end(&self, log_weight: f64) -> Self::Weight;
}

/// An arc taken at an instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Which instance of the bag, from 0.
    pub position: usize,
    /// The label that the arc gives it.
    pub class: usize,
    /// The arc's log weight plus the log probability of the class.
    pub log_weight: f64,
}

/// `ln(e^a + e^b)`; both may be `−∞`.
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
