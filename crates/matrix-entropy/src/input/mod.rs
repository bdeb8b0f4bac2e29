//! Hidden states as people have them: padded batches with masks, and files in which names say which
//! tensor is which layer.
//!
//! From burn, [`into_array`](https://docs.rs/assay-tensor) gives the array of a tensor; everything here
//! takes ndarray views.

#[cfg(feature = "io")]
mod files;
mod pattern;
mod tokens;

#[cfg(feature = "io")]
pub use files::{HiddenStates, LayerInfo, LayerStates};
pub use pattern::{LayerPattern, Matched};
pub use tokens::{Sentences, TokenPolicy, sentences};
