//! Measures of text against references, equal to the libraries that define them.
//!
//! | measure | type | equal to | merges |
//! |---|---|---|---|
//! | BLEU | [`Bleu`] | sacrebleu (13a, intl, char, none; all smoothings) | exactly |
//! | self-BLEU | [`self_bleu`] | nltk, method 1 | through [`Moments`](crate::Moments) |
//! | chrF, chrF++ | [`Chrf`] | sacrebleu | exactly |
//! | TER | [`Ter`] | sacrebleu | exactly |
//! | ROUGE-N, -L, -Lsum | [`Rouge`] | rouge-score | to rounding |
//! | METEOR | [`Meteor`] | nltk, also with WordNet from a user's files | to rounding |
//! | word and character error rate | [`ErrorRate`] | jiwer | exactly |
//! | exact match, token F1 | [`squad_f1`], [`exact_match`] | the SQuAD script | through [`Moments`](crate::Moments) |
//! | ANLS | [`anls`] | its definition | through [`Moments`](crate::Moments) |
//! | greedy embedding matching | [`greedy_match`] | bert-score, without its padding | through [`Moments`](crate::Moments) |
//!
//! Texts are `&str`, so invalid UTF-8 cannot come in; lengths are counted in code points. Every
//! accumulator takes as many threads as rayon has, and reports the same for any number of them.
//!
//! ```
//! use assay_score::{Mergeable, text::{Bleu, BleuConfig, Segment}};
//! let mut bleu = BleuConfig::new().init()?;
//! bleu.update(&[Segment {
//!     hypothesis: "the cat lay on a mat today",
//!     references: &["the cat sat on the mat today"],
//! }])?;
//! let report = bleu.finish()?;
//! assert_eq!(format!("{:.4}", report.score), "19.6407");
//! assert!(report.signature.starts_with("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|impl:assay"));
//! # Ok::<(), assay_score::Error>(())
//! ```

mod align;
mod anls;
mod bleu;
mod chrf;
mod corpus;
mod embedding;
mod error_rate;
mod lcs;
mod meteor;
mod ngram;
mod porter;
mod rouge;
mod self_bleu;
mod squad;
mod synonyms;
mod ter;
mod ter_tokenize;
mod tokenize;
mod words;

pub use align::{Edits, levenshtein};
pub use anls::{AnlsConfig, anls};
pub use bleu::{Bleu, BleuConfig, BleuReport, BleuStatistics, Smoothing};
pub use chrf::{Chrf, ChrfConfig, ChrfReport};
pub use embedding::{GreedyScores, cosine, greedy_match, idf_weights};
pub use error_rate::{ErrorRate, ErrorRateReport, Transcript, Unit};
pub use meteor::{Meteor, MeteorConfig, MeteorReport};
pub use porter::{Porter, porter_stem};
pub use rouge::{Rouge, RougeConfig, RougeReport, RougeScores, RougeTokens, rouge_tokens};
pub use self_bleu::{SelfBleu, self_bleu};
pub use squad::{exact_match, squad_f1, squad_normalize};
pub use synonyms::{Lookup, Synonyms, WordClass};
pub use ter::{Ter, TerConfig, TerReport};
pub use tokenize::{Tokenizer, tokenize};

use rayon::prelude::*;

/// A text and what it is compared with: one reference or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The text to score.
    pub hypothesis: &'a str,
    /// The references; there must be one.
    pub references: &'a [&'a str],
}

/// Segments per task of a thread: enough that a vocabulary of its own pays, small enough to share
/// the work evenly.
const CHUNK: usize = 512;

/// What a function makes of each chunk of items, in order.
fn by_chunk<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Send + Sync) -> Vec<R> {
    if items.len() <= CHUNK {
        return if items.is_empty() { Vec::new() } else { vec![work(items)] };
    }
    items.par_chunks(CHUNK).map(work).collect()
}

/// The harmonic mean of precision and recall, zero where both are.
fn f1(precision: f64, recall: f64) -> f64 {
    let sum = precision + recall;
    if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 }
}
