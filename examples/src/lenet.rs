//! LeNet-5 for images of 28 by 28 (LeCun, Bottou, Bengio and Haffner 1998), with rectified units and
//! max pooling.

use assay_array::random::{Stream, stream, uniform};
use assay_tensor::burn;

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Two convolutions of 5 by 5 (6 and 16 maps), each followed by pooling over 2 by 2, then three
/// linear layers: `[batch, 1, 28, 28]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    full1: Linear,
    full2: Linear,
    full3: Linear,
}

impl LeNet {
    /// A network with `outputs` outputs, whose weights are drawn from the seed's own stream: the same
    /// whatever else runs in the process.
    ///
    /// Every weight and bias is uniform within `±1/√fan_in`.
    pub fn new(outputs: usize, seed: u64, device: &Device) -> Self {
        let mut rng = stream(seed, "lenet", 0);
        let mut conv = |from: usize, to: usize| Conv2d {
            weight: param([to, from, 5, 5], from * 25, &mut rng, device),
            bias: Some(param([to], from * 25, &mut rng, device)),
            stride: [1, 1],
            kernel_size: [5, 5],
            dilation: [1, 1],
            groups: 1,
            padding: PaddingConfig2d::Valid,
        };
        let (conv1, conv2) = (conv(1, 6), conv(6, 16));
        let mut linear = |from: usize, to: usize| Linear {
            weight: param([from, to], from, &mut rng, device),
            bias: Some(param([to], from, &mut rng, device)),
        };
        let (full1, full2, full3) = (linear(256, 120), linear(120, 84), linear(84, outputs));
        Self { conv1, conv2, full1, full2, full3 }
    }

    /// The same network with `by` added to output `class`, so that it starts with other log-odds.
    pub fn biased(mut self, class: usize, by: f32) -> Self {
        self.full3.bias = self.full3.bias.take().map(|bias| {
            let values = bias.val();
            let [outputs] = values.dims();
            let shift: Vec<f32> =
                (0..outputs).map(|output| if output == class { by } else { 0.0 }).collect();
            let place = (&values.device(), DType::F32);
            let shift = Tensor::from_data(TensorData::new(shift, [outputs]), place);
            // Detached, because a parameter begins the graph of every step.
            Param::from_tensor((values + shift).detach())
        });
        self
    }

    /// The outputs, `[batch, outputs]`, before any softmax.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let [_, _, _, last] = self.states(images);
        self.full3.forward(last)
    }

    /// The hidden states, one row an image: both convolutions after pooling, then both hidden linear
    /// layers, as wide as [`LeNet::WIDTHS`].
    pub fn states(&self, images: Tensor<4>) -> [Tensor<2>; 4] {
        let pool = || MaxPoolOptions::new([2, 2]).with_stride([2, 2]);
        // 28 → 24 → 12 → 8 → 4. Rectifying after pooling gives the same and touches a quarter.
        let first = relu(max_pool2d(self.conv1.forward(images), pool()));
        let second = relu(max_pool2d(self.conv2.forward(first.clone()), pool()));
        let second: Tensor<2> = second.flatten(1, 3);
        let third = relu(self.full1.forward(second.clone()));
        let fourth = relu(self.full2.forward(third.clone()));
        [first.flatten(1, 3), second, third, fourth]
    }

    /// The widths of the hidden states.
    pub const WIDTHS: [usize; 4] = [6 * 12 * 12, 16 * 4 * 4, 120, 84];
}

fn param<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    let bound = (fan_in as f64).sqrt().recip();
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|_| (bound * (2.0 * uniform(rng) - 1.0)) as f32).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), (device, DType::F32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_moves_one_output_and_is_learned_on() {
        let device = assay_tensor::device("flex").unwrap().autodiff();
        let images = Tensor::<4>::ones([2, 1, 28, 28], &device);
        let plain = LeNet::new(2, 1, &device).forward(images.clone());
        let net = LeNet::new(2, 1, &device).biased(1, -2.0);
        let moved = net.forward(images.clone());
        let gap = (moved.clone() - plain).into_data().try_to_vec::<f32>().unwrap();
        for (value, want) in gap.iter().zip([0.0, -2.0, 0.0, -2.0]) {
            assert!((value - want).abs() < 1e-5, "{gap:?}");
        }
        // Twice, as a training goes through the network again and again.
        net.forward(images).sum().backward();
        let gradients = moved.sum().backward();
        let bias = net.full3.bias.unwrap().val();
        assert_eq!(
            bias.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
            [2.0, 2.0]
        );
    }
}
