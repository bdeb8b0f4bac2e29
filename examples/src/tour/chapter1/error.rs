//! What can stop a lesson.

use assay_examples::parallel::Panicked;
use assay_examples::train::NotFinite;
use thiserror::Error;

/// Every way for a training or an exam to fail.
#[derive(Debug, Error)]
pub(super) enum LessonError {
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    #[error(transparent)]
    WeakLoss(#[from] glws_nfa::Error),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}
