//! What can stop the tour.

use assay_examples::mnist::DataError;
use thiserror::Error;

use crate::chapters::ChapterError;

/// Every way for the tour to fail; its text is what the user reads.
#[derive(Debug, Error)]
pub(crate) enum TourError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Device(#[from] assay_tensor::DeviceError),
    #[error("there is no chapter {asked}; there are {known}")]
    NoChapter { asked: usize, known: String },
    #[error("chapter {number}: {source}")]
    Chapter { number: usize, source: ChapterError },
    #[error(transparent)]
    Report(#[from] assay_report::Error),
}
