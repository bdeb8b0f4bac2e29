//! Assay's one door to [burn](https://burn.dev): devices that never surprise, host kernels that
//! autodiff goes through, conversions without copies, module files, and a test kit.
//!
//! burn 0.22 chooses its backend at run time: a `Tensor<D>` lives on a `Device`, and no type
//! parameter says which. What a program needs on top of that is here.
//!
//! # A device
//! [`device`] turns a name into a device that works, or into an error that says why not; it never
//! panics, and nothing is chosen behind your back.
//! ```
//! use assay_tensor::{available, device};
//!
//! for name in available() {
//!     println!("{name}"); // "flex", and "cuda:0" if compiled in and present
//! }
//! # #[cfg(feature = "flex")]
//! let training = device("flex")?.autodiff();
//! println!("{}", device("cuda:7").unwrap_err()); // which feature, index, driver is at fault
//! # Ok::<(), assay_tensor::DeviceError>(())
//! ```
//!
//! # A differentiable host kernel
//! Recursions (forward-backward, power iteration, dynamic programmes) are 14 to 40 times faster as
//! one loop on slices, with the gradient by hand, than operation by operation. [`custom_grad`] makes
//! such a kernel a step of the graph on any backend: the value is the kernel's to the last bit, the
//! first derivative exact under whatever follows. [`custom_grad_segments`] gives one value for each
//! bag of rows, [`custom_grad_segments_with`] adds parameters that bags share, [`with_scalar!`]
//! picks `f32` or `f64` by the tensor.
//!
//! Here each bag's value is the logarithm of the sum of its entries' exponentials, and the gradient
//! is a softmax over the bag:
//! ```
//! use assay_tensor::assay_array::{Scalar, numeric::log_sum_exp};
//! use assay_tensor::assay_array::ndarray::{Array1, Array2, ArrayView2, Axis, Slice};
//! use assay_tensor::burn::prelude::Tensor;
//! use assay_tensor::{Error, Need, custom_grad_segments, device, with_scalar};
//!
//! fn kernel<T: Scalar>(
//!     x: ArrayView2<T>,
//!     bags: &[usize],
//!     need: Need,
//! ) -> (Array1<T>, Option<Array2<T>>) {
//!     let (mut values, mut gradient) = (Array1::from_elem(bags.len(), T::ZERO), x.to_owned());
//!     let mut start = 0;
//!     for (value, &n) in values.iter_mut().zip(bags) {
//!         let mut bag = gradient.slice_axis_mut(Axis(0), Slice::from(start..start + n));
//!         *value = log_sum_exp(&bag.iter().copied().collect::<Vec<_>>());
//!         bag.mapv_inplace(|x| (x - *value).exp());
//!         start += n;
//!     }
//!     (values, need.then(|| gradient))
//! }
//!
//! # #[cfg(feature = "flex")] {
//! let x = Tensor::<2>::from_floats([[0.0], [1.0], [2.0]], &device("flex")?.autodiff());
//! let x = x.require_grad();
//! let bags = [2, 1];
//! let values = with_scalar!(x.dtype(), T => {
//!     custom_grad_segments::<T, 2, Error>(x.clone(), &bags, |x, need| Ok(kernel(x, &bags, need)))
//! })?;
//! let gradients = values.mean().backward();
//! # let g = x.grad(&gradients).map(|g| g.into_data());
//! # assert_eq!(g.map(|g| g.iter::<f32>().sum::<f32>()), Some(1.0));
//! # }
//! # Ok::<(), Error>(())
//! ```
//! A bag whose value is infinite, because its label is impossible, keeps that value and sends no
//! gradient; NaN never passes.
//!
//! # Arrays and files
//! [`convert`] moves tensors to ndarray arrays and back without copies where memory allows. [`save`]
//! and [`load`] keep modules in safetensors files, in burn's [`Layout`] or PyTorch's; [`load_named`] reads
//! those with other names.
//!
//! # Tests
//! With the feature `testing`, the module `testing` has gradient checks in `f64`, closeness that
//! names the worst place, `for_each_device`, and the golden-file reader.
//!
//! # Features
//! Backends: `flex` (default), `ndarray` (burn's older CPU backend), `wgpu`, `cuda`; the last two come
//! with the module `cube`, for kernels of one's own on the GPU, whose gradients [`graft_segments`]
//! makes a step of the graph. `optim` adds
//! burn's optimisers, `testing` the test kit. Building with `cuda` downloads LLVM; the crate's
//! chapter in the book explains how and what to do without a network.
#![forbid(unsafe_code)]

pub mod convert;
#[cfg(feature = "cube")]
pub mod cube;
mod custom_grad;
mod device;
mod error;
mod module_file;
#[cfg(feature = "testing")]
pub mod testing;

pub use assay_array;
pub use burn;
pub use custom_grad::{
    Inputs, Need, custom_grad, custom_grad_segments, custom_grad_segments_with, graft_segments,
};
pub use device::{Backend, DeviceError, available, computes_in, device};
pub use error::{Error, SharedError};
pub use module_file::{Layout, load, load_named, save};
