use assay_array::linalg::{eigvalsh, matmul, svd};
use assay_array::random::{normal, stream};
use ndarray::{Array2, ArrayView2, Axis, Slice, concatenate};

use super::Operator;
use crate::spectrum::Facts;
use crate::{Conventions, Error, Result, Spectrum};

/// Directions this much weaker than the strongest of a block are dropped from the basis.
const DEPENDENT: f64 = 1e-12;

/// How [`low_rank`] finds the largest eigenvalues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LowRankConfig {
    /// Eigenvalues wanted, `k`.
    pub rank: usize,
    /// Columns of the random block beyond `k`.
    pub oversample: usize,
    /// Blocks of the Krylov space, `AΩ, A²Ω, …`.
    pub blocks: usize,
    /// The seed of the random block.
    pub seed: u64,
}

impl LowRankConfig {
    /// `k` eigenvalues from 3 blocks of `k + 8` columns, seed 0.
    pub fn new(rank: usize) -> Self {
        Self { rank, oversample: 8, blocks: 3, seed: 0 }
    }

    /// Sets the columns beyond `k`.
    #[must_use]
    pub fn with_oversample(self, oversample: usize) -> Self {
        Self { oversample, ..self }
    }

    /// Sets the number of blocks.
    #[must_use]
    pub fn with_blocks(self, blocks: usize) -> Self {
        Self { blocks, ..self }
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// The low-rank approximation of a spectrum (Dong et al. 2023, arXiv 2211.16784): the `k` largest
/// eigenvalues by randomised block Krylov iteration (Musco and Musco 2015), and the rest of the trace
/// spread evenly over the other `d − k`. Every measure then reads the [`Spectrum`].
///
/// Entropies come out too large, as an even tail is the most diverse there is; those of order 2 and
/// above by little.
///
/// # Errors
/// [`Error::Setting`] unless `1 ≤ k ≤ d` and there is a block; [`Error::ZeroTrace`]; those of the
/// operator's products.
///
/// ```
/// use matrix_entropy::large::{Dense, LowRankConfig, low_rank};
/// use ndarray::Array2;
/// let a = Array2::from_diag(&ndarray::Array1::from_shape_fn(50, |k| 0.5_f64.powi(k as i32)));
/// let spectrum = low_rank(&Dense::new(a.view())?, &LowRankConfig::new(10))?;
/// assert!((spectrum.renyi(2.0)? - 3.0_f64.ln()).abs() < 1e-6);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn low_rank(operator: &impl Operator, config: &LowRankConfig) -> Result<Spectrum> {
    const OPERATION: &str = "low-rank spectrum";
    let d = operator.side();
    let setting = |name, expected, got: usize| {
        Err(Error::Setting { operation: OPERATION, name, expected, got: got as f64 })
    };
    if config.rank == 0 || config.rank > d {
        return setting("rank", "from 1 to d", config.rank);
    }
    if config.blocks == 0 {
        return setting("blocks", "one or more", config.blocks);
    }
    let trace = operator.trace();
    if !(trace > 0.0 && trace.is_finite()) {
        return Err(Error::ZeroTrace { operation: OPERATION, trace });
    }
    let width = config.rank.saturating_add(config.oversample).min(d);
    let mut rng = stream(config.seed, "low rank", 0);
    let random = Array2::from_shape_simple_fn((d, width), || normal(&mut rng));
    let mut block = orthonormal(operator.apply(random.view())?.view())?;
    let mut blocks = vec![block.clone()];
    for _ in 1..config.blocks {
        if blocks.iter().map(Array2::ncols).sum::<usize>() >= d {
            break;
        }
        block = orthonormal(operator.apply(block.view())?.view())?;
        blocks.push(block.clone());
    }
    let views: Vec<ArrayView2<'_, f64>> = blocks.iter().map(|block| block.view()).collect();
    let all = concatenate(Axis(1), &views).map_err(|_| Error::Shape {
        operation: OPERATION,
        expected: format!("blocks of {d} rows"),
        got: vec![views.len()],
    })?;
    let basis = orthonormal(all.view())?;
    let projected = matmul(basis.t(), operator.apply(basis.view())?.view())?;
    let mut values: Vec<f64> =
        eigvalsh(projected.view())?.iter().rev().take(config.rank).map(|v| v.max(0.0)).collect();
    // Rounding must not leave more than the trace.
    let found: f64 = values.iter().sum();
    let others = d - values.len();
    if others > 0 {
        values.resize(d, ((trace - found) / others as f64).max(0.0));
    }
    Spectrum::new(values, Facts::new::<f64>(OPERATION, (d, d), Conventions::cosine()))
}

/// An orthonormal basis of the columns' span, without directions that rounding explains.
fn orthonormal(columns: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let decomposed = svd(columns)?;
    let largest = decomposed.values.first().copied().unwrap_or(0.0);
    let kept = decomposed.values.iter().filter(|&&v| v > DEPENDENT * largest).count().max(1);
    let kept = kept.min(decomposed.u.ncols());
    Ok(decomposed.u.slice_axis(Axis(1), Slice::from(..kept)).to_owned())
}
