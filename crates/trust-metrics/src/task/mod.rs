//! The tasks as data: where the items are, what is asked, how answers are read, what is measured.

mod catalogue;
mod item;
mod prepare;

pub use catalogue::{Dimension, Gold, Measure, Reader, TaskSpec, catalogue, task};
pub(crate) use item::utf8;
pub use item::{Item, read_items, read_items_file};
