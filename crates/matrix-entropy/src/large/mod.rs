//! Entropies of matrices too large to decompose: estimates with their error, from products with
//! vectors alone.
//!
//! The exact way costs `4/3 d³` operations and is the default everywhere else. From a side of about
//! 2000 on, or where not even the matrix fits, there are two estimates:
//!
//! - [`slq_entropy`]: stochastic Lanczos quadrature. Unbiased up to the truncation of the quadrature,
//!   with a standard error, for spectra of any shape.
//! - [`low_rank`]: the largest eigenvalues by a block Krylov method, and what is left of the trace
//!   spread evenly over the rest. No error estimate; right where few eigenvalues rule or the order is
//!   2 or more.
//!
//! Both take an [`Operator`]: a [`Dense`] matrix, or [`Rows`], which multiplies by `Zᵀ(Z v)/N` and
//! never forms a Gram matrix.

mod lanczos;
mod low_rank;
mod operator;
mod regression;
mod slq;

pub use lanczos::{Quadrature, lanczos_quadrature};
pub use low_rank::{LowRankConfig, low_rank};
pub use operator::{Dense, Operator, Rows};
pub use slq::{SlqConfig, SlqReport, slq_entropy};
