//! Whether two automata are the same map from strings to weights.

use std::collections::{HashMap, HashSet, VecDeque};

use super::epsilon::{EpsilonArc, EpsilonNfa};
use super::{Budget, Dfa, Symbols, weighted};
use crate::error::Result;
use crate::nfa::Nfa;

impl Nfa {
    /// Whether both accept the same strings with the same weights.
    ///
    /// # Errors
    /// As [`Self::distinguishing_string`].
    pub fn is_equivalent(&self, other: &Self, max_states: usize) -> Result<bool> {
        Ok(self.distinguishing_string(other, max_states)?.is_none())
    }

    /// A string to which the two give different weights, if there is one.
    ///
    /// If one accepts a string and the other does not, the result is a shortest such string.
    /// Otherwise it is one whose log weights differ by more than about 1e-9, not always the
    /// shortest. A set (all weights 0) gives its strings the weight 0, however many paths they have.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let some = Nfa::from_regex(".*1.*", 2)?;
    /// let two = Nfa::from_regex(".*1.*1.*", 2)?;
    /// assert_eq!(some.distinguishing_string(&two, 100)?, Some(vec![1]));
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlphabetMismatch`](crate::Error::AlphabetMismatch) and those of
    /// [`Self::determinise`].
    pub fn distinguishing_string(
        &self,
        other: &Self,
        max_states: usize,
    ) -> Result<Option<Vec<usize>>> {
        self.same_alphabet(other, "equivalence test")?;
        let mut budget = Budget::new("equivalence test", max_states);
        let symbols = Symbols::told_apart_by(&[self, other]);
        let mut dfa = |nfa: &Self| -> Result<Dfa> {
            let nfa = EpsilonNfa::from_nfa(nfa).trim().over(&symbols);
            Ok(Dfa::from_epsilon(&nfa, symbols.len(), &mut budget)?.minimise())
        };
        let (left, right) = (dfa(self)?, dfa(other)?);
        if left != right {
            // The pairs may outnumber the cap of each automaton.
            let mut budget = Budget::new("equivalence test", usize::MAX);
            let either = left.product(&right, |a, b| a != b, &mut budget)?;
            let string = either.shortest().unwrap_or_default();
            let first = |block| symbols.classes(block).first().copied();
            return Ok(Some(string.into_iter().filter_map(first).collect()));
        }
        if self.is_unweighted() && other.is_unweighted() {
            return Ok(None);
        }
        let mut pushed = |nfa: &Self| -> Result<_> {
            let trimmed = if nfa.is_unweighted() {
                EpsilonNfa::from_nfa(&nfa.determinise(max_states)?)
            } else {
                weighted::determinise(&EpsilonNfa::from_nfa(nfa).trim(), &mut budget)?
            };
            Ok(weighted::push(trimmed.trim()))
        };
        let (left, first) = pushed(self)?;
        let (right, _) = pushed(other)?;
        Ok(different_weight(&left, &first, &right)
            .map(|string| string.into_iter().map(|symbol| symbol as usize).collect()))
    }
}

/// A state of each automaton.
type Pair = (u32, u32);

/// A string of different weight in two pushed deterministic automata for the same set of strings.
fn different_weight(
    left: &EpsilonNfa,
    first: &[Option<EpsilonArc>],
    right: &EpsilonNfa,
) -> Option<Vec<u32>> {
    let (&(start, weight), &(other_start, other_weight)) =
        (left.initial.first()?, right.initial.first()?);
    // The shortest string from a state of the left one; its weight there is 0 in both.
    let rest = |mut state: u32| {
        let mut symbols = Vec::new();
        while let Some(arc) = first[state as usize] {
            symbols.extend(arc.symbol);
            state = arc.to;
        }
        symbols
    };
    if differ(weight, other_weight) {
        return Some(rest(start));
    }
    let other_arcs: HashMap<(u32, Option<u32>), &EpsilonArc> =
        right.arcs.iter().map(|arc| ((arc.from, arc.symbol), arc)).collect();
    let mut arcs_of: Vec<Vec<&EpsilonArc>> = vec![Vec::new(); left.num_states];
    left.arcs.iter().for_each(|arc| arcs_of[arc.from as usize].push(arc));
    let mut seen = HashSet::from([(start, other_start)]);
    let mut waiting = VecDeque::from([(start, other_start)]);
    let mut from: HashMap<Pair, (Pair, Option<u32>)> = HashMap::new();
    while let Some(pair) = waiting.pop_front() {
        for arc in &arcs_of[pair.0 as usize] {
            // The sets of strings are equal, so the other automaton has the arc.
            let Some(other) = other_arcs.get(&(pair.1, arc.symbol)) else { continue };
            if differ(arc.log_weight, other.log_weight) {
                let mut string: Vec<u32> = arc.symbol.into_iter().collect();
                let mut here = pair;
                while let Some(&(before, symbol)) = from.get(&here) {
                    string.extend(symbol);
                    here = before;
                }
                // Gathered backwards; the arc's own symbol is the first here and the last there.
                string.reverse();
                string.extend(rest(arc.to));
                return Some(string);
            }
            let next = (arc.to, other.to);
            if seen.insert(next) {
                from.insert(next, (pair, arc.symbol));
                waiting.push_back(next);
            }
        }
    }
    None
}

fn differ(a: f64, b: f64) -> bool {
    (a - b).abs() > weighted::TOLERANCE * (1.0 + a.abs())
}
