//! What can stop the chapter.

use assay_examples::train::NotFinite;
use thiserror::Error;

/// Every way for a training or a measurement to fail.
#[derive(Debug, Error)]
pub(super) enum InsideError {
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    #[error(transparent)]
    Entropy(#[from] matrix_entropy::Error),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
}
