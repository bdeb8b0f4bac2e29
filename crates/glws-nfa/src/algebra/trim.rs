//! Reachability: trimming, emptiness, reversal.

use std::collections::VecDeque;

use super::epsilon::{EpsilonArc, EpsilonNfa};
use crate::error::Result;
use crate::nfa::Nfa;

impl Nfa {
    /// The automaton without the states that no accepting path visits. Strings and weights stay.
    ///
    /// If nothing is accepted, no state remains.
    ///
    /// # Errors
    /// None for an automaton that exists; the builder's checks run again.
    pub fn trim(&self) -> Result<Self> {
        EpsilonNfa::from_nfa(self).trim().to_nfa(self.num_classes())
    }

    /// The automaton of the reversed strings, with the same weights.
    ///
    /// ```
    /// let nfa = glws_nfa::Nfa::from_regex("01*", 2)?.reverse()?;
    /// assert!(nfa.accepts(&[1, 1, 0])?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// None for an automaton that exists; the builder's checks run again.
    pub fn reverse(&self) -> Result<Self> {
        EpsilonNfa::from_nfa(self).reverse().to_nfa(self.num_classes())
    }

    /// Whether no string is accepted, of whatever length.
    pub fn is_empty(&self) -> bool {
        EpsilonNfa::from_nfa(self).trim().finals.is_empty()
    }

    /// A shortest accepted string, if any is accepted.
    pub fn shortest_string(&self) -> Option<Vec<usize>> {
        let nfa = EpsilonNfa::from_nfa(self);
        let sources: Vec<u32> = nfa.initial.iter().map(|&(state, _)| state).collect();
        let mut accepting = vec![false; nfa.num_states];
        nfa.finals.iter().for_each(|&(state, _)| accepting[state as usize] = true);
        let (string, _) = nfa.shortest_walk(&sources, &accepting)?;
        Some(string.into_iter().map(|symbol| symbol as usize).collect())
    }
}

impl EpsilonNfa {
    /// Without the states that no accepting path visits; those left keep their order.
    pub(crate) fn trim(&self) -> Self {
        let mut number = vec![None; self.num_states];
        let mut num_states = 0_u32;
        for (state, useful) in self.useful().into_iter().enumerate() {
            if useful {
                number[state] = Some(num_states);
                num_states += 1;
            }
        }
        let keep = |ends: &[(u32, f64)]| -> Vec<(u32, f64)> {
            ends.iter()
                .filter_map(|&(state, weight)| Some((number[state as usize]?, weight)))
                .collect()
        };
        let arcs = self.arcs.iter().filter_map(|arc| {
            let from = number[arc.from as usize]?;
            Some(EpsilonArc { from, to: number[arc.to as usize]?, ..*arc })
        });
        Self {
            num_states: num_states as usize,
            initial: keep(&self.initial),
            finals: keep(&self.finals),
            arcs: arcs.collect(),
        }
    }

    /// For every state, whether an accepting path visits it.
    pub(super) fn useful(&self) -> Vec<bool> {
        let starts = self.initial.iter().map(|&(state, _)| state);
        let ends = self.finals.iter().map(|&(state, _)| state);
        let forwards = self.arcs.iter().map(|arc| (arc.from, arc.to));
        let backwards = self.arcs.iter().map(|arc| (arc.to, arc.from));
        let mut useful = reach(self.num_states, starts, forwards);
        let reaching = reach(self.num_states, ends, backwards);
        useful.iter_mut().zip(reaching).for_each(|(useful, reaching)| *useful &= reaching);
        useful
    }

    fn reverse(mut self) -> Self {
        std::mem::swap(&mut self.initial, &mut self.finals);
        for arc in &mut self.arcs {
            std::mem::swap(&mut arc.from, &mut arc.to);
        }
        self
    }

    /// The symbols on a shortest walk from one of `sources` to a state that `goal` marks, and that
    /// state.
    pub(super) fn shortest_walk(&self, sources: &[u32], goal: &[bool]) -> Option<(Vec<u32>, u32)> {
        let mut arcs_of: Vec<Vec<(u32, u32)>> = vec![Vec::new(); self.num_states];
        for arc in &self.arcs {
            if let Some(symbol) = arc.symbol {
                arcs_of[arc.from as usize].push((symbol, arc.to));
            }
        }
        let mut seen = vec![false; self.num_states];
        let mut from: Vec<Option<(u32, u32)>> = vec![None; self.num_states];
        let mut waiting: VecDeque<u32> = sources.iter().copied().collect();
        for &source in sources {
            seen[source as usize] = true;
        }
        while let Some(state) = waiting.pop_front() {
            if goal[state as usize] {
                let mut symbols = Vec::new();
                let mut here = state;
                while let Some((before, symbol)) = from[here as usize] {
                    symbols.push(symbol);
                    here = before;
                }
                symbols.reverse();
                return Some((symbols, state));
            }
            for &(symbol, to) in &arcs_of[state as usize] {
                if !std::mem::replace(&mut seen[to as usize], true) {
                    from[to as usize] = Some((state, symbol));
                    waiting.push_back(to);
                }
            }
        }
        None
    }
}

/// The nodes that `sources` lead to, themselves included.
fn reach(
    num_states: usize,
    sources: impl Iterator<Item = u32>,
    arcs: impl Iterator<Item = (u32, u32)>,
) -> Vec<bool> {
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); num_states];
    for (from, to) in arcs {
        next[from as usize].push(to);
    }
    let mut seen = vec![false; num_states];
    let mut stack = Vec::new();
    for source in sources {
        if !std::mem::replace(&mut seen[source as usize], true) {
            stack.push(source);
        }
    }
    while let Some(state) = stack.pop() {
        for &to in &next[state as usize] {
            if !std::mem::replace(&mut seen[to as usize], true) {
                stack.push(to);
            }
        }
    }
    seen
}
