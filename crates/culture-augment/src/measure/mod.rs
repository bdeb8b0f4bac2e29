//! How diverse a set of texts is, and how far two distributions of answers are apart.

mod compress;
mod distribution;
mod embedded;
mod ngrams;
mod opinion;
mod unique;
mod words;

pub use assay_score::text::{SelfBleu, self_bleu};
pub use compress::compression_ratio;
pub use distribution::{
    LogBase, jensen_shannon, kullback_leibler, total_variation, wasserstein, wasserstein_samples,
};
pub use embedded::{diversity_gain, gram, mean_distance, vendi};
pub use ngrams::{Distinct, Lengths, distinct, distinct_up_to, lengths, ngram_entropy};
pub use opinion::{
    OpinionReport, ValuesReport, opinion_similarity, survey_accuracy, values_distance,
};
