//! The penalty, a vision transformer, and the pieces of robust training on burn tensors.

mod msvp;
mod network;
mod reparam;
pub mod training;
pub mod vit;

pub use msvp::{AttentionWeights, Penalty, QkvTensors};
pub use network::Network;
pub use reparam::{SigmaReparam, SpectralLinear, SpectralLinearConfig};

use assay_array::random::{Stream, normal};
use assay_tensor::burn::module::Param;
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;

/// A parameter of normal numbers, cut at two deviations, from the caller's stream: burn's own
/// initialisers draw from one generator for the whole process.
pub(crate) fn normal_param<const D: usize>(
    shape: [usize; D],
    deviation: f64,
    rng: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    let values = (0..shape.iter().product())
        .map(|_| (deviation * normal(rng).clamp(-2.0, 2.0)) as f32)
        .collect();
    param(shape, values, device)
}

/// A parameter of one value.
pub(crate) fn constant_param<const D: usize>(
    shape: [usize; D],
    value: f32,
    device: &Device,
) -> Param<Tensor<D>> {
    param(shape, vec![value; shape.iter().product()], device)
}

pub(crate) fn param<const D: usize>(
    shape: [usize; D],
    values: Vec<f32>,
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), (device, DType::F32)))
}
