//! Wide residual networks (Zagoruyko and Komodakis 2016) for images of 32 by 32.

use assay_array::random::{Stream, normal, stream};
use assay_tensor::burn;

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::checkpoint::numbered;

/// `WRN-(6n + 4)-k`: a convolution, three groups of `n` blocks with `16k`, `32k` and `64k` maps, and a
/// linear layer on the mean of each map: `[batch, 3, 32, 32]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub struct WideResNet {
    first: Conv2d,
    blocks: Vec<Block>,
    norm: BatchNorm,
    last: Linear,
}

/// Two convolutions of 3 by 3, each after normalisation and rectifying, beside a shortcut.
#[derive(Module, Debug)]
struct Block {
    norm1: BatchNorm,
    conv1: Conv2d,
    norm2: BatchNorm,
    conv2: Conv2d,
    /// Where the number of maps changes, the shortcut is a convolution of 1 by 1.
    shortcut: Option<Conv2d>,
}

impl WideResNet {
    /// A network of `blocks` blocks a group and `width` times 16, 32 and 64 maps; `WRN-28-2` has 4 and 2.
    /// Weights are normal with the variance `2/fan_in`, from the seed's own stream.
    pub fn new(blocks: usize, width: usize, outputs: usize, seed: u64, device: &Device) -> Self {
        let mut rng = stream(seed, "wide resnet", 0);
        let first = conv(3, 16, 3, 1, &mut rng, device);
        let mut list = Vec::new();
        let mut from = 16;
        for (group, maps) in [16, 32, 64].map(|maps| maps * width).into_iter().enumerate() {
            for block in 0..blocks {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                list.push(Block::new(from, maps, stride, &mut rng, device));
                from = maps;
            }
        }
        let last = Linear {
            weight: gaussian([from, outputs], from, &mut rng, device),
            bias: Some(Param::from_tensor(Tensor::zeros([outputs], (device, DType::F32)))),
        };
        numbered(Self { first, blocks: list, norm: norm(from, device), last })
    }

    /// The outputs, `[batch, outputs]`, before any softmax.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.blocks.iter().fold(self.first.forward(images), |x, block| block.forward(x));
        let x = relu(self.norm.forward(x));
        let [batch, maps, height, width] = x.dims();
        self.last
            .forward(x.reshape([batch, maps, height * width]).mean_dim(2).reshape([batch, maps]))
    }
}

impl Block {
    fn new(from: usize, to: usize, stride: usize, rng: &mut Stream, device: &Device) -> Self {
        Self {
            norm1: norm(from, device),
            conv1: conv(from, to, 3, stride, rng, device),
            norm2: norm(to, device),
            conv2: conv(to, to, 3, 1, rng, device),
            shortcut: (from != to || stride != 1).then(|| conv(from, to, 1, stride, rng, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let ready = relu(self.norm1.forward(x.clone()));
        // A shortcut that changes the number of maps starts from the normalised ones.
        let beside = match &self.shortcut {
            Some(shortcut) => shortcut.forward(ready.clone()),
            None => x,
        };
        let inner = self.conv1.forward(ready);
        self.conv2.forward(relu(self.norm2.forward(inner))) + beside
    }
}

fn norm(maps: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(maps).init(device)
}

fn conv(
    from: usize,
    to: usize,
    kernel: usize,
    stride: usize,
    rng: &mut Stream,
    device: &Device,
) -> Conv2d {
    let border = kernel / 2;
    Conv2d {
        weight: gaussian([to, from, kernel, kernel], from * kernel * kernel, rng, device),
        bias: None,
        stride: [stride, stride],
        kernel_size: [kernel, kernel],
        dilation: [1, 1],
        groups: 1,
        padding: PaddingConfig2d::Explicit(border, border, border, border),
    }
}

fn gaussian<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    let spread = (2.0 / fan_in as f64).sqrt();
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|_| (spread * normal(rng)) as f32).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), (device, DType::F32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_parameters_are_those_of_the_paper() {
        let device = assay_tensor::device("flex").unwrap();
        let net = WideResNet::new(4, 2, 10, 1, &device);
        // WRN-28-2 has 1,467,610 weights; burn also counts the running means and variances of its 1,808
        // normalised maps.
        assert_eq!(net.num_params() / 10_000, 147);
        let small = WideResNet::new(1, 1, 10, 1, &device);
        let out = small.forward(Tensor::zeros([2, 3, 32, 32], (&device, DType::F32)));
        assert_eq!(out.dims(), [2, 10]);
    }
}
