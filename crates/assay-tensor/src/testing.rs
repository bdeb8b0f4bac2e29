//! What tests share: golden files, SplitMix64, closeness, and the same for tensors and devices.

pub use assay_array::testing::*;

use burn::prelude::{Device, Tensor};
use burn::tensor::DType;

use crate::computes_in;

/// Compares burn's gradient of `loss` with central differences in `f64` at `inputs`, entry by
/// entry (see [`assay_array::testing::gradcheck`] for the step).
///
/// `loss` gets the inputs as `f64` tensors and returns one element. All inputs have one rank;
/// capture others in the closure and check them in a second call.
///
/// # Panics
/// When a component is off by more than `atol + rtol·|difference|`, when the device has no `f64`,
/// or when the loss does not depend on an input.
pub fn gradcheck<const D: usize, const K: usize>(
    device: &Device,
    loss: impl Fn([Tensor<D>; K]) -> Tensor<1>,
    inputs: [Tensor<D>; K],
    rtol: f64,
    atol: f64,
) {
    let plain = device.clone().without_autodiff();
    assert!(computes_in(&plain, DType::F64), "{plain:?} has no f64 to take differences in");
    let autodiff = plain.clone().autodiff();
    let shapes = inputs.each_ref().map(Tensor::dims);
    let flat: Vec<f64> = inputs.into_iter().flat_map(|input| to_vec(&input)).collect();
    let at = |x: &[f64], device: &Device| {
        let mut rest = x;
        shapes.map(|shape| {
            let (head, tail) = rest.split_at(shape.iter().product());
            rest = tail;
            let data = burn::prelude::TensorData::new(head.to_vec(), shape);
            Tensor::<D>::from_data(data, (device, DType::F64))
        })
    };
    let leaves = at(&flat, &autodiff).map(Tensor::require_grad);
    let gradients = loss(leaves.clone()).backward();
    let gradient: Vec<f64> = leaves
        .iter()
        .enumerate()
        .flat_map(|(i, leaf)| match leaf.grad(&gradients) {
            Some(gradient) => to_vec(&gradient),
            None => panic!("the loss does not depend on input {i}"),
        })
        .collect();
    let value = |x: &[f64]| match to_vec(&loss(at(x, &plain)))[..] {
        [value] => value,
        ref more => panic!("a loss of {} elements, expected one", more.len()),
    };
    assay_array::testing::gradcheck(value, &gradient, &flat, rtol, atol);
}

/// Panics unless the tensors have one shape and `|got − want| ≤ atol + rtol·|want|` everywhere; the
/// message names the worst place. Element types may differ.
///
/// # Panics
/// As said.
pub fn assert_tensors_close<const D: usize>(
    got: &Tensor<D>,
    want: &Tensor<D>,
    rtol: f64,
    atol: f64,
) {
    assert_eq!(got.dims(), want.dims(), "shapes differ");
    assert_close(&to_vec(got), &to_vec(want), rtol, atol);
}

/// Runs a test on every device that [`available`](crate::available) lists, with autodiff off. A
/// failure's message begins with the device's name.
///
/// # Panics
/// When the test panics on a device, or when there is none.
///
/// # Examples
/// ```
/// use assay_tensor::burn::prelude::Tensor;
/// use assay_tensor::testing::for_each_device;
///
/// for_each_device(|device| {
///     let x = Tensor::<1>::from_floats([1.0, 2.0], device);
///     assert_eq!((x.clone() + x).to_data(), [2.0_f32, 4.0].into());
/// });
/// ```
pub fn for_each_device(test: impl Fn(&Device)) {
    let specs = crate::available();
    assert!(!specs.is_empty(), "no backend is compiled in");
    for spec in specs {
        let device = match crate::device(&spec) {
            Ok(device) => device,
            Err(error) => panic!("{error}"),
        };
        let run = std::panic::AssertUnwindSafe(|| test(&device));
        if let Err(payload) = std::panic::catch_unwind(run) {
            panic!("on {spec}: {}", crate::device::message(&*payload));
        }
    }
}

fn to_vec<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    match tensor.try_to_vec_as() {
        Ok(values) => values,
        Err(error) => panic!("cannot read the tensor back: {error}"),
    }
}
