use assay_array::Scalar;
use ndarray::ArrayViewMut2;
use pulp::{Arch, Simd, WithSimd};

use super::with_multiply_add;

const LANES: usize = 64;
/// The same number of bytes in `f64`.
const WIDE: usize = 32;

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

/// `Σ a_i b_i` for a row in its own type and a vector in `f64`, all in `f64`, in whatever order.
pub(crate) fn dot_wide<T: Scalar>(a: &[T], b: &[f64]) -> f64 {
    struct Wide<'a, T>(&'a [T], &'a [f64]);
    impl<T: Scalar> WithSimd for Wide<'_, T> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> f64 {
            let Self(a, b) = self;
            let (a, a_rest) = a.as_chunks::<WIDE>();
            let (b, b_rest) = b.as_chunks::<WIDE>();
            let mut lanes = [0.0; WIDE];
            for (a, b) in a.iter().zip(b) {
                for i in 0..WIDE {
                    lanes[i] += a[i].to_f64() * b[i];
                }
            }
            let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| a.to_f64() * b).sum();
            lanes.iter().sum::<f64>() + rest
        }
    }
    Arch::new().dispatch(Wide(a, b))
}

/// `y += s x` for a row in its own type and `y` in `f64`.
pub(crate) fn add_wide<T: Scalar>(s: f64, x: &[T], y: &mut [f64]) {
    struct Wide<'a, T>(f64, &'a [T], &'a mut [f64]);
    impl<T: Scalar> WithSimd for Wide<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(s, x, y) = self;
            for (y, x) in y.iter_mut().zip(x) {
                *y += s * x.to_f64();
            }
        }
    }
    Arch::new().dispatch(Wide(s, x, y));
}

/// Adds the magnitudes to `totals`, one each, and returns their sum.
pub(crate) fn add_magnitudes(x: &[f32], totals: &mut [f32]) -> f32 {
    struct Magnitudes<'a>(&'a [f32], &'a mut [f32]);
    impl WithSimd for Magnitudes<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> f32 {
            let (x, rest) = self.0.as_chunks::<LANES>();
            let (totals, totals_rest) = self.1.as_chunks_mut::<LANES>();
            let mut lanes = [0.0; LANES];
            for (x, totals) in x.iter().zip(totals) {
                for i in 0..LANES {
                    lanes[i] += x[i].abs();
                    totals[i] += x[i].abs();
                }
            }
            for ((x, total), lane) in rest.iter().zip(totals_rest).zip(&mut lanes) {
                *lane += x.abs();
                *total += x.abs();
            }
            lanes.iter().sum()
        }
    }
    Arch::new().dispatch(Magnitudes(x, totals))
}

/// The largest magnitude, or the place of the first number that is not finite.
pub(crate) fn magnitude<T: Scalar>(x: &[T]) -> Result<f64, (usize, f64)> {
    struct Magnitude<'a, T>(&'a [T]);
    impl<T: Scalar> WithSimd for Magnitude<'_, T> {
        type Output = (T, T);
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (T, T) {
            let (chunks, rest) = self.0.as_chunks::<LANES>();
            // Zero times what is not finite is NaN, and stays it.
            let (mut largest, mut zero) = ([T::ZERO; LANES], [T::ZERO; LANES]);
            for x in chunks {
                for i in 0..LANES {
                    largest[i] = if x[i].abs() > largest[i] { x[i].abs() } else { largest[i] };
                    zero[i] += x[i] * T::ZERO;
                }
            }
            let largest = largest.iter().chain(rest).fold(T::ZERO, |l, x| l.max(x.abs()));
            let rest = rest.iter().map(|&x| x * T::ZERO);
            let zero = zero.into_iter().chain(rest).fold(T::ZERO, |z, x| z + x);
            (largest, zero)
        }
    }
    let (largest, zero) = Arch::new().dispatch(Magnitude(x));
    match x.iter().position(|x| !x.is_finite()).filter(|_| zero.is_nan()) {
        Some(j) => Err((j, x[j].to_f64())),
        None => Ok(largest.to_f64()),
    }
}

/// `y_i += a_i x` for each pair of a row `y_i` and a number `a_i`.
fn add_scaled<'a, T: Scalar>(x: &[T], pairs: impl Iterator<Item = (&'a mut [T], T)>) {
    struct Axpy<'x, T, I>(&'x [T], I);
    impl<'a, T: Scalar, I: Iterator<Item = (&'a mut [T], T)>> WithSimd for Axpy<'_, T, I> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let Self(x, pairs) = self;
            with_multiply_add!(S, madd => {
                for (y, a) in pairs {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = madd(a, x, *y);
                    }
                }
            });
        }
    }
    Arch::new().dispatch(Axpy(x, pairs));
}

/// `G += s u vᵀ`, in one pass over `G`, whatever its layout.
pub(crate) fn add_outer<T: Scalar>(s: f64, u: &[f64], v: &[f64], mut g: ArrayViewMut2<'_, T>) {
    // Rows must be the contiguous direction.
    if g.strides()[1] != 1 && g.strides()[0] == 1 {
        return add_outer(s, v, u, g.reversed_axes());
    }
    let v: Vec<T> = v.iter().map(|&v| T::from_f64(v)).collect();
    let factors = u.iter().map(|&u| T::from_f64(s * u));
    if g.strides()[1] == 1 {
        let rows = g.outer_iter_mut().filter_map(ndarray::ArrayBase::into_slice);
        add_scaled(&v, rows.zip(factors));
    } else {
        for (mut row, a) in g.outer_iter_mut().zip(factors) {
            row.iter_mut().zip(&v).for_each(|(g, &v)| *g += a * v);
        }
    }
}
