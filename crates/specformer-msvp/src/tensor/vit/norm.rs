use assay_tensor::burn;
use burn::module::{Module, Param};
use burn::nn::LayerNorm;
use burn::prelude::{Device, Tensor};

use crate::tensor::constant_param;

/// What normalises tokens `[batch, tokens, features]`.
#[derive(Module, Debug)]
pub enum TokenNorm {
    /// Layer normalisation.
    Layer(LayerNorm),
    /// Centering.
    Center(CenterNorm),
}

impl TokenNorm {
    /// The normalised tokens.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Layer(norm) => norm.forward(x),
            Self::Center(norm) => norm.forward(x),
        }
    }

    pub(super) fn gamma(&self) -> Tensor<1> {
        match self {
            Self::Layer(norm) => norm.gamma.val(),
            Self::Center(norm) => norm.weight.val(),
        }
    }
}

/// `γ · d/(d−1) · (x − mean x) + β` over the `d` features (LipsFormer, Qi et al. 2023): layer
/// normalisation without the division by the deviation, hence with a Lipschitz constant.
#[derive(Module, Debug)]
pub struct CenterNorm {
    /// `γ`, `[features]`.
    pub weight: Param<Tensor<1>>,
    /// `β`, `[features]`.
    pub bias: Param<Tensor<1>>,
}

impl CenterNorm {
    /// `γ` one, `β` zero.
    pub fn new(features: usize, device: &Device) -> Self {
        Self {
            weight: constant_param([features], 1.0, device),
            bias: constant_param([features], 0.0, device),
        }
    }

    /// The centred tokens.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let d = x.dims()[2] as f64;
        // One feature has nothing to be centred against; its difference is zero anyway.
        let factor = d / (d - 1.0).max(1.0);
        let centred = (x.clone() - x.mean_dim(2)).mul_scalar(factor);
        centred * self.weight.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}
