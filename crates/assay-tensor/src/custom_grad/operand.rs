//! The inputs of a host kernel: read to the host, checked, linked back.

use assay_array::Scalar;
use assay_array::ndarray::{Array, ArrayView, Axis, Dim, Dimension, IxDyn};
use burn::prelude::{Bool, Device, Int, Tensor, TensorData};
use burn::tensor::{DType, Element, IndexingUpdateOp};

use super::Need;
use crate::Error;
use crate::convert::{into_flat, read, shaped};

/// The largest finite `f16`.
const F16_MAX: f64 = 65_504.0;
/// The largest finite `bf16`: 255 · 2¹²⁰.
const BF16_MAX: f64 = 3.389_531_389_251_535_5e38;

/// What the inputs of one call have in common.
#[derive(Debug)]
pub struct Call {
    operation: &'static str,
    pub(super) dtype: DType,
    pub(super) device: Device,
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
    fn admit<const D: usize>(&mut self, tensor: &Tensor<D>) -> Result<usize, Error> {
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
        if self.device.is_autodiff() < device.is_autodiff() {
            self.device = device;
        }
        if tensor.is_tracked() {
            self.need = Need::Gradient;
        }
        Ok(number)
    }

    fn upload<T: Element, const D: usize>(&self, values: Vec<T>, shape: [usize; D]) -> Tensor<D> {
        let constant = self.device.clone().without_autodiff();
        Tensor::from_data(TensorData::new(values, shape), (&constant, self.dtype))
    }
}

/// The values that a kernel returned, checked.
#[derive(Debug)]
pub struct Outcome<'a> {
    call: &'a Call,
    /// Which values are infinite, if any is.
    infinite: Option<Vec<bool>>,
    count: usize,
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
                let constant = call.device.clone().without_autodiff();
                let data = TensorData::new(infinite, [count]);
                zero.mask_fill(Tensor::<1, Bool>::from_data(data, &constant), 0.0)
            }
            None => zero,
        };
        zero + call.upload(values, [count])
    }

    /// The gradient of input `number` in row-major order: zero in the rows that `infinite_rows`
    /// yields (ranges along the first axis), finite elsewhere.
    fn gradient<T: Scalar, D: Dimension>(
        &self,
        number: usize,
        mut grad: Array<T, D>,
        infinite_rows: impl Iterator<Item = std::ops::Range<usize>>,
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
        let worst = grad.iter().position(|g| !(g.abs() <= limit)).unwrap_or(0);
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
    fn infinite_ones(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let infinite = self.infinite.iter().flatten().enumerate();
        infinite.filter(|(_, infinite)| **infinite).map(|(b, _)| b..b + 1)
    }

    /// The infinite segments' rows.
    fn infinite_rows(&self, lengths: &[usize]) -> impl Iterator<Item = std::ops::Range<usize>> {
        let ends = lengths.iter().scan(0, |end, &length| {
            *end += length;
            Some(*end - length..*end)
        });
        let infinite = self.infinite.iter().flatten();
        ends.zip(infinite).filter(|(_, infinite)| **infinite).map(|(rows, _)| rows)
    }
}

/// One input on the host, with the tensor it came from.
#[derive(Debug)]
pub struct Host<T, const D: usize>
where
    Dim<[usize; D]>: Dimension,
{
    number: usize,
    tensor: Tensor<D>,
    array: Array<T, Dim<[usize; D]>>,
}

impl<T: Scalar + Element, const D: usize> Host<T, D>
where
    Dim<[usize; D]>: Dimension,
{
    pub(super) fn read(tensor: Tensor<D>, call: &mut Call) -> Result<Self, Error> {
        let number = call.admit(&tensor)?;
        let values = tensor.clone().without_autodiff().try_into_vec_as::<T>();
        let array = shaped(call.operation, &tensor.dims(), read(call.operation, values)?)?;
        Ok(Self { number, tensor, array })
    }

    pub(super) fn view(&self) -> ArrayView<'_, T, Dim<[usize; D]>> {
        self.array.view()
    }

    /// `x − x₀`: zeros that carry the derivative with respect to `x`.
    fn zeros(&self, call: &Call) -> Tensor<D> {
        let zeros = self.tensor.clone() - self.tensor.clone().without_autodiff();
        if self.array.iter().fold(true, |finite, x| finite & x.is_finite()) {
            return zeros;
        }
        // ∞ − ∞ is NaN.
        let infinite = self.array.iter().map(|x| !x.is_finite()).collect::<Vec<_>>();
        let data = TensorData::new(infinite, self.tensor.dims());
        let constant = call.device.clone().without_autodiff();
        zeros.mask_fill(Tensor::<D, Bool>::from_data(data, &constant), 0.0)
    }

    fn check(&self, call: &Call, expected: &[usize], got: &[usize]) -> Result<(), Error> {
        call.check_shape(&format!("gradient of input {}", self.number), expected, got)
    }

    /// The term of an input whose row `n` belongs to one segment.
    pub(super) fn rows(
        self,
        grad: Array<T, Dim<[usize; D]>>,
        lengths: &[usize],
        outcome: &Outcome,
        terms: &mut Vec<Tensor<1>>,
    ) -> Result<(), Error> {
        let call = outcome.call;
        self.check(call, self.array.shape(), grad.shape())?;
        if !self.tensor.is_tracked() {
            return Ok(());
        }
        let grad = outcome.gradient(self.number, grad, outcome.infinite_rows(lengths))?;
        let shape = self.tensor.dims();
        let (rows, width) = (shape[0], shape[1..].iter().product());
        let products = self.zeros(call) * call.upload(grad, shape);
        let by_row: Tensor<1> = products.reshape([rows, width]).sum_dim(1).reshape([rows]);
        terms.push(if lengths.iter().all(|&length| length == 1) {
            by_row
        } else {
            // Backwards this is a gather: every row takes its segment's derivative.
            let segments: Vec<i32> =
                (0..).zip(lengths).flat_map(|(b, &n)| std::iter::repeat_n(b, n)).collect();
            let constant = call.device.clone().without_autodiff();
            let segments =
                Tensor::<1, Int>::from_data(TensorData::new(segments, [rows]), &constant);
            call.upload(vec![T::ZERO; lengths.len()], [lengths.len()]).select_assign(
                0,
                segments,
                by_row,
                IndexingUpdateOp::Add,
            )
        });
        Ok(())
    }
}

/// A tensor of rank up to 6, or a tuple of up to four of them, that a host kernel reads and
/// differentiates: the inputs of [`custom_grad`](super::custom_grad).
///
/// Sealed: burn tensors and tuples of them are all there is.
pub trait Inputs<T: Scalar + Element>: Sized {
    /// What the kernel sees: one [`ArrayView`] for each tensor.
    type Views<'a>;
    /// What the kernel returns: one [`Array`] of each tensor's shape.
    type Grads;
    /// The same, each with a leading axis over segments.
    type SegmentGrads;

    #[doc(hidden)]
    type Host;
    #[doc(hidden)]
    fn first(&self) -> Option<(DType, Device)>;
    #[doc(hidden)]
    fn read(self, call: &mut Call) -> Result<Self::Host, Error>;
    #[doc(hidden)]
    fn views(host: &Self::Host) -> Self::Views<'_>;
    /// Pushes the terms of a scalar.
    #[doc(hidden)]
    fn whole(
        host: Self::Host,
        grads: Self::Grads,
        outcome: &Outcome,
        terms: &mut Vec<Tensor<1>>,
    ) -> Result<(), Error>;
    /// Pushes the terms of a value for each segment.
    #[doc(hidden)]
    fn each_segment(
        host: Self::Host,
        grads: Self::SegmentGrads,
        outcome: &Outcome,
        terms: &mut Vec<Tensor<1>>,
    ) -> Result<(), Error>;
}

impl<T: Scalar + Element, const D: usize> Inputs<T> for Tensor<D>
where
    Dim<[usize; D]>: Dimension,
{
    type Views<'a> = ArrayView<'a, T, Dim<[usize; D]>>;
    type Grads = Array<T, Dim<[usize; D]>>;
    type SegmentGrads = Array<T, <Dim<[usize; D]> as Dimension>::Larger>;
    type Host = Host<T, D>;

    fn first(&self) -> Option<(DType, Device)> {
        Some((self.dtype(), self.device()))
    }

    fn read(self, call: &mut Call) -> Result<Host<T, D>, Error> {
        Host::read(self, call)
    }

    fn views(host: &Host<T, D>) -> Self::Views<'_> {
        host.view()
    }

    fn whole(
        host: Host<T, D>,
        grad: Self::Grads,
        outcome: &Outcome,
        terms: &mut Vec<Tensor<1>>,
    ) -> Result<(), Error> {
        let call = outcome.call;
        host.check(call, host.array.shape(), grad.shape())?;
        if host.tensor.is_tracked() {
            let shape = host.tensor.dims();
            let all = outcome.infinite.is_some().then_some(0..shape[0]); // cannot fail: rank ≥ 1
            let grad = outcome.gradient(host.number, grad, all.into_iter())?;
            terms.push((host.zeros(call) * call.upload(grad, shape)).sum());
        }
        Ok(())
    }

    fn each_segment(
        host: Host<T, D>,
        grad: Self::SegmentGrads,
        outcome: &Outcome,
        terms: &mut Vec<Tensor<1>>,
    ) -> Result<(), Error> {
        let call = outcome.call;
        let expected: Vec<usize> =
            std::iter::once(outcome.count).chain(host.tensor.dims()).collect();
        host.check(call, &expected, grad.shape())?;
        if host.tensor.is_tracked() {
            let width = host.array.len();
            let grad = outcome.gradient(host.number, grad, outcome.infinite_ones())?;
            let column: Tensor<2> = host.zeros(call).reshape([width, 1]);
            let product = call.upload(grad, [outcome.count, width]).matmul(column);
            terms.push(product.reshape([outcome.count]));
        }
        Ok(())
    }
}

macro_rules! tuple {
    ($($I:ident $host:ident $grads:ident),*) => {
        #[allow(unused_variables)] // the empty tuple
        impl<T: Scalar + Element, $($I: Inputs<T>),*> Inputs<T> for ($($I,)*) {
            type Views<'a> = ($($I::Views<'a>,)*);
            type Grads = ($($I::Grads,)*);
            type SegmentGrads = ($($I::SegmentGrads,)*);
            type Host = ($($I::Host,)*);

            fn first(&self) -> Option<(DType, Device)> {
                let ($($host,)*) = self;
                None$(.or_else(|| $host.first()))*
            }
            fn read(self, call: &mut Call) -> Result<Self::Host, Error> {
                let ($($host,)*) = self;
                Ok(($($host.read(call)?,)*))
            }
            fn views(($($host,)*): &Self::Host) -> Self::Views<'_> {
                ($($I::views($host),)*)
            }
            fn whole(
                ($($host,)*): Self::Host,
                ($($grads,)*): Self::Grads,
                outcome: &Outcome,
                terms: &mut Vec<Tensor<1>>,
            ) -> Result<(), Error> {
                $($I::whole($host, $grads, outcome, terms)?;)*
                Ok(())
            }
            fn each_segment(
                ($($host,)*): Self::Host,
                ($($grads,)*): Self::SegmentGrads,
                outcome: &Outcome,
                terms: &mut Vec<Tensor<1>>,
            ) -> Result<(), Error> {
                $($I::each_segment($host, $grads, outcome, terms)?;)*
                Ok(())
            }
        }
    };
}
tuple!();
tuple!(A a ga);
tuple!(A a ga, B b gb);
tuple!(A a ga, B b gb, C c gc);
tuple!(A a ga, B b gb, C c gc, E e ge);
