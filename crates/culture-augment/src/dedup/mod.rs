//! Copies and near copies.
//!
//! Every method keeps the first of what is alike and drops the later ones; the result depends on the
//! texts and their order alone.
//!
//! | method | alike |
//! |---|---|
//! | [`exact`] | equal but for case, blanks and punctuation |
//! | [`MinHasher::dedup`] | Jaccard similarity of shingles at least `t`, verified exactly |
//! | [`simhash_dedup`] | SimHash fingerprints within `k` bits |
//! | [`semantic`] | cosine of embeddings above `t` |
//!
//! [`NearCopies`] names one of the last three with its settings, as a stage of the pipeline.

mod exact;
mod minhash;
mod near;
mod semantic;
mod shingle;
mod simhash;

pub use exact::{exact, normalised};
pub use minhash::{MinHashConfig, MinHasher, candidate_probability};
pub use near::NearCopies;
pub use semantic::semantic;
pub use shingle::{Shingles, jaccard, shingle_jaccard};
pub use simhash::{simhash, simhash_dedup};

/// What deduplication found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Deduplicated {
    /// The places of the texts that are kept, rising.
    pub kept: Vec<usize>,
    /// The places of the dropped ones, rising, each with the kept one it is like.
    pub dropped: Vec<(usize, usize)>,
    /// Pairs that were compared in full.
    pub compared: usize,
}
