//! Training, in each of the ways.

use assay_array::ndarray::Array2;
use assay_examples::mnist::{CLASSES, PIXELS, SIDE, Split};
use assay_examples::progress::Task;
use assay_examples::train::{PIXEL_MEAN, PIXEL_SPREAD, Training, cross_entropy, one_hot};
use assay_tensor::burn;
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::AdamConfig;
use burn::tensor::{DType, Device, Tensor, TensorData};
use specformer_msvp::attack::{Norm, Threat};
use specformer_msvp::msvp::MsvpConfig;
use specformer_msvp::tensor::Penalty;
use specformer_msvp::tensor::training::{Method, RobustTraining};
use specformer_msvp::tensor::vit::Vit;

use super::error::RobustError;
use super::norms::{Norms, PATCHES};
use super::settings::Settings;
use super::way::Way;
use crate::chapters::Tour;

/// The shape of an image.
pub(super) const SHAPE: [usize; 3] = [1, SIDE, SIDE];

/// Images in `[0, 1]` to logits. Standardised here, so that an adversary's ε is in pixels.
pub(super) fn forward(vit: &Vit, images: Tensor<4>) -> Tensor<2> {
    vit.forward(images.sub_scalar(PIXEL_MEAN).div_scalar(PIXEL_SPREAD))
}

/// The deviations of matrices become `1/√inputs` and those of positions one half: the transformer's own
/// 0.02 suits widths of several hundred, and one of a few dozen would learn next to nothing from it in
/// a few passes. For the bounded one, patches and positions start as large as the patches may be.
struct Wider(Way);

impl ModuleMapper for Wider {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        const OWN: f64 = 0.02;
        let larger = if self.0 == Way::Bounded { PATCHES } else { 1.0 };
        let times = match D {
            2 => (param.dims()[0] as f64).sqrt().recip() / OWN,
            3 => 0.5 * larger / OWN,
            4 => larger,
            _ => return param,
        };
        param.map(|p| p.mul_scalar(times).detach().require_grad())
    }
}

/// A transformer trained in one of the ways.
pub(super) fn learn(
    tour: &Tour,
    settings: &Settings,
    way: Way,
    task: &Task<'_>,
) -> Result<Vit, RobustError> {
    let device = tour.device.clone().autodiff();
    let train = &tour.data.train;
    let fresh = way.config().init(tour.seed, &device)?.map(&mut Wider(way));
    let mut norms = Norms::default();
    let msvp = MsvpConfig::new().with_lambdas([settings.lambda; 3]).with_seed(tour.seed);
    let mut penalty = Penalty::new(msvp, &fresh)?;
    let images: Vec<usize> = (0..settings.images.min(train.len())).collect();
    let mut loss = |vit: &Vit, pass: usize, batch: &[&usize]| {
        let indices: Vec<usize> = batch.iter().map(|&&image| image).collect();
        task.advance(indices.len());
        let (x, y) = (pixels(train, &indices), targets(train, &indices));
        if way == Way::Adversarial {
            return against(tour, settings, vit, pass, &indices, &x, &y, &device);
        }
        let loss = cross_entropy(forward(vit, tensor(&x, &device)), y.into_iter().collect());
        Ok(if way == Way::Penalty { loss + penalty.penalty(vit)? } else { loss })
    };
    let mut done = 0;
    let training = Training { net: fresh, optimiser: AdamConfig::new().init(), passes: 0 };
    let training = training.run_within(
        &images,
        &settings.schedule,
        tour.seed,
        |vit, pass, batch| loss(vit, pass, batch),
        |vit| Ok(if way == Way::Bounded { norms.bound(vit)? } else { vit }),
        |_, loss| {
            done += 1;
            task.report(&format!("pass {done} of {}, loss {loss:.3}", settings.schedule.passes));
            Ok(())
        },
    )?;
    Ok(training.net.valid())
}

/// The loss on what one step of the adversary makes of the images: from a random start, a little longer
/// than ε (Wong, Rice and Kolter 2020).
#[allow(clippy::too_many_arguments)] // a batch, in parts
fn against(
    tour: &Tour,
    settings: &Settings,
    vit: &Vit,
    pass: usize,
    indices: &[usize],
    images: &Array2<f32>,
    targets: &Array2<f32>,
    device: &Device,
) -> Result<Tensor<1>, RobustError> {
    let threat = Threat::new(Norm::Linf, settings.trained_for);
    // Another start for each image in each pass.
    let ids: Vec<u64> = indices.iter().map(|&i| ((pass as u64) << 32) | i as u64).collect();
    let robust = RobustTraining::new(Method::Adversarial, threat)
        .with_steps(1)
        .with_alpha(1.25 * settings.trained_for)
        .with_seed(tour.seed);
    let found = robust.loss(vit, &forward, images.view(), targets.view(), &ids, SHAPE, device)?;
    Ok(found.loss)
}

/// Images `[n, pixels]` in `[0, 1]`.
pub(super) fn pixels(split: &Split, indices: &[usize]) -> Array2<f32> {
    Array2::from_shape_fn((indices.len(), PIXELS), |(row, pixel)| {
        f32::from(split.image(indices[row])[pixel]) / 255.0
    })
}

fn tensor(pixels: &Array2<f32>, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = pixels.iter().copied().collect();
    let [channels, height, width] = SHAPE;
    let data = TensorData::new(values, [pixels.nrows(), channels, height, width]);
    Tensor::from_data(data, (device, DType::F32))
}

/// Label weights `[n, classes]`: one for the digit.
fn targets(split: &Split, indices: &[usize]) -> Array2<f32> {
    let mut weights = Array2::zeros((indices.len(), CLASSES));
    for (mut row, &index) in weights.outer_iter_mut().zip(indices) {
        row.iter_mut().zip(one_hot(split.label(index), CLASSES)).for_each(|(w, one)| *w = one);
    }
    weights
}
