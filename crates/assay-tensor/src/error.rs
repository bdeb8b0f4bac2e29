//! What can go wrong.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::TensorReadError;
use thiserror::Error;

use crate::device::DeviceError;

/// An [`enum@Error`] inside another crate's error: it can be cloned, and two are equal when they say the same.
#[derive(Debug, Clone, Error)]
#[error(transparent)]
pub struct SharedError(Arc<Error>);

impl PartialEq for SharedError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl From<Error> for SharedError {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<DeviceError> for SharedError {
    fn from(error: DeviceError) -> Self {
        Error::from(error).into()
    }
}

/// What can go wrong in this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A device could not be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An array has another shape than it must have.
    #[error("{operation}: expected shape {expected:?}, got {got:?}")]
    Shape {
        /// What was attempted, and on which argument.
        operation: String,
        /// The shape that was needed.
        expected: Vec<usize>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A tensor has another element type than it must have.
    #[error("{operation}: expected elements of type {expected}, got {got}")]
    DType {
        /// What was attempted.
        operation: String,
        /// The element type that was needed.
        expected: String,
        /// The element type that came.
        got: String,
    },
    /// The device has no such element type (WGSL, for instance, has no `f64`).
    #[error("{operation}: the device {device} has no elements of type {dtype}")]
    Unsupported {
        /// What was attempted.
        operation: String,
        /// The element type.
        dtype: String,
        /// The device.
        device: String,
    },
    /// The segments' lengths do not add up to the rows.
    #[error("{operation}: expected lengths that sum to {rows} rows, got {count} that sum to {sum}")]
    Lengths {
        /// What was attempted.
        operation: String,
        /// How many rows the tensor has.
        rows: usize,
        /// How many lengths were given.
        count: usize,
        /// What they add up to (saturating).
        sum: usize,
    },
    /// Two inputs are on different devices, or differ in gradient checkpointing.
    #[error("{operation}: expected every input on {expected}, got one on {got}")]
    Devices {
        /// What was attempted.
        operation: String,
        /// The first input's device.
        expected: String,
        /// The other's device.
        got: String,
    },
    /// A host kernel was asked for its gradient and returned none.
    #[error("{operation}: the kernel was asked for a gradient and returned none")]
    NoGradient {
        /// What was attempted.
        operation: String,
    },
    /// A number is not finite where it must be.
    #[error("{operation}: expected finite numbers, got {value} at {index:?}")]
    NotFinite {
        /// What was attempted, and on which argument.
        operation: String,
        /// Where the number is.
        index: Vec<usize>,
        /// The number.
        value: f64,
    },
    /// An integer does not fit the type that it must go into.
    #[error("{operation}: {value} at flat index {index} does not fit {dtype}")]
    Overflow {
        /// What was attempted.
        operation: String,
        /// Where the integer is.
        index: usize,
        /// The integer.
        value: i128,
        /// The type.
        dtype: String,
    },
    /// A finite number becomes infinite in the type that it must go into.
    #[error("{operation}: {value} at flat index {index} does not fit {dtype}")]
    TooLarge {
        /// What was attempted.
        operation: String,
        /// Where the number is.
        index: usize,
        /// The number.
        value: f64,
        /// The type.
        dtype: String,
    },
    /// A tensor could not be read back from its device.
    #[error("{operation}: cannot read the tensor back: {source}")]
    Read {
        /// What was attempted.
        operation: String,
        /// burn's account.
        source: TensorReadError,
    },
    /// An array's or a file's fault, as `assay-array` tells it.
    #[error(transparent)]
    Array(#[from] assay_array::Error),
    /// A module file cannot be written; what was there before is untouched.
    #[error("cannot write {}: {reason}", path.display())]
    Save {
        /// The file.
        path: PathBuf,
        /// burn's account.
        reason: String,
    },
    /// A file is well-formed, but does not hold the module's tensors.
    #[error("{}: {reason}", path.display())]
    Module {
        /// The file.
        path: PathBuf,
        /// The tensors that the module has and the file has not.
        missing: Vec<String>,
        /// The tensors that the file has and the module has not.
        unexpected: Vec<String>,
        /// A one-line account that names them, or the mis-shaped one.
        reason: String,
    },
}
