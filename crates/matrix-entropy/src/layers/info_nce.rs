use assay_array::Scalar;
use assay_array::linalg::matmul;
use assay_array::numeric::log_sum_exp;
use ndarray::{ArrayView2, Axis, concatenate};

use crate::kernel::rows::{Prepared, prepare};
use crate::{Conventions, Error, Result};

/// InfoNCE of two views `[n, d]` of the same items (Oord et al. 2018, in SimCLR's symmetric form): rows
/// of length 1 stacked, `s_ij = z_i·z_j/τ`, and the mean over all `2n` rows of
/// `−log(exp s_ip / Σ_{j≠i} exp s_ij)`, `p` being the other view of row `i`. At least 0; about
/// `log(2n − 1)` where the views are unrelated.
///
/// # Errors
/// [`Error::Shape`] for views of different shapes; [`Error::Setting`] unless the temperature is
/// positive and finite; those of [`Spectrum::of`](crate::Spectrum::of).
///
/// ```
/// use matrix_entropy::layers::info_nce;
/// use ndarray::array;
/// let view = array![[1.0, 0.0], [0.0, 1.0]];
/// assert!(info_nce(view.view(), view.view(), 0.1)? < 1e-3);
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
pub fn info_nce<T: Scalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    temperature: f64,
) -> Result<f64> {
    const OPERATION: &str = "InfoNCE";
    if a.dim() != b.dim() {
        let expected = format!("two views of shape {:?}", a.shape());
        return Err(Error::Shape { operation: OPERATION, expected, got: b.shape().to_vec() });
    }
    if !(temperature > 0.0 && temperature.is_finite()) {
        let (name, expected) = ("temperature", "positive and finite");
        return Err(Error::Setting { operation: OPERATION, name, expected, got: temperature });
    }
    let both = concatenate(Axis(0), &[a, b]).map_err(|_| Error::Shape {
        operation: OPERATION,
        expected: "two views of one shape".to_owned(),
        got: b.shape().to_vec(),
    })?;
    let Prepared { rows, .. } =
        prepare(OPERATION, both.mapv(Scalar::to_f64).view(), Conventions::cosine())?;
    let n = a.nrows();
    let cosines = matmul(rows.view(), rows.t())?;
    let mut loss = 0.0;
    let mut others = Vec::with_capacity(2 * n);
    for (i, row) in cosines.outer_iter().enumerate() {
        others.clear();
        others
            .extend(row.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, c)| c / temperature));
        loss += log_sum_exp(&others) - row[(i + n) % (2 * n)] / temperature;
    }
    Ok((loss / (2 * n) as f64).max(0.0))
}
