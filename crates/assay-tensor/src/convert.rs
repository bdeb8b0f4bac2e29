//! Tensors to host arrays and back, without copies where memory allows.
//!
//! | from | to | copies |
//! |---|---|---|
//! | `Tensor` on a CPU backend, contiguous, not shared | `Array` | none: the same allocation |
//! | any other `Tensor` | `Array` | one |
//! | `TensorData` | `ArrayViewD` | none |
//! | `Array` in row-major order | `Tensor` on a CPU backend | none |
//! | any other `Array` | `Tensor` | one |
//!
//! Integers are `i64` on the host, whatever width the device has; booleans are `bool`. Floats are
//! never rounded or widened behind your back: a wrong element type is an error.

use assay_array::Scalar;
use assay_array::ndarray::{Array, ArrayViewD, Dim, Dimension, IxDyn};
use burn::prelude::{Bool, Device, Int, Tensor, TensorData};
use burn::tensor::{DType, Element, TensorReadError};

use crate::{Error, computes_in};

/// The tensor's values as an array of the same shape. `T` must be the tensor's element type.
///
/// # Errors
/// [`Error::DType`] for another `T`, [`Error::Read`] when the device fails.
///
/// # Examples
/// ```
/// use assay_tensor::{burn::prelude::Tensor, convert, device};
///
/// # #[cfg(feature = "flex")] {
/// let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device("flex")?);
/// let array = convert::into_array::<f32, 2>(x)?;
/// assert_eq!(array.column(1).to_vec(), [2.0, 4.0]);
/// # }
/// # Ok::<(), assay_tensor::Error>(())
/// ```
pub fn into_array<T, const D: usize>(tensor: Tensor<D>) -> Result<Array<T, Dim<[usize; D]>>, Error>
where
    T: Scalar + Element,
    Dim<[usize; D]>: Dimension,
{
    const OPERATION: &str = "tensor to array";
    check_dtype::<T>(OPERATION, tensor.dtype())?;
    let shape = tensor.dims();
    let data = read(OPERATION, tensor.try_into_data().map_err(Into::into))?;
    shaped(OPERATION, &shape, read(OPERATION, data.try_into_vec().map_err(Into::into))?)
}

/// The integer tensor's values as `i64`, whatever width the device gives integers.
///
/// # Errors
/// [`Error::Read`] when the device fails, [`Error::Overflow`] for a `u64` above `i64::MAX`.
pub fn into_int_array<const D: usize>(
    tensor: Tensor<D, Int>,
) -> Result<Array<i64, Dim<[usize; D]>>, Error>
where
    Dim<[usize; D]>: Dimension,
{
    const OPERATION: &str = "integer tensor to array";
    let shape = tensor.dims();
    let values = if tensor.dtype() == DType::U64 {
        let values = read(OPERATION, tensor.try_into_vec_as::<u64>())?;
        check_range(OPERATION, DType::I64, values.iter().copied())?;
        values.into_iter().map(u64::cast_signed).collect()
    } else {
        read(OPERATION, tensor.try_into_vec_as())?
    };
    shaped(OPERATION, &shape, values)
}

/// The boolean tensor's values.
///
/// # Errors
/// [`Error::Read`] when the device fails.
pub fn into_bool_array<const D: usize>(
    tensor: Tensor<D, Bool>,
) -> Result<Array<bool, Dim<[usize; D]>>, Error>
where
    Dim<[usize; D]>: Dimension,
{
    const OPERATION: &str = "boolean tensor to array";
    let shape = tensor.dims();
    shaped(OPERATION, &shape, read(OPERATION, tensor.try_into_vec_as())?)
}

/// A tensor of the array's shape and element type on `device`.
///
/// # Errors
/// [`Error::Unsupported`] where the device lacks the element type: wgpu has no `f64`.
///
/// # Examples
/// ```
/// use assay_tensor::assay_array::ndarray::array;
/// use assay_tensor::{burn::tensor::DType, convert, device};
///
/// # #[cfg(feature = "flex")] {
/// let x = convert::from_array(array![[1.0_f64, 2.0], [3.0, 4.0]], &device("flex")?)?;
/// assert_eq!((x.dims(), x.dtype()), ([2, 2], DType::F64));
/// # }
/// # Ok::<(), assay_tensor::Error>(())
/// ```
pub fn from_array<T, const D: usize>(
    array: Array<T, Dim<[usize; D]>>,
    device: &Device,
) -> Result<Tensor<D>, Error>
where
    T: Scalar + Element,
    Dim<[usize; D]>: Dimension,
{
    check_support("array to tensor", device, T::dtype())?;
    Ok(Tensor::from_data(data(array), (device, T::dtype())))
}

/// An integer tensor of the array's shape on `device`, with the device's own integer type.
///
/// # Errors
/// [`Error::Overflow`] for a number that this type cannot hold.
pub fn from_int_array<const D: usize>(
    array: Array<i64, Dim<[usize; D]>>,
    device: &Device,
) -> Result<Tensor<D, Int>, Error>
where
    Dim<[usize; D]>: Dimension,
{
    let dtype = DType::from(device.settings().int_dtype);
    check_range("integer array to tensor", dtype, array.iter().copied())?;
    Ok(Tensor::from_data(data(array), device))
}

/// A boolean tensor of the array's shape on `device`.
pub fn from_bool_array<const D: usize>(
    array: Array<bool, Dim<[usize; D]>>,
    device: &Device,
) -> Tensor<D, Bool>
where
    Dim<[usize; D]>: Dimension,
{
    Tensor::from_data(data(array), device)
}

/// The array as burn's host data; row-major arrays keep their memory.
pub fn data<T, D>(array: Array<T, D>) -> TensorData
where
    T: Element,
    D: Dimension,
{
    let shape = array.shape().to_vec();
    TensorData::new(into_flat(array), shape)
}

/// A view of burn's host data. `T` must be its element type.
///
/// # Errors
/// [`Error::DType`] for another `T`, [`Error::Read`] if the data's storage cannot be reached.
///
/// # Examples
/// ```
/// use assay_tensor::{burn::prelude::TensorData, convert};
///
/// let data = TensorData::from([[1.0_f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(convert::view::<f32>(&data)?.shape(), [2, 2]);
/// # Ok::<(), assay_tensor::Error>(())
/// ```
pub fn view<T: Element>(data: &TensorData) -> Result<ArrayViewD<'_, T>, Error> {
    const OPERATION: &str = "tensor data to view";
    check_dtype::<T>(OPERATION, data.dtype())?;
    let shape = data.shape().to_vec();
    let values = read(OPERATION, data.as_slice::<T>().map_err(Into::into))?;
    let got = values.len();
    ArrayViewD::from_shape(IxDyn(&shape), values).map_err(|_| Error::Shape {
        operation: OPERATION.to_owned(),
        expected: shape.clone(),
        got: vec![got],
    })
}

/// An array of `shape`, which the values' count must fill.
pub(crate) fn shaped<T, D: Dimension>(
    operation: &str,
    shape: &[usize],
    values: Vec<T>,
) -> Result<Array<T, D>, Error> {
    let got = values.len();
    Array::from_shape_vec(IxDyn(shape), values).and_then(Array::into_dimensionality).map_err(|_| {
        Error::Shape { operation: operation.to_owned(), expected: shape.to_vec(), got: vec![got] }
    })
}

/// The values in row-major order; no copy if that is how they lie.
pub(crate) fn into_flat<T: Copy, D: Dimension>(array: Array<T, D>) -> Vec<T> {
    if !array.is_standard_layout() {
        return array.iter().copied().collect();
    }
    let len = array.len();
    let (mut values, offset) = array.into_raw_vec_and_offset();
    // An array that was cut in place keeps the rest of its memory before and after.
    values.drain(..offset.unwrap_or(0));
    values.truncate(len);
    values
}

pub(crate) fn read<T>(operation: &str, result: Result<T, TensorReadError>) -> Result<T, Error> {
    result.map_err(|source| Error::Read { operation: operation.to_owned(), source })
}

pub(crate) fn check_support(operation: &str, device: &Device, dtype: DType) -> Result<(), Error> {
    if computes_in(device, dtype) {
        return Ok(());
    }
    Err(Error::Unsupported {
        operation: operation.to_owned(),
        dtype: format!("{dtype:?}"),
        device: format!("{device:?}"),
    })
}

/// Checks that every integer fits `dtype`; burn panics otherwise.
pub(crate) fn check_range<I: Into<i128>>(
    operation: &str,
    dtype: DType,
    values: impl Iterator<Item = I>,
) -> Result<(), Error> {
    let range: std::ops::RangeInclusive<i128> = match dtype {
        DType::I8 => i8::MIN.into()..=i8::MAX.into(),
        DType::I16 => i16::MIN.into()..=i16::MAX.into(),
        DType::I32 => i32::MIN.into()..=i32::MAX.into(),
        DType::U8 => 0..=u8::MAX.into(),
        DType::U16 => 0..=u16::MAX.into(),
        DType::U32 => 0..=u32::MAX.into(),
        DType::U64 => 0..=u64::MAX.into(),
        _ => i64::MIN.into()..=i64::MAX.into(),
    };
    match values.map(Into::into).enumerate().find(|(_, value)| !range.contains(value)) {
        None => Ok(()),
        Some((index, value)) => Err(Error::Overflow {
            operation: operation.to_owned(),
            index,
            value,
            dtype: format!("{dtype:?}"),
        }),
    }
}

fn check_dtype<T: Element>(operation: &str, got: DType) -> Result<(), Error> {
    if got == T::dtype() {
        return Ok(());
    }
    Err(Error::DType {
        operation: operation.to_owned(),
        expected: format!("{:?}", T::dtype()),
        got: format!("{got:?}"),
    })
}
