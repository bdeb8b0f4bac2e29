//! The protocol of Diff-eRank (Wei et al. 2024, arXiv 2401.17139): one covariance a sentence, an
//! untrained model to compare with, and what follows from both.

mod diff_erank;
mod loss;
mod multimodal;
mod sentences;

pub use diff_erank::{
    DiffErank, DiffErankConfig, LayerDiffErank, UntrainedDraw, UntrainedReport, diff_erank,
};
pub use loss::{mean_loss, reduced_loss};
pub use multimodal::{Modalities, MultimodalAlignment, RankMean, multimodal_alignment};
pub use sentences::{pooled, sentence_spectra};
