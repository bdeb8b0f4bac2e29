/// What can go wrong in this crate.
///
/// Every message names the operation, what it expected and what came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was given, and the result of nothing is not defined.
    #[error("{operation}: expected at least one {item}, got none")]
    Empty {
        /// The operation asked for.
        operation: &'static str,
        /// What was missing: `"value"`, `"label"`, `"trial"`.
        item: &'static str,
    },

    /// Something was given, but fewer than the operation needs.
    #[error("{operation}: expected at least {needed} {items}, got {got}")]
    TooFew {
        /// The operation asked for.
        operation: &'static str,
        /// What there was too little of: `"clusters"`, `"values"`.
        items: &'static str,
        /// The smallest number that works.
        needed: usize,
        /// The number given.
        got: usize,
    },

    /// An item lacks something that the operation needs.
    #[error("{operation}: expected at least one {item}, got none at index {index}")]
    Missing {
        /// The operation asked for.
        operation: &'static str,
        /// What is missing: `"reference"`.
        item: &'static str,
        /// The place in the input.
        index: usize,
    },

    /// A file cannot be read.
    #[error("cannot read {}: {problem}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The system's reason.
        problem: String,
    },

    /// A line of a text file is not in the form that the file should have.
    #[error("{operation}: expected {expected} in line {line}")]
    Format {
        /// The operation asked for.
        operation: &'static str,
        /// The line, from 1.
        line: usize,
        /// What should have been there.
        expected: &'static str,
    },

    /// More was given than the operation can count or hold.
    #[error("{operation}: expected at most {limit} {items}, got {got}")]
    TooMany {
        /// The operation asked for.
        operation: &'static str,
        /// What there was too much of.
        items: &'static str,
        /// The largest number that works.
        limit: u64,
        /// The number given; the largest `u64` where it does not fit.
        got: u64,
    },

    /// Two inputs that belong together differ in length.
    #[error("{operation}: expected {expected} {items}, got {got}")]
    Length {
        /// The operation asked for.
        operation: &'static str,
        /// What was counted: `"predicted labels"`, `"edges"`.
        items: &'static str,
        /// The length that the other input sets.
        expected: usize,
        /// The length given.
        got: usize,
    },

    /// A value is NaN, infinite, or outside the range that the operation takes.
    #[error(
        "{operation}: expected values in [{lower:e}, {upper:e}], got {value:e} at index {index}"
    )]
    Value {
        /// The operation asked for.
        operation: &'static str,
        /// The place in the input.
        index: usize,
        /// The value there.
        value: f64,
        /// The smallest value allowed.
        lower: f64,
        /// The largest value allowed.
        upper: f64,
    },

    /// A label or index that names no class, unit or item.
    #[error("{operation}: expected labels below {limit}, got {label} at index {index}")]
    Label {
        /// The operation asked for.
        operation: &'static str,
        /// The place in the input.
        index: usize,
        /// The label there.
        label: usize,
        /// The number of labels.
        limit: usize,
    },

    /// A prediction is marked [`UNPARSED`](crate::UNPARSED), and the rule is
    /// [`Unparsed::Refuse`](crate::Unparsed::Refuse). Ask for
    /// [`Unparsed::Count`](crate::Unparsed::Count) to count such answers as wrong.
    #[error(
        "{operation}: expected a label below {classes}, got an unparsed answer at index {index}"
    )]
    UnparsedAnswer {
        /// The operation asked for.
        operation: &'static str,
        /// The place in the input.
        index: usize,
        /// The number of classes.
        classes: usize,
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
        got: f64,
    },

    /// Two accumulators count different things and cannot be merged.
    #[error("{operation}: expected {what} to be the same on both sides, got {left} and {right}")]
    Incompatible {
        /// The operation asked for.
        operation: &'static str,
        /// What differs.
        what: &'static str,
        /// The receiver's, in words.
        left: String,
        /// The argument's, in words.
        right: String,
    },

    /// The data are valid but the result does not exist for them.
    #[error("{operation}: not defined because {reason}")]
    Undefined {
        /// The operation asked for.
        operation: &'static str,
        /// Why.
        reason: &'static str,
    },

    /// The statistic given by the caller returned NaN or an infinity.
    #[error("{operation}: expected a finite statistic, got {value} for {sample}")]
    Statistic {
        /// The operation asked for.
        operation: &'static str,
        /// Which sample: the data, a numbered resample or a numbered jackknife sample.
        sample: String,
        /// What the statistic returned.
        value: f64,
    },

    /// Bytes that are not the stored form of the accumulator asked for.
    #[error("{kind} from bytes: expected {expected}, got {got}")]
    Bytes {
        /// The kind of accumulator asked for.
        kind: String,
        /// What should have been there.
        expected: &'static str,
        /// What was there.
        got: String,
    },
}

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
