use assay_array::Scalar;
use assay_array::random::{normal, stream};
use ndarray::ArrayView2;

use super::power::image;
use super::tridiagonal::Tridiagonal;
use crate::error::within;
use crate::kernel::{Rows, fused, norm};
use crate::{Error, LowerBound, Result};

/// What [`sigma_max_lanczos`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Lanczos {
    /// `‖Wv‖` for the vector found, less its rounding: never above the largest singular value.
    pub sigma: LowerBound,
    /// The right singular vector, a unit vector of length `n`; zero for a zero matrix.
    pub v: Vec<f64>,
    /// Passes over the matrix.
    pub steps: usize,
    /// Whether the estimated relative error fell below the tolerance. If not, `sigma` is still a
    /// lower bound.
    pub converged: bool,
}

/// Steps after which a run without convergence is given up; a cold start needs 20 to 60 on trained
/// or Gaussian weights.
const MOST_STEPS: usize = 300;
/// Steps between looks at the small eigenproblem.
const STRIDE: usize = 4;

/// The largest singular value to a relative tolerance, from a cold start.
///
/// Golub-Kahan-Lanczos bidiagonalisation with full reorthogonalisation in its one-sided form: the
/// three-term recurrence of `WᵀW`, whose tridiagonal matrix is `BᵀB` of the bidiagonal `B`. A step
/// then takes one pass over `W` instead of two, and the smaller side's vectors alone are kept; the
/// price is that *small* singular values lose digits, which the largest does not notice. The error
/// is judged by the residual: `|σ² − θ| ≤ ρ²/gap` with the distance to the next Ritz value as gap.
///
/// `f32` matrices are multiplied in `f32`: ask them for no less than 1e-7.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Parameter`] for a tolerance that is not positive.
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::spectral::sigma_max_lanczos;
/// let found = sigma_max_lanczos(array![[3.0, 0.0], [0.0, -7.0], [0.0, 0.0]].view(), 1e-12)?;
/// assert!(found.converged && (found.sigma.value() - 7.0_f64).abs() < 1e-11);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
pub fn sigma_max_lanczos<T: Scalar>(w: ArrayView2<'_, T>, tolerance: f64) -> Result<Lanczos> {
    within("tolerance", "a number in (0, 1)", tolerance, f64::MIN_POSITIVE, 1.0)?;
    let (m, n) = w.dim();
    // Rows must be contiguous; of two ways, the one with shorter vectors to keep.
    let (rows_lie, columns_lie) = (w.strides()[1] == 1, w.strides()[0] == 1);
    let transpose = if rows_lie == columns_lie { m < n } else { columns_lie };
    let rows = Rows::new(if transpose { w.reversed_axes() } else { w });
    let largest = rows.magnitude().map_err(|(i, j, value)| {
        let index = if transpose { vec![j, i] } else { vec![i, j] };
        Error::NotFinite { operation: "lanczos", index, value }
    })?;
    if largest == 0.0 {
        return Ok(Lanczos { sigma: LowerBound::ZERO, v: vec![0.0; n], steps: 0, converged: true });
    }
    // Fourth powers must stay in range, in f64, and squares in f32; a power of two changes no digit.
    let safe = if size_of::<T>() == 4 { 1e-12..1e12 } else { 1e-60..1e60 };
    let (v, steps, converged) = if safe.contains(&largest) {
        run(&rows, tolerance)
    } else {
        run(&rows.scaled(largest).0, tolerance)
    };
    let operation = "lanczos";
    if transpose {
        // The vector is the left one; its image under Wᵀ is the right one, and half a step better.
        let (sigma, v) = image(operation, &rows, &v)?;
        return Ok(Lanczos { sigma, v, steps, converged });
    }
    Ok(Lanczos { sigma: image(operation, &rows, &v)?.0, v, steps, converged })
}

/// The Lanczos process on `WᵀW`; the best vector, the steps taken and whether it converged.
fn run<T: Scalar>(w: &Rows<'_, T>, tolerance: f64) -> (Vec<f64>, usize, bool) {
    let n = w.columns();
    let mut rng = stream(0, "lanczos", 0);
    let start: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
    let length = norm(&start);
    let mut basis: Vec<Vec<T>> = vec![start.iter().map(|x| T::from_f64(x / length)).collect()];
    let mut t = Tridiagonal::default();
    let (mut x, mut y) = (vec![T::ZERO; w.len()], vec![T::ZERO; n]);
    let most = n.min(MOST_STEPS);
    let (mut parts, mut along) = (vec![T::ZERO; most], vec![T::ZERO; n]);
    loop {
        let step = basis.len();
        fused(w, &basis[step - 1], &mut x, &mut y);
        t.diagonal.push(norm(&x).powi(2));
        // Less what lies along the basis. Twice: once leaves an error of the size of the cancellation
        // (Kahan's "twice is enough").
        let rows = Rows::of(&basis, n);
        for _ in 0..2 {
            fused(&rows, &y, &mut parts[..step], &mut along);
            y.iter_mut().zip(&along).for_each(|(y, a)| *y -= *a);
        }
        let rest = norm(&y);
        let exhausted = rest <= t.diagonal.iter().fold(0.0, |m: f64, d| m.max(*d)) * 1e-15;
        if exhausted || step == most || step.is_multiple_of(STRIDE) {
            let (value, second) = t.top_two();
            let vector = t.vector(value);
            let residual = rest * vector.last().map_or(0.0, |s| s.abs());
            let gap = (value - second).max(residual);
            // Relative error of σ is half that of σ².
            // As a product of ratios: the squares may be out of range.
            let error =
                if residual == 0.0 { 0.0 } else { (residual / gap) * (residual / value) / 2.0 };
            let converged = exhausted || step == n || error <= tolerance;
            if converged || step == most {
                let mut v = vec![0.0; n];
                for (q, s) in basis.iter().zip(&vector) {
                    v.iter_mut().zip(q).for_each(|(v, q)| *v += s * q.to_f64());
                }
                return (v, step, converged);
            }
        }
        t.beside.push(rest);
        basis.push(y.iter().map(|y| T::from_f64(y.to_f64() / rest)).collect());
    }
}
