//! Kernels of one's own on burn's GPU backends.
//!
//! A CubeCL kernel is a Rust function under `#[cube(launch)]`, compiled at run time for the device at
//! hand: to a shader for wgpu, to PTX for CUDA. [`buffer`] gives the memory of a tensor as its argument:
//! ```no_run
//! # fn main() {}
//! use assay_tensor::burn::prelude::{Device, Tensor};
//! use assay_tensor::cube::{buffer, cubecl};
//! use cubecl::prelude::*;
//!
//! #[cube(launch)]
//! fn double(input: &[f32], output: &mut [f32]) {
//!     if ABSOLUTE_POS < output.len() {
//!         output[ABSOLUTE_POS] = 2.0 * input[ABSOLUTE_POS];
//!     }
//! }
//!
//! /// `None` where the tensor is not on a GPU.
//! fn doubled(x: Tensor<1>, device: &Device) -> Option<Tensor<1>> {
//!     let output = Tensor::<1>::zeros([64], device);
//!     let (input, written) = (buffer(x)?, buffer(output.clone())?);
//!     let client = input.client.clone();
//!     let (cubes, units) = (CubeCount::new_single(), CubeDim::new_1d(64));
//!     double::launch(&client, cubes, units, input.into_buffer_arg(), written.into_buffer_arg());
//!     Some(output)
//! }
//! ```
//! A kernel launched so is checked: what lies outside of a buffer is neither read nor written. Shaders
//! need not honour infinities and NaN; let a kernel report what is wrong as a flag of its own.

use std::any::Any;

use burn::backend::Cube;
use burn::prelude::Tensor;
use burn::tensor::BackendPrimitive;
use burn::tensor::kind::Basic;

pub use burn_cubecl::cubecl;
pub use burn_cubecl::tensor::CubeTensor;

/// The memory behind a tensor, in row-major order: a copy where the tensor lies there otherwise.
///
/// What a kernel writes there is the tensor's new content, so write to tensors that you made yourself
/// and that are contiguous, which new ones are.
///
/// `None` for a tensor on a CPU backend, one that autodiff follows, and in a program that turns on
/// burn's feature `fusion`, whose tensors may have no memory yet.
pub fn buffer<const D: usize, K>(tensor: Tensor<D, K>) -> Option<CubeTensor>
where
    K: Basic + BackendPrimitive<Cube>,
    K::Primitive: 'static,
{
    let primitive: Box<dyn Any> = Box::new(tensor.try_into_primitive::<Cube>().ok()?);
    let tensor = primitive.downcast::<CubeTensor>().ok()?;
    Some(burn_cubecl::kernel::into_contiguous(*tensor))
}
