//! The inputs of a host kernel: read to the host, and linked back to their gradients.

use assay_array::Scalar;
use assay_array::ndarray::{Array, ArrayView, Dim, Dimension};
use burn::prelude::{Bool, Device, Tensor, TensorData};
use burn::tensor::{DType, Element};

use super::call::{Call, Outcome};
use crate::Error;
use crate::convert::{read, shaped};

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
        zeros.mask_fill(Tensor::<D, Bool>::from_data(data, &call.constant()), 0.0)
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
        let products = self.zeros(call) * call.upload(grad, self.tensor.dims());
        terms.push(call.sum_segments::<T, D>(products, lengths));
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
        #[allow(unused_variables, clippy::unused_unit)] // the empty tuple
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
