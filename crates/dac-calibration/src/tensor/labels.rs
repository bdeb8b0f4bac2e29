//! Labels and right predictions as constants on a device.

use assay_tensor::burn::prelude::{Int, Tensor};
use assay_tensor::burn::tensor::activation::softmax;
use assay_tensor::convert::from_int_array;
use ndarray::Array2;

use crate::outputs::check_labels;
use crate::{Error, Result};

/// Labels `[N, 1]` on the device of the logits, checked.
pub(super) fn column(
    operation: &'static str,
    logits: &Tensor<2>,
    labels: &[usize],
) -> Result<Tensor<2, Int>> {
    let [samples, classes] = logits.dims();
    if samples == 0 || classes == 0 {
        let item = if samples == 0 { "sample" } else { "class" };
        return Err(Error::Empty { operation, item });
    }
    check_labels(operation, labels, samples, classes)?;
    let column = Array2::from_shape_fn((samples, 1), |(i, _)| {
        labels.get(i).map_or(0, |&l| i64::try_from(l).unwrap_or(i64::MAX))
    });
    Ok(from_int_array(column, &logits.device().without_autodiff())?)
}

/// The confidence of every prediction, `[N]`, through which autodiff goes, and whether it is right, 1
/// or 0, a constant `[N]`.
pub(super) fn top_label(
    operation: &'static str,
    logits: Tensor<2>,
    labels: &[usize],
) -> Result<(Tensor<1>, Tensor<1>)> {
    let labels = column(operation, &logits, labels)?;
    let p = softmax(logits, 1);
    let (confidence, predicted) = p.max_dim_with_indices(1);
    let right = predicted.equal(Tensor::from_data(labels.to_data(), &confidence.device()));
    let right = right.float().cast(confidence.dtype()).detach();
    Ok((confidence.squeeze_dim::<1>(1), right.squeeze_dim::<1>(1)))
}
