//! Attention that has a Lipschitz constant everywhere.

use assay_array::Scalar;
use ndarray::ArrayView2;

use super::AttentionHead;
use super::attention::product_upper;
use crate::spectral::sigma_upper;
use crate::{CertifiedUpper, Error, Result};

/// A certified Lipschitz constant of one head of L2 attention with tied queries and keys (Kim et al.
/// 2021), `P X Q · s Qᵀ V` with `P = softmax(−s ‖q_i − q_j‖²)`, for all `X` of `N` tokens:
///
/// $$ L = \left( \sqrt N + 2 c (1 + \sqrt N) \right) \lVert Q \rVert_2 \, s \lVert Q^\top V \rVert_2,
/// \qquad c \, e^{c + 1} = N - 1 $$
///
/// Proof: let `g_i = Σ_j p_ij q_j`. Because `Σ_j dp_ij = 0`, with `r_ij = ‖q_i − q_j‖`,
/// `‖dg_i − Σ_j p_ij dq_j‖ ≤ 2 s Σ_j p_ij r_ij ‖q_j − g_i‖ (‖dq_i‖ + ‖dq_j‖)`, and by Cauchy and Schwarz
/// `Σ_j p_ij r_ij ‖q_j − g_i‖ ≤ v_i := Σ_j p_ij r_ij²`, as a variance is smallest about the mean. With
/// `t_j = s r_ij²`, `s v_i = Σ t_j e^(−t_j) / (1 + Σ_{j≠i} e^(−t_j)) ≤ c`, because `Σ (t_j − c) e^(−t_j)` is
/// largest at `t_j = c + 1`, where it is `c` (Kim et al.'s lemma, and their constant `φ⁻¹(N − 1)`). So
/// `‖dG‖ ≤ (‖P‖ + 2c + 2c √N) ‖dX Q‖`, and `‖P‖ ≤ √N`. It is `√N (4c + 1)` of their theorem or a little
/// less.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NotFinite`]; [`Error::Parameter`] for a scale that is negative or not
/// finite.
pub fn l2_attention<T: Scalar>(
    q: ArrayView2<'_, T>,
    v: ArrayView2<'_, T>,
    scale: f64,
    tokens: usize,
) -> Result<CertifiedUpper> {
    if q.nrows() != v.nrows() {
        let (expected, got) = (vec![q.nrows(), v.ncols()], v.shape().to_vec());
        return Err(Error::Shape { operation: "attention weights [D, d]", expected, got });
    }
    crate::error::within("attention scale", "finite, 0 or more", scale, 0.0, f64::MAX)?;
    let known = CertifiedUpper::known;
    let root = known(tokens as f64).sqrt();
    let twice_c = known(2.0) * variance(tokens);
    let inner = known(scale) * product_upper(q.t(), v.t())?;
    Ok((root + twice_c * (known(1.0) + root)) * sigma_upper(q)? * inner)
}

/// The root of `c e^(c+1) = N − 1`, from above.
fn variance(tokens: usize) -> CertifiedUpper {
    let goal = tokens.saturating_sub(1) as f64;
    let (mut low, mut high) = (0.0_f64, 64.0_f64);
    for _ in 0..100 {
        let c = f64::midpoint(low, high);
        // The margin is above the rounding of the exponential.
        if c * (c + 1.0).exp() * (1.0 - 1e-12) >= goal { high = c } else { low = c }
    }
    CertifiedUpper::known(if goal == 0.0 { 0.0 } else { high })
}

/// A certified Lipschitz constant of one head of scaled cosine attention (LipsFormer, Qi et al. 2023),
/// `ν softmax(τ Q̂ K̂ᵀ) V̂` with rows `û = u/√(‖u‖² + ε)`:
///
/// $$ L = \nu \left( \tau \left( \frac{\lVert Q \rVert}{\ell_q} + \sqrt N \frac{\lVert K \rVert}{\ell_k}
/// \right) + \sqrt N \frac{\lVert V \rVert}{\ell_v} \right), \qquad \ell = \sqrt{m^2 + \varepsilon} $$
///
/// with `m` the least length that a row of queries, keys or values has: `least`, in this order; zeros for
/// a constant that holds everywhere, which is as large as `1/√ε`.
///
/// Proof: the derivative of `u ↦ û` has norm `1/√(‖u‖² + ε)`. A change of the scores of row `i` changes
/// the row's output by `Σ_j dp_ij v̂_j`, of length at most `Σ_j p_ij |ds_ij − s̄_i| ≤ max_j |ds_ij|`, as rows of
/// `V̂` are shorter than one; and `|ds_ij| ≤ τ (‖dq̂_i‖ + ‖dk̂_j‖)`. Over all rows that is at most
/// `τ (‖dQ̂‖ + √N ‖dK̂‖)`. The rest is `P dV̂` with `‖P‖ ≤ √N`.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NotFinite`]; [`Error::Parameter`] for factors that are negative or not
/// finite, or an `ε` that is not positive.
pub fn cosine_attention<T: Scalar>(
    head: &AttentionHead<'_, T>,
    nu: f64,
    epsilon: f64,
    tokens: usize,
    least: [f64; 3],
) -> Result<CertifiedUpper> {
    head.check(None)?;
    for factor in [head.scale, nu, least[0], least[1], least[2]] {
        crate::error::within("cosine attention", "finite, 0 or more", factor, 0.0, f64::MAX)?;
    }
    crate::error::within("epsilon", "positive", epsilon, f64::MIN_POSITIVE, f64::MAX)?;
    let known = CertifiedUpper::known;
    let over = |w: ArrayView2<'_, T>, least: f64| {
        let length = (least * least + epsilon).sqrt() * (1.0 - 4.0 * f64::EPSILON);
        Ok::<_, Error>(sigma_upper(w)? * known((1.0 / length).next_up()))
    };
    let [q, k, v] = [over(head.q, least[0])?, over(head.k, least[1])?, over(head.v, least[2])?];
    let root = known(tokens as f64).sqrt();
    Ok(known(nu) * (known(head.scale) * (q + root * k) + root * v))
}
