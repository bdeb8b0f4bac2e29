use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array1, Array2, ArrayView2};

use crate::bound::gamma;
use crate::error::linalg;
use crate::kernel::norm;
use crate::spectral::{scaled, sigma_max_svd, sigma_upper};
use crate::{CertifiedUpper, Error, Result};

/// One head of dot-product attention, `softmax(s X Q Kᵀ Xᵀ) X V`, softmax over keys.
///
/// - `q`, `k`, shape `[D, d]`, and `v`, shape `[D, e]`: weights that tokens `[N, D]` are multiplied
///   with from the right. A weight of PyTorch is `[d, D]`: pass it transposed.
/// - `scale` is `1/√d` in most models.
#[derive(Debug, Clone, Copy)]
pub struct AttentionHead<'a, T> {
    /// The queries' weights.
    pub q: ArrayView2<'a, T>,
    /// The keys' weights.
    pub k: ArrayView2<'a, T>,
    /// The values' weights.
    pub v: ArrayView2<'a, T>,
    /// `s`.
    pub scale: f64,
}

impl<T: Scalar> AttentionHead<'_, T> {
    pub(super) fn check(&self, width: Option<usize>) -> Result<()> {
        let d = width.unwrap_or(self.q.nrows());
        let expected = vec![d, self.q.ncols()];
        for given in [self.q.dim(), self.k.dim(), (self.v.nrows(), self.q.ncols())] {
            if given != (d, self.q.ncols()) {
                let (operation, got) = ("attention weights [D, d]", vec![given.0, given.1]);
                return Err(Error::Shape { operation, expected, got });
            }
        }
        crate::error::within("attention scale", "a finite number", self.scale, f64::MIN, f64::MAX)
    }

    /// A certified bound on `‖Q Kᵀ‖`.
    pub(crate) fn qk_upper(&self) -> Result<CertifiedUpper> {
        product_upper(self.q, self.k)
    }
}

/// A certified bound on `‖A Bᵀ‖`: that of the product, with its rounding, or `‖A‖ ‖B‖`.
pub(super) fn product_upper<T: Scalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
) -> Result<CertifiedUpper> {
    let operation = "norm of the product of attention weights";
    let apart = sigma_upper(a)? * sigma_upper(b)?;
    let (Some((a, of_a)), Some((b, of_b))) = (scaled(operation, a)?, scaled(operation, b)?) else {
        return Ok(CertifiedUpper::ZERO);
    };
    let product = matmul(a.view(), b.t()).map_err(linalg(operation))?;
    // |fl(ABᵀ) − ABᵀ| ≤ γ_d |A||B|ᵀ, whose norm is at most ‖A‖_F ‖B‖_F.
    let length = |m: &Array2<f64>| {
        let length = norm(&m.iter().copied().collect::<Vec<_>>());
        CertifiedUpper::known(length) * CertifiedUpper::known(1.0 + gamma(m.len() + 4))
    };
    let rounding = CertifiedUpper::known(gamma(a.ncols() + 2)) * length(&a) * length(&b);
    let together = sigma_upper(product.view())? + rounding;
    Ok(apart.min(together * CertifiedUpper::known(of_a) * CertifiedUpper::known(of_b)))
}

/// A certified Lipschitz constant of one head on every `X` of `tokens` rows with `‖X‖₂ ≤ radius`:
///
/// $$ L = \lVert V \rVert_2 \left( \sqrt N + s \lVert Q K^\top \rVert_2 R^2 \right) $$
///
/// Proof: `dAttn = A dX V + dA X V`. `A` has rows that sum to one, so `‖A‖₂ ≤ √N`. The Jacobian of a
/// softmax has norm at most 1/2, so `‖dA‖_F ≤ ½ · s · 2 ‖QKᵀ‖ ‖X‖ ‖dX‖_F`. The ball is convex, so the
/// largest norm of the derivative in it is a Lipschitz constant on it. For the ball of radius `δ`
/// around `X₀` take `radius = ‖X₀‖₂ + δ`. There is no constant for all `X` (Kim et al. 2021).
///
/// # Errors
/// [`Error::Shape`]; [`Error::NotFinite`]; [`Error::Parameter`] for a scale that is not finite.
pub fn attention_ball<T: Scalar>(
    head: &AttentionHead<'_, T>,
    tokens: usize,
    radius: CertifiedUpper,
) -> Result<CertifiedUpper> {
    head.check(None)?;
    let scale = CertifiedUpper::known(head.scale.abs());
    let root = CertifiedUpper::known(tokens as f64).sqrt();
    Ok(sigma_upper(head.v)? * (root + scale * head.qk_upper()? * radius * radius))
}

/// What [`attention_at_point`] computed on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AttentionPoint {
    /// The output, `[N, e]`.
    pub output: Array2<f64>,
    /// The attention matrix, `[N, N]`.
    pub attention: Array2<f64>,
    /// The norm of each row's softmax Jacobian.
    pub softmax_norms: Vec<f64>,
    /// `‖V‖ (‖A‖ + 2 s max_i ‖diag(p_i) − p_i p_iᵀ‖ ‖QKᵀ‖ ‖X‖²)`.
    pub bound: f64,
}

/// A bound on the norm of one head's Jacobian at the point `x`, sharper than [`attention_ball`], but
/// saying nothing about any other point: for looking at a model, not for certificates. It is computed
/// in `f64` without care for rounding.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NotFinite`]; [`Error::Empty`] without tokens.
pub fn attention_at_point<T: Scalar>(
    head: &AttentionHead<'_, T>,
    x: ArrayView2<'_, T>,
) -> Result<AttentionPoint> {
    let operation = "attention at a point";
    head.check(Some(x.ncols()))?;
    if x.is_empty() {
        return Err(Error::Empty { operation, what: "token and feature" });
    }
    let error = linalg(operation);
    let times = |a: &Array2<f64>, b: ArrayView2<'_, f64>| matmul(a.view(), b).map_err(&error);
    let wide = |m: ArrayView2<'_, T>| m.mapv(T::to_f64);
    let (x, q, k, v) = (wide(x), wide(head.q), wide(head.k), wide(head.v));
    let mut a = times(&times(&x, q.view())?, times(&x, k.view())?.t())? * head.scale;
    for mut row in a.rows_mut() {
        let lse = assay_array::numeric::log_sum_exp(&row.to_vec());
        row.mapv_inplace(|x| (x - lse).exp());
    }
    let output = times(&times(&a, x.view())?, v.view())?;
    let softmax_norms: Vec<f64> =
        a.outer_iter().map(|p| softmax_jacobian_norm(&p.to_vec())).collect::<Result<_>>()?;
    let norm = |m: &Array2<f64>| Ok::<_, Error>(sigma_max_svd(m.view())?.sigma);
    let largest = softmax_norms.iter().copied().fold(0.0, f64::max);
    let qk = norm(&times(&q, k.t())?)?;
    let bound = norm(&v)? * (norm(&a)? + 2.0 * head.scale.abs() * largest * qk * norm(&x)?.powi(2));
    Ok(AttentionPoint { output, attention: a, softmax_norms, bound })
}

/// `‖diag(p) − p pᵀ‖₂` of a probability vector: 1/2 at most, where two classes share everything.
///
/// The largest eigenvalue lies between the two largest `p` and is the root of
/// `1 = Σ p_i²/(p_i − λ)` there (the secular equation of a rank-one change), found by bisection.
///
/// # Errors
/// [`Error::Parameter`] for entries outside `[0, 1]`; [`Error::Empty`].
pub fn softmax_jacobian_norm(p: &[f64]) -> Result<f64> {
    for &p in p {
        crate::error::within("probability", "in [0, 1]", p, 0.0, 1.0 + 1e-9)?;
    }
    let mut sorted = p.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let Some(&first) = sorted.first() else {
        let operation = "norm of a softmax's Jacobian";
        return Err(Error::Empty { operation, what: "probability" });
    };
    let second = sorted.get(1).copied().unwrap_or(0.0);
    // Falls from +∞ (or the value at zero) to −∞ between the two.
    let above = |lambda: f64| {
        1.0 - sorted.iter().filter(|p| **p > 0.0).map(|p| p * p / (p - lambda)).sum::<f64>() > 0.0
    };
    let (mut low, mut high) = (second, first);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) { low = middle } else { high = middle }
    }
    Ok(low)
}

/// The bound of SpecFormer's theorem as it is *recalled* from reviews of the paper, not read in it:
/// `N(N+1) (‖X₀‖_F + δ)² (‖V‖ ‖Q‖ ‖K‖ + ‖V‖)`. For comparison only, which is why it is not a
/// [`CertifiedUpper`]: 60 to 260 times looser than [`attention_ball`] on this crate's test cases.
///
/// # Errors
/// As [`attention_at_point`].
pub fn paper_attention_bound<T: Scalar>(
    head: &AttentionHead<'_, T>,
    x: ArrayView2<'_, T>,
    delta: f64,
) -> Result<f64> {
    head.check(Some(x.ncols()))?;
    let n = x.nrows() as f64;
    let length = norm(&x.iter().map(|x| x.to_f64()).collect::<Array1<f64>>().to_vec());
    let sigma = |m: ArrayView2<'_, T>| Ok::<_, Error>(sigma_max_svd(m)?.sigma);
    let (q, k, v) = (sigma(head.q)?, sigma(head.k)?, sigma(head.v)?);
    Ok(n * (n + 1.0) * (length + delta).powi(2) * (v * q * k + v))
}
