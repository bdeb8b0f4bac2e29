use assay_array::Scalar;

use super::one_vs_rest::{BinaryCurve, OneVsRest};
use super::stored::{Fitted, ascending, fitted, require, unit};
use crate::kernel::pava::Block;
use crate::{BinaryForecasts, Result};

const OPERATION: &str = "venn-abers";

/// How to fit Venn-Abers predictors: there is nothing to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VennAbersConfig {}

/// Two probabilities, one of which is calibrated.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VennInterval {
    /// The isotonic fit at the score when the score's outcome is taken to be 0.
    pub p0: f64,
    /// The same when it is taken to be 1; never below `p0`.
    pub p1: f64,
}

impl VennInterval {
    /// One probability from two: `p1 / (1 − p0 + p1)`, which minimises the regret of the log loss.
    pub fn merged(&self) -> f64 {
        self.p1 / (1.0 - self.p0 + self.p1)
    }
}

/// The inductive Venn-Abers predictor (Vovk, Petej and Fedorova 2015) of one event.
///
/// For a new score the isotonic regression is fitted twice, with the score added as a 0 and as a 1;
/// exact here for every score, from tables that fitting makes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct VennAbersCurve {
    /// Distinct scores, ascending.
    scores: Vec<f64>,
    /// The intervals: before the first score, at it, between it and the next, …
    intervals: Vec<VennInterval>,
}

fitted!(VennAbersCurve { scores: Vec<f64>, intervals: Vec<VennInterval> });

impl Fitted for VennAbersCurve {
    fn check(&self) -> Result<()> {
        let ordered = |i: &VennInterval| unit(&[i.p0, i.p1]) && i.p0 <= i.p1;
        let holds = ascending(&self.scores)
            && self.intervals.len() == 2 * self.scores.len() + 1
            && self.intervals.iter().all(ordered);
        let expected = "ascending scores with an interval at, before and after each";
        require(holds, OPERATION, expected, (self.scores.len(), self.intervals.len()))
    }
}

impl VennAbersCurve {
    /// Fits on forecasts and outcomes.
    pub fn fit<T: Scalar>(forecasts: &BinaryForecasts<'_, T>) -> Self {
        let groups = forecasts.tied();
        let points: Vec<(f64, f64)> =
            groups.iter().map(|&(_, sum, weight)| (sum, weight)).collect();
        let (prefixes, suffixes) = (prefixes(&points), suffixes(&points));
        let at = |place: usize| {
            // Even places are gaps, odd ones scores.
            let (left, right) = (place / 2, place.div_ceil(2));
            let own = if place % 2 == 1 { points.get(left).copied() } else { None };
            let (sum, weight) = own.unwrap_or((0.0, 0.0));
            let fit = |outcome: f64| {
                let block = Block { end: 0, sum: sum + outcome, weight: weight + 1.0 };
                inserted(block, left, right, &prefixes, &suffixes)
            };
            VennInterval { p0: fit(0.0), p1: fit(1.0) }
        };
        let intervals = (0..=2 * points.len()).map(at).collect();
        Self { scores: groups.iter().map(|group| group.0).collect(), intervals }
    }

    /// The two probabilities at a score.
    pub fn predict(&self, score: f64) -> VennInterval {
        let left = self.scores.partition_point(|&s| s < score);
        let on = self.scores.get(left) == Some(&score);
        let whole = VennInterval { p0: 0.0, p1: 1.0 };
        self.intervals.get(2 * left + usize::from(on)).copied().unwrap_or(whole)
    }
}

/// The last block of the isotonic fit of every prefix; `end` is where it starts.
fn prefixes(points: &[(f64, f64)]) -> Vec<Block> {
    let mut last: Vec<Block> = vec![Block { end: 0, sum: 0.0, weight: 0.0 }];
    for (i, &(sum, weight)) in points.iter().enumerate() {
        let mut block = Block { end: i, sum, weight };
        while block.end > 0 {
            let before = last[block.end];
            if before.below(&block) {
                break;
            }
            block = Block {
                end: before.end,
                sum: block.sum + before.sum,
                weight: block.weight + before.weight,
            };
        }
        last.push(block);
    }
    last
}

/// The first block of the isotonic fit of every suffix; `end` is where it ends.
fn suffixes(points: &[(f64, f64)]) -> Vec<Block> {
    let n = points.len();
    let mut first = vec![Block { end: n, sum: 0.0, weight: 0.0 }; n + 1];
    for (i, &(sum, weight)) in points.iter().enumerate().rev() {
        let mut block = Block { end: i + 1, sum, weight };
        while block.end < n {
            let after = first[block.end];
            if block.below(&after) {
                break;
            }
            block = Block {
                end: after.end,
                sum: block.sum + after.sum,
                weight: block.weight + after.weight,
            };
        }
        first[i] = block;
    }
    first
}

/// The fitted value of a block between the prefix of length `left` and the suffix from `right`.
fn inserted(
    mut block: Block,
    mut left: usize,
    mut right: usize,
    prefixes: &[Block],
    suffixes: &[Block],
) -> f64 {
    loop {
        if left > 0 && !prefixes[left].below(&block) {
            let before = prefixes[left];
            (block.sum, block.weight, left) =
                (block.sum + before.sum, block.weight + before.weight, before.end);
        } else if right + 1 < suffixes.len() && !block.below(&suffixes[right]) {
            let after = suffixes[right];
            (block.sum, block.weight, right) =
                (block.sum + after.sum, block.weight + after.weight, after.end);
        } else {
            return block.mean();
        }
    }
}

impl BinaryCurve for VennAbersCurve {
    type Config = VennAbersConfig;
    const NAME: &'static str = OPERATION;

    fn fit_class(_: &VennAbersConfig, forecasts: &BinaryForecasts<'_>) -> Result<Self> {
        Ok(Self::fit(forecasts))
    }

    fn map(&self, probability: f64) -> f64 {
        self.predict(probability).merged()
    }
}

/// Venn-Abers prediction of every class against the rest: the merged probabilities.
pub type VennAbers = OneVsRest<VennAbersCurve>;
