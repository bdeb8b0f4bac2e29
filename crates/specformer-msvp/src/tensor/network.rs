use assay_tensor::burn::module::Module;
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::convert::into_array;
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::classifier::{Classifier, Weigh};
use crate::{Error, Result};

/// A burn module as a [`Classifier`] of images `[channels, height, width]`, for attacks and estimates.
///
/// The module is put into evaluation mode and its parameters are not tracked: attacks compute
/// gradients of the input only and cannot touch the parameters' gradients. Give inputs in `[0, 1]` and
/// normalise within `forward`, or wrap this in [`Normalized`](crate::Normalized).
///
/// ```
/// # #[cfg(feature = "flex")]
/// # fn main() -> Result<(), specformer_msvp::Error> {
/// use assay_tensor::device;
/// use ndarray::Array2;
/// use specformer_msvp::attack::{Attack, Batch, Norm, Pgd, Threat};
/// use specformer_msvp::tensor::{Network, vit::VitConfig};
///
/// let device = device("flex")?;
/// let vit = VitConfig::new([1, 8, 8], 4, 3).with_width(8).with_depth(1).with_heads(2).init(0, &device)?;
/// let model = Network::new(vit, |vit, images| vit.forward(images), [1, 8, 8], 3, &device);
/// let (images, labels) = (Array2::from_elem((2, 64), 0.5_f32), [0, 1]);
/// let threat = Threat::new(Norm::Linf, 8.0 / 255.0);
/// let found = Pgd::new(3).attack(&model, &Batch::new(images.view(), &labels), &threat)?;
/// assert_eq!(found.x.dim(), (2, 64));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "flex"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
pub struct Network<M, F> {
    tracked: M,
    plain: M,
    forward: F,
    shape: [usize; 3],
    classes: usize,
    device: Device,
    batch: usize,
}

impl<M: Module, F: Fn(&M, Tensor<4>) -> Tensor<2>> Network<M, F> {
    /// From a module, its way from images `[n, channels, height, width]` to logits `[n, classes]`, and
    /// the device to run on.
    pub fn new(module: M, forward: F, shape: [usize; 3], classes: usize, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let plain = module.valid().to_device(&device);
        let tracked = plain.clone().to_device(&device.clone().autodiff()).no_grad();
        Self { tracked, plain, forward, shape, classes, device, batch: usize::MAX }
    }

    /// At most so many images go through the network together, which bounds memory. What asks for the
    /// gradient of more pays for one more forward pass, because all logits must be known first.
    pub fn with_batch(self, images: usize) -> Self {
        Self { batch: images.max(1), ..self }
    }

    /// The module, in evaluation mode.
    pub fn module(&self) -> &M {
        &self.plain
    }

    fn parts<'a>(&self, x: ArrayView2<'a, f32>) -> impl Iterator<Item = ArrayView2<'a, f32>> {
        let (n, batch) = (x.nrows(), self.batch_of(x));
        (0..n).step_by(batch).map(move |i| {
            let mut part = x;
            part.slice_axis_inplace(Axis(0), Slice::from(i..n.min(i + batch)));
            part
        })
    }

    /// How many of these go through together.
    fn batch_of(&self, x: ArrayView2<'_, f32>) -> usize {
        self.batch.min(x.nrows()).max(1)
    }

    /// Logits and gradient of images that go through together, for weights of the logits' shape.
    fn one_gradient(
        &self,
        x: ArrayView2<'_, f32>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<f32>)> {
        let n = x.nrows();
        let device = self.device.clone().autodiff();
        let images = self.images(x, &device)?.require_grad();
        let tensor = (self.forward)(&self.tracked, images.clone());
        let logits = self.read(tensor.clone().inner(), n)?;
        let weights = weigh(logits.view())?;
        let values: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
        let data = TensorData::new(values, [n, self.classes]);
        let weights = Tensor::<2>::from_data(data, (&device, DType::F32));
        let gradients = (tensor * weights).sum().backward();
        let Some(gradient) = images.grad(&gradients) else {
            return Err(Error::Model("the logits do not depend on the images".to_owned()));
        };
        Ok((logits, into_array::<f32, 2>(gradient.flatten::<2>(1, 3))?))
    }

    fn images(&self, x: ArrayView2<'_, f32>, device: &Device) -> Result<Tensor<4>> {
        let [channels, height, width] = self.shape;
        let (n, d) = x.dim();
        let expected = self.shape.iter().product();
        if d != expected {
            let operation = "images [n, channels · height · width]";
            return Err(Error::Shape { operation, expected: vec![n, expected], got: vec![n, d] });
        }
        let values: Vec<f32> = x.iter().copied().collect();
        let data = TensorData::new(values, [n, channels, height, width]);
        Ok(Tensor::from_data(data, (device, DType::F32)))
    }

    fn read(&self, logits: Tensor<2>, n: usize) -> Result<Array2<f64>> {
        let [rows, classes] = logits.dims();
        if [rows, classes] != [n, self.classes] {
            let (expected, got) = (vec![n, self.classes], vec![rows, classes]);
            return Err(Error::Shape { operation: "the network's logits", expected, got });
        }
        Ok(into_array::<f32, 2>(logits)?.mapv(f64::from))
    }
}

impl<M: Module, F: Fn(&M, Tensor<4>) -> Tensor<2>> Classifier<f32> for Network<M, F> {
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn logits(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>> {
        let mut all = Array2::zeros((x.nrows(), self.classes));
        for (x, mut z) in self.parts(x).zip(all.axis_chunks_iter_mut(Axis(0), self.batch_of(x))) {
            let images = self.images(x, &self.device)?;
            z.assign(&self.read((self.forward)(&self.plain, images), x.nrows())?);
        }
        Ok(all)
    }

    fn gradient(
        &self,
        x: ArrayView2<'_, f32>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<f32>)> {
        let mut weigh = |z: ArrayView2<'_, f64>| {
            let weights = weigh(z)?;
            if weights.dim() == z.dim() {
                return Ok(weights);
            }
            let (expected, got) = (z.shape().to_vec(), weights.shape().to_vec());
            Err(Error::Shape { operation: "weights of the logits", expected, got })
        };
        if (1..=self.batch).contains(&x.nrows()) {
            return self.one_gradient(x, &mut weigh);
        }
        let logits = self.logits(x)?;
        let weights = weigh(logits.view())?;
        let mut all = x.to_owned();
        let batch = self.batch_of(x);
        let parts = self.parts(x).zip(weights.axis_chunks_iter(Axis(0), batch));
        for ((x, w), mut g) in parts.zip(all.axis_chunks_iter_mut(Axis(0), batch)) {
            g.assign(&self.one_gradient(x, &mut |_| Ok(w.to_owned()))?.1);
        }
        Ok((logits, all))
    }
}
