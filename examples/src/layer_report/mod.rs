//! What the hidden states of a model say, layer by layer: numbers, and a page that shows them.

mod measure;
mod page;

pub use measure::{CkaMap, LayerMeasures, Measures, Untrained, compare, measure, spread};
pub use page::page;
