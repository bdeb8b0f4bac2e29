use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::Blocking;
use crate::{Error, Result};

/// One attention layer's query, key and value weights `[out, in]`, PyTorch's layout: what [`Qkv`] and
/// [`QkvMut`] are. A weight of burn is `[in, out]`: pass it transposed, which costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct QkvOf<V> {
    matrices: [V; 3],
    heads: usize,
}

/// The weights, to read.
pub type Qkv<'a, T> = QkvOf<ArrayView2<'a, T>>;

/// Their gradients, to add to.
pub type QkvMut<'a, T> = QkvOf<ArrayViewMut2<'a, T>>;

impl<V: View> QkvOf<V> {
    /// From one weight `[3·out, in]`: queries, then keys, then values.
    ///
    /// # Errors
    /// [`Error::Heads`] when the rows are not three times a multiple of `heads`.
    pub fn fused(w: V, heads: usize) -> Result<Self> {
        let rows = w.shape().0;
        let even = heads > 0 && rows.is_multiple_of(3) && (rows / 3).is_multiple_of(heads);
        if !even || rows == 0 {
            return Err(Error::Heads { operation: WEIGHTS, heads, width: rows });
        }
        let (q, rest) = w.cut(Axis(0), rows / 3);
        let (k, v) = rest.cut(Axis(0), rows / 3);
        Ok(Self { matrices: [q, k, v], heads })
    }

    /// From three weights `[out, in]`, whose shapes may differ (grouped keys and values, say).
    ///
    /// # Errors
    /// [`Error::Heads`] for zero heads. Others must divide what [`Blocking`] cuts, which is checked
    /// when it does.
    pub fn separate(q: V, k: V, v: V, heads: usize) -> Result<Self> {
        if heads == 0 {
            return Err(Error::Heads { operation: WEIGHTS, heads, width: q.shape().0 });
        }
        Ok(Self { matrices: [q, k, v], heads })
    }

    /// The number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }
}

impl<'a, T> Qkv<'a, T> {
    /// The weights in the order q, k, v.
    pub fn matrices(&self) -> [ArrayView2<'a, T>; 3] {
        self.matrices
    }
}

impl<T> QkvMut<'_, T> {
    pub(super) fn matrices_mut(&mut self) -> [ArrayViewMut2<'_, T>; 3] {
        self.matrices.each_mut().map(|m| m.view_mut())
    }
}

const WEIGHTS: &str = "query, key and value weights";

/// The two kinds of view, which ndarray cuts by methods of one name but no common trait.
pub trait View: Sized {
    /// Rows and columns.
    fn shape(&self) -> (usize, usize);
    /// The part before `at` and the rest.
    fn cut(self, axis: Axis, at: usize) -> (Self, Self);
}

impl<T> View for ArrayView2<'_, T> {
    fn shape(&self) -> (usize, usize) {
        self.dim()
    }
    fn cut(self, axis: Axis, at: usize) -> (Self, Self) {
        self.split_at(axis, at)
    }
}

impl<T> View for ArrayViewMut2<'_, T> {
    fn shape(&self) -> (usize, usize) {
        self.dim()
    }
    fn cut(self, axis: Axis, at: usize) -> (Self, Self) {
        self.split_at(axis, at)
    }
}

/// The parts of a weight whose norms are penalised.
pub(super) fn blocks<V: View>(w: V, blocking: Blocking, heads: usize) -> Result<Vec<V>> {
    let (m, n) = w.shape();
    let (axis, width) = match blocking {
        Blocking::Whole => return Ok(vec![w]),
        Blocking::HeadRows => (Axis(0), m),
        Blocking::RepoCols => (Axis(1), n),
    };
    if width == 0 || !width.is_multiple_of(heads) {
        return Err(Error::Heads { operation: "blocks of a weight", heads, width });
    }
    let (mut rest, mut blocks) = (w, vec![]);
    for _ in 1..heads {
        let (block, after) = rest.cut(axis, width / heads);
        blocks.push(block);
        rest = after;
    }
    blocks.push(rest);
    Ok(blocks)
}
