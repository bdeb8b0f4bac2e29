//! Unbiased estimates of squared traces from centred rows.

use assay_array::Scalar;
use assay_array::linalg::Gram;
use ndarray::{Array2, ArrayView2};

/// What the U-statistics below need of centred rows `x_i` and their Gram matrix `K = XXᵀ`, of which
/// centring says `K 1 = 0`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) n: f64,
    /// `Σ‖x_i‖² = tr K`.
    pub(crate) trace: f64,
    /// `Σ‖x_i‖⁴`.
    pub(crate) fourth: f64,
    /// `‖K‖²_F = ‖XᵀX‖²_F`.
    pub(crate) squares: f64,
}

impl Sums {
    pub(crate) fn new<T: Scalar>(centred: &Array2<T>, gram: &Gram) -> Self {
        let lengths = squared_lengths(centred.view());
        Self {
            n: lengths.len() as f64,
            trace: lengths.iter().sum(),
            fourth: lengths.iter().map(|g| g * g).sum(),
            squares: gram.frobenius_squared(),
        }
    }

    /// The U-statistic of `(tr Σ)²`: the mean of `¼‖x_i − x_j‖²‖x_k − x_l‖²` over four different rows.
    ///
    /// With `D_ij = ½‖x_i − x_j‖²` the sum over such rows is `(ΣD)² − 4 Σ_i(D1)_i² + 2‖D‖²_F`, and
    /// each term follows from the sums.
    pub(crate) fn squared_trace(&self) -> f64 {
        let Self { n, trace, fourth, squares } = *self;
        let all = n * trace;
        let rows = n * n * fourth + 3.0 * n * trace * trace;
        let pairs = n * fourth + trace * trace + 2.0 * squares;
        (all * all - rows + pairs) / (n * (n - 1.0) * (n - 2.0) * (n - 3.0))
    }

    /// The U-statistic of `tr Σ²`: the unbiased HSIC of the linear kernel with itself.
    pub(crate) fn trace_of_square(&self) -> f64 {
        let cross = (self.squares, self.fourth);
        unbiased_hsic(self.n, cross, self.trace, self.trace)
    }
}

/// The unbiased HSIC (Song et al. 2012) of linear kernels `K = XXᵀ`, `L = YYᵀ` of centred rows, from
/// `(tr KL, Σ K_ii L_ii)` and the traces. Both kernels' rows sum to zero, so that
/// `1ᵀK̃1 = −tr K` and `1ᵀK̃L̃1 = Σ K_ii L_ii` for the kernels without diagonals `K̃`, `L̃`.
pub(crate) fn unbiased_hsic(
    n: f64,
    (product, diagonal): (f64, f64),
    trace_x: f64,
    trace_y: f64,
) -> f64 {
    (product - diagonal + trace_x * trace_y / ((n - 1.0) * (n - 2.0)) - 2.0 * diagonal / (n - 2.0))
        / (n * (n - 3.0))
}

/// `‖x_i‖²` of each row.
pub(crate) fn squared_lengths<T: Scalar>(x: ArrayView2<'_, T>) -> Vec<f64> {
    x.outer_iter().map(|row| row.iter().map(|x| x.to_f64() * x.to_f64()).sum()).collect()
}
