use assay_array::Scalar;

use crate::{BinaryForecasts, Error, Result};

/// The kernel width of Kumar, Sarawagi and Jain (2018).
pub(crate) const MMCE_WIDTH: f64 = 0.4;

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// Maximum mean calibration error (Kumar, Sarawagi and Jain 2018) with the Laplacian kernel of
    /// width 0.4: `√(Σ_ij (y_i − p_i)(y_j − p_j) exp(−|p_i − p_j|/0.4)) / N`.
    pub fn mmce(&self) -> f64 {
        self.mmce_sum(MMCE_WIDTH).max(0.0).sqrt() / self.len() as f64
    }

    /// As [`mmce`](Self::mmce) with another width.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the width is positive and finite.
    pub fn mmce_with(&self, width: f64) -> Result<f64> {
        if !(width > 0.0 && width.is_finite()) {
            let (name, expected) = ("MMCE's width", "a positive number");
            return Err(Error::Parameter { name, expected, got: width });
        }
        Ok(self.mmce_sum(width).max(0.0).sqrt() / self.len() as f64)
    }

    /// The double sum in one sweep over the sorted forecasts: the kernel of two is the product of
    /// the kernels of the steps between them.
    fn mmce_sum(&self, width: f64) -> f64 {
        let (mut sum, mut behind, mut last) = (0.0, 0.0, 0.0);
        for (p, y) in self.ascending() {
            behind *= ((last - p) / width).exp();
            let r = y - p;
            sum += r * r + 2.0 * r * behind;
            behind += r;
            last = p;
        }
        sum
    }
}
