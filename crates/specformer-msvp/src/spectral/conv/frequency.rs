use std::f64::consts::TAU;

use ndarray::{Array2, ArrayView4, Axis, concatenate};
use rayon::prelude::*;

use super::complex::Complex;
use super::{Geometry, tap, transform_error};
use crate::spectral::{exact, sigma_upper};
use crate::{CertifiedUpper, Result};

/// The matrices of a convolution on a circle, one an output frequency.
pub(super) struct Frequencies<'a> {
    kernel: ArrayView4<'a, f64>,
    circle: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// `(cos, sin)` of `2π j/N` for both axes.
    tables: [Vec<(f64, f64)>; 2],
}

impl<'a> Frequencies<'a> {
    /// The stride divides the circle.
    pub(super) fn new(kernel: ArrayView4<'a, f64>, circle: [usize; 2], geometry: Geometry) -> Self {
        let table = |n: usize| {
            (0..n)
                .map(|j| {
                    let (sin, cos) = (TAU * j as f64 / n as f64).sin_cos();
                    (cos, sin)
                })
                .collect()
        };
        let tables = circle.map(table);
        Self { kernel, circle, stride: geometry.stride, dilation: geometry.dilation, tables }
    }

    pub(super) fn exact(&self, operation: &'static str) -> Result<f64> {
        let norms = self
            .outputs()
            .into_par_iter()
            .map(|f| exact::largest(operation, self.matrix(f).real().view()));
        let largest = norms.try_reduce(|| 0.0, |a: f64, b| Ok(a.max(b)))?;
        Ok(largest / self.shrinking())
    }

    pub(super) fn upper(&self) -> Result<CertifiedUpper> {
        let norms =
            self.outputs().into_par_iter().map(|f| sigma_upper(self.matrix(f).real().view()));
        Ok(self.finish(norms.try_reduce(|| CertifiedUpper::ZERO, |a, b| Ok(a.max(b)))?))
    }

    pub(super) fn gram(
        &self,
        operation: &'static str,
        iterations: usize,
    ) -> Result<CertifiedUpper> {
        let norms = self
            .outputs()
            .into_par_iter()
            .map(|f| self.matrix(f).gram_upper(operation, iterations));
        Ok(self.finish(norms.try_reduce(|| CertifiedUpper::ZERO, |a, b| Ok(a.max(b)))?))
    }

    /// Adds what the transform's rounding may hide.
    fn finish(&self, largest: CertifiedUpper) -> CertifiedUpper {
        // Aliased matrices stand side by side, each with its own error.
        let aliases = CertifiedUpper::known((self.stride[0] * self.stride[1]) as f64).sqrt();
        let error = transform_error(self.kernel) * aliases;
        (largest + error) * CertifiedUpper::known((1.0 / self.shrinking()).next_up())
    }

    /// The unitary transform of every `s`-th sample of a signal is the sum of the aliased values of
    /// the signal's unitary transform, over `√s`.
    fn shrinking(&self) -> f64 {
        ((self.stride[0] * self.stride[1]) as f64).sqrt()
    }

    /// One of each pair `f`, `−f`, whose matrices are conjugate.
    fn outputs(&self) -> Vec<[usize; 2]> {
        let [h, w] = [0, 1].map(|d| self.circle[d] / self.stride[d]);
        let all = (0..h).flat_map(|a| (0..w).map(move |b| [a, b]));
        all.filter(|&[a, b]| [a, b] <= [(h - a) % h, (w - b) % w]).collect()
    }

    /// `[out, in·s²]`: the matrices of all frequencies that the stride folds onto this one.
    fn matrix(&self, [f, g]: [usize; 2]) -> Complex {
        let [h, w] = [0, 1].map(|d| self.circle[d] / self.stride[d]);
        let parts: Vec<Complex> = (0..self.stride[0])
            .flat_map(|i| (0..self.stride[1]).map(move |j| [f + i * h, g + j * w]))
            .map(|f| self.tap_sum(f))
            .collect();
        if let [_] = parts[..] {
            return parts.into_iter().next().unwrap_or_default();
        }
        let side_by_side = |part: fn(&Complex) -> &Array2<f64>| {
            let views: Vec<_> = parts.iter().map(|c| part(c).view()).collect();
            // cannot fail: all have one row an output channel
            concatenate(Axis(1), &views).unwrap_or_default()
        };
        Complex { re: side_by_side(|c| &c.re), im: side_by_side(|c| &c.im) }
    }

    /// `Σ_t K_t e^{2πi⟨f, t⟩/N}`.
    fn tap_sum(&self, [f, g]: [usize; 2]) -> Complex {
        let (o, i, h, w) = self.kernel.dim();
        let phase = |axis: usize, f: usize, t: usize| {
            // Reduced as whole numbers, exactly.
            self.tables[axis][f * (t * self.dilation[axis] % self.circle[axis]) % self.circle[axis]]
        };
        let mut sum = Complex { re: Array2::zeros((o, i)), im: Array2::zeros((o, i)) };
        for a in 0..h {
            for b in 0..w {
                let ((c, s), (d, t)) = (phase(0, f, a), phase(1, g, b));
                let tap = tap(self.kernel, a, b);
                sum.re.scaled_add(c * d - s * t, &tap);
                sum.im.scaled_add(c * t + s * d, &tap);
            }
        }
        sum
    }
}
