//! The sizes of a model, from its `config.json`.

use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// Larger numbers in a file are damage, and would ask for memory that nobody has.
const MOST: usize = 1 << 24;

/// The function between the two linear maps of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x Φ(x)`, exact.
    Gelu,
    /// Its approximation by a hyperbolic tangent.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

/// The sizes of a BERT (Devlin et al. 2019), as its `config.json` names them.
#[derive(Debug, Clone, PartialEq)]
pub struct BertConfig {
    /// Numbers in a hidden state.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of a layer's attention; they divide `hidden`.
    pub heads: usize,
    /// Numbers between the two linear maps of a layer.
    pub intermediate: usize,
    /// Words.
    pub vocabulary: usize,
    /// The most tokens of a text.
    pub positions: usize,
    /// Kinds of segments; texts here have one.
    pub types: usize,
    /// What layer normalisation adds to the variance.
    pub epsilon: f64,
    /// The function between the two linear maps.
    pub activation: Activation,
}

#[derive(Deserialize)]
struct File {
    model_type: Option<String>,
    position_embedding_type: Option<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "gelu")]
    hidden_act: String,
}

fn two() -> usize {
    2
}

fn epsilon() -> f64 {
    1e-12
}

fn gelu() -> String {
    "gelu".to_owned()
}

impl BertConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::Config`] for JSON that is no configuration, a
    /// model that is no BERT, a size that is zero or absurd, heads that do not divide the hidden size, or
    /// an activation or kind of positions that is not computed here.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |name, expected, got: &dyn std::fmt::Display| Error::Config {
            path: path.to_owned(),
            name,
            expected,
            got: got.to_string(),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::File { path: path.to_owned(), source })?;
        let file: File = serde_json::from_str(&text)
            .map_err(|error| bad("config", "the settings of a BERT", &error))?;
        if let Some(kind) = file.model_type.filter(|kind| kind != "bert") {
            return Err(bad("model_type", "bert", &kind));
        }
        if let Some(kind) = file.position_embedding_type.filter(|kind| kind != "absolute") {
            return Err(bad("position_embedding_type", "absolute", &kind));
        }
        let activation = match file.hidden_act.as_str() {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => return Err(bad("hidden_act", "gelu, gelu_new or relu", &other)),
        };
        for (name, size) in [
            ("hidden_size", file.hidden_size),
            ("num_hidden_layers", file.num_hidden_layers),
            ("num_attention_heads", file.num_attention_heads),
            ("intermediate_size", file.intermediate_size),
            ("vocab_size", file.vocab_size),
            ("max_position_embeddings", file.max_position_embeddings),
            ("type_vocab_size", file.type_vocab_size),
        ] {
            if !(1..=MOST).contains(&size) {
                return Err(bad(name, "from 1 to 2^24", &size));
            }
        }
        if !file.hidden_size.is_multiple_of(file.num_attention_heads) {
            return Err(bad(
                "num_attention_heads",
                "a divisor of hidden_size",
                &file.num_attention_heads,
            ));
        }
        if !(file.layer_norm_eps > 0.0 && file.layer_norm_eps < 1.0) {
            return Err(bad("layer_norm_eps", "between 0 and 1", &file.layer_norm_eps));
        }
        Ok(Self {
            hidden: file.hidden_size,
            layers: file.num_hidden_layers,
            heads: file.num_attention_heads,
            intermediate: file.intermediate_size,
            vocabulary: file.vocab_size,
            positions: file.max_position_embeddings,
            types: file.type_vocab_size,
            epsilon: file.layer_norm_eps,
            activation,
        })
    }
}
