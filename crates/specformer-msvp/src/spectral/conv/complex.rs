use assay_array::linalg::matmul;
use ndarray::Array2;

use crate::bound::gamma;
use crate::error::linalg;
use crate::spectral::gram::frobenius;
use crate::{CertifiedUpper, Result};

/// A complex matrix as its real and imaginary parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Complex {
    pub(super) re: Array2<f64>,
    pub(super) im: Array2<f64>,
}

impl Complex {
    /// `[[Re, −Im], [Im, Re]]`, which has the same singular values, each twice.
    pub(super) fn real(&self) -> Array2<f64> {
        let (m, n) = self.re.dim();
        Array2::from_shape_fn((2 * m, 2 * n), |(i, j)| match (i < m, j < n) {
            (true, true) => self.re[[i, j]],
            (false, false) => self.re[[i - m, j - n]],
            (false, true) => self.im[[i - m, j]],
            (true, false) => -self.im[[i, j - n]],
        })
    }

    /// Gram iteration; see [`sigma_upper_gram`](crate::spectral::sigma_upper_gram) for the proof,
    /// which holds for complex matrices with twice the terms in each sum.
    pub(super) fn gram_upper(
        mut self,
        operation: &'static str,
        iterations: usize,
    ) -> Result<CertifiedUpper> {
        let tiny = CertifiedUpper::known(1e-290);
        let longer = self.re.nrows().max(self.re.ncols());
        let mut scales = vec![];
        for _ in 0..iterations.min(60) {
            let length = self.frobenius().value();
            if length <= 1e-280 {
                break;
            }
            let scale = length.log2().floor().exp2();
            self.re.mapv_inplace(|x| x / scale);
            self.im.mapv_inplace(|x| x / scale);
            scales.push((scale, self.frobenius()));
            self = self.gram(operation)?;
        }
        let mut bound = self.frobenius();
        for (scale, length) in scales.into_iter().rev() {
            let rounding = CertifiedUpper::known(2.0 * gamma(2 * longer + 4)) * length * length;
            bound = (bound + rounding + tiny).sqrt() * CertifiedUpper::known(scale);
        }
        Ok(bound + tiny)
    }

    fn frobenius(&self) -> CertifiedUpper {
        let (re, im) = (frobenius(&self.re), frobenius(&self.im));
        (re * re + im * im).sqrt()
    }

    /// `AᴴA` or `AAᴴ`, whichever is smaller.
    fn gram(&self, operation: &'static str) -> Result<Self> {
        let tall = self.re.nrows() >= self.re.ncols();
        let times = |a: &Array2<f64>, b: &Array2<f64>| {
            let product = if tall { matmul(a.t(), b.view()) } else { matmul(a.view(), b.t()) };
            product.map_err(linalg(operation))
        };
        let re = times(&self.re, &self.re)? + times(&self.im, &self.im)?;
        // AᴴA has the imaginary part ReᵀIm − ImᵀRe; AAᴴ has Im Reᵀ − Re Imᵀ.
        let cross = times(&self.re, &self.im)?;
        let im = if tall { &cross - &cross.t() } else { &cross.t() - &cross };
        Ok(Self { re, im })
    }
}
