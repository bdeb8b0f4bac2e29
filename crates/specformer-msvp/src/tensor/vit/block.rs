use assay_tensor::burn;
use burn::module::Module;
use burn::nn::Linear;
use burn::prelude::Tensor;
use burn::tensor::activation::gelu;

use super::{Attention, TokenNorm};

/// Two linear layers with GELU between them.
#[derive(Module, Debug)]
pub struct Mlp {
    /// `[width, hidden]`.
    pub fc1: Linear,
    /// `[hidden, width]`.
    pub fc2: Linear,
}

impl Mlp {
    /// Tokens `[batch, tokens, width]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.fc2.forward(gelu(self.fc1.forward(x)))
    }
}

/// `x + attn(norm1(x))`, then `x + mlp(norm2(x))`.
#[derive(Module, Debug)]
pub struct Block {
    /// Before attention.
    pub norm1: TokenNorm,
    /// Attention.
    pub attn: Attention,
    /// Before the hidden layer.
    pub norm2: TokenNorm,
    /// The hidden layer.
    pub mlp: Mlp,
}

impl Block {
    /// Tokens `[batch, tokens, width]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.norm1.forward(x));
        x.clone() + self.mlp.forward(self.norm2.forward(x))
    }
}
