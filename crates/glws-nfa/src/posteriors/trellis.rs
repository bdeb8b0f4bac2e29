//! Forward and backward sums in log space, and the tables that questions look back into.

use super::{Bag, KEPT_CELLS, MAX_CELLS};
use crate::error::{Error, Result};
use crate::kernel::log_z;
use crate::semiring::log_add;

/// The rows `0..=L` of a table that is computed row by row, and then read from the last one to the first.
///
/// Of a large table every `√L`-th row is kept, and the rows between are computed once more as they are
/// asked for: twice the time in `O(√L)` of the memory.
pub(super) struct Rows<F> {
    width: usize,
    length: usize,
    /// How many rows a segment has.
    segment: usize,
    /// The first row of each segment.
    kept: Vec<f64>,
    /// All rows of one segment.
    near: Vec<f64>,
    /// Which segment that is.
    here: usize,
    step: F,
}

/// `step(i, row i, row i + 1)`, where row `i + 1` comes as `−∞` everywhere.
pub(super) trait Step: Fn(usize, &[f64], &mut [f64]) {}

impl<F: Fn(usize, &[f64], &mut [f64])> Step for F {}

impl<F: Step> Rows<F> {
    /// Computes the rows from the first of `length + 1`.
    pub(super) fn new(
        operation: &'static str,
        length: usize,
        first: &[f64],
        step: F,
    ) -> Result<Self> {
        let (width, count) = (first.len(), length + 1);
        let whole = count.checked_mul(width).is_some_and(|cells| cells <= KEPT_CELLS);
        let segment = if whole { count } else { count.isqrt() + 1 };
        let segments = count.div_ceil(segment);
        if (segment + segments).checked_mul(width).is_none_or(|cells| cells > MAX_CELLS) {
            return Err(Error::TooManySteps { operation, limit: MAX_CELLS });
        }
        let kept = vec![0.0; segments * width];
        let near = vec![0.0; segment * width];
        let mut table = Self { width, length, segment, kept, near, here: 0, step };
        table.kept[..width].copy_from_slice(first);
        for segment in 0..segments {
            table.fill(segment);
            if segment + 1 < segments {
                let last = &table.near[(table.segment - 1) * width..];
                let next = &mut table.kept[(segment + 1) * width..(segment + 2) * width];
                next.fill(f64::NEG_INFINITY);
                (table.step)((segment + 1) * table.segment - 1, last, next);
            }
        }
        Ok(table)
    }

    /// Row `i`, at most `L`.
    pub(super) fn row(&mut self, i: usize) -> &[f64] {
        if i / self.segment != self.here {
            self.fill(i / self.segment);
        }
        let start = i % self.segment * self.width;
        &self.near[start..start + self.width]
    }

    fn fill(&mut self, segment: usize) {
        let (width, first) = (self.width, segment * self.segment);
        self.here = segment;
        self.near[..width].copy_from_slice(&self.kept[segment * width..(segment + 1) * width]);
        for i in 1..self.segment.min(self.length + 1 - first) {
            let (before, after) = self.near[(i - 1) * width..(i + 1) * width].split_at_mut(width);
            after.fill(f64::NEG_INFINITY);
            (self.step)(first + i - 1, before, after);
        }
    }
}

/// `α_0 … α_L` and `log Z`.
pub(super) struct Forward<F> {
    pub(super) alpha: Rows<F>,
    pub(super) log_z: f64,
}

impl Bag<'_> {
    /// The forward table `α_0 … α_L` and `log Z`; `None` when no sequence is accepted.
    pub(super) fn forward(&self, operation: &'static str) -> Result<Option<Forward<impl Step>>> {
        let step = |position: usize, before: &[f64], after: &mut [f64]| {
            for (arc, weight) in self.weighted(position) {
                after[arc.target] = log_add(after[arc.target], before[arc.source] + weight);
            }
        };
        let start = self.nfa.initial_log_weights();
        let mut alpha = Rows::new(operation, self.length, start, step)?;
        let log_z = self.ended(alpha.row(self.length));
        Ok((log_z > f64::NEG_INFINITY).then_some(Forward { alpha, log_z }))
    }

    /// `log Z`, by the engine of training: without a logarithm a step where nothing underflows.
    pub(super) fn log_z(&self) -> f64 {
        log_z(self.nfa, &self.log_p).unwrap_or(f64::NEG_INFINITY)
    }

    /// The log of the sum over states of a last row and its final weights.
    fn ended(&self, alpha: &[f64]) -> f64 {
        let ends = alpha.iter().zip(self.nfa.final_log_weights());
        ends.fold(f64::NEG_INFINITY, |sum, (alpha, end)| log_add(sum, alpha + end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pascal's triangle, the numbers mod 1, so that each row depends on all before it.
    fn step(i: usize, before: &[f64], after: &mut [f64]) {
        assert!(after.iter().all(|&cell| cell == f64::NEG_INFINITY));
        for (j, cell) in after.iter_mut().enumerate() {
            let left = if j == 0 { i as f64 / 7.0 } else { before[j - 1] };
            *cell = (left + before[j] * 1.3).fract();
        }
    }

    #[test]
    fn rows_kept_here_and_there_are_the_same_rows() {
        let width = 5000;
        let first: Vec<f64> = (0..width).map(|j| (j as f64 / 11.0).fract()).collect();
        for length in [0, 1, KEPT_CELLS / width - 1, KEPT_CELLS / width, 1000, 1023, 1024] {
            let mut rows = Rows::new("test", length, &first, step).unwrap();
            let kept = rows.kept.len() + rows.near.len();
            assert!(kept <= KEPT_CELLS + width, "{length}: {kept}");
            let mut all = vec![first.clone()];
            for i in 0..length {
                let mut next = vec![f64::NEG_INFINITY; width];
                step(i, &all[i], &mut next);
                all.push(next);
            }
            for i in (0..=length).rev() {
                assert_eq!(rows.row(i), all[i], "row {i} of {length}");
            }
        }
    }

    #[test]
    fn absurd_tables_are_refused() {
        let first = vec![0.0; 1 << 14];
        assert!(matches!(
            Rows::new("test", 1 << 30, &first, |_, _, _| {}).map(|_| ()),
            Err(Error::TooManySteps { operation: "test", .. })
        ));
    }
}
