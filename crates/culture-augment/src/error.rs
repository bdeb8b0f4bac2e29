use std::path::PathBuf;

/// What can go wrong in this crate.
///
/// Every message names the operation, what it expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was given, and the result of nothing is not defined.
    #[error("{operation}: expected at least one {item}, got none")]
    Empty {
        /// The operation asked for.
        operation: &'static str,
        /// What was missing.
        item: &'static str,
    },
    /// A setting that no result exists for.
    #[error("{operation}: expected {name} {expected}, got {got}")]
    Setting {
        /// The operation asked for.
        operation: &'static str,
        /// The setting's name.
        name: &'static str,
        /// What is allowed, in words.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// Two inputs that belong together differ in length.
    #[error("{operation}: expected {expected} {items}, got {got}")]
    Length {
        /// The operation asked for.
        operation: &'static str,
        /// What was counted.
        items: &'static str,
        /// The length that the other input sets.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// A value outside the range that the operation takes.
    #[error("{operation}: expected {expected}, got {got} at index {index}")]
    Value {
        /// The operation asked for.
        operation: &'static str,
        /// The place in the input.
        index: usize,
        /// What is allowed, in words.
        expected: &'static str,
        /// The value there.
        got: f64,
    },
    /// A file lacks a column.
    #[error("survey: no column `{column}` among {available}")]
    Column {
        /// The column asked for.
        column: String,
        /// The columns there are, the first few.
        available: String,
    },
    /// A name that nothing goes by.
    #[error("{operation}: no {what} named `{name}`")]
    Unknown {
        /// The operation asked for.
        operation: &'static str,
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two descriptions of one scale disagree.
    #[error("question {id}: the scale {first} and the scale {second} disagree")]
    Scales {
        /// The question.
        id: String,
        /// One description.
        first: String,
        /// The other.
        second: String,
    },
    /// A line that cannot be read.
    #[error("{what}, line {line}: {problem}")]
    Line {
        /// What is being read.
        what: String,
        /// The line, from one.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// WordNet's files are not where they were looked for.
    #[error("no WordNet in {}; install it (Debian: wordnet-base) or set WORDNET_DIR", looked_in.display())]
    NoWordNet {
        /// The folder.
        looked_in: PathBuf,
    },
    /// The table cannot be read at all.
    #[error("csv: {0}")]
    Csv(#[from] csv::Error),
    /// A model or an embedder failed.
    #[error(transparent)]
    Language(#[from] assay_language::Error),
    /// A statistic failed.
    #[error(transparent)]
    Score(#[from] assay_score::Error),
    /// An array operation failed.
    #[error(transparent)]
    Array(#[from] assay_array::Error),
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn setting(
        operation: &'static str,
        name: &'static str,
        expected: &'static str,
        got: impl ToString,
    ) -> Self {
        Self::Setting { operation, name, expected, got: got.to_string() }
    }
}
