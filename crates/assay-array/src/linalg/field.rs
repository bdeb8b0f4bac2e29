use faer::traits::RealField;
use ndarray::{Array, ArrayView2};

use crate::Scalar;

/// What lets a kernel that is generic over [`Scalar`] call a library that is generic over a trait of
/// its own: an element type that is the same, with the library's traits on it.
///
/// Were those traits supertraits of `Scalar`, their methods and operators would meddle with type
/// inference in every crate's kernels.
pub trait Field: Sized {
    /// `Self`, as faer knows it.
    type Faer: RealField + Scalar;
    /// `Self`, as LAPACK knows it.
    #[cfg(feature = "lapack")]
    type Lapack: ndarray_linalg::Lapack;

    fn to_faer(view: ArrayView2<'_, Self>) -> ArrayView2<'_, Self::Faer>;
    fn from_faer<D>(array: Array<Self::Faer, D>) -> Array<Self, D>;
    #[cfg(feature = "lapack")]
    fn to_lapack(view: ArrayView2<'_, Self>) -> ArrayView2<'_, Self::Lapack>;
    #[cfg(feature = "lapack")]
    fn from_lapack<D>(array: Array<Self::Lapack, D>) -> Array<Self, D>;
    #[cfg(feature = "lapack")]
    fn from_lapack_real<D>(
        array: Array<<Self::Lapack as ndarray_linalg::Scalar>::Real, D>,
    ) -> Array<Self, D>;
}

macro_rules! field {
    ($t:ident) => {
        impl Field for $t {
            type Faer = $t;
            #[cfg(feature = "lapack")]
            type Lapack = $t;

            fn to_faer(view: ArrayView2<'_, $t>) -> ArrayView2<'_, $t> {
                view
            }
            fn from_faer<D>(array: Array<$t, D>) -> Array<$t, D> {
                array
            }
            #[cfg(feature = "lapack")]
            fn to_lapack(view: ArrayView2<'_, $t>) -> ArrayView2<'_, $t> {
                view
            }
            #[cfg(feature = "lapack")]
            fn from_lapack<D>(array: Array<$t, D>) -> Array<$t, D> {
                array
            }
            #[cfg(feature = "lapack")]
            fn from_lapack_real<D>(array: Array<$t, D>) -> Array<$t, D> {
                array
            }
        }
    };
}
field!(f32);
field!(f64);
