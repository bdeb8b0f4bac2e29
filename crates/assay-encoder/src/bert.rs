//! The forward pass of BERT and its relatives on burn.

use assay_tensor::burn;
use burn::module::Module;
use burn::nn::{
    Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::prelude::{Device, Int, Tensor};
use burn::tensor::activation::{gelu, gelu_approximate, relu};

use crate::attention::{Seen, dense, windowed};
use crate::{Activation, BertConfig, Family};

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
    /// Of a Longformer's classifier.
    global: Option<Global>,
    attended: Linear,
    attended_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    norm: LayerNorm,
}

/// By what a Longformer's first token sees all tokens.
#[derive(Module, Debug)]
struct Global {
    query: Linear,
    key: Linear,
    value: Linear,
}

impl Bert {
    /// A model of zeros, to load weights into; `global` where a Longformer's first token sees everything.
    pub(crate) fn zeros(config: &BertConfig, global: bool, device: &Device) -> Self {
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
            layers: (0..config.layers).map(|_| Layer::zeros(config, global, device)).collect(),
        }
    }

    /// The hidden states `[texts, tokens, hidden]` after the embeddings and after every layer, or after
    /// the last layer alone, of token numbers `[texts, tokens]` and the texts' lengths: nothing attends to
    /// what comes after.
    pub(crate) fn forward(
        &self,
        tokens: Tensor<2, Int>,
        lengths: &[usize],
        config: &BertConfig,
        all: bool,
    ) -> Vec<Tensor<3>> {
        let [_, length] = tokens.dims();
        let device = tokens.device();
        let [start, end] = [config.first_position(), config.first_position() + length]
            .map(|place| i64::try_from(place).unwrap_or(i64::MAX));
        let places = Tensor::<1, Int>::arange(start..end, &device).unsqueeze::<2>();
        let types = Tensor::<2, Int>::zeros([1, length], &device);
        let embedded =
            self.words.forward(tokens) + self.positions.forward(places) + self.types.forward(types);
        let mut states = self.norm.forward(embedded);
        let global = self.layers.iter().any(|layer| layer.global.is_some());
        let mut seen: Option<Seen> = None;
        let mut kept = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let window = match config.family {
                Family::Longformer => Some(config.windows.get(index).copied().unwrap_or(length)),
                Family::Bert | Family::Roberta => None,
            };
            // Most layers see as the one before.
            let now = match seen.take().filter(|seen| seen.is_of(window, length)) {
                Some(seen) => seen,
                None => Seen::new(window, lengths, length, global, &device),
            };
            let next = layer.forward(states.clone(), &now, config);
            seen = Some(now);
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
    fn zeros(config: &BertConfig, global: bool, device: &Device) -> Self {
        let linear = |from, to| {
            LinearConfig::new(from, to).with_initializer(Initializer::Zeros).init(device)
        };
        let (hidden, inner) = (config.hidden, config.intermediate);
        Self {
            query: linear(hidden, hidden),
            key: linear(hidden, hidden),
            value: linear(hidden, hidden),
            global: (global && config.family == Family::Longformer).then(|| Global {
                query: linear(hidden, hidden),
                key: linear(hidden, hidden),
                value: linear(hidden, hidden),
            }),
            attended: linear(hidden, hidden),
            attended_norm: norm(config, device),
            inner: linear(hidden, inner),
            outer: linear(inner, hidden),
            norm: norm(config, device),
        }
    }

    /// `y = norm(x + attention(x))`, then `norm(y + outer(activation(inner(y))))`.
    fn forward(&self, x: Tensor<3>, seen: &Seen, config: &BertConfig) -> Tensor<3> {
        let [texts, length, width] = x.dims();
        let size = width / config.heads;
        let by_head = |linear: &Linear, x: Tensor<3>| {
            let [_, length, _] = x.dims();
            linear.forward(x).reshape([texts, length, config.heads, size]).swap_dims(1, 2)
        };
        let [query, key, value] =
            [&self.query, &self.key, &self.value].map(|linear| by_head(linear, x.clone()));
        let attended = match &seen.window {
            None => dense(query, key, value, &seen.padding),
            Some(window) => {
                let local = windowed(query, key, value, window);
                match &self.global {
                    None => local,
                    Some(global) => {
                        let first = dense(
                            by_head(&global.query, x.clone().narrow(1, 0, 1)),
                            by_head(&global.key, x.clone()),
                            by_head(&global.value, x.clone()),
                            &seen.padding,
                        );
                        if length == 1 {
                            first
                        } else {
                            Tensor::cat(vec![first, local.narrow(2, 1, length - 1)], 2)
                        }
                    }
                }
            }
        };
        let attended = attended.swap_dims(1, 2).reshape([texts, length, width]);
        let y = self.attended_norm.forward(self.attended.forward(attended) + x);
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
