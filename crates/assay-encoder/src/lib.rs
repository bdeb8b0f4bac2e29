//! A BERT, RoBERTa or Longformer from a user's files, on burn.
//!
//! A folder with `model.safetensors` (f32, f16 or bf16), `config.json` and `tokenizer.json`, as published
//! for BERT and its relatives and for sentence encoders of their shape (MiniLM, E5, BGE, GTE in their BERT
//! forms), becomes an [`Encoder`]: an [`Embedder`](assay_language::Embedder) for whoever compares texts, and the hidden
//! states of every layer for whoever looks inside. No weights are part of this crate.
//!
//! ```no_run
//! use assay_encoder::EncoderConfig;
//! use assay_language::{Embedder, cosine};
//! use assay_tensor::device;
//!
//! let encoder = EncoderConfig::new("all-MiniLM-L6-v2").init(&device("flex")?)?;
//! let rows = encoder.embed(&["Tea is good for you", "I like tea"])?;
//! let alike = cosine(&rows.row(0).to_vec(), &rows.row(1).to_vec())?;
//! println!("{alike:.3}, alike from {}", encoder.recommended_threshold());
//!
//! for states in encoder.states(&["Tea is good for you"])? {
//!     for (layer, states) in states.layers.iter().enumerate() {
//!         println!("layer {layer}: {:?}", states.dim()); // [tokens, hidden]
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the head of a text classifier in the files it becomes a [`Classifier`], such as a judge of whether
//! an answer refuses: a probability for each label that `config.json` names.
//!
//! # Features
//! Backends, as in `assay-tensor`: `flex` (default), `ndarray`, `wgpu`, `cuda`.
#![forbid(unsafe_code)]

mod attention;
mod bert;
mod classifier;
mod config;
mod encoder;
mod error;
mod names;
mod texts;

pub use classifier::{Classifier, ClassifierConfig};
pub use config::{Activation, BertConfig, Family};
pub use encoder::{Encoder, EncoderConfig, States};
pub use error::{Error, Result};
