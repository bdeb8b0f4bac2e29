//! The nearest rows of a reference matrix: products to find them, exact distances to report them.

use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array2, ArrayView2, Axis, Slice};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::vector::{dot, squared_distance};
use crate::{Error, Result};

/// Entries of the matrix of products that is held at a time.
const CHUNK: usize = 1 << 22;

/// Squared distances of each query to its `k` nearest reference rows, ascending, `[queries, k]`.
///
/// Which rows are nearest follows from `|q|² + |r|² − 2 q·r` in the element type; their distances
/// are then computed from the differences in `f64`, because the formula cancels for close rows.
/// `excluded(i)` is a reference row that query `i` must not find.
pub(crate) fn nearest<T: Scalar>(
    operation: &'static str,
    queries: ArrayView2<'_, T>,
    reference: ArrayView2<'_, T>,
    k: usize,
    excluded: impl Fn(usize) -> Option<usize> + Sync,
) -> Result<Array2<f64>> {
    let (rows, n) = (queries.nrows(), reference.nrows());
    let mut out = Array2::zeros((rows, k));
    if k == 0 || rows == 0 || n == 0 {
        return Ok(out);
    }
    // Half of the reference's squared norms: what ranks is r·q − |r|²/2, larger is nearer.
    let half: Vec<T> = reference.outer_iter().map(|row| T::from_f64(0.5 * dot(row, row))).collect();
    let chunk = (CHUNK / n.max(1)).clamp(1, rows);
    for start in (0..rows).step_by(chunk) {
        let end = (start + chunk).min(rows);
        let part = queries.slice_axis(Axis(0), Slice::from(start..end));
        let failed =
            |error: assay_array::Error| Error::Linalg { operation, message: error.to_string() };
        let products = matmul(part, reference.t()).map_err(failed)?;
        // Row-major, as both were made.
        let (Some(out), Some(products)) = (out.as_slice_mut(), products.as_slice()) else {
            continue;
        };
        let work =
            out[start * k..end * k].par_chunks_mut(k).zip(products.par_chunks(n)).enumerate();
        work.for_each(|(i, (out, products))| {
            let query = part.row(i);
            let chosen = Arch::new().dispatch(Best {
                products,
                half: &half,
                k,
                excluded: excluded(start + i),
            });
            for (out, &j) in out.iter_mut().zip(&chosen) {
                *out = squared_distance(query, reference.row(j));
            }
            out.sort_unstable_by(f64::total_cmp);
        });
    }
    Ok(out)
}

/// The places of the `k` largest of `products − half`, but for `excluded`.
struct Best<'a, T> {
    products: &'a [T],
    half: &'a [T],
    k: usize,
    excluded: Option<usize>,
}

impl<T: Scalar> WithSimd for Best<'_, T> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<usize> {
        const BLOCK: usize = 64;
        const LANES: usize = 16;
        let Self { products, half, k, excluded } = self;
        let mut kept: Vec<(T, usize)> = Vec::with_capacity(k + 1);
        let mut worst = T::NEG_INFINITY;
        for (b, (products, half)) in products.chunks(BLOCK).zip(half.chunks(BLOCK)).enumerate() {
            // Most blocks hold nothing near enough: one comparison each after a maximum that vectorises.
            if kept.len() == k
                && let (Some(products), Some(half)) =
                    (products.as_array::<BLOCK>(), half.as_array::<BLOCK>())
            {
                let mut largest = [T::NEG_INFINITY; LANES];
                for start in (0..BLOCK).step_by(LANES) {
                    for lane in 0..LANES {
                        let score = products[start + lane] - half[start + lane];
                        largest[lane] = if score > largest[lane] { score } else { largest[lane] };
                    }
                }
                if largest.iter().fold(true, |none, &score| none & (score <= worst)) {
                    continue;
                }
            }
            for (offset, (&p, &h)) in products.iter().zip(half).enumerate() {
                let (score, j) = (p - h, b * BLOCK + offset);
                if (score > worst || kept.len() < k) && Some(j) != excluded {
                    let place = kept.partition_point(|item| item.0 >= score);
                    kept.insert(place, (score, j));
                    kept.truncate(k);
                    worst = if kept.len() == k { kept[k - 1].0 } else { T::NEG_INFINITY };
                }
            }
        }
        kept.into_iter().map(|item| item.1).collect()
    }
}
