//! What can be wrong with a call.

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A weight, an image or a logit that is NaN or infinite.
    #[error("{operation}: expected finite numbers, got {value} at {index:?}")]
    NotFinite {
        /// What was asked for.
        operation: &'static str,
        /// Where the number is.
        index: Vec<usize>,
        /// The number.
        value: f64,
    },
    /// Arguments whose shapes do not go together.
    #[error("{operation}: expected {expected:?}, got {got:?}")]
    Shape {
        /// What was asked for, with the names of the axes.
        operation: &'static str,
        /// The shape expected.
        expected: Vec<usize>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// An axis of length zero, or no items where at least one is needed.
    #[error("{operation}: expected at least one {what}, got none")]
    Empty {
        /// What was asked for.
        operation: &'static str,
        /// What there is none of.
        what: &'static str,
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
    /// Heads that do not divide the width of the projection.
    #[error("{operation}: {heads} heads do not divide a width of {width}")]
    Heads {
        /// What was asked for.
        operation: &'static str,
        /// How many heads.
        heads: usize,
        /// The width that they should divide.
        width: usize,
    },
    /// Saved state that belongs to other weights.
    #[error("{operation}: the state has {what} {got}, the weights have {expected}")]
    State {
        /// What was asked for.
        operation: &'static str,
        /// What differs.
        what: &'static str,
        /// What the weights have.
        expected: usize,
        /// What the state has.
        got: usize,
    },
    /// A label that the model does not know.
    #[error("{operation}: sample {sample} has label {label}, there are {classes} classes")]
    Label {
        /// What was asked for.
        operation: &'static str,
        /// Which sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// Fewer classes than a loss needs.
    #[error("{operation}: needs at least {needed} classes, the model has {classes}")]
    Classes {
        /// What was asked for.
        operation: &'static str,
        /// How many it needs.
        needed: usize,
        /// How many there are.
        classes: usize,
    },
    /// A pixel outside the bounds. Attack in the units of the image and let the model normalise:
    /// see `Normalized`.
    #[error(
        "{operation}: sample {sample} has the value {value}, outside [{low}, {high}]; \
         attack images in their own units and put the normalisation into the model"
    )]
    OutOfBounds {
        /// What was asked for.
        operation: &'static str,
        /// Which sample.
        sample: usize,
        /// The value.
        value: f64,
        /// The smallest value allowed.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// A perturbed sample that the threat model does not allow.
    #[error("{operation}: sample {sample} was moved by {distance}, more than {epsilon}")]
    TooFar {
        /// What was asked for.
        operation: &'static str,
        /// Which sample.
        sample: usize,
        /// How far it was moved, in the threat's norm.
        distance: f64,
        /// How far it may be.
        epsilon: f64,
    },
    /// A bound that exists only near a point was asked for everywhere.
    #[error("{layer} has no global Lipschitz constant; start from `Derivation::ball`")]
    NeedsBall {
        /// The layer.
        layer: String,
    },
    /// A method that does not exist for this norm.
    #[error("{operation} is not defined for the norm {norm}")]
    Norm {
        /// What was asked for.
        operation: &'static str,
        /// The norm.
        norm: &'static str,
    },
    /// A saved evaluation that belongs to another run.
    #[error("resume: the saved run has {what} {saved}, this one {now}")]
    Resume {
        /// What differs.
        what: &'static str,
        /// What was saved.
        saved: String,
        /// What this run has.
        now: String,
    },
    /// A model that failed to answer.
    #[error("model: {0}")]
    Model(String),
    /// A decomposition that failed.
    #[error("{operation}: {reason}")]
    Linalg {
        /// What was asked for.
        operation: &'static str,
        /// What the linear algebra had to say.
        reason: String,
    },
    /// Tensors, devices or files that failed.
    #[cfg(feature = "burn")]
    #[error(transparent)]
    Tensor(#[from] assay_tensor::SharedError),
}

/// The result of a call that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Turns an error of `assay-array` into ours, with the operation's name.
pub(crate) fn linalg(operation: &'static str) -> impl Fn(assay_array::Error) -> Error {
    move |error| match error {
        assay_array::Error::NotFinite { row, column, value, .. } => {
            Error::NotFinite { operation, index: vec![row, column], value }
        }
        other => Error::Linalg { operation, reason: other.to_string() },
    }
}

/// Refuses what is not a finite number in `[low, high]`.
pub(crate) fn within(
    name: &'static str,
    expected: &'static str,
    got: f64,
    low: f64,
    high: f64,
) -> Result<()> {
    if got.is_finite() && got >= low && got <= high {
        Ok(())
    } else {
        Err(Error::Parameter { name, expected, got })
    }
}

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
