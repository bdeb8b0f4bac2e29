//! Complete deterministic automata over block symbols: where sets of strings are computed.

use std::collections::{HashMap, VecDeque};

use super::budget::Budget;
use super::epsilon::EpsilonNfa;
use super::hopcroft;
use crate::error::Result;

/// A complete deterministic automaton without weights; state 0 is the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dfa {
    num_symbols: usize,
    /// `table[state · num_symbols + symbol]`.
    table: Vec<u32>,
    accepting: Vec<bool>,
}

impl Dfa {
    /// The subset construction; weights are ignored, ε-arcs followed.
    pub(crate) fn from_epsilon(
        nfa: &EpsilonNfa,
        num_symbols: usize,
        budget: &mut Budget,
    ) -> Result<Self> {
        let mut walker = Walker::new(nfa, num_symbols);
        let start = walker.close(nfa.initial.iter().map(|&(state, _)| state).collect(), budget)?;
        let mut number: HashMap<Box<[u32]>, u32> = HashMap::new();
        let mut waiting = VecDeque::new();
        number.insert(start.clone(), 0);
        waiting.push_back(start);
        let mut dfa = Self { num_symbols, table: Vec::new(), accepting: Vec::new() };
        budget.states(1)?;
        let mut targets: Vec<Vec<u32>> = vec![Vec::new(); num_symbols];
        while let Some(subset) = waiting.pop_front() {
            dfa.accepting.push(subset.iter().any(|&state| walker.is_final[state as usize]));
            for &state in &subset {
                budget.spend(walker.arcs[state as usize].len())?;
                for &(symbol, to) in &walker.arcs[state as usize] {
                    targets[symbol as usize].push(to);
                }
            }
            budget.spend(num_symbols)?;
            for heap in &mut targets {
                let next = walker.close(std::mem::take(heap), budget)?;
                let fresh = number.len() as u32;
                let target = *number.entry(next.clone()).or_insert(fresh);
                if target == fresh {
                    budget.states(number.len())?;
                    waiting.push_back(next);
                }
                dfa.table.push(target);
            }
        }
        Ok(dfa)
    }

    /// The number of states, the one from which nothing is accepted included.
    pub(crate) fn num_states(&self) -> usize {
        self.accepting.len()
    }

    /// Where a state goes on every symbol.
    pub(crate) fn row(&self, state: u32) -> &[u32] {
        let start = state as usize * self.num_symbols;
        &self.table[start..start + self.num_symbols]
    }

    /// Whether a state accepts.
    pub(crate) fn accepts(&self, state: u32) -> bool {
        self.accepting[state as usize]
    }

    /// The strings that this one does not accept.
    pub(crate) fn complement(mut self) -> Self {
        self.accepting.iter_mut().for_each(|accepting| *accepting = !*accepting);
        self
    }

    /// The product with `other`, accepting where `accept` says so of the two.
    pub(crate) fn product(
        &self,
        other: &Self,
        accept: fn(bool, bool) -> bool,
        budget: &mut Budget,
    ) -> Result<Self> {
        let mut dfa =
            Self { num_symbols: self.num_symbols, table: Vec::new(), accepting: Vec::new() };
        let mut number = HashMap::from([((0, 0), 0_u32)]);
        let mut waiting = VecDeque::from([(0, 0)]);
        while let Some((left, right)) = waiting.pop_front() {
            dfa.accepting.push(accept(self.accepts(left), other.accepts(right)));
            budget.spend(self.num_symbols + 1)?;
            for pair in self.row(left).iter().copied().zip(other.row(right).iter().copied()) {
                let fresh = number.len() as u32;
                let target = *number.entry(pair).or_insert(fresh);
                if target == fresh {
                    budget.states(number.len())?;
                    waiting.push_back(pair);
                }
                dfa.table.push(target);
            }
        }
        Ok(dfa)
    }

    /// The smallest automaton for the same strings, its states numbered breadth first from the
    /// start: two automata over the same symbols accept the same strings exactly when their minimal
    /// ones are equal.
    pub(crate) fn minimise(&self) -> Self {
        let label: Vec<u32> =
            self.accepting.iter().map(|&accepting| u32::from(accepting)).collect();
        let block = hopcroft::refine(&self.table, self.num_symbols, &label);
        let mut number: HashMap<u32, u32> = HashMap::new();
        let mut order = Vec::new();
        if !block.is_empty() {
            number.insert(block[0], 0);
            order.push(0_u32);
        }
        let mut table = Vec::new();
        let mut accepting = Vec::new();
        let mut index = 0;
        while let Some(&state) = order.get(index) {
            index += 1;
            accepting.push(self.accepts(state));
            for &to in self.row(state) {
                let fresh = order.len() as u32;
                let target = *number.entry(block[to as usize]).or_insert(fresh);
                if target == fresh {
                    order.push(to);
                }
                table.push(target);
            }
        }
        Self { num_symbols: self.num_symbols, table, accepting }
    }

    /// For every state, whether something is accepted from it.
    pub(crate) fn live(&self) -> Vec<bool> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.num_states()];
        for state in 0..self.num_states() as u32 {
            for &to in self.row(state) {
                before[to as usize].push(state);
            }
        }
        let mut live = self.accepting.clone();
        let mut stack: Vec<u32> =
            (0..self.num_states() as u32).filter(|&state| self.accepts(state)).collect();
        while let Some(state) = stack.pop() {
            for &from in &before[state as usize] {
                if !std::mem::replace(&mut live[from as usize], true) {
                    stack.push(from);
                }
            }
        }
        live
    }

    /// The shortest accepted string, the first in the order of the symbols among them.
    pub(crate) fn shortest(&self) -> Option<Vec<u32>> {
        let mut from: Vec<Option<(u32, u32)>> = vec![None; self.num_states()];
        let mut seen = vec![false; self.num_states()];
        let mut waiting = VecDeque::from([0_u32]);
        seen[0] = true;
        while let Some(state) = waiting.pop_front() {
            if self.accepts(state) {
                let mut string = Vec::new();
                let mut here = state;
                while let Some((before, symbol)) = from[here as usize] {
                    string.push(symbol);
                    here = before;
                }
                string.reverse();
                return Some(string);
            }
            for (symbol, &to) in self.row(state).iter().enumerate() {
                if !std::mem::replace(&mut seen[to as usize], true) {
                    from[to as usize] = Some((state, symbol as u32));
                    waiting.push_back(to);
                }
            }
        }
        None
    }

    /// The same automaton, without the states from which nothing is accepted, as one to build with.
    pub(crate) fn to_epsilon(&self) -> EpsilonNfa {
        let live = self.live();
        let mut number = vec![0_u32; self.num_states()];
        let mut nfa = EpsilonNfa::default();
        for state in 0..self.num_states() {
            if live[state] {
                number[state] = nfa.num_states as u32;
                nfa.num_states += 1;
            }
        }
        if live[0] {
            nfa.initial.push((number[0], 0.0));
        }
        for state in (0..self.num_states() as u32).filter(|&state| live[state as usize]) {
            let from = number[state as usize];
            if self.accepts(state) {
                nfa.finals.push((from, 0.0));
            }
            for (symbol, &to) in self.row(state).iter().enumerate() {
                if live[to as usize] {
                    nfa.arc(from, Some(symbol as u32), 0.0, number[to as usize]);
                }
            }
        }
        nfa
    }
}

/// Follows ε-arcs of a set of states.
struct Walker {
    /// Arcs with a symbol of every state.
    arcs: Vec<Vec<(u32, u32)>>,
    silent: Vec<Vec<u32>>,
    is_final: Vec<bool>,
    /// The last call that saw a state.
    seen: Vec<u32>,
    call: u32,
}

impl Walker {
    fn new(nfa: &EpsilonNfa, num_symbols: usize) -> Self {
        let mut arcs = vec![Vec::new(); nfa.num_states];
        let mut silent = vec![Vec::new(); nfa.num_states];
        for arc in &nfa.arcs {
            match arc.symbol {
                Some(symbol) if (symbol as usize) < num_symbols => {
                    arcs[arc.from as usize].push((symbol, arc.to));
                }
                Some(_) => {}
                None => silent[arc.from as usize].push(arc.to),
            }
        }
        let mut is_final = vec![false; nfa.num_states];
        for &(state, _) in &nfa.finals {
            is_final[state as usize] = true;
        }
        let seen = vec![0; nfa.num_states];
        Self { arcs, silent, is_final, seen, call: 0 }
    }

    /// The states that `states` reach by ε, sorted; those that neither read nor accept are left out
    /// because they tell no two sets apart.
    fn close(&mut self, states: Vec<u32>, budget: &mut Budget) -> Result<Box<[u32]>> {
        // Wraps after 2^32 calls, which the budget does not pay for.
        self.call = self.call.wrapping_add(1);
        let mut stack = states;
        let mut closed = Vec::new();
        while let Some(state) = stack.pop() {
            let here = state as usize;
            if std::mem::replace(&mut self.seen[here], self.call) == self.call {
                continue;
            }
            budget.spend(1 + self.silent[here].len())?;
            if self.is_final[here] || !self.arcs[here].is_empty() {
                closed.push(state);
            }
            stack.extend(&self.silent[here]);
        }
        closed.sort_unstable();
        Ok(closed.into_boxed_slice())
    }
}
