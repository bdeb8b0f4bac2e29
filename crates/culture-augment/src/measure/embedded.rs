//! Measures of texts as vectors.

use assay_array::Scalar;
use assay_array::linalg::eigvalsh;
use assay_array::ndarray::{Array2, ArrayView1, ArrayView2};

use crate::{Error, Result};

/// Smaller eigenvalues are rounding.
const SMALLEST: f64 = 1e-12;
/// A larger similarity matrix does not fit a decomposition in memory and patience.
const MAX_TEXTS: usize = 20_000;

/// The Vendi score of order `q` (Friedman and Dieng 2023; Pasarkar and Dieng 2024): the effective
/// number of different texts. With `λ` the eigenvalues of `K / n`,
///
/// - `q = 1`: `exp(−Σ λ ln λ)`, the exponential of the Shannon entropy in nats;
/// - `q = ∞`: `1 / max λ`;
/// - else `(Σ λ^q)^{1/(1−q)}`.
///
/// `K` is a similarity matrix `[n, n]` with ones on its diagonal, symmetric and positive
/// semidefinite, such as [`gram`] gives. Eigenvalues up to 1e-12 are left out. The result lies
/// between 1 and `n`.
///
/// # Errors
/// [`Error::Empty`] without rows, [`Error::Setting`] for an order that is negative or NaN,
/// [`Error::Value`] for a diagonal that is not 1 (up to 1e-6), and what the decomposition refuses.
pub fn vendi(similarity: ArrayView2<'_, f64>, order: f64) -> Result<f64> {
    const OPERATION: &str = "vendi";
    let n = similarity.nrows();
    if n == 0 {
        return Err(Error::Empty { operation: OPERATION, item: "row" });
    }
    if order.is_nan() || order < 0.0 {
        return Err(Error::setting(OPERATION, "order", "at least 0", order));
    }
    for (index, &got) in similarity.diag().iter().enumerate() {
        if (got - 1.0).abs() > 1e-6 || got.is_nan() {
            let expected = "ones on the diagonal";
            return Err(Error::Value { operation: OPERATION, index, expected, got });
        }
    }
    let scaled = similarity.mapv(|x| x / n as f64);
    let eigenvalues = eigvalsh(scaled.view())?;
    let kept = eigenvalues.iter().copied().filter(|&l| l > SMALLEST);
    let score = if order == 1.0 {
        (-kept.map(|l| l * l.ln()).sum::<f64>()).exp()
    } else if order.is_infinite() {
        1.0 / kept.fold(0.0, f64::max)
    } else {
        kept.map(|l| l.powf(order)).sum::<f64>().powf(1.0 / (1.0 - order))
    };
    Ok(score)
}

/// The cosines between all rows, `[n, n]`; the diagonal is 1, also for rows of zeros, which are like
/// nothing but themselves.
///
/// # Errors
/// [`Error::Setting`] beyond 20,000 rows, [`Error::Value`] for a number that is not finite.
pub fn gram<T: Scalar>(rows: ArrayView2<'_, T>) -> Result<Array2<f64>> {
    let n = rows.nrows();
    if n > MAX_TEXTS {
        return Err(Error::setting("similarity matrix", "rows", "at most 20,000", n));
    }
    let mut unit = Array2::<f64>::zeros(rows.raw_dim());
    for ((index, row), mut out) in rows.rows().into_iter().enumerate().zip(unit.rows_mut()) {
        let largest = row
            .iter()
            .fold(0.0_f64, |m, x| if x.is_nan() { f64::NAN } else { m.max(x.to_f64().abs()) });
        if !largest.is_finite() {
            let expected = "finite components";
            return Err(Error::Value {
                operation: "similarity matrix",
                index,
                expected,
                got: largest,
            });
        }
        if largest == 0.0 {
            continue;
        }
        let length = row.iter().map(|x| (x.to_f64() / largest).powi(2)).sum::<f64>().sqrt();
        out.iter_mut().zip(row).for_each(|(o, x)| *o = x.to_f64() / largest / length);
    }
    let mut gram = Array2::zeros((n, n));
    let product = unit.dot(&unit.t());
    for i in 0..n {
        for j in 0..=i {
            let value = if i == j { 1.0 } else { product[(i, j)].clamp(-1.0, 1.0) };
            gram[(i, j)] = value;
            gram[(j, i)] = value;
        }
    }
    Ok(gram)
}

/// Diversity gain (CultureLLM): the mean over new texts of the Euclidean distance to the nearest
/// original, `1/|N| Σ_x min_y ‖e(x) − e(y)‖₂`, over **all** originals and not only a text's own seed.
/// Rows are embeddings.
///
/// # Errors
/// [`Error::Empty`] without new or original rows, [`Error::Length`] for different dimensions,
/// [`Error::Value`] for a number that is not finite.
pub fn diversity_gain<T: Scalar>(
    new: ArrayView2<'_, T>,
    original: ArrayView2<'_, T>,
) -> Result<f64> {
    const OPERATION: &str = "diversity gain";
    check(OPERATION, new, "new text")?;
    check(OPERATION, original, "original")?;
    if new.ncols() != original.ncols() {
        let (expected, got) = (original.ncols(), new.ncols());
        return Err(Error::Length { operation: OPERATION, items: "dimensions", expected, got });
    }
    let nearest = |x: ArrayView1<'_, T>| {
        original.rows().into_iter().map(|y| distance(x, y)).fold(f64::INFINITY, f64::min)
    };
    Ok(new.rows().into_iter().map(nearest).sum::<f64>() / new.nrows() as f64)
}

/// The mean Euclidean distance between two different rows; `None` for fewer than two.
///
/// # Errors
/// [`Error::Value`] for a number that is not finite.
pub fn mean_distance<T: Scalar>(rows: ArrayView2<'_, T>) -> Result<Option<f64>> {
    let n = rows.nrows();
    if n < 2 {
        return Ok(None);
    }
    check("mean distance", rows, "row")?;
    let mut sum = 0.0;
    for i in 0..n {
        sum += (0..i).map(|j| distance(rows.row(i), rows.row(j))).sum::<f64>();
    }
    Ok(Some(sum / (n * (n - 1) / 2) as f64))
}

fn distance<T: Scalar>(x: ArrayView1<'_, T>, y: ArrayView1<'_, T>) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum::<f64>().sqrt()
}

fn check<T: Scalar>(
    operation: &'static str,
    rows: ArrayView2<'_, T>,
    item: &'static str,
) -> Result<()> {
    if rows.is_empty() {
        return Err(Error::Empty { operation, item });
    }
    match rows.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(Error::Value {
            operation,
            index: index / rows.ncols().max(1),
            expected: "finite components",
            got: f64::NAN,
        }),
        None => Ok(()),
    }
}
