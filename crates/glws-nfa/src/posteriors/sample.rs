//! Exact draws: filter forward, sample backward.

use assay_array::Scalar;
use assay_array::random::{stream, uniform};
use ndarray::{Array2, Axis};

use super::trellis::Forward;
use super::{Bag, Posteriors};
use crate::error::{Error, Result};

/// Most labels that one bag's draws may hold.
const MAX_LABELS: usize = 1 << 27;
/// Draws that go back through the table together, so that its rows serve many. Each has a stream of its
/// own: how many go together changes nothing.
const TOGETHER: usize = 4096;

impl<T: Scalar> Posteriors<'_, T> {
    /// `draws` independent label sequences from each bag's distribution, of shape `[draws, L]`; `None`
    /// for an infeasible bag.
    ///
    /// The draws are exact, also for an ambiguous automaton: paths are drawn, and the labels of a
    /// path drawn in proportion to its weight are drawn in proportion to theirs. A draw depends on
    /// `seed`, on the bag's place in the batch and on its own number, and on nothing else.
    ///
    /// # Errors
    /// [`Error::TooManySteps`] for more than 2^27 labels a bag, or that many numbers in the rows that are
    /// kept.
    pub fn sample(&self, draws: usize, seed: u64) -> Result<Vec<Option<Array2<usize>>>> {
        self.each_indexed(|index, bag| {
            let Some(bag) = bag else { return Ok(None) };
            if draws.checked_mul(bag.length.max(1)).is_none_or(|labels| labels > MAX_LABELS) {
                return Err(Error::TooManySteps { operation: "sample", limit: MAX_LABELS });
            }
            bag.sample(draws, seed, index as u64)
        })
    }
}

impl Bag<'_> {
    fn sample(&self, draws: usize, seed: u64, index: u64) -> Result<Option<Array2<usize>>> {
        let Some(Forward { mut alpha, .. }) = self.forward("sample")? else { return Ok(None) };
        let mut incoming: Vec<Vec<u32>> = vec![vec![]; self.nfa.num_states()];
        for (number, arc) in self.nfa.arcs().iter().enumerate() {
            incoming[arc.target].push(number as u32);
        }
        let mut weights = vec![];
        let mut labels = Array2::zeros((draws, self.length));
        let groups = labels.axis_chunks_iter_mut(Axis(0), TOGETHER);
        for (group, mut labels) in groups.enumerate() {
            let end = alpha.row(self.length);
            let first = (group * TOGETHER) as u64;
            let mut walks: Vec<_> = (first..first + labels.nrows() as u64)
                .map(|draw| {
                    let mut rng = stream(seed, "glws posterior", (index << 32) | draw);
                    weights.clear();
                    weights
                        .extend(end.iter().zip(self.nfa.final_log_weights()).map(|(a, b)| a + b));
                    (choose(&mut weights, uniform(&mut rng)), rng)
                })
                .collect();
            for position in (0..self.length).rev() {
                let alpha = alpha.row(position);
                let log_p = &self.log_p[position * self.classes..(position + 1) * self.classes];
                for ((state, rng), label) in walks.iter_mut().zip(labels.column_mut(position)) {
                    let arcs = &incoming[*state];
                    weights.clear();
                    weights.extend(arcs.iter().map(|&number| {
                        let arc = &self.nfa.arcs()[number as usize];
                        alpha[arc.source] + arc.log_weight + log_p[arc.class]
                    }));
                    let arc = &self.nfa.arcs()[arcs[choose(&mut weights, uniform(rng))] as usize];
                    *label = arc.class;
                    *state = arc.source;
                }
            }
        }
        Ok(Some(labels))
    }
}

/// The index that `u` in `[0, 1)` falls on when each has the share `e^w` of the sum; never one of
/// weight `−∞`. One at least has another weight.
fn choose(log_weights: &mut [f64], u: f64) -> usize {
    let max = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for weight in &mut *log_weights {
        *weight = (*weight - max).exp();
        total += *weight;
    }
    let mut rest = u * total;
    let mut last = 0;
    for (index, &weight) in log_weights.iter().enumerate() {
        if weight > 0.0 {
            last = index;
            if rest < weight {
                return index;
            }
            rest -= weight;
        }
    }
    // Rounding ate the end of the last interval.
    last
}
