//! What can be wrong with a call.

/// Why a call was refused. Every message names the operation, what it expected and what came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was given, and the result of nothing is not defined.
    #[error("{operation}: expected at least one {item}, got none")]
    Empty {
        /// What was asked for.
        operation: &'static str,
        /// What was missing.
        item: &'static str,
    },
    /// Fewer were given than the operation needs.
    #[error("{operation}: expected at least {needed} {items}, got {got}")]
    TooFew {
        /// What was asked for.
        operation: &'static str,
        /// What there was too little of.
        items: &'static str,
        /// The smallest number that works.
        needed: usize,
        /// The number given.
        got: usize,
    },
    /// Two inputs that belong together differ in length.
    #[error("{operation}: expected {expected} {items}, got {got}")]
    Length {
        /// What was asked for.
        operation: &'static str,
        /// What was counted.
        items: &'static str,
        /// The length that the other input sets.
        expected: usize,
        /// The length given.
        got: usize,
    },
    /// A logit, feature or target that is NaN or infinite.
    #[error("{operation}: expected finite numbers, got {value} at [{row}, {column}]")]
    NotFinite {
        /// What was asked for.
        operation: &'static str,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A number outside the range that the operation takes.
    #[error("{operation}: expected {expected}, got {value} at index {index}")]
    Value {
        /// What was asked for.
        operation: &'static str,
        /// The range in words.
        expected: &'static str,
        /// The place in the input.
        index: usize,
        /// The number there.
        value: f64,
    },
    /// A class probability that is NaN, negative or above 1. Logits want [`Logits`](crate::Logits).
    #[error(
        "{operation}: expected probabilities in [0, 1], got {value} at [{row}, {column}]; logits want the type Logits"
    )]
    Probability {
        /// What was asked for.
        operation: &'static str,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// A row of probabilities that does not sum to 1.
    #[error("{operation}: expected rows that sum to 1, row {row} sums to {sum}")]
    RowSum {
        /// What was asked for.
        operation: &'static str,
        /// The row.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// A label that names no class.
    #[error("{operation}: expected labels below {classes}, got {label} at index {index}")]
    Label {
        /// What was asked for.
        operation: &'static str,
        /// The place in the input.
        index: usize,
        /// The label there.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A feature vector that is not of unit length where that is required, or has no direction.
    #[error("{operation}: expected {expected}, row {row} has the norm {norm}")]
    Norm {
        /// What was asked for, with the matrix's name.
        operation: &'static str,
        /// The rule in words.
        expected: &'static str,
        /// The row.
        row: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// Two arrays that disagree about a length.
    #[error("{operation}: expected the shape {expected:?}, got {got:?}")]
    Shape {
        /// What was asked for, with the names of the axes.
        operation: &'static str,
        /// The shape expected.
        expected: Vec<usize>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A setting outside its range.
    #[error("{name}: expected {expected}, got {got}")]
    Parameter {
        /// The setting.
        name: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// Its value.
        got: f64,
    },
    /// The data are valid, but the result does not exist for them.
    #[error("{operation}: not defined because {reason}")]
    Undefined {
        /// What was asked for.
        operation: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A calibrator that works with proximities was given predictions without them.
    #[error("{operation}: expected predictions with proximities (Predictions::with_proximity)")]
    NoProximity {
        /// What was asked for.
        operation: &'static str,
    },
    /// A fitted calibrator, read from a file, whose parts do not fit together.
    #[error("{operation}: expected {expected}, got {got}")]
    Fitted {
        /// The calibrator.
        operation: &'static str,
        /// What must hold.
        expected: &'static str,
        /// What was found.
        got: String,
    },
    /// A matrix product or factorisation that failed, as `assay-array` tells it.
    #[error("{operation}: {message}")]
    Linalg {
        /// What was asked for.
        operation: &'static str,
        /// The reason.
        message: String,
    },
    /// An interval, a bootstrap or a stored accumulator that failed, as `assay-score` tells it.
    #[error(transparent)]
    Score(#[from] assay_score::Error),
    /// Tensors or devices that do not go together, or that failed.
    #[cfg(feature = "burn")]
    #[error(transparent)]
    Tensor(#[from] assay_tensor::SharedError),
}

/// The result of a call that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(feature = "burn")]
impl From<assay_tensor::Error> for Error {
    fn from(error: assay_tensor::Error) -> Self {
        Self::Tensor(error.into())
    }
}

#[cfg(feature = "burn")]
impl From<assay_tensor::DeviceError> for Error {
    fn from(error: assay_tensor::DeviceError) -> Self {
        Self::Tensor(error.into())
    }
}
