//! One call of a host kernel: what its inputs share, and what came out of it, checked.

use std::ops::Range;

use assay_array::Scalar;
use assay_array::ndarray::{Array, Axis, Dimension, IxDyn};
use burn::prelude::{Bool, Device, Int, Tensor, TensorData};
use burn::tensor::{DType, Element, IndexingUpdateOp};

use super::Need;
use crate::Error;
use crate::convert::into_flat;

/// The largest finite `f16`.
const F16_MAX: f64 = 65_504.0;
/// The largest finite `bf16`: 255 · 2¹²⁰.
const BF16_MAX: f64 = 3.389_531_389_251_535_5e38;

/// What the inputs of one call have in common.
#[derive(Debug)]
pub struct Call {
    pub(super) operation: &'static str,
    dtype: DType,
    device: Device,
    /// The largest magnitude that the inputs' dtype holds.
    limit: f64,
    inputs: usize,
    pub(super) need: Need,
}

impl Call {
    /// `first` is the first input's dtype and device.
    pub(super) fn new<T: Scalar + Element>(
        operation: &'static str,
        first: Option<(DType, Device)>,
    ) -> Result<Self, Error> {
        let Some((dtype, device)) = first else {
            let (expected, got) = (vec![1], vec![0]);
            return Err(Error::Shape { operation: format!("{operation}: inputs"), expected, got });
        };
        let limit = match dtype {
            DType::F64 if T::dtype() == DType::F64 => f64::MAX,
            DType::F32 | DType::Flex32 => f32::MAX.into(),
            DType::F16 => F16_MAX,
            DType::BF16 => BF16_MAX,
            _ => {
                return Err(Error::DType {
                    operation: format!("{operation} computing in {}", T::NAME),
                    expected: "a float no wider than that".to_owned(),
                    got: format!("{dtype:?}"),
                });
            }
        };
        Ok(Self { operation, dtype, device, limit, inputs: 0, need: Need::Value })
    }

    pub(super) fn check_shape(
        &self,
        what: &str,
        expected: &[usize],
        got: &[usize],
    ) -> Result<(), Error> {
        if expected == got {
            return Ok(());
        }
        let operation = format!("{}: {what}", self.operation);
        Err(Error::Shape { operation, expected: expected.to_vec(), got: got.to_vec() })
    }

    pub(super) fn check_lengths(&self, rows: usize, lengths: &[usize]) -> Result<(), Error> {
        let sum = lengths.iter().fold(0_usize, |sum, &length| sum.saturating_add(length));
        if sum == rows {
            return Ok(());
        }
        let operation = self.operation.to_owned();
        Err(Error::Lengths { operation, rows, count: lengths.len(), sum })
    }

    /// The gradients, if they are needed.
    pub(super) fn expect<G>(&self, grads: Option<G>) -> Result<Option<G>, Error> {
        match (self.need, grads) {
            (Need::Value, _) => Ok(None),
            (Need::Gradient, None) => {
                Err(Error::NoGradient { operation: self.operation.to_owned() })
            }
            (Need::Gradient, grads) => Ok(grads),
        }
    }

    /// Registers an input and gives its number.
    pub(super) fn admit<const D: usize>(&mut self, tensor: &Tensor<D>) -> Result<usize, Error> {
        let number = self.inputs;
        self.inputs += 1;
        let (dtype, device) = (tensor.dtype(), tensor.device());
        if dtype != self.dtype {
            return Err(Error::DType {
                operation: format!("{}: input {number}", self.operation),
                expected: format!("{:?}", self.dtype),
                got: format!("{dtype:?}"),
            });
        }
        // burn panics where tracked tensors of different checkpointing strategies meet.
        let strategies = (
            self.device.gradient_checkpointing_strategy(),
            device.gradient_checkpointing_strategy(),
        );
        let compatible = matches!(strategies, (Some(first), Some(other)) if first == other)
            || strategies.0.is_none()
            || strategies.1.is_none();
        if device != self.device || !compatible {
            return Err(Error::Devices {
                operation: format!("{}: input {number}", self.operation),
                expected: format!("{:?}", self.device),
                got: format!("{device:?}"),
            });
        }
        if device.is_autodiff() && !self.device.is_autodiff() {
            self.device = device;
        }
        if tensor.is_tracked() {
            self.need = Need::Gradient;
        }
        Ok(number)
    }

    /// The sum of all entries of each segment's rows, `[B]`.
    pub(super) fn sum_segments<T: Scalar + Element, const D: usize>(
        &self,
        entries: Tensor<D>,
        lengths: &[usize],
    ) -> Tensor<1> {
        let shape = entries.dims();
        let (rows, width) = (shape[0], shape[1..].iter().product());
        let by_row: Tensor<1> = entries.reshape([rows, width]).sum_dim(1).reshape([rows]);
        if lengths.iter().all(|&length| length == 1) {
            return by_row;
        }
        // Backwards this is a gather: every row takes its segment's derivative.
        let segments: Vec<i32> =
            (0..).zip(lengths).flat_map(|(b, &n)| std::iter::repeat_n(b, n)).collect();
        let segments = TensorData::new(segments, [rows]);
        let segments = Tensor::<1, Int>::from_data(segments, &self.constant());
        let zeros = self.upload(vec![T::ZERO; lengths.len()], [lengths.len()]);
        zeros.select_assign(0, segments, by_row, IndexingUpdateOp::Add)
    }

    pub(super) fn upload<T: Element, const D: usize>(
        &self,
        values: Vec<T>,
        shape: [usize; D],
    ) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&self.constant(), self.dtype))
    }

    /// The inputs' device for tensors that autodiff need not see.
    pub(super) fn constant(&self) -> Device {
        self.device.clone().without_autodiff()
    }
}

/// The values that a kernel returned, checked.
#[derive(Debug)]
pub struct Outcome<'a> {
    pub(super) call: &'a Call,
    /// Which values are infinite, if any is.
    pub(super) infinite: Option<Vec<bool>>,
    pub(super) count: usize,
}

impl<'a> Outcome<'a> {
    pub(super) fn new<T: Scalar>(call: &'a Call, values: &[T]) -> Result<Self, Error> {
        if let Some(index) = values.iter().position(|value| value.is_nan()) {
            return Err(Error::NotFinite {
                operation: format!("{}: value", call.operation),
                index: vec![index],
                value: f64::NAN,
            });
        }
        let infinite: Vec<bool> = values.iter().map(|v| v.to_f64().abs() > call.limit).collect();
        let infinite = infinite.contains(&true).then_some(infinite);
        Ok(Self { call, infinite, count: values.len() })
    }

    /// `values` as a tensor, plus the terms, all of value zero.
    pub(super) fn finish<T: Scalar + Element>(
        self,
        values: Vec<T>,
        terms: Vec<Tensor<1>>,
    ) -> Tensor<1> {
        let (call, count) = (self.call, self.count);
        let Some(zero) = terms.into_iter().reduce(|sum, term| sum + term) else {
            let data = TensorData::new(values, [count]);
            return Tensor::from_data(data, (&call.device, call.dtype));
        };
        let zero = match self.infinite {
            // Cuts what comes down from the loss, so that ∞ · 0 cannot arise.
            Some(infinite) => {
                let data = TensorData::new(infinite, [count]);
                zero.mask_fill(Tensor::<1, Bool>::from_data(data, &call.constant()), 0.0)
            }
            None => zero,
        };
        zero + call.upload(values, [count])
    }

    /// The gradient of input `number` in row-major order: zero in the rows that `infinite_rows`
    /// yields (ranges along the first axis), finite elsewhere.
    pub(super) fn gradient<T: Scalar, D: Dimension>(
        &self,
        number: usize,
        mut grad: Array<T, D>,
        infinite_rows: impl Iterator<Item = Range<usize>>,
    ) -> Result<Vec<T>, Error> {
        for rows in infinite_rows {
            grad.slice_axis_mut(Axis(0), rows.into()).fill(T::ZERO);
        }
        let shape = IxDyn(grad.shape());
        let grad = into_flat(grad);
        let limit = T::from_f64(self.call.limit);
        // Without an early exit, which keeps the loop vectorised.
        if grad.iter().fold(true, |finite, g| finite & (g.abs() <= limit)) {
            return Ok(grad);
        }
        let fits = |g: &T| g.abs() <= limit;
        let worst = grad.iter().position(|g| !fits(g)).unwrap_or(0);
        let mut index = vec![0; shape.ndim()];
        let mut rest = worst;
        for (i, &length) in index.iter_mut().zip(shape.slice()).rev() {
            (*i, rest) = (rest % length.max(1), rest / length.max(1));
        }
        Err(Error::NotFinite {
            operation: format!("{}: gradient of input {number}", self.call.operation),
            index,
            value: grad.get(worst).map_or(f64::NAN, |g| g.to_f64()),
        })
    }

    /// The infinite values' positions, each as a range of one.
    pub(super) fn infinite_ones(&self) -> impl Iterator<Item = Range<usize>> {
        let infinite = self.infinite.iter().flatten().enumerate();
        infinite.filter(|(_, infinite)| **infinite).map(|(b, _)| b..b + 1)
    }

    /// The infinite segments' rows.
    pub(super) fn infinite_rows(&self, lengths: &[usize]) -> impl Iterator<Item = Range<usize>> {
        let ends = lengths.iter().scan(0, |end, &length| {
            *end += length;
            Some(*end - length..*end)
        });
        let infinite = self.infinite.iter().flatten();
        ends.zip(infinite).filter(|(_, infinite)| **infinite).map(|(rows, _)| rows)
    }
}
