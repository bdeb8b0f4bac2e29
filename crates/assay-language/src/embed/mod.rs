//! Texts as vectors, so that closeness of meaning becomes an angle.

mod cosine;
mod hashed;
mod table;

pub use cosine::{cosine, mean_pool, similar};
pub use hashed::{HashedEmbedder, HashedEmbedderConfig};
pub use table::TableEmbedder;

use assay_array::ndarray::Array2;

use crate::Result;

/// Whatever turns texts into vectors.
pub trait Embedder: Send + Sync {
    /// Names the embedder so that equal names mean equal vectors.
    fn id(&self) -> String;

    /// The length of a vector.
    fn dimensions(&self) -> usize;

    /// One row a text, of length one; a text in which the embedder sees nothing is a row of zeros.
    /// A row depends on its text alone, never on the others.
    ///
    /// # Errors
    /// See the implementer; a text alone never is an error.
    fn embed(&self, texts: &[&str]) -> Result<Array2<f32>>;

    /// The cosine above which two texts of this embedder may be called alike. Embedders differ:
    /// a threshold for one says nothing about another.
    fn recommended_threshold(&self) -> f64;
}
