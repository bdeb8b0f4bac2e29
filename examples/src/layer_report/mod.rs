//! What the hidden states of a model say, layer by layer: numbers, and a page that shows them.

mod arguments;
mod measure;
mod page;
mod write;

pub use arguments::untrained;
pub use measure::{CkaMap, LayerMeasures, Measures, Untrained, compare, measure, spread};
pub use write::write;
