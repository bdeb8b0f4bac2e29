//! Automata as the words that the general kernel reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::automaton::{HEADER, ROW_DIGITS};
use super::scaled::{LARGEST, words, words_of_exp};
use crate::nfa::Compiled;
use crate::{Constraint, Nfa};

/// Words of all automata, 128 MiB.
const MOST_WORDS: usize = 1 << 25;
/// A bag of equal constraints is looked for among so many before it.
const REMEMBERED: usize = 16;

/// The tables of all automata of a batch, each once.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    pub(super) words: Vec<u32>,
    shared: HashMap<*const Nfa, Entry>,
    last: Vec<(&'a Constraint, Entry)>,
}

/// Where an automaton's words start, and what its size depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) start: usize,
    pub(super) states: usize,
    pub(super) symbols: usize,
    /// Binary digits that a step may add to or take from a number.
    digits: usize,
}

impl Entry {
    /// Whether the exponents of a bag of `length` stay within their range.
    pub(super) fn holds(&self, length: usize) -> bool {
        length.saturating_add(2).saturating_mul(self.digits) < LARGEST as usize
    }
}

impl<'a> Tables<'a> {
    /// The automaton of a constraint; `None` when only the host can do it.
    pub(super) fn insert(&mut self, constraint: &'a Constraint, classes: usize) -> Option<Entry> {
        if let Constraint::Automaton(nfa) | Constraint::Paths(nfa) = constraint {
            if let Some(&entry) = self.shared.get(&Arc::as_ptr(nfa)) {
                return Some(entry);
            }
            let entry = self.append(nfa)?;
            self.shared.insert(Arc::as_ptr(nfa), entry);
            return Some(entry);
        }
        let mut recent = self.last.iter().rev().take(REMEMBERED);
        if let Some(&(_, entry)) = recent.find(|(known, _)| *known == constraint) {
            return Some(entry);
        }
        let nfa = constraint.automaton(classes).ok()?;
        let entry = self.append(&nfa)?;
        self.last.push((constraint, entry));
        Some(entry)
    }

    fn append(&mut self, nfa: &Nfa) -> Option<Entry> {
        let engine = &nfa.engine;
        let (states, symbols) = (nfa.num_states(), engine.symbol_start.len() - 1);
        let start = self.words.len();
        let mut largest = 0;
        let mut keep = |number: [u32; 2]| {
            if number[0] != 0 {
                largest = largest.max(number[1].cast_signed().unsigned_abs() as usize);
            }
            number
        };

        let mut header = vec![states as u32, symbols as u32];
        let mut tables: Vec<u32> = Vec::new();
        let mut table = |words: Vec<u32>| {
            header.push((start + HEADER + tables.len()) as u32); // fits, or the words are refused below
            tables.extend(words);
        };
        table(engine.incoming_start.clone());
        table(engine.incoming.iter().flat_map(|edge| [edge.other, edge.symbol]).collect());
        table(engine.outgoing_start.clone());
        table(engine.outgoing.iter().flat_map(|edge| [edge.other, edge.symbol]).collect());
        table(engine.symbol_start.clone());
        let mut sets = Vec::with_capacity(3 * engine.symbols.len());
        for &(class, weight) in &engine.symbols {
            sets.push(class);
            sets.extend(keep(words(weight)?));
        }
        table(sets);
        let (edges_start, edges) = by_symbol(engine, symbols);
        table(edges_start);
        table(edges);
        let mut ends = Vec::with_capacity(4 * states);
        for &log_weight in nfa.initial_log_weights().iter().chain(nfa.final_log_weights()) {
            ends.extend(keep(words_of_exp(log_weight)?));
        }
        table(ends);

        if start + HEADER + tables.len() > MOST_WORDS {
            return None;
        }
        self.words.extend(header);
        self.words.extend(tables);
        // Sums over states and classes add digits as well.
        Some(Entry { start, states, symbols, digits: ROW_DIGITS + 64 + 2 * largest })
    }
}

/// The edges as pairs of states, symbol after symbol, and where each symbol's start.
fn by_symbol(engine: &Compiled, symbols: usize) -> (Vec<u32>, Vec<u32>) {
    let mut lists = vec![Vec::new(); symbols];
    let sources = Compiled::by_state(&engine.outgoing_start, &engine.outgoing);
    for (source, edges) in (0_u32..).zip(sources) {
        for edge in edges {
            lists[edge.symbol as usize].extend([source, edge.other]);
        }
    }
    let mut start = vec![0];
    let mut pairs = Vec::new();
    for list in lists {
        pairs.extend(list);
        start.push(pairs.len() as u32 / 2);
    }
    (start, pairs)
}
