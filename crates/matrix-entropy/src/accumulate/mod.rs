//! Accumulators: count anywhere, merge in any order, read one report. See
//! [`Mergeable`](assay_score::Mergeable).
//!
//! | accumulator | of | passes | state |
//! |---|---|---|---|
//! | [`PerSentence`] | the entropy of each sentence: the paper's protocol | one | a few numbers a layer |
//! | [`SecondMoment`] | `Σ xxᵀ`, of rows as they are or of length 1: Vendi, cosines | one | `d(d+1)/2` |
//! | [`Covariance`] | `Σ (x − μ)(x − μ)ᵀ`, joined by Chan's formula: PR, NESum, IsoScore | one | `d(d+1)/2 + d` |
//! | [`ColumnMean`], then [`CenteredMoment`] | the paper's normalisation over all rows | two | `d`, then `d(d+1)/2 + d` |
//! | [`CkaMoments`] | both covariances and the cross covariance: linear CKA | one | as [`Covariance`] of `d₁ + d₂` |
//!
//! Products run in the batch's element type by blocks of 512 rows and are summed in `f64`. Merging in
//! another order, or cutting the data into other batches, changes a sum by the rounding of a block:
//! about 1e-6 of it for `f32`, 1e-15 for `f64`.

mod centered;
mod cka;
mod column_mean;
mod covariance;
mod curve;
mod jackknife;
mod second_moment;
mod sentences;
mod state;

pub use centered::CenteredMoment;
pub use cka::CkaMoments;
pub use column_mean::ColumnMean;
pub use covariance::Covariance;
pub use curve::{CurvePoint, subsample_curve};
pub use jackknife::{JackknifeReport, jackknife};
pub use second_moment::SecondMoment;
pub use sentences::{PerSentence, SentenceReport};
