use assay_language::Embedder;
use serde::{Deserialize, Serialize};

use super::{Deduplicated, MinHashConfig, Shingles, semantic, simhash_dedup};
use crate::{Error, Result};

/// A way of finding near copies, with what it takes for two texts to be one: a stage of the
/// [pipeline](crate::pipeline::PipelineConfig::with_near_copies).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NearCopies {
    /// The Jaccard similarity of their runs of `words` words is at least `threshold`: found by MinHash
    /// with 128 permutations, verified exactly.
    MinHash {
        /// From above 0 to 1.
        threshold: f64,
        /// Words of a run.
        words: usize,
    },
    /// The SimHash fingerprints of their runs of `words` words differ in at most `bits` bits.
    SimHash {
        /// At most 15.
        bits: u32,
        /// Words of a run.
        words: usize,
    },
    /// The cosine of their embeddings is above `threshold`.
    Semantic {
        /// From -1 to 1; above the threshold that rewrites have to pass, or nearly all are copies.
        threshold: f64,
    },
}

impl NearCopies {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a threshold, a number of bits or of words outside its range.
    pub fn check(self) -> Result<()> {
        const OPERATION: &str = "near copies";
        let (words, threshold) = match self {
            NearCopies::MinHash { threshold, words } => (words, threshold),
            NearCopies::SimHash { bits, words } => {
                if bits > 15 {
                    return Err(Error::setting(OPERATION, "bits", "at most 15", bits));
                }
                (words, 1.0)
            }
            NearCopies::Semantic { threshold } => {
                if !(-1.0..=1.0).contains(&threshold) {
                    return Err(Error::setting(OPERATION, "threshold", "in [-1, 1]", threshold));
                }
                (1, 1.0)
            }
        };
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(Error::setting(OPERATION, "threshold", "in (0, 1]", threshold));
        }
        if !(1..=64).contains(&words) {
            return Err(Error::setting(OPERATION, "words of a run", "from 1 to 64", words));
        }
        Ok(())
    }

    /// Finds the near copies among texts; the first of what is alike is kept.
    ///
    /// ```
    /// use assay_language::HashedEmbedderConfig;
    /// use culture_augment::dedup::NearCopies;
    /// let texts = ["tea is good for you and me", "tea is good for you and him", "it rained all day"];
    /// let embedder = HashedEmbedderConfig::new().init()?;
    /// let found = NearCopies::Semantic { threshold: 0.7 }.find(&texts, &embedder)?;
    /// assert_eq!(found.kept, [0, 2]);
    /// # Ok::<(), culture_augment::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check), and what the embedder refuses.
    pub fn find<S: AsRef<str> + Sync>(
        self,
        texts: &[S],
        embedder: &dyn Embedder,
    ) -> Result<Deduplicated> {
        self.check()?;
        match self {
            NearCopies::MinHash { threshold, words } => MinHashConfig::new()
                .with_shingles(Shingles::Words(words))
                .init()?
                .dedup(texts, threshold),
            NearCopies::SimHash { bits, words } => {
                simhash_dedup(texts, Shingles::Words(words), bits)
            }
            NearCopies::Semantic { threshold } => semantic(texts, embedder, threshold),
        }
    }
}
