//! What can go wrong.

use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong in this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The model's configuration is not one that this crate computes.
    #[error("{}: {name}: expected {expected}, got {got}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A setting of the caller's is out of range.
    #[error("encoder: {name}: expected {expected}, got {got}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// The tokenizer cannot be read or refuses a text.
    #[error("{}: {problem}", path.display())]
    Tokenizer {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The tokenizer knows words that the model has no vector for.
    #[error(
        "the tokenizer gives the token number {token}, and the model has {vocabulary} words: they do not belong together"
    )]
    Vocabulary {
        /// The token's number.
        token: u32,
        /// The model's words.
        vocabulary: usize,
    },
    /// The tokenizer made no token of a text, not even a special one.
    #[error("text {text} has no token, and so no first state to classify")]
    NoToken {
        /// The text's place.
        text: usize,
    },
    /// Numbers that are not finite came out: the weights are damaged or do not fit the type.
    #[error("the hidden states of text {text} are not finite")]
    NotFinite {
        /// The text's place.
        text: usize,
    },
    /// The weights cannot be loaded, or the device fails.
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    /// Pooling failed.
    #[error(transparent)]
    Language(#[from] assay_language::Error),
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;
