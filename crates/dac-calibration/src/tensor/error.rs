use std::sync::Arc;

/// What burn or a device had to say. Two are equal when they say the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct TensorError(Arc<assay_tensor::Error>);

impl PartialEq for TensorError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl From<assay_tensor::Error> for crate::Error {
    fn from(error: assay_tensor::Error) -> Self {
        Self::Tensor(TensorError(Arc::new(error)))
    }
}

impl From<assay_tensor::DeviceError> for crate::Error {
    fn from(error: assay_tensor::DeviceError) -> Self {
        assay_tensor::Error::from(error).into()
    }
}
