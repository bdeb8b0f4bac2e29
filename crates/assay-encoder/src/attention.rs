//! Who sees whom: everyone, or a window and the first token, in memory linear in the length.

use assay_array::ndarray::{Array2, Array3};
use assay_tensor::burn::prelude::{Bool, Device, Tensor};
use assay_tensor::burn::tensor::activation::softmax;
use assay_tensor::convert;

/// Stands for minus infinity in scores: finite, so that a row that sees nothing gives no NaN; its
/// exponential is zero all the same.
const HIDDEN: f64 = -1e30;

/// What the tokens of a batch of texts see.
pub(crate) struct Seen {
    /// True for padding, which nobody sees, `[texts, 1, 1, tokens]`.
    pub(crate) padding: Tensor<4, Bool>,
    /// The window, unless all see everything else.
    pub(crate) window: Option<Window>,
}

/// A window around each token. Tokens stand in blocks as long as one side of it, and each block sees
/// itself and the blocks before and after.
pub(crate) struct Window {
    /// Tokens on each side that the layer asks for.
    asked: usize,
    /// Those that are taken: no more than there are tokens.
    side: usize,
    /// Tokens, without those that fill the last block.
    length: usize,
    /// Whether the first token is seen by all, and so not as part of the window.
    global: bool,
    /// What is hidden, `[texts · blocks, side, 3 side]`.
    hidden: Tensor<3, Bool>,
}

impl Seen {
    pub(crate) fn new(
        window: Option<usize>,
        lengths: &[usize],
        length: usize,
        global: bool,
        device: &Device,
    ) -> Self {
        let texts = lengths.len();
        let padding = Array2::from_shape_fn((texts, length), |(text, place)| {
            lengths.get(text).is_none_or(|&own| place >= own)
        });
        let padding = convert::from_bool_array(padding, device).reshape([texts, 1, 1, length]);
        let Some(asked) = window else { return Self { padding, window: None } };
        let side = asked.min(length).max(1);
        let blocks = length.div_ceil(side);
        let hidden = Array3::from_shape_fn((texts * blocks, side, 3 * side), |(row, from, to)| {
            let (text, block) = (row / blocks, row % blocks);
            // The place of what is seen, one block further on, so that it cannot be negative.
            let place = block * side + to;
            let own = lengths.get(text).copied().unwrap_or(0);
            let outside = place < side || place - side >= own;
            let far = to < from || to > from + 2 * side;
            outside || far || (global && place == side)
        });
        let hidden = convert::from_bool_array(hidden, device);
        Self { padding, window: Some(Window { asked, side, length, global, hidden }) }
    }

    /// Whether this is what a layer with that window sees of so many tokens.
    pub(crate) fn is_of(&self, window: Option<usize>, length: usize) -> bool {
        match (&self.window, window) {
            (None, None) => true,
            (Some(own), Some(asked)) => own.asked == asked && own.length == length,
            _ => false,
        }
    }
}

/// `softmax(q kᵀ / √d) v` of `[texts, heads, tokens, d]`, nobody seeing what is hidden.
pub(crate) fn dense(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    hidden: &Tensor<4, Bool>,
) -> Tensor<4> {
    let [texts, heads, looking, size] = query.dims();
    let [_, _, seen, _] = key.dims();
    let scores = query.matmul(key.swap_dims(2, 3)).div_scalar((size as f64).sqrt());
    let hidden = hidden.clone().expand([texts, heads, looking, seen]);
    softmax(scores.mask_fill(hidden, HIDDEN), 3).matmul(value)
}

/// The same where each token sees those of its window, and the first one if that is global, in
/// `O(tokens · side)` time and memory.
pub(crate) fn windowed(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    window: &Window,
) -> Tensor<4> {
    let [texts, heads, length, size] = query.dims();
    let (side, blocks) = (window.side, length.div_ceil(window.side));
    let padded = blocks * side;
    let rows = texts * heads * blocks;
    let device = query.device();
    let zeros = |tokens: usize| Tensor::<4>::zeros([texts, heads, tokens, size], &device);
    let filled = |x: Tensor<4>| match padded - length {
        0 => x,
        rest => Tensor::cat(vec![x, zeros(rest)], 2),
    };
    // Each block with its neighbours: [rows, 3 side, d].
    let with_neighbours = |x: Tensor<4>| {
        let x = Tensor::cat(vec![zeros(side), filled(x), zeros(side)], 2);
        let parts = (0..3)
            .map(|shift| x.clone().narrow(2, shift * side, padded).reshape([rows, side, size]));
        Tensor::cat(parts.collect(), 1)
    };
    let hidden = window
        .hidden
        .clone()
        .reshape([texts, 1, blocks, side * 3 * side])
        .expand([texts, heads, blocks, side * 3 * side])
        .reshape([rows, side, 3 * side]);
    let scale = (size as f64).sqrt();
    let in_blocks = filled(query).reshape([rows, side, size]);
    let scores = in_blocks.clone().matmul(with_neighbours(key.clone()).swap_dims(1, 2));
    let scores = scores.div_scalar(scale).mask_fill(hidden, HIDDEN);
    let values = with_neighbours(value.clone());
    let seen = if window.global {
        // The first token of each text, for each of its blocks: [rows, 1, d].
        let first = |x: Tensor<4>| {
            let first = x.narrow(2, 0, 1).expand([texts, heads, blocks, size]);
            first.reshape([rows, 1, size])
        };
        let score = in_blocks.matmul(first(key).swap_dims(1, 2)).div_scalar(scale);
        let weights = softmax(Tensor::cat(vec![score, scores], 2), 2);
        weights.matmul(Tensor::cat(vec![first(value), values], 1))
    } else {
        softmax(scores, 2).matmul(values)
    };
    seen.reshape([texts, heads, padded, size]).narrow(2, 0, length)
}

#[cfg(test)]
mod tests {
    use assay_array::ndarray::Array4;
    use assay_array::testing::SplitMix64;

    use super::*;

    /// Token by token.
    fn slow(
        q: &Array4<f32>,
        kv: [&Array4<f32>; 2],
        side: usize,
        lengths: &[usize],
        global: bool,
    ) -> Array4<f32> {
        let (texts, heads, length, size) = q.dim();
        let mut out = Array4::zeros((texts, heads, length, size));
        for text in 0..texts {
            for head in 0..heads {
                for i in 0..lengths[text] {
                    let sees = |j: &usize| j.abs_diff(i) <= side || (global && *j == 0);
                    let seen: Vec<usize> = (0..lengths[text]).filter(sees).collect();
                    let score = |j: usize| {
                        let dot: f32 = (0..size)
                            .map(|d| q[[text, head, i, d]] * kv[0][[text, head, j, d]])
                            .sum();
                        (f64::from(dot) / (size as f64).sqrt()).exp()
                    };
                    let sum: f64 = seen.iter().map(|&j| score(j)).sum();
                    for j in seen {
                        for d in 0..size {
                            let value = kv[1][[text, head, j, d]];
                            out[[text, head, i, d]] += (score(j) / sum) as f32 * value;
                        }
                    }
                }
            }
        }
        out
    }

    #[test]
    fn windows_are_the_masked_dense_attention() {
        let device = assay_tensor::device("flex").unwrap();
        let mut rng = SplitMix64::new(4);
        for (length, lengths) in
            [(1, vec![1]), (7, vec![7, 3, 1]), (12, vec![12, 12]), (13, vec![13, 8])]
        {
            let shape = (lengths.len(), 2, length, 3);
            let mut draw = || Array4::from_shape_simple_fn(shape, || rng.symmetric() as f32 * 3.0);
            let [q, k, v] = [draw(), draw(), draw()];
            let tensor = |x: &Array4<f32>| convert::from_array(x.clone(), &device).unwrap();
            for side in [1, 2, 3, 5, 6, 12, 100] {
                for global in [false, true] {
                    let seen = Seen::new(Some(side), &lengths, length, global, &device);
                    assert!(seen.is_of(Some(side), length) && !seen.is_of(None, length));
                    let window = seen.window.unwrap();
                    let got = windowed(tensor(&q), tensor(&k), tensor(&v), &window);
                    let got = convert::into_array::<f32, 4>(got).unwrap();
                    let want = slow(&q, [&k, &v], side, &lengths, global);
                    for (at, want) in want.indexed_iter() {
                        // What comes after a text's end is nobody's.
                        if at.2 < lengths[at.0] {
                            let got = got[at];
                            assert!(
                                (got - want).abs() < 1e-5,
                                "{length} {side} {global} {at:?}: {got} {want}"
                            );
                        }
                    }
                }
            }
        }
    }
}
