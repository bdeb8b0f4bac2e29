use std::path::Path;

use assay_tensor::{Layout, burn};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::prelude::Tensor;

use super::{Block, TokenNorm};
use crate::Result;
use crate::tensor::{AttentionWeights, QkvTensors};

/// Patches of an image to tokens.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// A convolution whose stride is its size.
    pub proj: Conv2d,
}

/// A vision transformer; fields are named as timm's, so that its weights load by name.
#[derive(Module, Debug)]
pub struct Vit {
    /// The patch embedding.
    pub patch_embed: PatchEmbed,
    /// The class token, `[1, 1, width]`, unless the patches' mean is classified.
    pub cls_token: Option<Param<Tensor<3>>>,
    /// What is added to the tokens by their places, `[1, tokens, width]`.
    pub pos_embed: Param<Tensor<3>>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// After the blocks.
    pub norm: TokenNorm,
    /// Tokens to logits.
    pub head: Linear,
}

impl Vit {
    /// Images `[batch, channels, height, width]` to logits `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = self.embed(images);
        for block in &self.blocks {
            x = block.forward(x);
        }
        self.classify(x)
    }

    /// Images to the tokens that the first block gets, `[batch, tokens, width]`.
    pub fn embed(&self, images: Tensor<4>) -> Tensor<3> {
        let batch = images.dims()[0];
        // [batch, width, rows, columns] to [batch, patches, width]
        let patches = self.patch_embed.proj.forward(images).flatten::<3>(2, 3).swap_dims(1, 2);
        let tokens = match &self.cls_token {
            Some(cls) => Tensor::cat(vec![cls.val().repeat_dim(0, batch), patches], 1),
            None => patches,
        };
        tokens + self.pos_embed.val()
    }

    /// Tokens after the last block to logits.
    pub fn classify(&self, x: Tensor<3>) -> Tensor<2> {
        let x = self.norm.forward(x);
        let seen = match self.cls_token {
            Some(_) => x.narrow(1, 0, 1),
            None => x.mean_dim(1),
        };
        self.head.forward(seen.squeeze_dim::<2>(1))
    }

    /// The model's tensors from a safetensors file, PyTorch's layout with timm's names
    /// (`blocks.0.attn.qkv.weight` and so on) or burn's own. All or nothing.
    ///
    /// # Errors
    /// Missing, unexpected or mis-shaped tensors, by name; a file that cannot be read.
    pub fn load(&mut self, path: impl AsRef<Path>, layout: Layout) -> Result<()> {
        Ok(assay_tensor::load(self, path, layout)?)
    }

    /// Writes the model's tensors to a safetensors file.
    ///
    /// # Errors
    /// What the file system has to say.
    pub fn save(&self, path: impl AsRef<Path>, layout: Layout) -> Result<()> {
        Ok(assay_tensor::save(self, path, layout)?)
    }
}

impl AttentionWeights for Vit {
    fn attention_weights(&self) -> Vec<QkvTensors> {
        self.blocks
            .iter()
            .map(|block| QkvTensors::Fused {
                weight: block.attn.qkv.weight.clone(),
                heads: block.attn.heads(),
            })
            .collect()
    }
}
