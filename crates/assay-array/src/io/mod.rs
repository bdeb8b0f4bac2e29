//! Readers and writers of `.npy`, `.npz` and `.safetensors`.
//!
//! Arrays come out with the file's exact shape, as [`ArrayD`] of the [`Element`] type asked for.
//! What is stored in a narrower type widens when every value survives exactly: `f16` and `bf16` to
//! `f32`, `u8` to `i32`, `i32` to `f64`, and so on. Anything else is [`Error::Dtype`]: read the type
//! that is stored and round it yourself.
//!
//! **Hostile files**: nothing is allocated from a length that was not first compared with the bytes
//! that are there; shapes are multiplied with care; a damaged or hostile file is an
//! [`Error`], never a panic. What an array takes in memory can be seen before it is read, from its
//! [`Info`]: deflate packs a run of zeros a thousandfold, and so may an honest `.npz`.
//!
//! **Large files** (from 1 MiB) are mapped into memory, not read: only the arrays asked for are
//! touched. While a file is mapped, no program may shorten or overwrite it; replacing it by renaming
//! another over it, as the writers here do, is safe.
//!
//! **Writers** write beside the target and rename: the whole file appears, or nothing does.
//!
//! ```
//! use assay_array::io::{npy, shaped};
//! use assay_array::ndarray::{Ix2, array};
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("weights.npy");
//! npy::write(&path, array![[1.0_f32, 2.0, 3.0]].view())?;
//! let weights = npy::read::<f64>(&path)?; // widened
//! let weights = shaped::<_, Ix2>("weights.npy", weights, &[None, Some(3)])?;
//! assert_eq!(weights, array![[1.0, 2.0, 3.0]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod element;
mod file;
mod mmap;
pub mod npy;
pub mod npz;
mod pattern;
pub mod safetensors;

use ndarray::{Array, ArrayD, Dimension, IxDyn, ShapeBuilder};

pub use element::{Dtype, Element};
pub use file::FileBytes;

use crate::{Error, Result};

/// What a file says of one of its arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The array's name; empty for an `.npy` file, which has none.
    pub name: String,
    /// The type its elements are stored in.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Gives an array a static rank, and checks its lengths: `None` stands for any.
///
/// # Errors
/// [`Error::Shape`] when the rank is not `D`'s or a length differs; it names the array as `name`.
pub fn shaped<T, D: Dimension>(
    name: &str,
    array: ArrayD<T>,
    expected: &[Option<usize>],
) -> Result<Array<T, D>> {
    let shape = array.shape().to_vec();
    let fits = shape.len() == expected.len()
        && shape.iter().zip(expected).all(|(&n, want)| want.is_none_or(|want| want == n));
    let error = || Error::Shape {
        array: name.to_owned(),
        expected: expected.to_vec(),
        found: shape.clone(),
    };
    if !fits {
        return Err(error());
    }
    array.into_dimensionality().map_err(|_| error())
}

/// No array has more axes in numpy.
const MAX_RANK: usize = 64;

/// A shape whose element count and, in any type here, size in bytes do not overflow.
fn checked_shape(array: &str, shape: &[u64]) -> Result<Vec<usize>> {
    if shape.len() > MAX_RANK {
        let problem = format!("{} axes, more than {MAX_RANK}", shape.len());
        return Err(Error::Header { file: array.to_owned(), problem });
    }
    let too_large = || Error::TooLarge { array: array.to_owned(), shape: shape.to_vec() };
    // ndarray wants the lengths that are not zero to multiply without overflow, too.
    let mut size = size_of::<f64>();
    let mut lengths = Vec::with_capacity(shape.len());
    for &length in shape {
        let length = usize::try_from(length).map_err(|_| too_large())?;
        size = size
            .checked_mul(length.max(1))
            .filter(|&size| isize::try_from(size).is_ok())
            .ok_or_else(too_large)?;
        lengths.push(length);
    }
    Ok(lengths)
}

/// Bytes of an array of a checked shape.
fn size_in_bytes(shape: &[usize], dtype: &Dtype) -> Option<usize> {
    Some(shape.iter().product::<usize>() * dtype.size()?)
}

/// How elements lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    big_endian: bool,
    by_columns: bool,
}

/// Decodes bytes whose number fits the shape.
fn decode<T: Element>(
    array: &str,
    dtype: &Dtype,
    shape: &[usize],
    layout: Layout,
    bytes: &[u8],
) -> Result<ArrayD<T>> {
    let elements = T::decode(dtype, layout.big_endian, bytes).ok_or_else(|| Error::Dtype {
        array: array.to_owned(),
        expected: T::NAME,
        found: dtype.to_string(),
    })?;
    ArrayD::from_shape_vec(IxDyn(shape).set_f(layout.by_columns), elements).map_err(|_| {
        let shape = shape.iter().map(|&n| n as u64).collect();
        Error::TooLarge { array: array.to_owned(), shape }
    })
}

/// `file: member`, for messages.
fn inside(file: &str, name: &str) -> String {
    format!("{file}: {name}")
}
