use assay_array::Scalar;
use ndarray::ArrayViewMut2;
use pulp::{Arch, Simd, WithSimd};

use super::with_multiply_add;

const LANES: usize = 64;

/// `Σ a_i b_i`; the lanes are added in `f64`.
pub(crate) fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    struct Dot<'a, T>(&'a [T], &'a [T]);
    impl<T: Scalar> WithSimd for Dot<'_, T> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> f64 {
            let Self(a, b) = self;
            with_multiply_add!(S, madd => {
                let (a, a_rest) = a.as_chunks::<LANES>();
                let (b, b_rest) = b.as_chunks::<LANES>();
                let mut lanes = [T::ZERO; LANES];
                for (a, b) in a.iter().zip(b) {
                    for i in 0..LANES {
                        lanes[i] = madd(a[i], b[i], lanes[i]);
                    }
                }
                let rest: f64 =
                    a_rest.iter().zip(b_rest).map(|(&a, &b)| a.to_f64() * b.to_f64()).sum();
                lanes.iter().map(|l| l.to_f64()).sum::<f64>() + rest
            })
        }
    }
    Arch::new().dispatch(Dot(a, b))
}

/// `y += a x`.
pub(crate) fn add_scaled<T: Scalar>(a: T, x: &[T], y: &mut [T]) {
    struct Axpy<'a, T>(T, &'a [T], &'a mut [T]);
    impl<T: Scalar> WithSimd for Axpy<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(a, x, y) = self;
            with_multiply_add!(S, madd => {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = madd(a, x, *y);
                }
            });
        }
    }
    Arch::new().dispatch(Axpy(a, x, y));
}

/// `G += s u vᵀ`, in one pass over `G`, whatever its layout.
pub(crate) fn add_outer<T: Scalar>(s: f64, u: &[f64], v: &[f64], mut g: ArrayViewMut2<'_, T>) {
    // Rows must be the contiguous direction.
    if g.strides()[1] != 1 && g.strides()[0] == 1 {
        return add_outer(s, v, u, g.reversed_axes());
    }
    let v: Vec<T> = v.iter().map(|&v| T::from_f64(v)).collect();
    for (mut row, &u) in g.outer_iter_mut().zip(u) {
        let factor = T::from_f64(s * u);
        if let Some(row) = row.as_slice_mut() {
            add_scaled(factor, &v, row);
        } else {
            row.iter_mut().zip(&v).for_each(|(g, &v)| *g += factor * v);
        }
    }
}
