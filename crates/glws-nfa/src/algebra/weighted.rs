//! Deterministic weighted automata: Mohri's determinisation, pushing and merging.

use std::collections::{BTreeMap, HashMap};

use super::epsilon::{EpsilonArc, EpsilonNfa, log_add};
use super::{Budget, hopcroft};
use crate::error::Result;

/// Log weights closer than this count as equal: far above the rounding of sums along a path, far
/// below what a loss can tell apart.
pub(super) const TOLERANCE: f64 = 1e-9;

/// A log weight as a whole number of tolerances. Huge ones saturate, and then are told apart by
/// nothing; log weights of 1e9 mean nothing either.
fn quantised(log_weight: f64) -> i64 {
    (log_weight / TOLERANCE).round() as i64
}

/// A subset of states with the weights that the paths there have beyond the one given out.
type Subset = Vec<(u32, f64)>;

/// M. Mohri 1997, figure 10, in the log semiring. The automaton has no ε-arcs.
pub(super) fn determinise(nfa: &EpsilonNfa, budget: &mut Budget) -> Result<EpsilonNfa> {
    let mut arcs_of: Vec<Vec<EpsilonArc>> = vec![Vec::new(); nfa.num_states];
    for arc in &nfa.arcs {
        arcs_of[arc.from as usize].push(*arc);
    }
    let mut last = vec![f64::NEG_INFINITY; nfa.num_states];
    for &(state, weight) in &nfa.finals {
        last[state as usize] = log_add(last[state as usize], weight);
    }
    let mut result = EpsilonNfa::default();
    let mut subsets = Subsets::default();
    let mut starts = BTreeMap::new();
    for &(state, weight) in &nfa.initial {
        join(&mut starts, state, weight);
    }
    if starts.is_empty() {
        return Ok(result);
    }
    let (weight, start) = normalised(starts);
    result.initial.push((subsets.number(start, budget)?, weight));
    let mut index = 0;
    while let Some(subset) = subsets.list.get(index).cloned() {
        let from = index as u32;
        index += 1;
        let mut next: BTreeMap<Option<u32>, BTreeMap<u32, f64>> = BTreeMap::new();
        let mut end = f64::NEG_INFINITY;
        for &(state, residual) in &subset {
            end = log_add(end, residual + last[state as usize]);
            budget.spend(arcs_of[state as usize].len() + 1)?;
            for arc in &arcs_of[state as usize] {
                join(next.entry(arc.symbol).or_default(), arc.to, residual + arc.log_weight);
            }
        }
        if end > f64::NEG_INFINITY {
            result.finals.push((from, end));
        }
        for (symbol, targets) in next {
            let (weight, target) = normalised(targets);
            let to = subsets.number(target, budget)?;
            result.arc(from, symbol, weight, to);
        }
    }
    result.num_states = subsets.list.len();
    Ok(result)
}

fn join(weights: &mut BTreeMap<u32, f64>, state: u32, weight: f64) {
    let sum = weights.entry(state).or_insert(f64::NEG_INFINITY);
    *sum = log_add(*sum, weight);
}

/// The total weight, and what is left for every state.
fn normalised(weights: BTreeMap<u32, f64>) -> (f64, Subset) {
    let total = weights.values().fold(f64::NEG_INFINITY, |sum, &weight| log_add(sum, weight));
    (total, weights.into_iter().map(|(state, weight)| (state, weight - total)).collect())
}

/// Subsets seen so far, found again by their quantised weights.
#[derive(Default)]
struct Subsets {
    list: Vec<Subset>,
    index: HashMap<Vec<(u32, i64)>, u32>,
}

impl Subsets {
    fn number(&mut self, subset: Subset, budget: &mut Budget) -> Result<u32> {
        let key = subset.iter().map(|&(state, weight)| (state, quantised(weight))).collect();
        let fresh = self.list.len() as u32;
        let number = *self.index.entry(key).or_insert(fresh);
        if number == fresh {
            budget.states(self.list.len() + 1)?;
            budget.spend(subset.len())?;
            self.list.push(subset);
        }
        Ok(number)
    }
}

/// Pushes weights of a trimmed deterministic automaton towards the start, such that from every
/// state the shortest string, the first by symbols among equals, has weight 0. Equivalent states
/// then have equal weights. Returns for every state the first arc of that string too.
///
/// The usual potential, the log-sum-exp over all strings, need not be finite; this one always is.
pub(super) fn push(mut dfa: EpsilonNfa) -> (EpsilonNfa, Vec<Option<EpsilonArc>>) {
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); dfa.num_states];
    let mut arcs_of: Vec<Vec<EpsilonArc>> = vec![Vec::new(); dfa.num_states];
    for arc in &dfa.arcs {
        before[arc.to as usize].push(arc.from);
        arcs_of[arc.from as usize].push(*arc);
    }
    let mut level = vec![usize::MAX; dfa.num_states];
    let mut order: Vec<u32> = Vec::new();
    let mut potential = vec![0.0; dfa.num_states];
    let mut first = vec![None; dfa.num_states];
    for &(state, weight) in &dfa.finals {
        level[state as usize] = 0;
        potential[state as usize] = weight;
        order.push(state);
    }
    let mut index = 0;
    while let Some(&state) = order.get(index) {
        index += 1;
        let here = state as usize;
        if level[here] > 0 {
            // All states nearer to the end are done: take the first symbol that leads to one.
            let nearer = arcs_of[here].iter().filter(|arc| level[arc.to as usize] < level[here]);
            if let Some(arc) = nearer.min_by_key(|arc| arc.symbol) {
                potential[here] = arc.log_weight + potential[arc.to as usize];
                first[here] = Some(*arc);
            }
        }
        for &from in &before[here] {
            if level[from as usize] == usize::MAX {
                level[from as usize] = level[here] + 1;
                order.push(from);
            }
        }
    }
    for (state, weight) in &mut dfa.initial {
        *weight += potential[*state as usize];
    }
    for (state, weight) in &mut dfa.finals {
        *weight -= potential[*state as usize];
    }
    for arc in &mut dfa.arcs {
        arc.log_weight += potential[arc.to as usize] - potential[arc.from as usize];
    }
    (dfa, first)
}

/// What a state's own weights are: the final one, and that of every symbol.
type Signature = (Option<i64>, Vec<(u32, i64)>);

/// Merges equivalent states of a pushed automaton.
pub(super) fn merge(
    dfa: &EpsilonNfa,
    num_symbols: usize,
    budget: &mut Budget,
) -> Result<EpsilonNfa> {
    let Some(&(start, start_weight)) = dfa.initial.first() else {
        return Ok(EpsilonNfa::default());
    };
    // A sink completes the table.
    budget.spend(2 * (dfa.num_states + 1).saturating_mul(num_symbols))?;
    let sink = dfa.num_states as u32;
    let mut table = vec![sink; (dfa.num_states + 1) * num_symbols];
    let mut signature: Vec<Signature> = vec![(None, Vec::new()); dfa.num_states + 1];
    let mut arcs_of: Vec<Vec<EpsilonArc>> = vec![Vec::new(); dfa.num_states];
    for arc in &dfa.arcs {
        if let Some(symbol) = arc.symbol {
            table[arc.from as usize * num_symbols + symbol as usize] = arc.to;
            signature[arc.from as usize].1.push((symbol, quantised(arc.log_weight)));
            arcs_of[arc.from as usize].push(*arc);
        }
    }
    let mut last = vec![None; dfa.num_states];
    for &(state, weight) in &dfa.finals {
        last[state as usize] = Some(weight);
        signature[state as usize].0 = Some(quantised(weight));
    }
    let mut number = HashMap::new();
    let label: Vec<u32> = signature
        .into_iter()
        .map(|mut signature| {
            signature.1.sort_unstable();
            let fresh = number.len() as u32;
            *number.entry(signature).or_insert(fresh)
        })
        .collect();
    let block = hopcroft::refine(&table, num_symbols, &label);
    let mut merged = EpsilonNfa { initial: vec![(0, start_weight)], ..EpsilonNfa::default() };
    let mut number = HashMap::from([(block[start as usize], 0_u32)]);
    let mut order = vec![start];
    let mut index = 0;
    while let Some(&state) = order.get(index) {
        if let Some(weight) = last[state as usize] {
            merged.finals.push((index as u32, weight));
        }
        arcs_of[state as usize].sort_by_key(|arc| arc.symbol);
        for arc in &arcs_of[state as usize] {
            let fresh = order.len() as u32;
            let to = *number.entry(block[arc.to as usize]).or_insert(fresh);
            if to == fresh {
                order.push(arc.to);
            }
            merged.arc(index as u32, arc.symbol, arc.log_weight, to);
        }
        index += 1;
    }
    merged.num_states = order.len();
    Ok(merged)
}
