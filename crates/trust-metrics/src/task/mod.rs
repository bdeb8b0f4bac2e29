//! The tasks as data: where the items are, what is asked, how answers are read, what is measured.

mod catalogue;
mod item;

pub use catalogue::{Dimension, Gold, Measure, Reader, TaskSpec, catalogue, task};
pub use item::{Item, read_items};
