use assay_array::Scalar;
use assay_array::linalg::{matmul, svd, svdvals};
use ndarray::{Array1, Array2, ArrayView2, Axis, Slice};

use super::information::same_side;
use crate::kernel::rows::{Prepared, prepare};
use crate::kernel::unbiased::squared_lengths;
use crate::neighbours::most_similar;
use crate::{Conventions, Error, Result};

/// The mean share of each item's `k` nearest neighbours by cosine that both representations agree on
/// (Huh et al. 2024): 1 where all agree, `k/(N − 1)` by chance.
///
/// # Errors
/// [`Error::Shape`] for different numbers of items, [`Error::Setting`] unless `1 ≤ k < N`, those of
/// [`Spectrum::of`](crate::Spectrum::of).
pub fn mutual_neighbours<T: Scalar>(
    x: ArrayView2<'_, T>,
    y: ArrayView2<'_, T>,
    k: usize,
) -> Result<f64> {
    const OPERATION: &str = "mutual nearest neighbours";
    let n = x.nrows();
    same_side(OPERATION, n, y.nrows())?;
    if k == 0 || k >= n {
        let (name, expected) = ("k", "from 1 to N − 1");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: k as f64 });
    }
    let nearest = |x: ArrayView2<'_, T>| -> Result<Vec<Vec<usize>>> {
        let Prepared { rows, .. } = prepare(OPERATION, x, Conventions::cosine())?;
        most_similar(rows.view(), k)
    };
    let (x, y) = (nearest(x)?, nearest(y)?);
    let shared: usize = x
        .iter()
        .zip(&y)
        .map(|(x, y)| x.iter().filter(|place| y.binary_search(place).is_ok()).count())
        .sum();
    Ok(shared as f64 / (k * n) as f64)
}

/// What [`svcca`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Svcca {
    /// The mean canonical correlation.
    pub mean: f64,
    /// The canonical correlations, descending, `min` of the two numbers of directions.
    pub correlations: Vec<f64>,
    /// Directions kept of each representation.
    pub kept: [usize; 2],
}

/// SVCCA (Raghu et al. 2017): canonical correlations between the principal directions of each
/// representation that hold `share` of its variance; they keep 0.99.
///
/// # Errors
/// [`Error::Shape`] for different numbers of items, [`Error::Setting`] unless `share` is in `(0, 1]`,
/// [`Error::ZeroTrace`] where one is constant, those of [`Spectrum::of`](crate::Spectrum::of).
pub fn svcca<T: Scalar>(x: ArrayView2<'_, T>, y: ArrayView2<'_, T>, share: f64) -> Result<Svcca> {
    const OPERATION: &str = "SVCCA";
    same_side(OPERATION, x.nrows(), y.nrows())?;
    if !(share > 0.0 && share <= 1.0) {
        let (name, expected) = ("share", "in (0, 1]");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: share });
    }
    let directions = |x: ArrayView2<'_, T>| -> Result<Array2<f64>> {
        let Prepared { rows, .. } = prepare(OPERATION, x, Conventions::covariance())?;
        let decomposed = svd(rows.mapv(Scalar::to_f64).view())?;
        let kept = leading(OPERATION, &decomposed.values, share, rows.dim())?;
        Ok(decomposed.u.slice_axis(Axis(1), Slice::from(..kept)).to_owned())
    };
    let (u, v) = (directions(x)?, directions(y)?);
    let correlations: Vec<f64> =
        svdvals(matmul(u.t(), v.view())?.view())?.iter().map(|c| c.clamp(0.0, 1.0)).collect();
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    Ok(Svcca { mean, correlations, kept: [u.ncols(), v.ncols()] })
}

/// How many singular values hold a share of the variance; none that rounding explains.
fn leading(
    operation: &'static str,
    values: &Array1<f64>,
    share: f64,
    (rows, columns): (usize, usize),
) -> Result<usize> {
    let largest = values.first().copied().unwrap_or(0.0);
    let threshold = largest * rows.max(columns) as f64 * f64::EPSILON;
    let certain = values.iter().filter(|&&v| v > threshold).count();
    if certain == 0 {
        return Err(Error::ZeroTrace { operation, trace: 0.0 });
    }
    let scaled = |k: usize| (values[k] / largest) * (values[k] / largest);
    let total: f64 = (0..certain).map(scaled).sum();
    let mut sum = 0.0;
    for k in 0..certain {
        sum += scaled(k);
        if sum >= share * total {
            return Ok(k + 1);
        }
    }
    Ok(certain)
}

/// Orthogonal Procrustes similarity: the nuclear norm of `XᵀY` for centred representations of Frobenius
/// norm 1. It is in `[0, 1]`; the squared Procrustes distance is `2 − 2` times it.
///
/// # Errors
/// [`Error::Shape`] for different numbers of items, [`Error::ZeroTrace`] where one is constant, those of
/// [`Spectrum::of`](crate::Spectrum::of).
pub fn procrustes<T: Scalar>(x: ArrayView2<'_, T>, y: ArrayView2<'_, T>) -> Result<f64> {
    const OPERATION: &str = "Procrustes similarity";
    same_side(OPERATION, x.nrows(), y.nrows())?;
    let unit = |x: ArrayView2<'_, T>| -> Result<Array2<f64>> {
        let Prepared { rows, .. } = prepare(OPERATION, x, Conventions::covariance())?;
        let trace: f64 = squared_lengths(rows.view()).iter().sum();
        if !(trace > 0.0 && trace.is_finite()) {
            return Err(Error::ZeroTrace { operation: OPERATION, trace });
        }
        Ok(rows.mapv(|v| v.to_f64() / trace.sqrt()))
    };
    let product = matmul(unit(x)?.t(), unit(y)?.view())?;
    Ok(svdvals(product.view())?.iter().rev().sum::<f64>().clamp(0.0, 1.0))
}
