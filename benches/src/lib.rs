//! What the benches, the targets beside this folder, share.

use assay_array::testing::sentence_pairs;
use assay_score::text::{Segment, Transcript};

/// A pool of so many threads.
///
/// # Panics
/// When the system has no threads to give.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

/// What `work` answers when it may use one thread only.
pub fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    pool(1).install(work)
}

/// The corpus of the text measures' benches, the same as that of `peers/corpus.py`.
#[derive(Debug)]
pub struct Corpus {
    /// Hypotheses and references.
    pub pairs: Vec<(String, String)>,
}

impl Corpus {
    /// So many pairs.
    pub fn new(n: usize) -> Self {
        Self { pairs: sentence_pairs(n, 42) }
    }

    /// The references, each alone.
    pub fn references(&self) -> Vec<[&str; 1]> {
        self.pairs.iter().map(|(_, reference)| [&reference[..]]).collect()
    }

    /// The pairs as measures of translation and summaries take them.
    pub fn segments<'a>(&'a self, references: &'a [[&'a str; 1]]) -> Vec<Segment<'a>> {
        let of = |((hypothesis, _), references): (&'a (String, String), &'a [&'a str; 1])| {
            Segment { hypothesis, references }
        };
        self.pairs.iter().zip(references).map(of).collect()
    }

    /// The pairs as error rates take them.
    pub fn transcripts(&self) -> Vec<Transcript<'_>> {
        self.pairs
            .iter()
            .map(|(hypothesis, reference)| Transcript { hypothesis, reference })
            .collect()
    }
}
