//! Values and gradients on the host, in `f64`.

use assay_array::linalg::{eigh, matmul};
use assay_array::numeric::xlogx;
use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::kernel::gram;
use crate::kernel::rows::{Prepared, prepare};
use crate::{Center, Conventions, Error, Result, RowNorm};

/// Which number of the spectrum is the loss.
///
/// With `S = ZᵀZ = V diag(λ) Vᵀ` and `p = λ/Σλ`, every measure is a sum over eigenvalues, and its
/// gradient by `Z` is `2 Z V diag(g) Vᵀ` with `g` as below.
///
/// | measure | value | `g(λ)` |
/// |---|---|---|
/// | entropy `H` | `−Σ p log p` | `(−log p − H)/Σλ` |
/// | effective rank | `exp(H)` | `exp(H)` times that |
/// | Rényi-2 | `−log Σp²` | `2/Σλ − 2λ/Σλ²` |
/// | coding rate | `½ Σ log(1 + cλ)`, `c = d/(Nε²)` | `½ c/(1 + cλ)` |
///
/// For trace 1 the first is the known `−V diag(log λ + 1) Vᵀ`, up to a multiple of the identity that
/// the normalisation of the trace removes. A direction without variance has no gradient: as `λ` falls
/// to zero, `√λ log λ` does too.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Measure {
    /// Matrix entropy, nats.
    Entropy,
    /// `exp` of it.
    EffectiveRank,
    /// Rényi entropy of order 2, nats; no decomposition.
    Renyi2,
    /// Total coding rate with distortion `ε`, nats.
    CodingRate {
        /// `ε`, positive.
        epsilon: f64,
    },
}

/// The measure of one matrix of rows and, if asked, its gradient by them.
pub(super) fn evaluate(
    measure: Measure,
    x: ArrayView2<'_, f64>,
    conventions: Conventions,
    gradient: bool,
) -> Result<(f64, Option<Array2<f64>>)> {
    const OPERATION: &str = "spectral loss";
    let prepared = prepare(OPERATION, x, conventions)?;
    let z = &prepared.rows;
    let sum = gram::smaller(z.view())?;
    let trace = sum.trace();
    let positive = trace > 0.0 && trace.is_finite();
    if !positive && !matches!(measure, Measure::CodingRate { .. }) {
        return Err(Error::ZeroTrace { operation: OPERATION, trace });
    }
    let dual = z.nrows() <= z.ncols();
    let matrix = sum.finish();
    // dM/dZ = 2 Z G with G = V diag(g) Vᵀ, or 2 G Z on the dual side.
    let (value, symmetric) = if measure == Measure::Renyi2 {
        let squares = sum.frobenius_squared();
        let symmetric = gradient.then(|| {
            let mut symmetric = &matrix * (-2.0 / squares);
            symmetric.diag_mut().mapv_inplace(|x| x + 2.0 / trace);
            symmetric
        });
        (-(squares / trace / trace).ln().min(0.0), symmetric)
    } else {
        let decomposed = eigh(matrix.view())?;
        let values = decomposed.values.mapv(|v| v.max(0.0));
        let rate = match measure {
            Measure::CodingRate { epsilon } => {
                z.ncols() as f64 / (z.nrows() as f64 * epsilon * epsilon)
            }
            _ => 0.0,
        };
        let (value, slopes) = slopes(measure, &values, trace, rate);
        let symmetric = if gradient {
            let scaled = &decomposed.vectors * &slopes;
            Some(matmul(scaled.view(), decomposed.vectors.t())?)
        } else {
            None
        };
        (value, symmetric)
    };
    let Some(symmetric) = symmetric else { return Ok((value, None)) };
    let product = if dual {
        matmul(symmetric.view(), z.view())?
    } else {
        matmul(z.view(), symmetric.view())?
    };
    Ok((value, Some(through_rows(x, &prepared, product * 2.0, conventions))))
}

/// The value and `g(λ)`.
fn slopes(measure: Measure, values: &Array1<f64>, trace: f64, rate: f64) -> (f64, Array1<f64>) {
    if let Measure::CodingRate { .. } = measure {
        let value = 0.5 * values.iter().map(|v| (rate * v).ln_1p()).sum::<f64>();
        return (value, values.mapv(|v| 0.5 * rate / (1.0 + rate * v)));
    }
    let entropy = -values.iter().map(|v| xlogx(v / trace)).sum::<f64>().min(0.0);
    let largest = values.last().copied().unwrap_or(0.0);
    let noise = values.len() as f64 * f64::EPSILON * largest;
    let (value, factor) = match measure {
        Measure::EffectiveRank => (entropy.exp(), entropy.exp()),
        _ => (entropy, 1.0),
    };
    let slope = |v: f64| {
        if v > noise { factor * (-(v / trace).ln() - entropy) / trace } else { 0.0 }
    };
    (value, values.mapv(slope))
}

/// From the gradient by prepared rows to that by the input's: back through the lengths and the mean.
fn through_rows(
    x: ArrayView2<'_, f64>,
    prepared: &Prepared<f64>,
    mut gradient: Array2<f64>,
    conventions: Conventions,
) -> Array2<f64> {
    if conventions.row_norm == RowNorm::L2 {
        // u = c/‖c‖: what lies along u does not change it.
        for ((mut g, u), length) in
            gradient.rows_mut().into_iter().zip(prepared.rows.rows()).zip(&prepared.lengths)
        {
            let along = g.dot(&u);
            g.zip_mut_with(&u, |g, u| *g = (*g - along * u) / length);
        }
    }
    let mut out = Array2::zeros(x.dim());
    for (&place, row) in prepared.kept.iter().zip(gradient.rows()) {
        out.row_mut(place).assign(&row);
    }
    if conventions.center == Center::Mean {
        let mean = out.sum_axis(Axis(0)) / x.nrows() as f64;
        out -= &mean;
    }
    out
}
