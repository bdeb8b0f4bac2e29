use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::TensorData;

use crate::{DistanceAware, Error, Result};

/// Scales every row of logits `[N, C]` by the factor of its predicted class, on the device that they
/// are on; autodiff goes through the logits. Of equal logits the device chooses which is predicted.
///
/// # Errors
/// [`Error::Shape`] for another number of classes.
pub fn scale_by_distance(fitted: &DistanceAware, logits: Tensor<2>) -> Result<Tensor<2>> {
    let [samples, classes] = logits.dims();
    let gamma = fitted.gamma();
    if classes != gamma.len() {
        let (expected, got) = (vec![samples, gamma.len()], vec![samples, classes]);
        return Err(Error::Shape { operation: "distance-aware calibration [N, C]", expected, got });
    }
    if samples == 0 {
        return Ok(logits);
    }
    let device = (&logits.device(), logits.dtype());
    let gamma = Tensor::<1>::from_data(TensorData::new(gamma.to_vec(), [classes]), device);
    let predicted = logits.clone().detach().argmax(1).squeeze_dim::<1>(1);
    Ok(logits * gamma.select(0, predicted).unsqueeze_dim::<2>(1))
}
