//! Forward and backward sums in log space.

use super::Bag;
use crate::error::Result;
use crate::semiring::log_add;

/// `α_0 … α_L`, row by row, and `log Z`.
pub(super) struct Forward {
    pub(super) alpha: Vec<f64>,
    pub(super) log_z: f64,
}

impl Bag<'_> {
    /// The forward table; `None` when no sequence is accepted.
    pub(super) fn forward(&self, operation: &'static str) -> Result<Option<Forward>> {
        let states = self.nfa.num_states();
        self.check_cells(operation, states)?;
        let mut alpha = vec![f64::NEG_INFINITY; (self.length + 1) * states];
        alpha[..states].copy_from_slice(self.nfa.initial_log_weights());
        for position in 0..self.length {
            let rows = &mut alpha[position * states..(position + 2) * states];
            let (before, after) = rows.split_at_mut(states);
            for (arc, weight) in self.weighted(position) {
                after[arc.target] = log_add(after[arc.target], before[arc.source] + weight);
            }
        }
        let end = alpha[self.length * states..].iter().zip(self.nfa.final_log_weights());
        let log_z = end.fold(f64::NEG_INFINITY, |sum, (alpha, end)| log_add(sum, alpha + end));
        Ok((log_z > f64::NEG_INFINITY).then_some(Forward { alpha, log_z }))
    }

    /// `log Z`, with two rows in memory.
    pub(super) fn log_z(&self) -> f64 {
        let states = self.nfa.num_states();
        let mut alpha = self.nfa.initial_log_weights().to_vec();
        let mut next = vec![f64::NEG_INFINITY; states];
        for position in 0..self.length {
            next.fill(f64::NEG_INFINITY);
            for (arc, weight) in self.weighted(position) {
                let path = alpha[arc.source] + weight;
                next[arc.target] = log_add(next[arc.target], path);
            }
            std::mem::swap(&mut alpha, &mut next);
        }
        let ends = alpha.iter().zip(self.nfa.final_log_weights());
        ends.fold(f64::NEG_INFINITY, |sum, (alpha, end)| log_add(sum, alpha + end))
    }
}
