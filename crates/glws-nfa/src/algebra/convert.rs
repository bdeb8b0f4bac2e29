//! Between the public automaton and the one that constructions work on.

use super::epsilon::{EpsilonArc, EpsilonNfa};
use crate::error::Result;
use crate::nfa::{Nfa, NfaBuilder};

impl EpsilonNfa {
    /// The automaton with classes as symbols. Parts of log weight −∞ are left out: they are not
    /// there.
    pub(crate) fn from_nfa(nfa: &Nfa) -> Self {
        let ends = |weights: &[f64]| -> Vec<(u32, f64)> {
            weights
                .iter()
                .enumerate()
                .filter(|&(_, &weight)| weight > f64::NEG_INFINITY)
                .map(|(state, &weight)| (state as u32, weight))
                .collect()
        };
        let arcs = nfa.arcs().iter().filter(|arc| arc.log_weight > f64::NEG_INFINITY);
        Self {
            num_states: nfa.num_states(),
            initial: ends(nfa.initial_log_weights()),
            finals: ends(nfa.final_log_weights()),
            arcs: arcs
                .map(|arc| EpsilonArc {
                    from: arc.source as u32,
                    symbol: Some(arc.class as u32),
                    log_weight: arc.log_weight,
                    to: arc.target as u32,
                })
                .collect(),
        }
    }

    /// The public automaton; ε-arcs must be gone.
    pub(crate) fn to_nfa(&self, num_classes: usize) -> Result<Nfa> {
        let mut builder = NfaBuilder::new(self.num_states, num_classes);
        for &(state, weight) in &self.initial {
            builder = builder.weighted_initial(state as usize, weight);
        }
        for &(state, weight) in &self.finals {
            builder = builder.weighted_accepting(state as usize, weight);
        }
        for arc in &self.arcs {
            debug_assert!(arc.symbol.is_some());
            if let Some(symbol) = arc.symbol {
                builder = builder.weighted_arc(
                    arc.from as usize,
                    symbol as usize,
                    arc.to as usize,
                    arc.log_weight,
                );
            }
        }
        builder.build()
    }
}
