//! A certificate that needs `f32` alone for its cubic part: prove little about all but the top
//! direction, and everything about that one.
//!
//! Let `A = WᵀW`, `v` a vector near its top eigenvector, `α = ‖Wv‖²/‖v‖²`, `ρ = ‖Av − αv‖/‖v‖`, and `μ` a
//! bound of `A` on the complement of `v`. A unit vector `cos t · v/‖v‖ + sin t · w` with `w ⟂ v` sees
//! `xᵀAx ≤ α cos² t + 2ρ |cos t sin t| + μ sin² t`, so
//!
//! `σ² ≤ (α + μ)/2 + √(((α − μ)/2)² + ρ²) ≤ α + ρ²/(α − μ)`.
//!
//! With `ρ` near 1e-6 `α`, a gap `α − μ` of a thousandth loses 1e-9. `α` and `ρ` take two products with
//! vectors, in `f64`. `μ` may be generous, so it can come from arithmetic in `f32`: if
//! `μI + αvvᵀ − WᵀW` is positive semidefinite, then `A ≤ μ` wherever the middle term vanishes, which is
//! the complement of `v`. Cholesky's method proves it (Rump 2006; Higham 2002, §3.5 and theorem 10.3):
//! if it runs through on the computed matrix less `s I` then the exact one is semidefinite for
//!
//! `s ≥ γ_p (μ + α‖v‖² + ‖|W|ᵀ|W|‖) + γ_q ‖|L||L|ᵀ‖`,
//!
//! where `γ_k = k u / (1 − k u)`, `u = 2⁻²⁴`, and `p`, `q` count the roundings that a term of a sum passes
//! through. Sums are cut in blocks of [`BLOCK`], so these are `BLOCK` and the number of blocks, not the
//! side. `‖|X||X|ᵀ‖ ≤ ‖X‖₁ ‖X‖_∞`, computed from the factor found.

use assay_array::Scalar;
use assay_array::linalg::to_faer;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatMut, MatRef, Par, Spec};
use ndarray::ArrayView2;

use crate::bound::gamma;
use crate::kernel::{Rows, add_magnitudes, norm};

/// Terms of a sum that are added before they meet what was summed before.
const BLOCK: usize = 128;
/// What `α − μ` is of `α`.
const GAP: f64 = 1.0 / 1024.0;
/// Roundings besides those of sums: the last of a product, quotients and roots, numbers made `f32`.
const FEW: usize = 16;

/// A bound on the square of the largest singular value of `w · factor`, for `w` no wider than tall and
/// `factor` a power of two that makes its entries at most 2; `None` where `v` is no good or the rest of
/// the spectrum too close. At most `1 + excess` times the square that `v` shows.
pub(super) fn square<T: Scalar>(
    w: ArrayView2<'_, T>,
    factor: f64,
    v: &[f64],
    excess: f64,
) -> Option<f64> {
    let (m, n) = w.dim();
    let narrow = w.mapv(|x| (x.to_f64() * factor) as f32);
    let v: Vec<f32> = v.iter().map(|&v| v as f32).collect();

    // ‖|W|ᵀ|W|‖, and the root of it.
    let lines = narrow.as_slice_memory_order()?;
    let product = magnitudes(lines.chunks(if narrow.is_standard_layout() { n } else { m }));
    let top = Top::new(w, factor, &v, product.sqrt());
    let rest = top.alpha * (1.0 - GAP);
    let bound = top.with(rest);
    if bound.is_nan() || bound > top.alpha * (1.0 + excess) {
        return None;
    }

    let blocks = m.max(n).div_ceil(BLOCK);
    let per_term = gamma_f32(BLOCK + blocks + FEW);
    // What the factor's norm is taken to be, and checked to be afterwards.
    let assumed = rest * (n as f64 / 4.0).clamp(8.0, 128.0);
    let shift = per_term * (rest + top.alpha * top.length * top.length * 1.01 + product + assumed);
    // Below this is what underflows in `f32`.
    let diagonal = (rest - shift) * (1.0 - f64::from(f32::EPSILON)) - 1e-25;
    let mut a = Mat::<f32>::zeros(n, n);
    for (j, &v_j) in v.iter().enumerate() {
        let v_j = top.alpha as f32 * v_j;
        for (a, v_i) in a.col_as_slice_mut(j)[j..].iter_mut().zip(&v[j..]) {
            *a = v_i * v_j;
        }
        a[(j, j)] += diagonal as f32;
    }
    let transposed = to_faer(narrow.t())?;
    for start in (0..m).step_by(BLOCK) {
        subtract_square(a.as_mut(), transposed.subcols(start, BLOCK.min(m - start)));
    }
    if !factorise(a.as_mut()) {
        return None;
    }
    for j in 0..n {
        a.col_as_slice_mut(j)[..j].fill(0.0); // faer's scratch
    }
    let found = magnitudes((0..n).map(|j| a.col_as_slice(j)));
    (found <= assumed).then_some(bound)
}

/// `‖X‖₁ ‖X‖_∞`, rounded upwards, from the rows or the columns of `X`; NaN where an entry is.
fn magnitudes<'a>(lines: impl Iterator<Item = &'a [f32]>) -> f64 {
    let largest = |m: f32, x: f32| if m.is_nan() || x <= m { m } else { x };
    let (mut along, mut count, mut across) = (0.0, 0, vec![]);
    for line in lines {
        across.resize(line.len(), 0.0);
        along = largest(along, add_magnitudes(line, &mut across));
        count += 1;
    }
    let rounding = 1.0 + 2.0 * gamma_f32(count.max(across.len()));
    f64::from(along) * rounding * f64::from(across.into_iter().fold(0.0, largest)) * rounding
}

fn gamma_f32(n: usize) -> f64 {
    // 2^29 roundings in `f64` weigh what one in `f32` does.
    gamma(n << 29)
}

/// What a vector shows of the top of the spectrum, every number rounded upwards.
struct Top {
    length: f64,
    alpha: f64,
    rho: f64,
}

impl Top {
    /// `size` bounds the norm of the matrix of magnitudes.
    fn new<T: Scalar>(w: ArrayView2<'_, T>, factor: f64, v: &[f32], size: f64) -> Self {
        let (m, n) = w.dim();
        // Rows as they lie in memory.
        let turned = w.strides()[1] != 1 && w.strides()[0] == 1;
        let rows = Rows::new(if turned { w.reversed_axes() } else { w });
        let product = |x: &[f64], transposed: bool| {
            if transposed == turned { rows.times_wide(x) } else { rows.transposed_times_wide(x) }
        };
        let rounding = gamma(m + n + 8);
        let wide = |scale: f64| -> Vec<f64> { v.iter().map(|&v| f64::from(v) * scale).collect() };
        let length = norm(v) * (1.0 + 2.0 * gamma_f32(n));
        let shortest = norm(&wide(1.0)) * (1.0 - rounding);
        let x = product(&wide(factor), false);
        let image = norm(&x) * (1.0 + rounding);
        // |fl(Wv) − Wv| ≤ γ |W||v| (Higham 2002, §3.5).
        let error = rounding * size * length;
        let alpha = ((image + error) / shortest).powi(2) * (1.0 + 8.0 * f64::EPSILON);

        let scaled: Vec<f64> = x.iter().map(|x| x * factor).collect();
        let y = product(&scaled, true);
        let residual: Vec<f64> = y.iter().zip(v).map(|(y, &v)| y - alpha * f64::from(v)).collect();
        let left = norm(&residual)
            + size * (error + rounding * image)
            + rounding * (norm(&y) + alpha * length);
        let rho = left * (1.0 + 2.0 * rounding) / shortest;
        Self { length, alpha, rho }
    }

    /// The bound on the largest eigenvalue where all others, on the complement of `v`, are at most `rest`.
    fn with(&self, rest: f64) -> f64 {
        let half = 0.5 * (self.alpha - rest);
        (rest + half + half.hypot(self.rho)) * (1.0 + 8.0 * f64::EPSILON)
    }
}

/// `C − X Xᵀ` on the lower triangle; `X` has at most [`BLOCK`] columns.
fn subtract_square(mut c: MatMut<'_, f32>, x: MatRef<'_, f32>) {
    let n = c.nrows();
    for start in (0..n).step_by(BLOCK) {
        let rows = BLOCK.min(n - start);
        let panel = c.as_mut().submatrix_mut(start, 0, rows, start + rows);
        let (left, own) = panel.split_at_col_mut(start);
        let x_own = x.subrows(start, rows);
        matmul(left, Accum::Add, x_own, x.subrows(0, start).transpose(), -1.0, Par::Seq);
        triangular::matmul(
            own,
            BlockStructure::TriangularLower,
            Accum::Add,
            x_own,
            BlockStructure::Rectangular,
            x_own.transpose(),
            BlockStructure::Rectangular,
            -1.0,
            Par::Seq,
        );
    }
}

/// Replaces the lower triangle by its Cholesky factor; false where a pivot is not positive.
fn factorise(mut a: MatMut<'_, f32>) -> bool {
    let n = a.nrows();
    let mut memory =
        MemBuffer::new(cholesky_in_place_scratch::<f32>(BLOCK, Par::Seq, Spec::default()));
    for start in (0..n).step_by(BLOCK) {
        let size = BLOCK.min(n - start);
        let rest = a.as_mut().submatrix_mut(start, start, n - start, n - start);
        let (mut own, _, mut below, after) = rest.split_at_mut(size, size);
        let regularisation = LltRegularization::default();
        let stack = MemStack::new(&mut memory);
        if cholesky_in_place(own.as_mut(), regularisation, Par::Seq, stack, Spec::default())
            .is_err()
        {
            return false;
        }
        solve_lower_triangular_in_place(own.as_ref(), below.as_mut().transpose_mut(), Par::Seq);
        subtract_square(after, below.as_ref());
    }
    true
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream};
    use ndarray::Array2;

    use super::*;
    use crate::spectral::sigma_max_svd;

    fn gaussian(seed: u64, m: usize, n: usize) -> Array2<f64> {
        let mut rng = stream(seed, "deflated", 0);
        Array2::from_shape_simple_fn((m, n), || f64::from(0.02 * normal(&mut rng) as f32))
    }

    #[test]
    fn what_is_proved_is_a_bound_and_tight() {
        for (seed, m, n) in [(1, 200, 200), (2, 300, 129), (3, 257, 256), (4, 400, 30), (5, 5, 3)] {
            let w = gaussian(seed, m, n);
            let top = sigma_max_svd(w.view()).unwrap();
            let exact = top.sigma.powi(2);
            for factor in [16.0, 1.0 / 1024.0] {
                let bound = square(w.view(), factor, &top.v, 1e-9).unwrap() / factor.powi(2);
                assert!(bound >= exact * (1.0 - 1e-13) && bound <= exact * (1.0 + 1e-9), "{m}x{n}");
                let narrow = w.mapv(|x| x as f32);
                assert_eq!(
                    Some(bound),
                    square(narrow.view(), factor, &top.v, 1e-9).map(|b| b / factor.powi(2))
                );
                // Columns that lie side by side are another order of sums, no other proof.
                let turned = w.t().as_standard_layout().into_owned();
                let other = square(turned.t(), factor, &top.v, 1e-9).unwrap() / factor.powi(2);
                assert!((other / bound - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_is_false_is_not_proved() {
        let w = gaussian(6, 260, 260);
        let axis =
            |i: usize| -> Vec<f64> { (0..200).map(|j| f64::from(u8::from(i == j))).collect() };
        // A vector that is none of W's, and one of the second singular value: what is left is larger.
        assert_eq!(square(w.view(), 1.0, &[1.0; 260], 1.0), None);
        let diagonal =
            Array2::from_diag(&ndarray::Array1::from_shape_fn(200, |i| 1.0 / (1.0 + i as f64)));
        assert!(square(diagonal.view(), 1.0, &axis(0), 1e-9).is_some());
        assert_eq!(square(diagonal.view(), 1.0, &axis(1), 1.0), None);
        // No gap: true, but not to be proved so.
        assert_eq!(square(Array2::<f64>::eye(200).view(), 1.0, &axis(0), 1.0), None);
        // A second value that comes within a hair of the bound that is claimed for it.
        for second in [0.9997, 0.9995, 0.999, 0.99] {
            let mut close = diagonal.clone();
            close[[1, 1]] = second;
            let proved = square(close.view(), 1.0, &axis(0), 1.0).is_some();
            assert_eq!(proved, second < 0.9993, "{second}");
        }
    }
}
