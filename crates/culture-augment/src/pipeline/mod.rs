//! From a seed question to many ways of asking it.
//!
//! The stages can be used one by one; [`Pipeline`] runs them all:
//!
//! | stage | does |
//! |---|---|
//! | [`rewrite`] | asks a model for sentences of the same meaning, until enough survive |
//! | [`similar_to`] | keeps what is close to the seed in meaning |
//! | [`Template::of`] | marks the words that can be replaced, by part of speech |
//! | [`Template::add_synonyms`] | gives each its synonyms, in its own form |
//! | [`Template::expand`], [`Template::sample`] | fills the template, all ways or some |
//! | [`NearCopies`](crate::dedup::NearCopies) | drops near copies, if set |
//! | [`Select`] | picks exactly `m` of what there is |

mod fill;
mod filter;
mod offline;
mod report;
mod rewrite;
mod run;
mod select;
mod template;

pub use filter::similar_to;
pub use offline::offline_model;
pub use report::{Outcome, Sample, SeedReport, Shortfall, StageReport, Step};
pub(crate) use rewrite::lasting;
pub use rewrite::{Rewrites, rewrite};
pub use run::{Pipeline, PipelineConfig, Synonyms, Tools};
pub use select::Select;
pub use template::{Fill, Slot, Template};
