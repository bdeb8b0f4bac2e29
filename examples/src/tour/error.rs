//! What can stop the tour.

use assay_examples::mnist::DataError;
use assay_examples::report::WriteError;
use assay_examples::train::NotFinite;
use thiserror::Error;

/// Every way for the tour to fail; its text is what the user reads.
#[derive(Debug, Error)]
pub(crate) enum TourError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Device(#[from] assay_tensor::DeviceError),
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    #[error(transparent)]
    WeakLoss(#[from] glws_nfa::Error),
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot write the numbers as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a training stopped without saying why (a bug: please report it)")]
    Panicked,
}
