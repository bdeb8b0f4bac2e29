/// What can go wrong in this crate; every message names the operation, what it expected and what
/// came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input holds a NaN or an infinity.
    #[error("{operation}: expected finite numbers, got {value} at [{row}, {column}]")]
    NotFinite {
        /// What was asked for.
        operation: &'static str,
        /// Row of the first such number.
        row: usize,
        /// Column of the first such number.
        column: usize,
        /// The number.
        value: f64,
    },
    /// Fewer rows (tokens, samples) than the measure is defined for.
    #[error("{operation}: expected at least {needed} rows, got {got}")]
    TooFewRows {
        /// What was asked for.
        operation: &'static str,
        /// The smallest number that works.
        needed: usize,
        /// The number given, or left.
        got: usize,
    },
    /// Rows without columns.
    #[error("{operation}: expected at least one column, got [{rows}, 0]")]
    NoColumns {
        /// What was asked for.
        operation: &'static str,
        /// Rows of the matrix.
        rows: usize,
    },
    /// A row that has no direction to be normalised to: zero, or equal to the mean where rows are
    /// centred. [`RowPolicy::Skip`](crate::RowPolicy::Skip) leaves such rows out and counts them.
    #[error("{operation}: expected rows that differ from {from}, got row {row} at it")]
    ZeroRow {
        /// What was asked for.
        operation: &'static str,
        /// `zero` or `the mean`.
        from: &'static str,
        /// Index of the first such row.
        row: usize,
    },
    /// Under [`RowPolicy::Skip`](crate::RowPolicy::Skip), no row with a direction was left.
    #[error("{operation}: expected a row with a direction, got {rows} rows without")]
    AllSkipped {
        /// What was asked for.
        operation: &'static str,
        /// Rows given.
        rows: usize,
    },
    /// A matrix whose eigenvalues cannot be weights, because they are all zero.
    #[error("{operation}: expected a positive trace, got {trace}")]
    ZeroTrace {
        /// What was asked for.
        operation: &'static str,
        /// The trace.
        trace: f64,
    },
    /// A matrix that must be positive semi-definite has an eigenvalue below zero by more than
    /// rounding explains.
    #[error(
        "{operation}: expected a positive semi-definite matrix, got eigenvalues from {smallest:e} to \
         {largest:e}"
    )]
    Indefinite {
        /// What was asked for.
        operation: &'static str,
        /// The smallest eigenvalue.
        smallest: f64,
        /// The largest eigenvalue.
        largest: f64,
    },
    /// An array has another shape than is needed.
    #[error("{operation}: expected {expected}, got {got:?}")]
    Shape {
        /// What was asked for.
        operation: &'static str,
        /// What fits, in words.
        expected: String,
        /// The shape given.
        got: Vec<usize>,
    },
    /// Magnitudes whose squares leave the range of the element type. Scale them, or use `f64`.
    #[error("{operation}: the result is outside the range of {element}")]
    Overflow {
        /// What was asked for.
        operation: &'static str,
        /// The element type.
        element: &'static str,
    },
    /// A setting that no result exists for.
    #[error("{operation}: expected {name} {expected}, got {got}")]
    Setting {
        /// What was asked for.
        operation: &'static str,
        /// The setting's name.
        name: &'static str,
        /// What is allowed, in words.
        expected: &'static str,
        /// What was given.
        got: f64,
    },
    /// The input is valid but the result does not exist for it.
    #[error("{operation}: not defined because {reason}")]
    Undefined {
        /// What was asked for.
        operation: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// Accumulators that count different things.
    #[error("{operation}: expected {what} to be the same on both sides, got {left} and {right}")]
    Incompatible {
        /// What was asked for.
        operation: &'static str,
        /// What differs.
        what: &'static str,
        /// The receiver's, in words.
        left: String,
        /// The argument's, in words.
        right: String,
    },
    /// A name pattern that cannot say which tensor is which layer.
    #[error("pattern `{pattern}`: {problem}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file of hidden states that cannot be used as such.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Linear algebra or a file format failed.
    #[error(transparent)]
    Array(#[from] assay_array::Error),
    /// Counting, resampling or reading stored bytes failed.
    #[error(transparent)]
    Score(#[from] assay_score::Error),
    /// burn or a device failed.
    #[cfg(feature = "burn")]
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
}

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(feature = "burn")]
impl From<assay_tensor::DeviceError> for Error {
    fn from(error: assay_tensor::DeviceError) -> Self {
        assay_tensor::Error::from(error).into()
    }
}
