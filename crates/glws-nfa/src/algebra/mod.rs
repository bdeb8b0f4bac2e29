//! Operations on automata: the algebra of constraints.
//!
//! An automaton maps a string to the sum of the weights of its accepting paths. One whose weights
//! are all 0 is a *set* of strings, and its operations are those of sets: that a string has two
//! paths means nothing there. As soon as one operand of an operation has another weight, weights are
//! summed and multiplied, and an ambiguous operand without weights is determinised first, so that
//! each of its strings weighs 0.
//!
//! Every operation has a cap on states and steps, and ends with
//! [`Error::TooManyStates`](crate::Error::TooManyStates) or
//! [`Error::TooManySteps`](crate::Error::TooManySteps) rather than with an exhausted machine.

mod ambiguity;
mod budget;
mod convert;
mod count;
mod determinise;
mod dfa;
mod epsilon;
mod equivalence;
mod hopcroft;
mod product;
mod rational;
mod scc;
mod string;
mod symbols;
mod trim;
mod weighted;

pub(crate) use budget::Budget;
pub(crate) use dfa::Dfa;
pub(crate) use epsilon::{EpsilonNfa, log_add};
pub(crate) use symbols::Symbols;

use crate::error::{Error, Result};
use crate::nfa::Nfa;

/// The most states of an automaton that an operation makes unless it takes a cap of its own.
pub const DEFAULT_STATE_CAP: usize = 1 << 16;

impl Nfa {
    /// Whether every weight is 0, so that the automaton is a set of strings.
    pub fn is_unweighted(&self) -> bool {
        EpsilonNfa::from_nfa(self).is_unweighted()
    }

    /// The set of strings that have an accepting path: every weight becomes 0.
    ///
    /// # Errors
    /// None for an automaton that exists; the builder's checks run again.
    pub fn support(&self) -> Result<Self> {
        let mut nfa = EpsilonNfa::from_nfa(self);
        nfa.initial.iter_mut().chain(&mut nfa.finals).for_each(|(_, weight)| *weight = 0.0);
        nfa.arcs.iter_mut().for_each(|arc| arc.log_weight = 0.0);
        nfa.to_nfa(self.num_classes())
    }

    fn same_alphabet(&self, other: &Self, operation: &'static str) -> Result<()> {
        if self.num_classes() != other.num_classes() {
            return Err(Error::AlphabetMismatch {
                operation,
                left: self.num_classes(),
                right: other.num_classes(),
            });
        }
        Ok(())
    }

    /// The two automata as an operation on weights must see them: a set that meets a weighted
    /// automaton must have one path for each string.
    fn operands(&self, other: &Self, operation: &'static str) -> Result<(EpsilonNfa, EpsilonNfa)> {
        self.same_alphabet(other, operation)?;
        let sets = (self.is_unweighted(), other.is_unweighted());
        let lift = |nfa: &Self, single: bool| -> Result<EpsilonNfa> {
            if single && nfa.is_ambiguous()? {
                return Ok(EpsilonNfa::from_nfa(&nfa.determinise(DEFAULT_STATE_CAP)?));
            }
            Ok(EpsilonNfa::from_nfa(nfa))
        };
        Ok((lift(self, sets.0 && !sets.1)?, lift(other, sets.1 && !sets.0)?))
    }
}
