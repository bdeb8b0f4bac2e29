//! A classifier with a tower for images and one for the names of classes, as vision-language models have:
//! the logit of a class is the cosine of the two towers' features, times a constant.

use assay_array::random::{Stream, normal, shuffle, stream};
use assay_tensor::burn;
use assay_tensor::convert::into_array;

use assay_array::ndarray::{Array2, Axis};
use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::mnist::{PIXELS, Split};
use dac_calibration::tensor::focal_loss;

/// The width of a class's name before its tower.
const NAME: usize = 16;
/// The width of features.
pub const FEATURES: usize = 32;
/// What cosines are multiplied by.
pub const SCALE: f64 = 20.0;

/// Two layers for images, two for names.
#[derive(Module, Debug)]
pub struct Towers {
    image_hidden: Param<Tensor<2>>,
    image_out: Param<Tensor<2>>,
    name_hidden: Param<Tensor<2>>,
    name_out: Param<Tensor<2>>,
}

/// How a training goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// How often every image is seen.
    pub passes: usize,
    /// Images in a step.
    pub batch: usize,
    /// Adam's step size.
    pub learning_rate: f64,
}

impl Towers {
    /// Towers whose weights are drawn from the seed's own stream.
    pub fn new(seed: u64, device: &Device) -> Self {
        let mut rng = stream(seed, "towers", 0);
        let mut layer =
            |from: usize, to: usize| Param::from_tensor(gaussian(from, to, &mut rng, device));
        Self {
            image_hidden: layer(PIXELS, 128),
            image_out: layer(128, FEATURES),
            name_hidden: layer(NAME, 64),
            name_out: layer(64, FEATURES),
        }
    }

    /// Features of images `[n, 784]`, of unit length.
    pub fn images(&self, pixels: Tensor<2>) -> Tensor<2> {
        unit(relu(pixels.matmul(self.image_hidden.val())).matmul(self.image_out.val()))
    }

    /// Features of the ten digits' names, of unit length.
    pub fn names(&self, seed: u64, device: &Device) -> Tensor<2> {
        // A name is a fixed random vector, as a word is before a model has read anything.
        let mut rng = stream(seed, "names", 0);
        let values: Vec<f32> = (0..10 * NAME).map(|_| normal(&mut rng) as f32).collect();
        let names =
            Tensor::<2>::from_data(TensorData::new(values, [10, NAME]), (device, DType::F32));
        unit(relu(names.matmul(self.name_hidden.val())).matmul(self.name_out.val()))
    }
}

fn gaussian(from: usize, to: usize, rng: &mut Stream, device: &Device) -> Tensor<2> {
    let scale = (from as f64).sqrt().recip();
    let values: Vec<f32> = (0..from * to).map(|_| (scale * normal(rng)) as f32).collect();
    Tensor::from_data(TensorData::new(values, [from, to]), (device, DType::F32))
}

fn unit(x: Tensor<2>) -> Tensor<2> {
    let norm = (x.clone() * x.clone()).sum_dim(1).clamp_min(1e-12).sqrt();
    x / norm
}

/// Pixels of the chosen images, `[n, 784]`, between 0 and 1.
pub fn pixels(split: &Split, chosen: &[usize], device: &Device) -> Tensor<2> {
    let values: Vec<f32> =
        chosen.iter().flat_map(|&i| split.image(i)).map(|&p| f32::from(p) / 255.0).collect();
    Tensor::from_data(TensorData::new(values, [chosen.len(), PIXELS]), (device, DType::F32))
}

/// The images of a split that show one of these digits, the first `most` of each.
pub fn showing(split: &Split, digits: &[usize], most: usize) -> Vec<usize> {
    let mut counts = [0; 10];
    let wanted = |&i: &usize| {
        let digit = split.label(i);
        counts[digit] += 1;
        digits.contains(&digit) && counts[digit] <= most
    };
    (0..split.len()).filter(wanted).collect()
}

/// Which towers learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learning {
    /// Both.
    Both,
    /// The names' alone, as in prompt tuning.
    Names,
}

/// Trains towers that are on the device `training`, which has autodiff, by cross entropy over `digits` on
/// the chosen images.
///
/// # Errors
/// When the device fails.
pub fn train(
    mut towers: Towers,
    split: &Split,
    chosen: &[usize],
    digits: &[usize],
    (lesson, learning): (Lesson, Learning),
    seed: u64,
    training: &Device,
) -> Result<Towers, dac_calibration::Error> {
    let mut optimiser = AdamConfig::new().init();
    // The class of an image is the place of its digit.
    let place = |&i: &usize| digits.iter().position(|&d| d == split.label(i)).unwrap_or_default();
    let classes: Vec<i64> = digits.iter().filter_map(|&d| i64::try_from(d).ok()).collect();
    for pass in 0..lesson.passes {
        let mut order = chosen.to_vec();
        shuffle(&mut stream(seed, "order of tuning", pass as u64), &mut order);
        for batch in order.chunks(lesson.batch.max(1)) {
            let images = towers.images(pixels(split, batch, training));
            let images = if learning == Learning::Names { images.detach() } else { images };
            let rows = Tensor::<1, Int>::from_data(
                TensorData::new(classes.clone(), [classes.len()]),
                training,
            );
            let names = towers.names(seed, training).select(0, rows);
            let logits = images.matmul(names.transpose()) * SCALE;
            let labels: Vec<usize> = batch.iter().map(place).collect();
            let loss = focal_loss(logits, &labels, 0.0)?; // cross entropy
            let gradients = GradientsParams::from_grads(loss.backward(), &towers);
            towers = optimiser.step(lesson.learning_rate, towers, gradients);
        }
    }
    Ok(towers)
}

/// Features of the ten names, as an array; the towers without autodiff.
///
/// # Errors
/// When the device fails.
pub fn name_features(
    towers: &Towers,
    seed: u64,
    device: &Device,
) -> Result<Array2<f32>, assay_tensor::Error> {
    into_array(towers.names(seed, device))
}

/// Features of images, as an array; the towers without autodiff.
///
/// # Errors
/// When the device fails.
pub fn image_features(
    towers: &Towers,
    split: &Split,
    chosen: &[usize],
    device: &Device,
) -> Result<Array2<f32>, assay_tensor::Error> {
    let mut parts = Vec::new();
    for part in chosen.chunks(2000) {
        parts.push(into_array::<f32, 2>(towers.images(pixels(split, part, device)))?);
    }
    let views: Vec<_> = parts.iter().map(|part: &Array2<f32>| part.view()).collect();
    Ok(assay_array::ndarray::concatenate(Axis(0), &views).unwrap_or_default())
}
