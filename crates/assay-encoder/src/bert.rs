//! BERT's forward pass on burn.

use assay_tensor::burn;
use burn::module::Module;
use burn::nn::{
    Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::prelude::{Bool, Device, Int, Tensor};
use burn::tensor::activation::{gelu, gelu_approximate, relu, softmax};

use crate::{Activation, BertConfig};

/// The encoder without its pooler. Field names are what [`names`](crate::names) makes of the published.
#[derive(Module, Debug)]
pub(crate) struct Bert {
    words: Embedding,
    positions: Embedding,
    types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

#[derive(Module, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    norm: LayerNorm,
}

impl Bert {
    /// A model of zeros, to load weights into.
    pub(crate) fn zeros(config: &BertConfig, device: &Device) -> Self {
        let embedding = |count| {
            EmbeddingConfig::new(count, config.hidden)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        Self {
            words: embedding(config.vocabulary),
            positions: embedding(config.positions),
            types: embedding(config.types),
            norm: norm(config, device),
            layers: (0..config.layers).map(|_| Layer::zeros(config, device)).collect(),
        }
    }

    /// The hidden states `[texts, tokens, hidden]` after the embeddings and after every layer, or after
    /// the last layer alone, of token numbers `[texts, tokens]` with a mask that is true for padding,
    /// which nothing attends to.
    pub(crate) fn forward(
        &self,
        tokens: Tensor<2, Int>,
        padding: &Tensor<2, Bool>,
        config: &BertConfig,
        all: bool,
    ) -> Vec<Tensor<3>> {
        let [texts, length] = tokens.dims();
        let device = tokens.device();
        let end = i64::try_from(length).unwrap_or(i64::MAX);
        let places = Tensor::<1, Int>::arange(0..end, &device).unsqueeze::<2>();
        let types = Tensor::<2, Int>::zeros([1, length], &device);
        let embedded =
            self.words.forward(tokens) + self.positions.forward(places) + self.types.forward(types);
        let mut states = self.norm.forward(embedded);
        // [texts, heads, tokens that look, tokens that are seen].
        let hidden = padding.clone().reshape([texts, 1, 1, length]).expand([
            texts,
            config.heads,
            length,
            length,
        ]);
        let mut kept = Vec::new();
        for layer in &self.layers {
            let next = layer.forward(states.clone(), &hidden, config);
            if all {
                kept.push(states);
            }
            states = next;
        }
        kept.push(states);
        kept
    }
}

impl Layer {
    fn zeros(config: &BertConfig, device: &Device) -> Self {
        let linear = |from, to| {
            LinearConfig::new(from, to).with_initializer(Initializer::Zeros).init(device)
        };
        let (hidden, inner) = (config.hidden, config.intermediate);
        Self {
            query: linear(hidden, hidden),
            key: linear(hidden, hidden),
            value: linear(hidden, hidden),
            attended: linear(hidden, hidden),
            attended_norm: norm(config, device),
            inner: linear(hidden, inner),
            outer: linear(inner, hidden),
            norm: norm(config, device),
        }
    }

    /// `y = norm(x + attention(x))`, then `norm(y + outer(activation(inner(y))))`.
    fn forward(&self, x: Tensor<3>, hidden: &Tensor<4, Bool>, config: &BertConfig) -> Tensor<3> {
        let [texts, length, width] = x.dims();
        let size = width / config.heads;
        let by_head = |linear: &Linear| {
            linear.forward(x.clone()).reshape([texts, length, config.heads, size]).swap_dims(1, 2)
        };
        let (query, key, value) = (by_head(&self.query), by_head(&self.key), by_head(&self.value));
        let scores = query.matmul(key.swap_dims(2, 3)).div_scalar((size as f64).sqrt());
        // Finite, so that a row that sees nothing gives no NaN; its exponential is zero all the same.
        let weights = softmax(scores.mask_fill(hidden.clone(), -1e30), 3);
        let seen = weights.matmul(value).swap_dims(1, 2).reshape([texts, length, width]);
        let y = self.attended_norm.forward(self.attended.forward(seen) + x);
        let inner = self.inner.forward(y.clone());
        let inner = match config.activation {
            Activation::Gelu => gelu(inner),
            Activation::GeluTanh => gelu_approximate(inner),
            Activation::Relu => relu(inner),
        };
        self.norm.forward(self.outer.forward(inner) + y)
    }
}

fn norm(config: &BertConfig, device: &Device) -> LayerNorm {
    LayerNormConfig::new(config.hidden).with_epsilon(config.epsilon).init(device)
}
