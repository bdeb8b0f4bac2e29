//! Counting forecasts into bins with exact sums.
//!
//! A confidence is added as a multiple of 2^-50, an integer: sums are then the same in any order, for
//! any number of threads and any split of the data, and off by at most 2^-51 a forecast.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::binning::Edges;

/// Multiples of this make up a sum of confidences.
pub(crate) const UNIT: f64 = 1.0 / (1_u64 << 50) as f64;
/// `1 / UNIT`.
const UNITS: f64 = (1_u64 << 50) as f64;
/// Doubles from here to twice this are whole numbers, which their low bits count.
const WHOLE: f64 = (1_u64 << 52) as f64;
const LOW_BITS: u64 = (1 << 52) - 1;
/// Forecasts whose confidences a `u64` can sum.
const BLOCK: usize = 1 << 12;
/// Forecasts of one parallel task.
const TASK: usize = 1 << 16;
/// Tables of counts that a block is spread over, so that two forecasts in a row that fall into one
/// bin do not wait for each other.
const TABLES: usize = 4;
/// Bins up to which the tables fit the first-level cache.
const SMALL: usize = 64;

/// One bin's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    /// Forecasts.
    pub(crate) count: u64,
    /// Of which came true.
    pub(crate) correct: u64,
    /// The sum of confidences in units of 2^-50.
    pub(crate) sum: u128,
}

impl Cell {
    /// Adds another bin's contents.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.correct += other.correct;
        self.sum += other.sum;
    }

    /// The sum of confidences.
    pub(crate) fn confidence(&self) -> f64 {
        self.sum as f64 * UNIT
    }

    /// Adds one forecast.
    pub(crate) fn push(&mut self, confidence: f64, correct: bool) {
        self.count += 1;
        self.correct += u64::from(correct);
        self.sum += u128::from(units(confidence));
    }
}

/// A confidence in `[0, 1]` to the nearest unit.
#[inline(always)]
pub(crate) fn units(confidence: f64) -> u64 {
    // Between 2^52 and 2^53 a double's last bit is 1: the addition rounds, and the low bits count.
    (confidence * UNITS + WHOLE).to_bits() & LOW_BITS
}

/// Counts forecasts into `edges.bins()` cells. Confidences are in `[0, 1]`.
pub(crate) fn count<T: Scalar>(edges: &Edges, confidence: &[T], correct: &[bool]) -> Vec<Cell> {
    let empty = || vec![Cell::default(); edges.bins()];
    let add = |mut left: Vec<Cell>, right: Vec<Cell>| {
        left.iter_mut().zip(&right).for_each(|(left, right)| left.add(right));
        left
    };
    if confidence.len() <= TASK {
        return count_task(edges, confidence, correct);
    }
    confidence
        .par_chunks(TASK)
        .zip(correct.par_chunks(TASK))
        .map(|(confidence, correct)| count_task(edges, confidence, correct))
        .reduce(empty, add)
}

fn count_task<T: Scalar>(edges: &Edges, confidence: &[T], correct: &[bool]) -> Vec<Cell> {
    match edges.even_scale() {
        Some(scale) if edges.bins() < SMALL => {
            Arch::new().dispatch(Even { edges, scale, confidence, correct })
        }
        _ => {
            let mut cells = vec![Cell::default(); edges.bins()];
            for (c, &correct) in confidence.iter().zip(correct) {
                let c = c.to_f64();
                if let Some(cell) = cells.get_mut(edges.find(c)) {
                    cell.push(c, correct);
                }
            }
            cells
        }
    }
}

/// Bins of equal width: the bin is `⌊c · scale⌋`, unless `c` is close to an edge.
struct Even<'a, T> {
    edges: &'a Edges,
    scale: f64,
    confidence: &'a [T],
    correct: &'a [bool],
}

impl<T: Scalar> WithSimd for Even<'_, T> {
    type Output = Vec<Cell>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<Cell> {
        /// So close to a whole number that the product's rounding may decide the bin.
        const NEAR: f64 = 1e-9;
        const STEP: usize = 256;
        let Self { edges, scale, confidence, correct } = self;
        let mut cells = vec![Cell::default(); edges.bins()];
        let mut bins = [0_u64; STEP];
        let mut fixed = [0_u64; STEP];
        for (block, correct) in confidence.chunks(BLOCK).zip(correct.chunks(BLOCK)) {
            // Count and correct share a number: 32 bits each are enough for a block. The sum stands
            // beside them, so that one vector addition counts a forecast.
            let mut tables = [[[0_u64; 2]; SMALL]; TABLES];
            for (values, correct) in block.chunks(STEP).zip(correct.chunks(STEP)) {
                let mut near = false;
                for ((bin, fixed), c) in bins.iter_mut().zip(&mut fixed).zip(values) {
                    let c = c.to_f64();
                    let position = c * scale;
                    // Rounds half below: down, except on a whole number, which is near one.
                    let shifted = (position - 0.5).max(0.0) + WHOLE;
                    let above = position - (shifted - WHOLE);
                    // Bit by bit, without branches, so that the loop vectorises.
                    near |= (above < NEAR) | (above > 1.0 - NEAR);
                    *bin = shifted.to_bits() & LOW_BITS;
                    *fixed = units(c);
                }
                if near {
                    for (bin, c) in bins.iter_mut().zip(values) {
                        let c = c.to_f64();
                        let above = c * scale - *bin as f64;
                        if !(NEAR..=1.0 - NEAR).contains(&above) {
                            *bin = edges.find(c) as u64;
                        }
                    }
                }
                let forecasts = bins.iter().zip(&fixed).zip(correct);
                for (i, ((&bin, &fixed), &correct)) in forecasts.enumerate() {
                    // Below `SMALL` already; the mask says so.
                    let cell = &mut tables[i % TABLES][bin as usize % SMALL];
                    cell[0] += (1 << 32) | u64::from(correct);
                    cell[1] += fixed;
                }
            }
            for table in &tables {
                for (cell, &[count, sum]) in cells.iter_mut().zip(table) {
                    cell.count += count >> 32;
                    cell.correct += count & 0xffff_ffff;
                    cell.sum += u128::from(sum);
                }
            }
        }
        cells
    }
}
