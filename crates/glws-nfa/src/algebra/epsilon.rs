//! Automata with ε-arcs: what the constructions build before ε is removed.

use super::budget::Budget;
use super::scc;
use crate::error::{Error, Result};

/// An arc; without a symbol it reads nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EpsilonArc {
    pub(crate) from: u32,
    pub(crate) symbol: Option<u32>,
    pub(crate) log_weight: f64,
    pub(crate) to: u32,
}

/// A weighted automaton that may have ε-arcs, over any numbering of symbols.
#[derive(Debug, Clone, Default)]
pub(crate) struct EpsilonNfa {
    pub(crate) num_states: usize,
    pub(crate) initial: Vec<(u32, f64)>,
    pub(crate) finals: Vec<(u32, f64)>,
    pub(crate) arcs: Vec<EpsilonArc>,
}

impl EpsilonNfa {
    /// Adds a state.
    pub(crate) fn state(&mut self, budget: &Budget) -> Result<u32> {
        budget.states(self.num_states + 1)?;
        self.num_states += 1;
        Ok((self.num_states - 1) as u32)
    }

    /// Adds an arc.
    pub(crate) fn arc(&mut self, from: u32, symbol: Option<u32>, log_weight: f64, to: u32) {
        self.arcs.push(EpsilonArc { from, symbol, log_weight, to });
    }

    /// Adds the states and arcs of `other`; its states get the number returned and those after it.
    pub(crate) fn append(&mut self, other: &Self, budget: &mut Budget) -> Result<u32> {
        budget.states(self.num_states.saturating_add(other.num_states))?;
        budget.spend(other.arcs.len())?;
        let offset = self.num_states as u32;
        self.num_states += other.num_states;
        for arc in &other.arcs {
            self.arc(arc.from + offset, arc.symbol, arc.log_weight, arc.to + offset);
        }
        Ok(offset)
    }

    /// Appends `other`, with ε-arcs from `entries` to where it starts and from where it ends to
    /// `exit`.
    pub(crate) fn embed(
        &mut self,
        other: &Self,
        entries: &[u32],
        exit: u32,
        budget: &mut Budget,
    ) -> Result<()> {
        budget.spend(other.initial.len().saturating_mul(entries.len()) + other.finals.len())?;
        let offset = self.append(other, budget)?;
        for &(state, log_weight) in &other.initial {
            for &entry in entries {
                self.arc(entry, None, log_weight, state + offset);
            }
        }
        for &(state, log_weight) in &other.finals {
            self.arc(state + offset, None, log_weight, exit);
        }
        Ok(())
    }

    /// Adds to `target` paths from `from` to `to` for `low` to `high` runs of this automaton, one
    /// after the other; no `high` means any number from `low`. Adds no arc into `from` and none out
    /// of `to`.
    pub(crate) fn repeat(
        &self,
        target: &mut Self,
        from: u32,
        to: u32,
        (low, high): (u32, Option<u32>),
        budget: &mut Budget,
    ) -> Result<()> {
        let copies = high.unwrap_or(low);
        // Refuse before building: the counts are the user's.
        budget.states(self.num_states.saturating_mul(copies as usize))?;
        let mut here = from;
        for done in 0..copies {
            if done >= low {
                target.arc(here, None, 0.0, to);
            }
            let next = target.state(budget)?;
            if high.is_none() && done + 1 == low {
                // The last copy is also the loop.
                target.embed(self, &[here, next], next, budget)?;
            } else {
                target.embed(self, &[here], next, budget)?;
            }
            here = next;
        }
        if high.is_none() && low == 0 {
            let hub = target.state(budget)?;
            target.arc(from, None, 0.0, hub);
            target.embed(self, &[hub], hub, budget)?;
            here = hub;
        }
        target.arc(here, None, 0.0, to);
        Ok(())
    }

    /// Whether every weight is 0, so that the automaton is a set of strings.
    pub(crate) fn is_unweighted(&self) -> bool {
        let ends = self.initial.iter().chain(&self.finals).map(|&(_, weight)| weight);
        ends.chain(self.arcs.iter().map(|arc| arc.log_weight)).all(|weight| weight == 0.0)
    }

    /// The same automaton without ε-arcs.
    ///
    /// Every state takes over the arcs and final weights of the states that it reaches by ε, times
    /// the weight of all ε-paths there. In an unweighted automaton any number of ε-paths counts as
    /// one; in a weighted one their weights are summed, and [`Error::Divergent`] says when that sum
    /// is infinite.
    pub(crate) fn without_epsilon(&self, budget: &mut Budget) -> Result<Self> {
        let sum = if self.is_unweighted() { Sum::Any } else { Sum::Total };
        let closure = self.closure(sum, budget)?;
        let mut arcs_of: Vec<Vec<EpsilonArc>> = vec![Vec::new(); self.num_states];
        for arc in self.arcs.iter().filter(|arc| arc.symbol.is_some()) {
            arcs_of[arc.from as usize].push(*arc);
        }
        let mut final_weight = vec![f64::NEG_INFINITY; self.num_states];
        for &(state, weight) in &self.finals {
            let sum_here = &mut final_weight[state as usize];
            *sum_here = sum.add(*sum_here, weight);
        }
        // Only states that start, or that an arc with a symbol enters, are needed.
        let mut needed = vec![false; self.num_states];
        for &(state, _) in &self.initial {
            needed[state as usize] = true;
        }
        for arc in arcs_of.iter().flatten() {
            needed[arc.to as usize] = true;
        }
        let mut result = Self {
            num_states: self.num_states,
            initial: self.initial.clone(),
            finals: Vec::new(),
            arcs: Vec::new(),
        };
        for (state, row) in closure.iter().enumerate().filter(|&(state, _)| needed[state]) {
            let mut last = f64::NEG_INFINITY;
            let mut arcs = Vec::new();
            for &(through, weight) in row {
                last = sum.add(last, weight + final_weight[through as usize]);
                let onward = &arcs_of[through as usize];
                budget.spend(onward.len() + 1)?;
                arcs.extend(onward.iter().map(|arc| EpsilonArc {
                    from: state as u32,
                    log_weight: weight + arc.log_weight,
                    ..*arc
                }));
            }
            if last > f64::NEG_INFINITY {
                result.finals.push((state as u32, last));
            }
            arcs.sort_by_key(|arc| (arc.symbol, arc.to));
            for arc in arcs {
                match result.arcs.last_mut() {
                    Some(before)
                        if (before.from, before.symbol, before.to)
                            == (arc.from, arc.symbol, arc.to) =>
                    {
                        before.log_weight = sum.add(before.log_weight, arc.log_weight);
                    }
                    _ => result.arcs.push(arc),
                }
            }
        }
        Ok(result)
    }

    /// For every state, the states that it reaches by ε with the weight of all such paths; itself
    /// included.
    ///
    /// Strongly connected components are solved from the last to the first: within one, the star of
    /// its matrix by Kleene's elimination (M. Mohri, "Generic epsilon-removal and input
    /// epsilon-normalization algorithms for weighted transducers", 2002).
    fn closure(&self, sum: Sum, budget: &mut Budget) -> Result<Vec<Vec<(u32, f64)>>> {
        let mut next: Vec<Vec<(u32, f64)>> = vec![Vec::new(); self.num_states];
        for arc in self.arcs.iter().filter(|arc| arc.symbol.is_none()) {
            next[arc.from as usize].push((arc.to, arc.log_weight));
        }
        let targets: Vec<Vec<u32>> =
            next.iter().map(|arcs| arcs.iter().map(|&(to, _)| to).collect()).collect();
        let components = scc::components(&targets);
        let mut local = vec![u32::MAX; self.num_states];
        let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); self.num_states];
        let mut total = Sparse::new(self.num_states);
        for component in &components {
            for (index, &state) in component.iter().enumerate() {
                local[state as usize] = index as u32;
            }
            let inside = sum.star(component, &next, &local, budget)?;
            // Leaving once from each member, before any walk within the component.
            let mut leaving = Vec::with_capacity(component.len());
            for &state in component {
                total.add(state, 0.0, sum);
                for &(to, weight) in &next[state as usize] {
                    if local[to as usize] == u32::MAX {
                        budget.spend(rows[to as usize].len())?;
                        for &(far, far_weight) in &rows[to as usize] {
                            total.add(far, weight + far_weight, sum);
                        }
                    }
                }
                leaving.push(total.take());
            }
            for (index, &state) in component.iter().enumerate() {
                for (through, row) in leaving.iter().enumerate() {
                    let weight = inside[index * component.len() + through];
                    if weight > f64::NEG_INFINITY {
                        budget.spend(row.len())?;
                        for &(to, to_weight) in row {
                            total.add(to, weight + to_weight, sum);
                        }
                    }
                }
                rows[state as usize] = total.take();
            }
            for &state in component {
                local[state as usize] = u32::MAX;
            }
        }
        Ok(rows)
    }
}

/// How the weights of several paths become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// Paths of an unweighted automaton: one or more is the same.
    Any,
    /// log Σ exp.
    Total,
}

impl Sum {
    fn add(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Any => a.max(b),
            Self::Total => log_add(a, b),
        }
    }

    /// The star of the ε-arcs within a strongly connected component: entry `(i, j)` is the weight
    /// of all walks from its member `i` to its member `j`.
    fn star(
        self,
        component: &[u32],
        next: &[Vec<(u32, f64)>],
        local: &[u32],
        budget: &mut Budget,
    ) -> Result<Vec<f64>> {
        let size = component.len();
        let steps = match self {
            Self::Any => size.saturating_mul(size),
            Self::Total => size.saturating_mul(size).saturating_mul(size),
        };
        budget.spend(steps)?;
        if self == Self::Any {
            return Ok(vec![0.0; size * size]);
        }
        let mut walks = vec![f64::NEG_INFINITY; size * size];
        for (row, &state) in component.iter().enumerate() {
            for &(to, weight) in &next[state as usize] {
                let column = local[to as usize];
                if column != u32::MAX {
                    let entry = &mut walks[row * size + column as usize];
                    *entry = log_add(*entry, weight);
                }
            }
        }
        for pivot in 0..size {
            let loops = walks[pivot * size + pivot];
            if loops >= 0.0 {
                return Err(Error::Divergent { log_weight: loops });
            }
            let star = -(-loops.exp()).ln_1p();
            let through: Vec<f64> = walks[pivot * size..(pivot + 1) * size].to_vec();
            for row in 0..size {
                let first = walks[row * size + pivot] + star;
                if first > f64::NEG_INFINITY {
                    for (column, &second) in through.iter().enumerate() {
                        let entry = &mut walks[row * size + column];
                        *entry = log_add(*entry, first + second);
                    }
                }
            }
        }
        // The empty walk.
        for index in 0..size {
            let entry = &mut walks[index * size + index];
            *entry = log_add(*entry, 0.0);
        }
        Ok(walks)
    }
}

/// log(exp a + exp b).
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    // Infinities, which sums of huge weights become, must not meet in a difference.
    if low == f64::NEG_INFINITY || high == f64::INFINITY {
        return high;
    }
    high + (low - high).exp().ln_1p()
}

/// A sparse vector that is filled and emptied many times.
struct Sparse {
    value: Vec<f64>,
    touched: Vec<u32>,
}

impl Sparse {
    fn new(size: usize) -> Self {
        Self { value: vec![f64::NEG_INFINITY; size], touched: Vec::new() }
    }

    fn add(&mut self, index: u32, weight: f64, sum: Sum) {
        let entry = &mut self.value[index as usize];
        if *entry == f64::NEG_INFINITY {
            if weight == f64::NEG_INFINITY {
                return;
            }
            self.touched.push(index);
        }
        *entry = sum.add(*entry, weight);
    }

    fn take(&mut self) -> Vec<(u32, f64)> {
        self.touched
            .drain(..)
            .map(|index| {
                let entry = &mut self.value[index as usize];
                (index, std::mem::replace(entry, f64::NEG_INFINITY))
            })
            .collect()
    }
}
