//! Measures that are not a sum over bins, and those that combine several.

mod binary_scores;
mod classwise;
mod decomposition;
mod fit_tests;
mod mmce;
mod overview;
mod piece;
pub mod regression;
mod selective;
mod smooth;

pub use binary_scores::BinaryScores;
pub use classwise::{ClassWeights, Classwise};
pub use decomposition::{Corp, Murphy, Refinement};
pub use fit_tests::{CumulativeTest, SpiegelhalterTest};
#[cfg(feature = "burn")]
pub(crate) use mmce::MMCE_WIDTH;
pub use overview::Overview;
pub use piece::{Piece, PieceConfig};
pub(crate) use piece::{group_by_proximity, group_of};
pub use selective::{RiskCoverage, RiskTies};
pub(crate) use smooth::Grid;
pub use smooth::{Bandwidth, SmoothCurve, SmoothEce, SmoothEceConfig};
