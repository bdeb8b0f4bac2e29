//! What a representation holds: matrix entropy, effective rank and their kin.
//!
//! The hidden states of a model are a matrix, one row a token or sample. How evenly its variance is
//! spread over directions says how much of the width is used; comparing an untrained with a trained
//! model says what training did (Wei et al. 2024, *Diff-eRank*, arXiv 2401.17139). This crate computes
//! these measures exactly, from data of any size, and as losses.
//!
//! # One spectrum, every measure
//! [`Spectrum::of`] turns rows into eigenvalues once, by [`Conventions`] that say what published
//! numbers leave open; measures then read it.
//! ```
//! use matrix_entropy::{Conventions, Normaliser, Spectrum};
//! use ndarray::Array2;
//!
//! // 40 tokens of width 16.
//! let hidden = Array2::from_shape_fn((40, 16), |(i, j)| ((i * i + 3 * j) as f32 * 0.7).sin());
//! let spectrum = Spectrum::of(hidden.view(), Conventions::paper())?;
//!
//! let entropy = spectrum.entropy(); // nats
//! assert!(entropy <= spectrum.cap()); // log min(N − 1, d): report it, and N, and d
//! println!("effective rank {:.2} of at most {}", spectrum.effective_rank(), spectrum.rank_limit());
//! println!("over log d {:.3}", spectrum.normalised_entropy(Normaliser::LogD));
//! println!("Rényi-2 {:.3}, min-entropy {:.3}", spectrum.renyi(2.0)?, spectrum.renyi(f64::INFINITY)?);
//!
//! // Other families are other conventions.
//! let rankme = Spectrum::of(hidden.view(), Conventions::rankme())?.rankme(1e-7)?;
//! let vendi = Spectrum::of(hidden.view(), Conventions::cosine())?.vendi_score(1.0)?;
//! # assert!(rankme > 1.0 && vendi > 1.0);
//! # Ok::<(), matrix_entropy::Error>(())
//! ```
//!
//! # More than fits in memory
//! [`accumulate`] has accumulators that merge; each reports a [`Spectrum`].
//! ```
//! use assay_score::Mergeable;
//! use matrix_entropy::accumulate::{Covariance, jackknife};
//! use ndarray::Array2;
//!
//! let batches = (0..6).map(|b| Array2::from_shape_fn((50, 4), |(i, j)| ((b * 7 + i * (j + 1)) as f64).sin()));
//! let mut blocks = Vec::new();
//! for batch in batches {
//!     let mut covariance = Covariance::new(4)?;
//!     covariance.extend(batch.view())?; // f32 or f64; on any machine
//!     blocks.push(covariance);
//! }
//! let report = jackknife(&blocks, 0.95, |all| Ok(all.finish()?.effective_rank()))?;
//! println!("{:.3} ± {:.3}", report.estimate, report.standard_error);
//! # Ok::<(), matrix_entropy::Error>(())
//! ```
//!
//! # Where to go on
//! - [`protocol`]: entropies of every sentence and layer, Diff-eRank, multimodal alignment, reduced
//!   loss; [`power_law`] fits the scaling law.
//! - [`pair`]: two representations of the same items. CKA and its map of layers, matrix mutual
//!   information, divergences, SVCCA, Procrustes.
//! - [`layers`]: curvature, LiDAR, InfoNCE.
//! - [`large`]: estimates, with their error, where an eigendecomposition is too much.
//! - [`input`]: masks, token policies, and files of hidden states.
//! - `tensor` (feature `burn`): the measures as differentiable losses.
//!
//! # Conventions
//! Natural logarithms; `0 log 0 = 0`; inputs `f32` or `f64`, products of blocks in that type, all sums
//! and decompositions in `f64`. Results do not depend on the number of threads. A row without direction
//! (a token equal to the mean) is a typed error or, with [`RowPolicy::Skip`], left out and counted. No
//! public function panics and none returns NaN.
//!
//! # Features
//! `flex` (default) and the other backends bring burn; without them the crate builds in seconds. `io`
//! (default) reads files. `serde` serialises settings and reports.
#![forbid(unsafe_code)]

pub mod accumulate;
mod conventions;
#[cfg(all(doctest, feature = "burn"))]
mod doc_tests;
mod error;
pub mod input;
mod kernel;
pub mod large;
pub mod layers;
mod measures;
mod neighbours;
mod no_eigen;
pub mod pair;
mod power_law;
pub mod protocol;
mod report;
mod spectrum;
#[cfg(feature = "burn")]
pub mod tensor;

pub use conventions::{
    Center, Conventions, Denominator, LogBase, Normaliser, RowNorm, RowPolicy, SpectrumKind,
};
pub use error::{Error, Result};
pub use measures::radial_entropy;
pub use no_eigen::{
    TwoNn, average_cosine, internal_diversity, internal_diversity_of_kernel, l12_norm,
    nuclear_norm, participation_ratio_unbiased, renyi_2, renyi_integer, two_nn,
};
pub use power_law::{FitWeights, PowerLaw, power_law};
pub use report::Report;
pub use spectrum::{NEGATIVE_LIMIT, Spectrum};
