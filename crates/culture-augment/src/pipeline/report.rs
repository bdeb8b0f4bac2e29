use serde::{Deserialize, Serialize};

/// One way of asking a seed question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which of the seeds, by its place.
    pub seed: usize,
    /// The seed's id.
    pub seed_id: String,
    /// The sentence.
    pub text: String,
    /// Where it came from.
    pub step: Step,
    /// Its cosine to the seed.
    pub similarity: f64,
}

/// Where a sample came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// It is a rewrite, by its place among the seed's rewrites.
    Rewrite(usize),
    /// It is a rewrite with words replaced.
    Fill {
        /// Which rewrite.
        rewrite: usize,
        /// Which option each slot took; 0 kept the word.
        choice: Vec<usize>,
    },
}

/// What one stage did to one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StageReport {
    /// What came in.
    pub came: usize,
    /// What went on.
    pub went: usize,
}

/// How a seed fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedReport {
    /// The seed's id.
    pub seed_id: String,
    /// Rounds of asking.
    pub rounds: usize,
    /// Sentences proposed, and those that were new.
    pub rewritten: StageReport,
    /// New sentences, and those close enough to the seed that were kept.
    pub filtered: StageReport,
    /// Words of the kept rewrites that can be replaced, and those with synonyms.
    pub words: StageReport,
    /// Fills drawn, and those close enough to their rewrite.
    pub filled: StageReport,
    /// Candidates, and those that are no copies of each other, the seed, or an earlier seed's sample.
    pub deduplicated: StageReport,
    /// What is left of these, and those that are no near copies of an earlier one, of this seed or
    /// another; equal where no way of finding near copies is set.
    pub near: StageReport,
    /// Candidates, and samples taken.
    pub selected: StageReport,
    /// Answers that declined.
    pub refusals: usize,
    /// Answers without a list.
    pub unread: usize,
    /// Requests that failed.
    pub failures: Vec<String>,
    /// Why there are fewer samples than asked for; `None` when there are as many.
    pub short: Option<Shortfall>,
}

/// Why a seed has fewer samples than asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Shortfall {
    /// The model gave no rewrite that was new and close enough, and the seed itself has no word to
    /// replace.
    NothingToWorkWith {
        /// Samples there are.
        got: usize,
    },
    /// No word of the rewrites has a synonym.
    NoSynonyms {
        /// Samples there are.
        got: usize,
    },
    /// All fills that are different and close enough are used.
    Exhausted {
        /// Samples there are.
        got: usize,
    },
}

/// What a pipeline made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The samples, seed by seed.
    pub samples: Vec<Sample>,
    /// One report a seed.
    pub seeds: Vec<SeedReport>,
    /// The rewrites that were kept, seed by seed: the templates' sentences.
    pub rewrites: Vec<Vec<String>>,
    /// The similarity above which a text was kept.
    pub threshold: f64,
}

impl Outcome {
    /// The samples of one seed.
    pub fn of_seed(&self, seed: usize) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.seed == seed)
    }

    /// Whether every seed has as many samples as asked for.
    pub fn complete(&self) -> bool {
        self.seeds.iter().all(|report| report.short.is_none())
    }
}
