use assay_array::Scalar;
use ndarray::ArrayView2;

use super::{scaled, small_gram};
use crate::bound::gamma;
use crate::kernel::norm;
use crate::{CertifiedUpper, Result};

/// The bound of Gram iteration (Delattre et al. 2023): after `iterations` squarings the Schatten norm
/// of order `2^(K+1)`, which lies between `σ` and `σ · rank^(2^−(K+1))`. Zero iterations give the
/// Frobenius norm.
///
/// `X ← XᵀX` is computed `iterations` times, each time scaled by a power of two. Certified: with
/// `‖fl(XᵀX) − XᵀX‖ ≤ γ_m ‖X‖_F²` (Higham 2002, §3.5), `σ(X)² ≤ σ(fl(XᵀX)) + γ_m ‖X‖_F²` holds for
/// the numbers that the computer has, so the bound is carried back through the squarings with this
/// term in every one of them. More than 60 iterations change nothing and are not done.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::spectral::sigma_upper_gram;
/// let w = array![[3.0, 0.0], [0.0, 4.0]];
/// assert!((sigma_upper_gram(w.view(), 0)?.value() - 5.0_f64).abs() < 1e-12);
/// assert!((sigma_upper_gram(w.view(), 6)?.value() - 4.0_f64).abs() < 1e-12);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
pub fn sigma_upper_gram<T: Scalar>(
    w: ArrayView2<'_, T>,
    iterations: usize,
) -> Result<CertifiedUpper> {
    const MOST: usize = 60;
    let operation = "gram iteration";
    let Some((mut x, factor)) = scaled(operation, w)? else {
        return Ok(CertifiedUpper::ZERO);
    };
    // Rounding of the first product is over the longer side, of all others over the shorter.
    let longer = x.nrows().max(x.ncols());
    let mut scales = vec![];
    for _ in 0..iterations.min(MOST) {
        let length = frobenius(&x);
        let scale = length.value().log2().floor().exp2();
        x.mapv_inplace(|x| x / scale);
        scales.push((scale, frobenius(&x)));
        x = small_gram(operation, x.view())?;
    }
    let mut bound = frobenius(&x);
    for (scale, length) in scales.into_iter().rev() {
        // Each further product has one addition per term and one product.
        let rounding = CertifiedUpper::known(gamma(longer + 2)) * length * length;
        bound = (bound + rounding + CertifiedUpper::known(1e-290)).sqrt()
            * CertifiedUpper::known(scale);
    }
    // Entries that became subnormal in the scaling weigh less than this.
    Ok((bound + CertifiedUpper::known(1e-290)) * CertifiedUpper::known(factor))
}

/// The Frobenius norm, rounded upwards.
pub(super) fn frobenius(x: &ndarray::Array2<f64>) -> CertifiedUpper {
    let length = match x.as_slice_memory_order() {
        Some(x) => norm(x),
        None => norm(&x.iter().copied().collect::<Vec<_>>()),
    };
    // A sum of squares is within γ of its value, the root within half of that.
    CertifiedUpper::known(length) * CertifiedUpper::known(1.0 + gamma(x.len() + 4))
}
