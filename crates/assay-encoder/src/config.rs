//! The sizes of a model, from its `config.json`.

use std::collections::BTreeMap;
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

/// Which of BERT's relatives a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// RoBERTa (Liu et al. 2019), also XLM-RoBERTa and CamemBERT: positions are counted from behind the
    /// number of the padding token.
    Roberta,
    /// Longformer (Beltagy et al. 2020): a RoBERTa whose tokens see a window around them, and, in a
    /// classifier, the first token and all tokens each other by maps of their own.
    Longformer,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Roberta => "roberta",
            Self::Longformer => "longformer",
        }
    }
}

/// The sizes of a BERT or of one of its relatives, as its `config.json` names them.
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
    /// Which relative it is.
    pub family: Family,
    /// The number of the padding token.
    pub padding: usize,
    /// How many tokens a Longformer's layers see on each side; empty for others.
    pub windows: Vec<usize>,
    /// The names of a classifier's labels, in the order of its outputs.
    pub labels: Vec<String>,
    /// Whether a classifier's labels do not exclude each other, so that each has a probability of its own.
    pub multi_label: bool,
}

impl BertConfig {
    /// Positions before that of the first token.
    pub(crate) fn first_position(&self) -> usize {
        match self.family {
            Family::Bert => 0,
            Family::Roberta | Family::Longformer => self.padding + 1,
        }
    }
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
    pad_token_id: Option<usize>,
    attention_window: Option<Windows>,
    id2label: Option<BTreeMap<String, String>>,
    problem_type: Option<String>,
}

/// One width for all layers or one for each: both sides together.
#[derive(Deserialize)]
#[serde(untagged)]
enum Windows {
    One(usize),
    Each(Vec<usize>),
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
    /// model of no known family, a size that is zero or absurd, heads that do not divide the hidden size, or
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
        let family = match file.model_type.as_deref() {
            None | Some("bert") => Family::Bert,
            Some("roberta" | "xlm-roberta" | "camembert") => Family::Roberta,
            Some("longformer") => Family::Longformer,
            Some(other) => {
                return Err(bad(
                    "model_type",
                    "bert, roberta, xlm-roberta, camembert or longformer",
                    &other,
                ));
            }
        };
        if let Some(kind) = file.position_embedding_type.as_ref().filter(|kind| *kind != "absolute")
        {
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
        let padding = file.pad_token_id.unwrap_or(usize::from(family != Family::Bert));
        if padding >= file.vocab_size
            || (family != Family::Bert && padding + 1 >= file.max_position_embeddings)
        {
            return Err(bad("pad_token_id", "a token, with positions behind it", &padding));
        }
        let windows = windows(&file, family).map_err(|got| {
            bad("attention_window", "an even number above 0 for each layer", &got)
        })?;
        let labels = labels(file.id2label.as_ref())
            .map_err(|got| bad("id2label", "a name for each number from 0", &got))?;
        let multi_label =
            labels.len() == 1 || file.problem_type.as_deref() == Some("multi_label_classification");
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
            family,
            padding,
            windows,
            labels,
            multi_label,
        })
    }
}

/// Tokens on each side that the layers of a Longformer see; none for others.
fn windows(file: &File, family: Family) -> Result<Vec<usize>, String> {
    if family != Family::Longformer {
        return Ok(Vec::new());
    }
    let layers = file.num_hidden_layers;
    let widths = match &file.attention_window {
        Some(Windows::One(width)) => vec![*width; layers],
        Some(Windows::Each(widths)) => widths.clone(),
        // What Hugging Face's configuration has where the file has none.
        None => vec![512; layers],
    };
    let even = |width: &usize| (2..=MOST).contains(width) && width.is_multiple_of(2);
    if widths.len() != layers || !widths.iter().all(even) {
        return Err(format!("{:?} for {layers} layers", widths.get(..8).unwrap_or(&widths)));
    }
    Ok(widths.into_iter().map(|width| width / 2).collect())
}

/// The names of labels by their numbers; the two that Hugging Face's configuration has where there is none.
fn labels(names: Option<&BTreeMap<String, String>>) -> Result<Vec<String>, String> {
    let Some(names) = names else {
        return Ok(vec!["LABEL_0".to_owned(), "LABEL_1".to_owned()]);
    };
    if names.is_empty() {
        return Err("none".to_owned());
    }
    (0..names.len())
        .map(|id| names.get(&id.to_string()).cloned().ok_or_else(|| format!("none for {id}")))
        .collect()
}
