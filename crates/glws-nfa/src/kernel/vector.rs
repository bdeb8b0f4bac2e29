//! The few vector operations that the compiler does not find by itself, for both element types.

use std::any::Any;

use assay_array::Scalar;
use pulp::Simd;

/// An element type whose slices can be seen as vectors of the instruction set `S`.
pub(super) trait Vector: Scalar {
    /// One vector.
    type Of<S: Simd>: Copy;

    /// The slice as vectors; here its length is a multiple of every vector's, so nothing is left.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Of<S>];
    /// The same to write to.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::Of<S>];
    /// `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Of<S>;
    /// `a · b`.
    fn times<S: Simd>(simd: S, a: Self::Of<S>, b: Self::Of<S>) -> Self::Of<S>;
    /// `a · b + c`, fused where the instruction set can.
    fn times_plus<S: Simd>(simd: S, a: Self::Of<S>, b: Self::Of<S>, c: Self::Of<S>) -> Self::Of<S>;
    /// The sum of all lanes.
    fn total<S: Simd>(simd: S, x: Self::Of<S>) -> Self;
    /// The largest lane.
    fn largest<S: Simd>(simd: S, x: Self::Of<S>) -> Self;
}

macro_rules! vector {
    ($t:ident, $of:ident, $read:ident, $write:ident, $splat:ident, $times:ident, $plus:ident, $sum:ident, $max:ident) => {
        impl Vector for $t {
            type Of<S: Simd> = S::$of;

            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> &[S::$of] {
                S::$read(x).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [S::$of] {
                S::$write(x).0
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$of {
                simd.$splat(x)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$of, b: S::$of) -> S::$of {
                simd.$times(a, b)
            }
            #[inline(always)]
            fn times_plus<S: Simd>(simd: S, a: S::$of, b: S::$of, c: S::$of) -> S::$of {
                simd.$plus(a, b, c)
            }
            #[inline(always)]
            fn total<S: Simd>(simd: S, x: S::$of) -> Self {
                simd.$sum(x)
            }
            #[inline(always)]
            fn largest<S: Simd>(simd: S, x: S::$of) -> Self {
                simd.$max(x)
            }
        }
    };
}
vector!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    mul_f32s,
    mul_add_e_f32s,
    reduce_sum_f32s,
    reduce_max_f32s
);
vector!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    mul_f64s,
    mul_add_e_f64s,
    reduce_sum_f64s,
    reduce_max_f64s
);

/// `x` as what it is: `Some` when `A` and `B` are one type. Costs nothing after compilation.
#[inline(always)]
pub(super) fn same_type<A: Any, B: Any>(x: &mut A) -> Option<&mut B> {
    (x as &mut dyn Any).downcast_mut()
}
