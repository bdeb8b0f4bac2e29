use assay_array::Scalar;
use assay_array::linalg::{eigh, matmul};
use ndarray::{Array2, ArrayView3, Axis};

use crate::kernel::gram;
use crate::spectrum::Facts;
use crate::{Conventions, Error, Result, Spectrum};

/// LiDAR (Thilak et al. 2024): the spectrum of `M = Σ_w^{−1/2} Σ_b Σ_w^{−1/2}`, which ranks only the
/// directions that tell items apart better than augmentations blur them.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Lidar {
    /// The eigenvalues of `M`; its entropy is what the code of Skean et al. reports.
    pub spectrum: Spectrum,
    /// `δ`, the ridge added to `Σ_w`.
    pub delta: f64,
}

impl Lidar {
    /// The paper's number, `exp(−Σ q log q)` with `q = p + ε`; they use `ε = 1e-8`.
    ///
    /// # Errors
    /// As [`Spectrum::rankme`].
    pub fn score(&self, epsilon: f64) -> Result<f64> {
        self.spectrum.rankme(epsilon)
    }
}

/// LiDAR of `n` items with `q` augmented views each, `[n, q, d]`:
/// `Σ_b = (1/n) Σ (μ_i − μ)(μ_i − μ)ᵀ`, `Σ_w = (1/nq) Σ (z_ij − μ_i)(z_ij − μ_i)ᵀ + δI`; the paper uses
/// `δ = 1e-4`.
///
/// # Errors
/// [`Error::TooFewRows`] below two items or two views; [`Error::Setting`] unless `δ` is positive and
/// finite; [`Error::NotFinite`]; [`Error::ZeroTrace`] where all items have one mean.
pub fn lidar<T: Scalar>(x: ArrayView3<'_, T>, delta: f64) -> Result<Lidar> {
    const OPERATION: &str = "LiDAR";
    let (n, q, d) = x.dim();
    if n < 2 || q < 2 {
        return Err(Error::TooFewRows { operation: OPERATION, needed: 2, got: n.min(q) });
    }
    if d == 0 {
        return Err(Error::NoColumns { operation: OPERATION, rows: n });
    }
    if !(delta > 0.0 && delta.is_finite()) {
        let (name, expected) = ("delta", "positive and finite");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: delta });
    }
    let wide = x.mapv(Scalar::to_f64);
    for (row, item) in wide.outer_iter().enumerate() {
        crate::kernel::rows::finite(OPERATION, item).map_err(|error| match error {
            Error::NotFinite { operation, column, value, .. } => {
                Error::NotFinite { operation, row, column, value }
            }
            other => other,
        })?;
    }
    let means = wide.sum_axis(Axis(1)) / q as f64;
    let center = means.sum_axis(Axis(0)) / n as f64;
    let mut within = Array2::zeros((n * q, d));
    for (mut row, (item, mean)) in within.outer_iter_mut().zip(
        wide.outer_iter()
            .zip(means.outer_iter())
            .flat_map(|(item, mean)| (0..q).map(move |j| (item.index_axis_move(Axis(0), j), mean))),
    ) {
        row.assign(&(&item - &mean));
    }
    let mut scatter = gram::inner(within.view())?.finish() / (n * q) as f64;
    for value in scatter.diag_mut() {
        *value += delta;
    }
    // (μ_i − μ) V diag(w^−½): rows whose second moment has the eigenvalues of M.
    let decomposed = eigh(scatter.view())?;
    let scales = decomposed.values.mapv(|w| 1.0 / w.max(delta).sqrt());
    let whitened = matmul((&means - &center).view(), decomposed.vectors.view())? * &scales;
    let facts = Facts::new::<f64>(OPERATION, (n, d), Conventions::covariance());
    let spectrum = Spectrum::of_gram(&gram::smaller(whitened.view())?, n as f64, facts)?;
    Ok(Lidar { spectrum, delta })
}
