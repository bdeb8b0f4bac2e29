use assay_array::Scalar;
use assay_array::linalg::{Gram, cholesky};
use ndarray::{Array2, ArrayView2};

use super::gram::frobenius;
use super::{deflated, scale, sigma_max_lanczos};
use crate::bound::gamma;
use crate::error::linalg;
use crate::{CertifiedUpper, Result};

/// From this side on a proof in `f32` is tried first: below, there is little to save.
const LARGE: usize = 512;
/// How far above what its vector shows that proof's bound of `σ²` may be.
const EXCESS: f64 = 1.5e-9;

/// A certified upper bound on the largest singular value, tight to about 1e-9.
///
/// Lanczos proposes `σ̂` and its vector. Where the second singular value is less than `σ` by some
/// thousandths, it is bounded in `f32`, and the top by the vector's residual in `f64`; the comments of
/// `spectral/deflated.rs` have the proof. In all other cases, and for sides below 512, Cholesky's method
/// proves `b` a little above `σ̂`, tight to about `n² · 1e-16`: if it runs through on
/// `b²I − WᵀW − s I` in floating point, with `s` above every rounding error on the way, then
/// `b²I − WᵀW` is positive definite and `σ < b`. The margin
///
/// $$ s = \gamma_m \lVert W \rVert_F^2 + 2 \gamma_{n+2} \, n \, b^2 $$
///
/// covers the product (Higham 2002, §3.5: `|fl(WᵀW) − WᵀW| ≤ γ_m |W|ᵀ|W|`) and the factorisation
/// (theorem 10.3: `‖ΔA‖ ≤ γ_{n+1}/(1 − γ_{n+1}) tr A ≤ 2 γ_{n+2} n b²`; Rump 2006 uses it the same
/// way), in whatever order blocks are summed. If no proposal is proved, the Frobenius norm is.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::spectral::sigma_upper;
/// let bound = sigma_upper(array![[3.0_f32, 0.0], [0.0, 4.0]].view())?.value();
/// assert!(bound >= 4.0 && bound < 4.0 + 1e-7);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
pub fn sigma_upper<T: Scalar>(w: ArrayView2<'_, T>) -> Result<CertifiedUpper> {
    let operation = "certified spectral norm";
    // The tolerance decides how tight the bound is, not whether it is one.
    let tolerance = if size_of::<T>() == 4 { 5e-11 } else { 1e-12 };
    let Some((up, down)) = scale(operation, w)? else { return Ok(CertifiedUpper::ZERO) };
    let tall = if w.nrows() < w.ncols() { w.reversed_axes() } else { w };
    let lanczos = sigma_max_lanczos(tall, tolerance)?;
    if tall.ncols() >= LARGE
        && let Some(square) = deflated::square(tall, up, &lanczos.v, EXCESS)
    {
        return Ok(CertifiedUpper::known(square).sqrt() * CertifiedUpper::known(down));
    }
    let problem = Problem::new(operation, tall, up, down)?;
    let estimate = lanczos.sigma.value() / problem.factor;
    // Room for the margin and for what Lanczos may be short of, so that the first try succeeds; then ever
    // more of it: where Lanczos stopped early, the bound is loose.
    let mut excess = problem.margin(estimate) / estimate.powi(2) + tolerance;
    while estimate.is_finite() && estimate > 0.0 && excess < 1.0 {
        let b = estimate * (1.0 + excess);
        if b >= problem.frobenius.value() {
            break;
        }
        if problem.proves(b)? {
            return Ok(CertifiedUpper::known(b) * CertifiedUpper::known(problem.factor));
        }
        excess *= 4.0;
    }
    Ok(problem.frobenius * CertifiedUpper::known(problem.factor))
}

/// Whether `bound` is proved to be at least the largest singular value; `false` means not proved,
/// which happens for true bounds within about `n² · 1e-16` of it.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
pub fn is_upper_bound<T: Scalar>(w: ArrayView2<'_, T>, bound: f64) -> Result<bool> {
    let operation = "certified spectral norm";
    let Some((up, down)) = scale(operation, w)? else { return Ok(bound >= 0.0) };
    let tall = if w.nrows() < w.ncols() { w.reversed_axes() } else { w };
    let problem = Problem::new(operation, tall, up, down)?;
    let b = (bound / problem.factor).next_down();
    Ok(b.is_finite() && b > 0.0 && problem.proves(b)?)
}

struct Problem {
    operation: &'static str,
    gram: Gram,
    frobenius: CertifiedUpper,
    longer: usize,
    factor: f64,
}

impl Problem {
    /// Of a matrix with no fewer rows than columns, times `up`, a power of two whose inverse is `factor`.
    fn new<T: Scalar>(
        operation: &'static str,
        tall: ArrayView2<'_, T>,
        up: f64,
        factor: f64,
    ) -> Result<Self> {
        let w = tall.mapv(|x| x.to_f64() * up);
        let mut gram = Gram::new(w.ncols()).map_err(linalg(operation))?;
        gram.update(w.view()).map_err(linalg(operation))?;
        Ok(Self { operation, gram, frobenius: frobenius(&w), longer: w.nrows(), factor })
    }

    fn margin(&self, b: f64) -> f64 {
        let n = self.gram.columns();
        let product =
            CertifiedUpper::known(gamma(self.longer + 2)) * self.frobenius * self.frobenius;
        let factorisation = CertifiedUpper::known(2.0 * gamma(n + 2) * n as f64)
            * CertifiedUpper::known(b)
            * CertifiedUpper::known(b);
        // What underflows anywhere is below this: entries are near 1.
        (product + factorisation + CertifiedUpper::known(1e-290)).value()
    }

    fn proves(&self, b: f64) -> Result<bool> {
        // Rounded downwards, so that the shift is at least the margin.
        let shifted = ((b * b).next_down() - self.margin(b)).next_down();
        let n = self.gram.columns();
        let (mut a, mut rest) = (Array2::zeros((n, n)), self.gram.lower());
        for (i, mut row) in a.outer_iter_mut().enumerate() {
            let (own, after) = rest.split_at(i + 1);
            row.iter_mut().zip(own).for_each(|(a, g)| *a = -g);
            row[i] = (row[i] + shifted).next_down();
            rest = after;
        }
        match cholesky(a.view()) {
            Ok(_) => Ok(true),
            Err(assay_array::Error::NotPositiveDefinite { .. }) => Ok(false),
            Err(error) => Err(linalg(self.operation)(error)),
        }
    }
}
