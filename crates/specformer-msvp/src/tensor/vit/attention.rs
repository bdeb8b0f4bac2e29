use assay_tensor::burn;
use burn::module::Module;
use burn::nn::Linear;
use burn::prelude::Tensor;
use burn::tensor::activation::softmax;

/// How tokens attend to one another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum AttentionKind {
    /// `softmax(s Q Kᵀ) V`.
    #[default]
    DotProduct,
    /// `ν softmax(τ Q̂ K̂ᵀ) V̂` with rows divided by `√(‖·‖² + 1e-6)` (LipsFormer's scaled cosine
    /// attention): Lipschitz everywhere.
    ScaledCosine {
        /// `τ`.
        tau: f64,
        /// `ν`.
        nu: f64,
    },
    /// `softmax(−s ‖q_i − q_j‖²) X A V` with keys tied to queries and `A = s Q Qᵀ` of each head
    /// (Kim et al. 2021): Lipschitz everywhere. The keys' weights are not used.
    L2,
}

/// Keeps a row of zeros from dividing by zero.
pub(super) const COSINE_EPSILON: f64 = 1e-6;

/// Multi-head self-attention, named as timm's: `qkv` and `proj`.
#[derive(Module, Debug)]
pub struct Attention {
    /// Queries, keys and values, `[width, 3·width]`.
    pub qkv: Linear,
    /// The output projection, `[width, width]`.
    pub proj: Linear,
    pub(super) heads: usize,
    pub(super) scale: f64,
    #[module(skip)]
    pub(super) kind: AttentionKind,
}

impl Attention {
    /// The number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// The factor on queries times keys.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The kind of attention.
    pub fn kind(&self) -> AttentionKind {
        self.kind
    }

    /// Tokens `[batch, tokens, width]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, width] = x.dims();
        let each = width / self.heads;
        // [3, batch, heads, tokens, each]
        let qkv = self.qkv.forward(x).reshape([batch, tokens, 3, self.heads, each]);
        let qkv = qkv.permute([2, 0, 3, 1, 4]);
        let part = |i: usize| {
            let shape = [batch, self.heads, tokens, each];
            qkv.clone().narrow(0, i, 1).reshape(shape)
        };
        let (q, k, v) = (part(0), part(1), part(2));
        let out = match self.kind {
            AttentionKind::DotProduct => {
                softmax(q.mul_scalar(self.scale).matmul(k.swap_dims(2, 3)), 3).matmul(v)
            }
            AttentionKind::ScaledCosine { tau, nu } => {
                let weights = cosine(q).matmul(cosine(k).swap_dims(2, 3)).mul_scalar(tau);
                softmax(weights, 3).matmul(cosine(v)).mul_scalar(nu)
            }
            AttentionKind::L2 => self.l2(q),
        };
        self.proj.forward(out.swap_dims(1, 2).reshape([batch, tokens, width]))
    }

    /// Kim et al.'s: `P X A_h V_h = s P (X Q_h) Q_hᵀ V_h`.
    fn l2(&self, q: Tensor<4>) -> Tensor<4> {
        let [_, heads, _, each] = q.dims();
        let width = heads * each;
        let square = q.clone().powi_scalar(2).sum_dim(3);
        let product = q.clone().matmul(q.clone().swap_dims(2, 3));
        let distance = square.clone() + square.swap_dims(2, 3) - product.mul_scalar(2.0);
        let p = softmax(distance.mul_scalar(-self.scale), 3);
        let weight = self.qkv.weight.val(); // [width, 3·width]
        let block = |i: usize| {
            let block = weight.clone().narrow(1, i * width, width);
            block.reshape([width, heads, each]).permute([1, 0, 2]) // [heads, width, each]
        };
        // Q_hᵀ V_h, [1, heads, each, each], for all samples.
        let inner = block(0).swap_dims(1, 2).matmul(block(2)).mul_scalar(self.scale);
        p.matmul(q).matmul(inner.unsqueeze_dim::<4>(0))
    }
}

fn cosine(x: Tensor<4>) -> Tensor<4> {
    let length = x.clone().powi_scalar(2).sum_dim(3).add_scalar(COSINE_EPSILON).sqrt();
    x / length
}
