//! Pool adjacent violators: the non-decreasing step function closest in weighted least squares.

/// A run of points that share one fitted value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Block {
    /// One past its last point.
    pub(crate) end: usize,
    /// The weighted sum of the targets.
    pub(crate) sum: f64,
    /// The sum of the weights.
    pub(crate) weight: f64,
}

impl Block {
    /// The fitted value.
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    /// Whether this block's mean is below the next one's; exact for counts below 2^26, because it
    /// compares products and not quotients.
    pub(crate) fn below(&self, next: &Self) -> bool {
        self.sum * next.weight < next.sum * self.weight
    }
}

/// Blocks of the isotonic fit of points `(sum, weight)` in their order, in one pass (Ayer et al. 1955).
/// Weights are positive.
pub(crate) fn blocks(points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (i, (sum, weight)) in points.into_iter().enumerate() {
        let mut block = Block { end: i + 1, sum, weight };
        while let Some(last) = blocks.last() {
            if last.below(&block) {
                break;
            }
            block.sum += last.sum;
            block.weight += last.weight;
            blocks.pop();
        }
        blocks.push(block);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_array::testing::SplitMix64;

    /// The minimax formula: the fit at `i` is the largest over starts of the smallest over ends of
    /// the mean.
    fn minimax(y: &[f64], i: usize) -> f64 {
        let mean = |s: usize, e: usize| y[s..=e].iter().sum::<f64>() / (e - s + 1) as f64;
        (0..=i)
            .map(|s| (i..y.len()).map(|e| mean(s, e)).fold(f64::INFINITY, f64::min))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn blocks_are_the_minimax_fit() {
        let mut rng = SplitMix64::new(1);
        for n in 1..30 {
            let y: Vec<f64> = (0..n).map(|_| rng.below(3) as f64).collect();
            let fitted = blocks(y.iter().map(|&y| (y, 1.0)));
            for i in 0..n {
                let block = fitted.iter().find(|block| i < block.end).unwrap();
                assert!((block.mean() - minimax(&y, i)).abs() < 1e-12);
            }
        }
    }
}
