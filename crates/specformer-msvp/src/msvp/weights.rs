use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::Blocking;
use crate::{Error, Result};

/// One attention layer's query, key and value weights as views `[out, in]`, PyTorch's layout. A
/// weight of burn is `[in, out]`: pass it transposed, which costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Qkv<'a, T> {
    matrices: [ArrayView2<'a, T>; 3],
    heads: usize,
}

impl<'a, T> Qkv<'a, T> {
    /// From one weight `[3·out, in]`: queries, then keys, then values.
    ///
    /// # Errors
    /// [`Error::Heads`] when the rows are not three times a multiple of `heads`.
    pub fn fused(w: ArrayView2<'a, T>, heads: usize) -> Result<Self> {
        let third = third(w.nrows(), heads)?;
        let (q, rest) = w.split_at(Axis(0), third);
        let (k, v) = rest.split_at(Axis(0), third);
        Ok(Self { matrices: [q, k, v], heads })
    }

    /// From three weights `[out, in]`, whose shapes may differ (grouped keys and values, say).
    ///
    /// # Errors
    /// [`Error::Heads`] for zero heads. Others must divide what [`Blocking`] cuts, which is checked
    /// when it does.
    pub fn separate(
        q: ArrayView2<'a, T>,
        k: ArrayView2<'a, T>,
        v: ArrayView2<'a, T>,
        heads: usize,
    ) -> Result<Self> {
        third(3 * heads, heads)?;
        Ok(Self { matrices: [q, k, v], heads })
    }

    /// The weights in the order q, k, v.
    pub fn matrices(&self) -> [ArrayView2<'a, T>; 3] {
        self.matrices
    }

    /// The number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }
}

/// The gradients of one attention layer's weights; see [`Qkv`].
#[derive(Debug)]
pub struct QkvMut<'a, T> {
    matrices: [ArrayViewMut2<'a, T>; 3],
    heads: usize,
}

impl<'a, T> QkvMut<'a, T> {
    /// As [`Qkv::fused`].
    ///
    /// # Errors
    /// As there.
    pub fn fused(g: ArrayViewMut2<'a, T>, heads: usize) -> Result<Self> {
        let third = third(g.nrows(), heads)?;
        let (q, rest) = g.split_at(Axis(0), third);
        let (k, v) = rest.split_at(Axis(0), third);
        Ok(Self { matrices: [q, k, v], heads })
    }

    /// As [`Qkv::separate`].
    ///
    /// # Errors
    /// As there.
    pub fn separate(
        q: ArrayViewMut2<'a, T>,
        k: ArrayViewMut2<'a, T>,
        v: ArrayViewMut2<'a, T>,
        heads: usize,
    ) -> Result<Self> {
        third(3 * heads, heads)?;
        Ok(Self { matrices: [q, k, v], heads })
    }

    pub(super) fn matrices_mut(&mut self) -> [ArrayViewMut2<'_, T>; 3] {
        self.matrices.each_mut().map(|m| m.view_mut())
    }

    pub(super) fn heads(&self) -> usize {
        self.heads
    }
}

fn third(rows: usize, heads: usize) -> Result<usize> {
    let even = heads > 0 && rows.is_multiple_of(3) && (rows / 3).is_multiple_of(heads);
    if even && rows > 0 {
        Ok(rows / 3)
    } else {
        Err(Error::Heads { operation: "query, key and value weights", heads, width: rows })
    }
}

fn cut(blocking: Blocking, (m, n): (usize, usize), heads: usize) -> Result<(Axis, usize)> {
    let (axis, width) = match blocking {
        Blocking::Whole => return Ok((Axis(0), m.max(1))),
        Blocking::HeadRows => (Axis(0), m),
        Blocking::RepoCols => (Axis(1), n),
    };
    if width == 0 || !width.is_multiple_of(heads) {
        return Err(Error::Heads { operation: "blocks of a weight", heads, width });
    }
    Ok((axis, width / heads))
}

pub(super) fn blocks<T>(
    w: ArrayView2<'_, T>,
    blocking: Blocking,
    heads: usize,
) -> Result<Vec<ArrayView2<'_, T>>> {
    let (axis, size) = cut(blocking, w.dim(), heads)?;
    let mut rest = w;
    let mut blocks = vec![];
    while rest.len_of(axis) > size {
        let (head, tail) = rest.split_at(axis, size);
        blocks.push(head);
        rest = tail;
    }
    blocks.push(rest);
    Ok(blocks)
}

pub(super) fn blocks_mut<T>(
    g: ArrayViewMut2<'_, T>,
    blocking: Blocking,
    heads: usize,
) -> Result<Vec<ArrayViewMut2<'_, T>>> {
    let (axis, size) = cut(blocking, g.dim(), heads)?;
    let mut rest = g;
    let mut blocks = vec![];
    while rest.len_of(axis) > size {
        let (head, tail) = rest.split_at(axis, size);
        blocks.push(head);
        rest = tail;
    }
    blocks.push(rest);
    Ok(blocks)
}
