use assay_array::random::{Stream, stream};
use assay_tensor::burn::nn::conv::Conv2d;
use assay_tensor::burn::nn::{LayerNormConfig, Linear, PaddingConfig2d};
use assay_tensor::burn::prelude::Device;

use super::attention::{Attention, AttentionKind};
use super::block::{Block, Mlp};
use super::model::{PatchEmbed, Vit};
use super::norm::{CenterNorm, TokenNorm};
use crate::tensor::{constant_param, normal_param};
use crate::{Error, Result};

/// What normalises tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NormKind {
    /// Layer normalisation with `ε = 1e-6`, timm's.
    #[default]
    Layer,
    /// `γ · d/(d−1) · (x − mean x) + β` (LipsFormer), which has a Lipschitz constant.
    Center,
}

/// What the classifier sees of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// The class token.
    #[default]
    Class,
    /// The mean of all patches; there is no class token then.
    Mean,
}

/// The shape of a [`Vit`].
#[derive(Debug, Clone, PartialEq)]
pub struct VitConfig {
    pub(super) image: [usize; 3],
    pub(super) patch: usize,
    pub(super) classes: usize,
    pub(super) width: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    pub(super) hidden: usize,
    pub(super) qkv_bias: bool,
    pub(super) scale: Option<f64>,
    pub(super) attention: AttentionKind,
    pub(super) norm: NormKind,
    pub(super) pooling: Pooling,
}

/// timm's `ε` of layer normalisation.
pub(super) const EPSILON: f64 = 1e-6;

impl VitConfig {
    /// ViT-B on images `[channels, height, width]` in patches of `patch` by `patch`: width 768, depth 12,
    /// 12 heads, hidden layers four times as wide.
    pub fn new(image: [usize; 3], patch: usize, classes: usize) -> Self {
        Self {
            image,
            patch,
            classes,
            width: 768,
            depth: 12,
            heads: 12,
            hidden: 4 * 768,
            qkv_bias: true,
            scale: None,
            attention: AttentionKind::default(),
            norm: NormKind::default(),
            pooling: Pooling::default(),
        }
    }

    /// SpecFormer's ViT-S, which is timm's old "small": width 768, depth 8, 8 heads, hidden layers three
    /// times as wide, no bias of queries, keys and values, scale `768^(−1/2)`.
    pub fn small(self) -> Self {
        let base = Self { qkv_bias: false, scale: Some(768_f64.powf(-0.5)), ..self };
        base.with_width(768).with_hidden(3 * 768).with_depth(8).with_heads(8)
    }

    /// DeiT-Ti: width 192, depth 12, 3 heads.
    pub fn deit_tiny(self) -> Self {
        self.with_width(192).with_depth(12).with_heads(3)
    }

    /// DeiT-S: width 384, depth 12, 6 heads.
    pub fn deit_small(self) -> Self {
        self.with_width(384).with_depth(12).with_heads(6)
    }

    /// Features of a token; hidden layers become four times as wide.
    pub fn with_width(self, width: usize) -> Self {
        Self { width, hidden: width.saturating_mul(4), ..self }
    }

    /// Features of the hidden layers.
    pub fn with_hidden(self, hidden: usize) -> Self {
        Self { hidden, ..self }
    }

    /// Blocks.
    pub fn with_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Heads, which divide the width.
    pub fn with_heads(self, heads: usize) -> Self {
        Self { heads, ..self }
    }

    /// With or without a bias of queries, keys and values.
    pub fn with_qkv_bias(self, bias: bool) -> Self {
        Self { qkv_bias: bias, ..self }
    }

    /// The factor on queries times keys, `1/√(width/heads)` by default.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale: Some(scale), ..self }
    }

    /// The kind of attention.
    pub fn with_attention(self, attention: AttentionKind) -> Self {
        Self { attention, ..self }
    }

    /// The kind of normalisation.
    pub fn with_norm(self, norm: NormKind) -> Self {
        Self { norm, ..self }
    }

    /// What the classifier sees.
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self { pooling, ..self }
    }

    /// Patches, and the class token if there is one.
    pub fn tokens(&self) -> usize {
        let patches = (self.image[1] / self.patch.max(1)) * (self.image[2] / self.patch.max(1));
        patches + usize::from(self.pooling == Pooling::Class)
    }

    fn check(&self) -> Result<()> {
        let operation = "vision transformer";
        let sizes = [self.patch, self.classes, self.width, self.heads, self.hidden];
        if sizes.contains(&0) || self.image.contains(&0) {
            return Err(Error::Empty { operation, what: "pixel, patch, class, feature and head" });
        }
        if !self.width.is_multiple_of(self.heads) {
            return Err(Error::Heads { operation, heads: self.heads, width: self.width });
        }
        let [_, height, width] = self.image;
        if !height.is_multiple_of(self.patch) || !width.is_multiple_of(self.patch) {
            let (name, expected) = ("patch", "a divisor of the image's height and width");
            return Err(Error::Parameter { name, expected, got: self.patch as f64 });
        }
        // A layer beyond this is a mistake in the units, and would not fit in memory.
        for size in
            [self.width, self.hidden, self.classes, self.depth, self.tokens(), self.image[0]]
        {
            crate::error::within("size of a layer", "at most 65536", size as f64, 0.0, 65536.0)?;
        }
        if let Some(scale) = self.scale {
            crate::error::within("attention scale", "a finite number", scale, f64::MIN, f64::MAX)?;
        }
        Ok(())
    }

    /// A model with weights from the seed's own stream: normal with deviation 0.02, cut at two
    /// deviations; biases zero. The patch embedding's deviation is `1/√(inputs)`, as timm's, which
    /// leaves it to the convolution.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Heads`] or [`Error::Parameter`] for sizes that do not go together.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Vit> {
        self.check()?;
        let mut rng = stream(seed, "vit", 0);
        let (d, [channels, ..]) = (self.width, self.image);
        let fan_in = (channels * self.patch * self.patch) as f64;
        let kernel = [d, channels, self.patch, self.patch];
        let proj = Conv2d {
            weight: normal_param(kernel, fan_in.sqrt().recip(), &mut rng, device),
            bias: Some(constant_param([d], 0.0, device)),
            stride: [self.patch; 2],
            kernel_size: [self.patch; 2],
            dilation: [1; 2],
            groups: 1,
            padding: PaddingConfig2d::Valid,
        };
        let class = self.pooling == Pooling::Class;
        let cls_token = class.then(|| normal_param([1, 1, d], 0.02, &mut rng, device));
        let pos_embed = normal_param([1, self.tokens(), d], 0.02, &mut rng, device);
        let blocks = (0..self.depth).map(|_| self.block(&mut rng, device)).collect();
        Ok(Vit {
            patch_embed: PatchEmbed { proj },
            cls_token,
            pos_embed,
            blocks,
            norm: self.norm(device),
            head: linear(d, self.classes, true, &mut rng, device),
        })
    }

    fn block(&self, rng: &mut Stream, device: &Device) -> Block {
        let d = self.width;
        let scale = self.scale.unwrap_or(((d / self.heads) as f64).sqrt().recip());
        Block {
            norm1: self.norm(device),
            attn: Attention {
                qkv: linear(d, 3 * d, self.qkv_bias, rng, device),
                proj: linear(d, d, true, rng, device),
                heads: self.heads,
                scale,
                kind: self.attention,
            },
            norm2: self.norm(device),
            mlp: Mlp {
                fc1: linear(d, self.hidden, true, rng, device),
                fc2: linear(self.hidden, d, true, rng, device),
            },
        }
    }

    fn norm(&self, device: &Device) -> TokenNorm {
        match self.norm {
            NormKind::Layer => TokenNorm::Layer(
                LayerNormConfig::new(self.width).with_epsilon(EPSILON).init(device),
            ),
            NormKind::Center => TokenNorm::Center(CenterNorm::new(self.width, device)),
        }
    }
}

fn linear(from: usize, to: usize, bias: bool, rng: &mut Stream, device: &Device) -> Linear {
    Linear {
        weight: normal_param([from, to], 0.02, rng, device),
        bias: bias.then(|| constant_param([to], 0.0, device)),
    }
}
