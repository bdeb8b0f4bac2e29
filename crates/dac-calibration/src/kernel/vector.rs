//! Inner products in `f64`, in lanes that become vector registers.

use assay_array::Scalar;
use ndarray::ArrayView1;
use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// `Σ f(a_i, b_i)`, where `f` multiplies two differences or the numbers themselves.
struct Sum<'a, T, const DIFFERENCE: bool>(&'a [T], &'a [T]);

impl<T: Scalar, const DIFFERENCE: bool> WithSimd for Sum<'_, T, DIFFERENCE> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let term = |a: T, b: T| {
            let (a, b) = (a.to_f64(), b.to_f64());
            if DIFFERENCE { (a - b) * (a - b) } else { a * b }
        };
        let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
        let (a, a_rest) = self.0.as_chunks::<{ 2 * LANES }>();
        let (b, b_rest) = self.1.as_chunks::<{ 2 * LANES }>();
        for (a, b) in a.iter().zip(b) {
            for k in 0..LANES {
                even[k] += term(a[k], b[k]);
            }
            for k in 0..LANES {
                odd[k] += term(a[LANES + k], b[LANES + k]);
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
        (0..LANES).map(|k| even[k] + odd[k]).sum::<f64>() + rest
    }
}

/// `a · b`, over the shorter of the two.
pub(crate) fn dot<T: Scalar>(a: ArrayView1<'_, T>, b: ArrayView1<'_, T>) -> f64 {
    match (a.as_slice(), b.as_slice()) {
        (Some(a), Some(b)) => Arch::new().dispatch(Sum::<T, false>(a, b)),
        _ => a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum(),
    }
}

/// `‖a − b‖²`.
pub(super) fn squared_distance<T: Scalar>(a: ArrayView1<'_, T>, b: ArrayView1<'_, T>) -> f64 {
    match (a.as_slice(), b.as_slice()) {
        (Some(a), Some(b)) => Arch::new().dispatch(Sum::<T, true>(a, b)),
        _ => a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Axis, Slice};

    use super::*;

    #[test]
    fn any_length_and_stride() {
        for n in 0..50_usize {
            let a = Array1::from_iter((0..n).map(|i| (i as f32 * 0.7).sin()));
            let b = Array1::from_iter((0..n).map(|i| (i as f32 * 1.3).cos()));
            let pairs = || a.iter().zip(&b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let product: f64 = pairs().map(|(a, b)| a * b).sum();
            let distance: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
            // The same numbers with gaps between them.
            let every_other = Slice::new(0, None, 2);
            let mut wide = Array1::zeros(2 * n);
            wide.slice_axis_mut(Axis(0), every_other).assign(&b);
            for b in [b.view(), wide.slice_axis(Axis(0), every_other)] {
                assert!((dot(a.view(), b) - product).abs() < 1e-12);
                assert!((squared_distance(a.view(), b) - distance).abs() < 1e-12);
            }
        }
    }
}
