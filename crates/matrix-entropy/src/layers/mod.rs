//! Measures that follow a representation from layer to layer (Skean et al. 2025): curvature of the
//! token trajectory, and how well two views of one item agree.
//!
//! Prompt entropy is the entropy of a sentence's tokens,
//! [`Spectrum::of`](crate::Spectrum::of); dataset entropy that of
//! [`pooled`](crate::protocol::pooled) sentences, each with a
//! [`Normaliser`](crate::Normaliser).

mod curvature;
mod info_nce;
mod lidar;

pub use curvature::{Curvature, curvature};
pub use info_nce::info_nce;
pub use lidar::{Lidar, lidar};
