//! What can stop the chapter.

use assay_examples::parallel::Panicked;
use assay_examples::train::NotFinite;
use thiserror::Error;

/// Every way for a training or an evaluation to fail.
#[derive(Debug, Error)]
pub(super) enum RobustError {
    #[error(transparent)]
    Robust(#[from] specformer_msvp::Error),
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}
