//! Nearest neighbours by products of blocks.

use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use crate::Result;
use crate::kernel::unbiased::squared_lengths;

/// Rows whose similarities to all others are held at once.
const BLOCK: usize = 256;

/// Candidates whose distances are computed again without cancellation.
const CANDIDATES: usize = 8;

/// The distances of each row to its nearest and second nearest other row; infinite where there is none.
pub(crate) fn two_nearest(x: &Array2<f64>) -> Result<Vec<(f64, f64)>> {
    let squares = squared_lengths(x.view());
    let mut all = Vec::with_capacity(x.nrows());
    for top in (0..x.nrows()).step_by(BLOCK) {
        let products = matmul(rows_from(x.view(), top), x.t())?;
        let found: Vec<(f64, f64)> = (0..products.nrows())
            .into_par_iter()
            .map(|row| {
                let (products, own) = (products.row(row), top + row);
                let distance = |j: usize| squares[j] - 2.0 * products[j];
                let candidates = smallest(x.nrows(), own, CANDIDATES, distance);
                let mut two = (f64::INFINITY, f64::INFINITY);
                for j in candidates {
                    let exact: f64 =
                        x.row(own).iter().zip(x.row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
                    let exact = exact.sqrt();
                    if exact < two.0 {
                        two = (exact, two.0);
                    } else if exact < two.1 {
                        two.1 = exact;
                    }
                }
                two
            })
            .collect();
        all.extend(found);
    }
    Ok(all)
}

/// The `k` most similar other rows of each row by inner product, as sorted places; of equals the
/// first.
pub(crate) fn most_similar<T: Scalar>(x: ArrayView2<'_, T>, k: usize) -> Result<Vec<Vec<usize>>> {
    let mut all = Vec::with_capacity(x.nrows());
    for top in (0..x.nrows()).step_by(BLOCK) {
        let products = matmul(rows_from(x, top), x.t())?;
        let found: Vec<Vec<usize>> = (0..products.nrows())
            .into_par_iter()
            .map(|row| {
                let products = products.row(row);
                let mut found = smallest(products.len(), top + row, k, |j| -products[j].to_f64());
                found.sort_unstable();
                found
            })
            .collect();
        all.extend(found);
    }
    Ok(all)
}

/// A block of rows.
fn rows_from<T>(x: ArrayView2<'_, T>, top: usize) -> ArrayView2<'_, T> {
    let end = top.saturating_add(BLOCK).min(x.nrows());
    x.slice_axis_move(Axis(0), Slice::from(top..end))
}

/// The places, other than `own`, with the `k` smallest values; of equals the first.
fn smallest(n: usize, own: usize, k: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut others: Vec<(f64, usize)> =
        (0..n).filter(|&j| j != own).map(|j| (value(j), j)).collect();
    let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if k < others.len() {
        others.select_nth_unstable_by(k, order);
        others.truncate(k);
    }
    others.into_iter().map(|(_, j)| j).collect()
}
