//! One training loop for every kind of supervision: only the items and their loss differ.

use assay_array::random::{shuffle, stream};
use assay_tensor::convert::into_array;
use assay_tensor::{Error, burn};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Serialize;

use crate::lenet::LeNet;
use crate::mnist::{PIXELS, SIDE, Split};

/// How long and how fast to train.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Schedule {
    /// How often every item is seen.
    pub passes: usize,
    /// Items (images, bags or pairs) in a step.
    pub batch: usize,
    /// Adam's step size at the start; it falls to zero along half a cosine.
    pub learning_rate: f64,
}

impl Schedule {
    /// The optimiser steps of a training on `items` items.
    pub fn steps(&self, items: usize) -> usize {
        self.passes * items.div_ceil(self.batch.max(1))
    }
}

/// Trains on `items` with Adam, each seen once a pass, in an order that only the seed decides.
///
/// `loss` gives the mean loss of a batch; `after_pass` gets the network as it stands (without gradients)
/// and the mean of the pass's losses.
///
/// # Errors
/// What `loss` or `after_pass` answer; and [`NotFinite`] when a loss is not a number, because nothing
/// good can come after it.
pub fn train<M: Module, T, E: From<NotFinite>>(
    net: M,
    items: &[T],
    schedule: &Schedule,
    seed: u64,
    mut loss: impl FnMut(&M, &[&T]) -> Result<Tensor<1>, E>,
    mut after_pass: impl FnMut(&M, f64) -> Result<(), E>,
) -> Result<M, E> {
    let training = Training { net, optimiser: AdamConfig::new().init(), passes: 0 };
    let training = training.run(
        items,
        schedule,
        seed,
        |net, _, batch| loss(net, batch),
        |training, mean| after_pass(&training.net.valid(), mean),
    )?;
    Ok(training.net.valid())
}

/// A training between two passes: all that is needed to go on.
#[derive(Clone)]
pub struct Training<M> {
    /// The network, which learns.
    pub net: M,
    /// What the optimiser remembers.
    pub optimiser: ModuleOptimizer,
    /// Passes that are behind it.
    pub passes: usize,
}

impl<M: std::fmt::Debug> std::fmt::Debug for Training<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training")
            .field("net", &self.net)
            .field("passes", &self.passes)
            .finish_non_exhaustive()
    }
}

impl<M: Module> Training<M> {
    /// Trains through the passes that are left of the schedule. A pass is the same whether the ones
    /// before it ran now or in a run that was stopped.
    ///
    /// `loss` gets the network, the pass and a batch; `after_pass` the training as it stands, and the
    /// mean of the pass's losses.
    ///
    /// # Errors
    /// As [`train`].
    pub fn run<T, E: From<NotFinite>>(
        self,
        items: &[T],
        schedule: &Schedule,
        seed: u64,
        loss: impl FnMut(&M, usize, &[&T]) -> Result<Tensor<1>, E>,
        after_pass: impl FnMut(&Self, f64) -> Result<(), E>,
    ) -> Result<Self, E> {
        self.run_within(items, schedule, seed, loss, Ok, after_pass)
    }

    /// The same for networks that obey a constraint: `project` brings them back after every step.
    ///
    /// # Errors
    /// As [`train`].
    pub fn run_within<T, E: From<NotFinite>>(
        mut self,
        items: &[T],
        schedule: &Schedule,
        seed: u64,
        mut loss: impl FnMut(&M, usize, &[&T]) -> Result<Tensor<1>, E>,
        mut project: impl FnMut(M) -> Result<M, E>,
        mut after_pass: impl FnMut(&Self, f64) -> Result<(), E>,
    ) -> Result<Self, E> {
        let steps = schedule.steps(items.len());
        let mut step = self.passes * items.len().div_ceil(schedule.batch.max(1));
        while self.passes < schedule.passes {
            let pass = self.passes;
            let mut order: Vec<&T> = items.iter().collect();
            shuffle(&mut stream(seed, "order of training", pass as u64), &mut order);
            let mut sum = 0.0;
            for batch in order.chunks(schedule.batch.max(1)) {
                let mean = loss(&self.net, pass, batch)?;
                let gradients = GradientsParams::from_grads(mean.backward(), &self.net);
                let value = f64::from(mean.into_scalar::<f32>());
                if !value.is_finite() {
                    return Err(NotFinite { step, value }.into());
                }
                let turn = std::f64::consts::PI * step as f64 / steps as f64;
                let rate = schedule.learning_rate * 0.5 * (1.0 + turn.cos());
                self.net = project(self.optimiser.step(rate, self.net, gradients))?;
                sum += value * batch.len() as f64;
                step += 1;
            }
            self.passes += 1;
            after_pass(&self, sum / items.len().max(1) as f64)?;
        }
        Ok(self)
    }
}

/// A training that left the numbers.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the loss of step {step} is {value}")]
pub struct NotFinite {
    /// The step, from zero.
    pub step: usize,
    /// The loss.
    pub value: f64,
}

/// MNIST's mean over the training pixels, in units of the brightest value.
pub const PIXEL_MEAN: f32 = 0.1307;
/// Their standard deviation.
pub const PIXEL_SPREAD: f32 = 0.3081;

/// Images that go through a network together when it is judged; more does not go faster.
const EVALUATION_BATCH: usize = 200;

/// The images as a tensor `[images, 1, 28, 28]`, standardised.
pub fn tensor(
    split: &Split,
    images: impl IntoIterator<Item = usize>,
    device: &Device,
) -> Tensor<4> {
    let standard = |&pixel: &u8| (f32::from(pixel) / 255.0 - PIXEL_MEAN) / PIXEL_SPREAD;
    let values: Vec<f32> =
        images.into_iter().flat_map(|index| split.image(index).iter().map(standard)).collect();
    let shape = [values.len() / PIXELS, 1, SIDE, SIDE];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// The outputs of a network, one row an image, computed on `device` in batches.
///
/// # Errors
/// When the device cannot give its values back.
pub fn outputs(
    net: &LeNet,
    split: &Split,
    images: &[usize],
    device: &Device,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut rows = Vec::with_capacity(images.len());
    for batch in images.chunks(EVALUATION_BATCH) {
        let values = net.forward(tensor(split, batch.iter().copied(), device));
        let values = into_array::<f32, 2>(values)?;
        rows.extend(values.rows().into_iter().map(|row| row.to_vec()));
    }
    Ok(rows)
}

/// The index of the largest output, the first of equal ones.
pub fn argmax(row: &[f32]) -> usize {
    let larger = |best, index| if row[index] > row[best] { index } else { best };
    (1..row.len()).fold(0, larger)
}

/// The target of an image whose class is known: one for it and zero for the others.
pub fn one_hot(class: usize, classes: usize) -> impl Iterator<Item = f32> {
    (0..classes).map(move |other| f32::from(u8::from(other == class)))
}

/// `−(1/n) Σ_i Σ_c t_i(c) log p_i(c)` for targets given row by row.
pub fn cross_entropy(logits: Tensor<2>, targets: Vec<f32>) -> Tensor<1> {
    let shape = logits.dims();
    let targets = TensorData::new(targets, shape);
    let targets = Tensor::<2>::from_data(targets, (&logits.device(), DType::F32));
    (log_softmax(logits, 1) * targets).sum().div_scalar(-(shape[0].max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_averaged_over_the_batch() {
        let device = assay_tensor::device("flex").unwrap();
        let logits = Tensor::<2>::from_floats([[0.0, 0.0], [3.0_f32.ln(), 0.0]], &device);
        let loss = cross_entropy(logits, vec![0.5, 0.5, 1.0, 0.0]).into_scalar::<f32>();
        let want = f32::midpoint(2.0_f32.ln(), (4.0_f32 / 3.0).ln());
        assert!((loss - want).abs() < 1e-6, "{loss} {want}");
    }
}
