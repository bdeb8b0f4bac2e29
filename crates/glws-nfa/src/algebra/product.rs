//! Intersection.

use std::collections::HashMap;

use super::epsilon::EpsilonArc;
use super::{Budget, DEFAULT_STATE_CAP, EpsilonNfa};
use crate::error::Result;
use crate::nfa::Nfa;

impl Nfa {
    /// The strings of both; their log weights are added.
    ///
    /// The product construction, on the pairs of states that can be reached. It is unambiguous if
    /// both operands are.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let both = Nfa::from_regex("0.*", 2)?.intersection(&Nfa::from_regex(".*1", 2)?)?;
    /// assert!(both.accepts(&[0, 0, 1])? && !both.accepts(&[0, 0])?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlphabetMismatch`](crate::Error::AlphabetMismatch), and the caps of
    /// [`DEFAULT_STATE_CAP`].
    pub fn intersection(&self, other: &Self) -> Result<Self> {
        let (left, right) = self.operands(other, "intersection")?;
        let mut budget = Budget::new("intersection", DEFAULT_STATE_CAP);
        let pairs = product(&left.trim(), &right.trim(), &mut budget)?;
        pairs.nfa.trim().to_nfa(self.num_classes())
    }
}

/// A product automaton, and the pair of states that each of its states is.
pub(super) struct Product {
    pub(super) nfa: EpsilonNfa,
    pub(super) pairs: Vec<(u32, u32)>,
}

/// The product of two automata without ε-arcs, on the pairs that can be reached.
pub(super) fn product(
    left: &EpsilonNfa,
    right: &EpsilonNfa,
    budget: &mut Budget,
) -> Result<Product> {
    let left_arcs = by_state(left);
    let right_arcs = by_state(right);
    let mut number: HashMap<(u32, u32), u32> = HashMap::new();
    let mut pairs = Vec::new();
    let mut nfa = EpsilonNfa::default();
    for &(from, weight) in &left.initial {
        for &(other_from, other_weight) in &right.initial {
            let state = intern((from, other_from), &mut number, &mut pairs, budget)?;
            nfa.initial.push((state, weight + other_weight));
        }
    }
    let mut index = 0;
    while let Some(&(from, other_from)) = pairs.get(index) {
        let mut rest = right_arcs[other_from as usize].as_slice();
        for arc in &left_arcs[from as usize] {
            // Both lists are sorted by symbol; several arcs of the left one may have the same.
            let skip = rest.partition_point(|other| other.symbol < arc.symbol);
            rest = rest.get(skip..).unwrap_or_default();
            for other in rest.iter().take_while(|other| other.symbol == arc.symbol) {
                budget.spend(1)?;
                let to = intern((arc.to, other.to), &mut number, &mut pairs, budget)?;
                nfa.arc(index as u32, arc.symbol, arc.log_weight + other.log_weight, to);
            }
        }
        index += 1;
    }
    nfa.num_states = pairs.len();
    let left_final: HashMap<u32, f64> = left.finals.iter().copied().collect();
    let right_final: HashMap<u32, f64> = right.finals.iter().copied().collect();
    for (state, (a, b)) in pairs.iter().enumerate() {
        if let (Some(weight), Some(other)) = (left_final.get(a), right_final.get(b)) {
            nfa.finals.push((state as u32, weight + other));
        }
    }
    Ok(Product { nfa, pairs })
}

fn intern(
    pair: (u32, u32),
    number: &mut HashMap<(u32, u32), u32>,
    pairs: &mut Vec<(u32, u32)>,
    budget: &mut Budget,
) -> Result<u32> {
    let fresh = pairs.len() as u32;
    let state = *number.entry(pair).or_insert(fresh);
    if state == fresh {
        pairs.push(pair);
        budget.states(pairs.len())?;
        budget.spend(1)?;
    }
    Ok(state)
}

fn by_state(nfa: &EpsilonNfa) -> Vec<Vec<EpsilonArc>> {
    let mut arcs = vec![Vec::new(); nfa.num_states];
    for arc in &nfa.arcs {
        arcs[arc.from as usize].push(*arc);
    }
    for arcs in &mut arcs {
        arcs.sort_by_key(|arc: &EpsilonArc| arc.symbol);
    }
    arcs
}
