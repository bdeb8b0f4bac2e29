use std::path::PathBuf;

/// What can go wrong in this crate.
///
/// Every message names what was read, what it expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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

    /// A file is not in the form that it should have.
    #[error("{file}, line {line}: expected {expected}, got {got}")]
    Line {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What should have been there.
        expected: String,
        /// What was there, or the reader's complaint.
        got: String,
    },

    /// A field of an item is missing or of another kind.
    #[error("{task}, item {item}: expected the field {field} to be {expected}, got {got}")]
    Field {
        /// The task.
        task: String,
        /// The item.
        item: String,
        /// The field.
        field: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
    },

    /// Two items share an id, or an answer belongs to no item.
    #[error("{task}: {problem} {id}")]
    Id {
        /// The task.
        task: String,
        /// What is wrong: `"two items are called"`, `"an answer is for the unknown item"`.
        problem: &'static str,
        /// The id.
        id: String,
    },

    /// Nothing was given, and the result of nothing is not defined.
    #[error("{operation}: expected at least one {item}, got none")]
    Empty {
        /// The operation asked for.
        operation: &'static str,
        /// What was missing.
        item: &'static str,
    },

    /// A setting that no result exists for, or a name that is not known.
    #[error("{operation}: expected {name} {expected}, got {got}")]
    Setting {
        /// The operation asked for.
        operation: &'static str,
        /// The setting's name.
        name: &'static str,
        /// What is allowed, in words.
        expected: String,
        /// What was given.
        got: String,
    },

    /// Answers are missing, and the report must not look complete.
    #[error(
        "{task}: expected {expected} answers, got {got}; ask for an incomplete report to see it anyway"
    )]
    Incomplete {
        /// The task.
        task: String,
        /// The number of items times samples.
        expected: usize,
        /// The answers there are.
        got: usize,
    },

    /// A task needs a judge, an embedder or a scorer that was not given.
    #[error("{task}: needs {what}")]
    Needs {
        /// The task.
        task: String,
        /// What is missing.
        what: &'static str,
    },

    /// A measure of assay-score refused.
    #[error(transparent)]
    Score(#[from] assay_score::Error),

    /// A model or its files refused.
    #[error(transparent)]
    Language(#[from] assay_language::Error),

    /// A report could not be written.
    #[error(transparent)]
    Report(#[from] assay_report::Error),
}

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
