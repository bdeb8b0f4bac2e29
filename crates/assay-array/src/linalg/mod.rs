//! Dense linear algebra on ndarray views, computed by faer (pure Rust); only the last step to eigenvalues
//! without vectors is our own, because it is faster.
//!
//! Every function takes [`ArrayView2`](ndarray::ArrayView2)s of any strides and returns owned
//! arrays. Views whose elements lie in row-major or column-major order without gaps are used where
//! they are; others are copied first.
//!
//! | function | result | order |
//! |---|---|---|
//! | [`eigvalsh`] | eigenvalues of a symmetric matrix | ascending |
//! | [`eigh`] | the same with eigenvectors | ascending |
//! | [`svdvals`] | singular values | descending |
//! | [`svd`] | thin singular value decomposition | descending |
//! | [`cholesky`] | lower factor of a positive definite matrix | |
//! | [`matmul`] | product of two matrices | |
//! | [`Gram`] | `XᵀX` over batches of rows, mergeable | |
//!
//! **Symmetric input**: only the lower triangle is read, as in LAPACK with `UPLO = 'L'`.
//!
//! **Precision**: everything is computed in the element type, `f32` or `f64`. [`Gram`] multiplies
//! blocks in the element type and adds the blocks in `f64`.
//!
//! **Range**: decompositions scale their input by a power of two when its largest magnitude is
//! extreme, so that subnormal and huge matrices are decomposed like any other.
//!
//! **Threads**: [`matmul`] and [`Gram`] share fixed tiles among the threads of the current rayon
//! pool; decompositions run on the calling thread, because their reductions would otherwise depend
//! on the number of threads (measured on two cores, threads brought them nothing up to size 768).
//! To decompose many matrices, iterate over them with rayon. Results are therefore the same bit by
//! bit for any number of threads; between processors with other vector instructions they differ by
//! rounding.
//!
//! **Empty input** is legal: a `0 × 0` matrix has no eigenvalues, a product over an inner dimension
//! of zero is zero.

mod check;
mod cholesky;
mod eigen;
mod field;
mod gram;
mod product;
mod svd;
mod tridiagonal;
mod view;

pub use cholesky::cholesky;
pub use eigen::{Eigh, eigh, eigvalsh};
pub use gram::Gram;
pub use product::matmul;
pub use svd::{Svd, svd, svdvals};
pub use view::{from_faer, to_faer};

// What `lapack` shares.
pub(crate) use check::{all_finite, lower_finite, size_of_square};
#[cfg(feature = "lapack")]
pub(crate) use eigen::sorted;
pub(crate) use field::Field;
#[cfg(feature = "lapack")]
pub(crate) use product::{check_product, checked as checked_product};
#[cfg(feature = "lapack")]
pub(crate) use svd::checked as checked_svd;
