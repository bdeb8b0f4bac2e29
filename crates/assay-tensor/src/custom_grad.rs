//! Differentiable host kernels.
//!
//! A kernel returns a value `v` and its gradient `g = ∂v/∂x`. burn's autodiff gets
//! `v + Σ (x − x₀)·g` with `x₀` the same numbers as `x` but constant: the sum is exactly zero, so
//! the value stays exact, while its derivative with respect to `x` is `g`. No backend has to know.

mod call;
mod inputs;

use assay_array::Scalar;
use assay_array::ndarray::{Array, Array1, ArrayView, Dim, Dimension};
use burn::prelude::Tensor;
use burn::tensor::Element;

use crate::Error;
use crate::convert::into_flat;
use call::{Call, Outcome};
use inputs::Host;
pub use inputs::Inputs;

/// What a host kernel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The value; no input is tracked by autodiff, so a gradient would be thrown away.
    Value,
    /// The value and the gradient.
    Gradient,
}

impl Need {
    /// Runs `gradient` if one is needed: `Ok((value, need.then(|| …)))`.
    pub fn then<G>(self, gradient: impl FnOnce() -> G) -> Option<G> {
        (self == Self::Gradient).then(gradient)
    }
}

/// Evaluates `$body` with the type `$T` standing for `f64` if the dtype is `F64`, for `f32`
/// otherwise: how a kernel generic over [`Scalar`](assay_array::Scalar) meets a tensor, whose
/// element type is known only at run time.
///
/// # Examples
/// ```
/// use assay_tensor::{burn::prelude::Tensor, custom_grad, device, with_scalar, Error};
/// use assay_tensor::assay_array::{Scalar, ndarray::{Array1, ArrayView1}};
///
/// fn sum_of_squares<T: Scalar>(x: ArrayView1<T>) -> (T, Array1<T>) {
///     (x.iter().map(|&x| x * x).sum(), x.mapv(|x| x + x))
/// }
///
/// # #[cfg(feature = "flex")] {
/// let x = Tensor::<1>::from_floats([3.0, 4.0], &device("flex")?.autodiff()).require_grad();
/// let loss = with_scalar!(x.dtype(), T => custom_grad::<T, _, Error>(x.clone(), |x, _| {
///     let (value, gradient) = sum_of_squares(x);
///     Ok((value, Some(gradient)))
/// }))?;
/// let gradients = loss.backward();
/// assert_eq!(x.grad(&gradients).map(|g| g.into_data()), Some([6.0_f32, 8.0].into()));
/// # }
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! with_scalar {
    ($dtype:expr, $T:ident => $body:expr) => {
        if $dtype == $crate::burn::tensor::DType::F64 {
            type $T = f64;
            $body
        } else {
            type $T = f32;
            $body
        }
    };
}

/// A scalar that a host kernel computes from one tensor, or from a tuple of up to four, as a
/// tensor of one element that autodiff goes through.
///
/// The kernel gets ndarray views of the inputs and returns the value and, if [`Need::Gradient`],
/// one array of each input's shape: `∂value/∂input`. `T` is the type it computes in: `f64` for a
/// tensor of `f64`, `f32` or `f64` for any other ([`with_scalar!`](crate::with_scalar) picks).
///
/// - The value is the kernel's, to the last bit, on any backend, with or without autodiff.
/// - The first derivative is the kernel's gradient, under any function of the result. Second
///   derivatives are those of a linear function, zero: do not ask for them.
/// - A value of `±∞` passes, and then the gradient is zero whatever the kernel or the loss says:
///   an infeasible sample must not turn weights into NaN.
/// - An input's entry that is infinite or NaN gets gradient zero. What its value does is the
///   kernel's business.
/// - What the kernel returns for an input that autodiff does not track is ignored.
///
/// # Errors
/// The kernel's own; and, through `E: From<Error>`: inputs of different dtypes or devices, a
/// gradient of a wrong shape, a missing one, a value that is NaN, a gradient that is not finite
/// though the value is.
///
/// # Examples
/// The quadratic form `½ xᵀ A x`, whose gradients are `½ (A + Aᵀ) x` and `½ x xᵀ`:
/// ```
/// use assay_tensor::{burn::prelude::Tensor, custom_grad, device, Error};
/// use assay_tensor::assay_array::ndarray::Axis;
///
/// # #[cfg(feature = "flex")] {
/// let training = device("flex")?.autodiff();
/// let x = Tensor::<1>::from_floats([1.0, 2.0], &training).require_grad();
/// let a = Tensor::<2>::from_floats([[2.0, 1.0], [0.0, 3.0]], &training).require_grad();
///
/// let form = custom_grad::<f32, _, Error>((x.clone(), a.clone()), |(x, a), need| {
///     let gradients = || {
///         let column = x.insert_axis(Axis(1));
///         ((a.dot(&x) + a.t().dot(&x)) * 0.5, column.dot(&column.t()) * 0.5)
///     };
///     Ok((0.5 * x.dot(&a.dot(&x)), need.then(gradients)))
/// })?;
/// let gradients = form.exp().backward(); // any function may follow
/// # assert!(x.grad(&gradients).is_some() && a.grad(&gradients).is_some());
/// # }
/// # Ok::<(), Error>(())
/// ```
pub fn custom_grad<T, I, E>(
    inputs: I,
    kernel: impl FnOnce(I::Views<'_>, Need) -> Result<(T, Option<I::Grads>), E>,
) -> Result<Tensor<1>, E>
where
    T: Scalar + Element,
    I: Inputs<T>,
    E: From<Error>,
{
    let mut call = Call::new::<T>("custom_grad", inputs.first())?;
    let host = inputs.read(&mut call)?;
    let (value, grads) = kernel(I::views(&host), call.need)?;
    let outcome = Outcome::new(&call, &[value])?;
    let mut terms = Vec::new();
    if let Some(grads) = call.expect(grads)? {
        I::whole(host, grads, &outcome, &mut terms)?;
    }
    Ok(outcome.finish(vec![value], terms))
}

/// One value for each segment of consecutive rows of `x`: bags of different sizes, sentences,
/// graphs. Row means index along the first axis; segment `b` has `lengths[b]` rows, possibly none,
/// and its value may depend on no other row.
///
/// The kernel gets the whole of `x` and returns the `[B]` values and, if [`Need::Gradient`], one
/// array of `x`'s shape: row `n` holds `∂value_b/∂x_n` of the segment `b` that row `n` is in. The
/// result is a tensor `[B]`; a mean, a weighted sum or any other function may follow.
///
/// A batch of fixed size is the case `lengths = [1; B]` with one row a sample.
///
/// Everything that [`custom_grad`] says about values, infinities and derivatives holds for each
/// segment by itself. Rows of a segment whose value is infinite need no gradient: they get zero.
///
/// # Errors
/// As [`custom_grad`], and lengths that do not sum to the number of rows.
///
/// # Examples
/// The sum of squares of each bag:
/// ```
/// use assay_tensor::{burn::prelude::Tensor, custom_grad_segments, device, Error};
/// use assay_tensor::assay_array::ndarray::{Array1, s};
///
/// # #[cfg(feature = "flex")] {
/// let training = device("flex")?.autodiff();
/// let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 0.0], [1.0, 1.0]], &training).require_grad();
/// let bags = [1, 2]; // the first row; the other two
/// let squares = custom_grad_segments::<f32, 2, Error>(x.clone(), &bags, |x, need| {
///     let mut start = 0;
///     let values = bags.iter().map(|&n| {
///         start += n;
///         x.slice(s![start - n..start, ..]).iter().map(|x| x * x).sum()
///     });
///     Ok((values.collect::<Array1<_>>(), need.then(|| x.mapv(|x| 2.0 * x))))
/// })?;
/// assert_eq!(squares.to_data(), [5.0_f32, 11.0].into());
/// let gradients = squares.log().mean().backward();
/// # assert!(x.grad(&gradients).is_some());
/// # }
/// # Ok::<(), Error>(())
/// ```
#[allow(clippy::type_complexity)] // spelled out, a reader sees what the kernel returns
pub fn custom_grad_segments<T, const D: usize, E>(
    x: Tensor<D>,
    lengths: &[usize],
    kernel: impl FnOnce(
        ArrayView<'_, T, Dim<[usize; D]>>,
        Need,
    ) -> Result<(Array1<T>, Option<Array<T, Dim<[usize; D]>>>), E>,
) -> Result<Tensor<1>, E>
where
    T: Scalar + Element,
    Dim<[usize; D]>: Dimension,
    E: From<Error>,
{
    custom_grad_segments_with::<T, D, (), E>(x, lengths, (), |x, (), need| {
        let (values, grads) = kernel(x, need)?;
        Ok((values, grads.map(|grads| (grads, ()))))
    })
}

/// As [`custom_grad_segments`], with parameters that every segment shares: a transition matrix,
/// say, `[C, C]`.
///
/// `params` is a tensor or a tuple of up to four. The kernel returns, beside the gradient of `x`,
/// one array a parameter with a leading axis over segments, here `[B, C, C]`: `∂value_b/∂parameter`
/// for each `b`, because the loss may weigh segments differently.
///
/// # Errors
/// As [`custom_grad_segments`].
#[allow(clippy::type_complexity)] // as above
pub fn custom_grad_segments_with<T, const D: usize, P, E>(
    x: Tensor<D>,
    lengths: &[usize],
    params: P,
    kernel: impl FnOnce(
        ArrayView<'_, T, Dim<[usize; D]>>,
        P::Views<'_>,
        Need,
    )
        -> Result<(Array1<T>, Option<(Array<T, Dim<[usize; D]>>, P::SegmentGrads)>), E>,
) -> Result<Tensor<1>, E>
where
    T: Scalar + Element,
    Dim<[usize; D]>: Dimension,
    P: Inputs<T>,
    E: From<Error>,
{
    let mut call = Call::new::<T>("custom_grad over segments", Inputs::<T>::first(&x))?;
    call.check_lengths(x.dims()[0], lengths)?; // cannot fail: the rank is 1 or more
    let host = Host::<T, D>::read(x, &mut call)?;
    let params = params.read(&mut call)?;
    let (values, grads) = kernel(host.view(), P::views(&params), call.need)?;
    let values = into_flat(values);
    call.check_shape("values", &[lengths.len()], &[values.len()])?;
    let outcome = Outcome::new(&call, &values)?;
    let mut terms = Vec::new();
    if let Some((grad, param_grads)) = call.expect(grads)? {
        host.rows(grad, lengths, &outcome, &mut terms)?;
        P::each_segment(params, param_grads, &outcome, &mut terms)?;
    }
    Ok(outcome.finish(values, terms))
}

/// [`custom_grad_segments`] for a kernel that has run already, where `x` lies: its `values`, `[B]`, were
/// read back, its gradient was not, and nothing of `x` needs to be.
///
/// `gradient` is called only if autodiff follows `x`. It returns a constant tensor of `x`'s shape on
/// `x`'s device, finite wherever a segment's value is; rows of other segments may hold any finite
/// numbers, which go nowhere.
///
/// # Errors
/// As [`custom_grad_segments`], but entries of `x` and of the gradient are not looked at.
///
/// # Examples
/// ```
/// use assay_tensor::{burn::prelude::Tensor, device, graft_segments};
///
/// # #[cfg(feature = "flex")] {
/// let training = device("flex")?.autodiff();
/// let x = Tensor::<1>::from_floats([1.0, 2.0, 4.0], &training).require_grad();
/// // The squares' sums over the first two and the last one, from wherever they come.
/// let gradient = || x.clone().without_autodiff() * 2.0;
/// let values = graft_segments(x.clone(), &[2, 1], vec![5.0_f32, 16.0], gradient)?;
/// let gradients = values.sum().backward();
/// assert_eq!(x.grad(&gradients).map(|g| g.into_data()), Some([2.0_f32, 4.0, 8.0].into()));
/// # }
/// # Ok::<(), assay_tensor::Error>(())
/// ```
pub fn graft_segments<T: Scalar + Element, const D: usize>(
    x: Tensor<D>,
    lengths: &[usize],
    values: Vec<T>,
    gradient: impl FnOnce() -> Tensor<D>,
) -> Result<Tensor<1>, Error> {
    let mut call = Call::new::<T>("graft over segments", Some((x.dtype(), x.device())))?;
    call.check_lengths(x.dims()[0], lengths)?; // cannot fail: the rank is 1 or more
    call.admit(&x)?;
    call.check_shape("values", &[lengths.len()], &[values.len()])?;
    let outcome = Outcome::new(&call, &values)?;
    let mut terms = Vec::new();
    if call.need == Need::Gradient {
        let gradient = gradient();
        call.check_shape("gradient", &x.dims(), &gradient.dims())?;
        let zeros = x.clone() - x.without_autodiff();
        terms.push(call.sum_segments::<T, D>(zeros * gradient, lengths));
    }
    Ok(outcome.finish(values, terms))
}
