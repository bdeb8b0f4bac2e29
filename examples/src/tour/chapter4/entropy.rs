//! The entropy of every layer over training, and of untrained networks.

use assay_array::ndarray::Array2;
use assay_examples::lenet::LeNet;
use assay_examples::mnist::{CLASSES, Split};
use assay_examples::train::{Schedule, argmax, cross_entropy, one_hot, outputs, tensor, train};
use assay_tensor::burn::tensor::Device;
use assay_tensor::convert::into_array;
use matrix_entropy::pair::{Debias, cka_map};
use matrix_entropy::{Conventions, Report, RowPolicy};
use serde::Serialize;

use super::error::InsideError;
use crate::chapters::Tour;

/// The layers' names, in order.
pub(super) const LAYERS: [&str; 4] = ["convolution 1", "convolution 2", "linear 1", "linear 2"];

/// How much is trained and measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    images: usize,
    measured: usize,
    untrained: usize,
    schedule: Schedule,
}

impl Settings {
    /// About a quarter of a minute.
    pub(super) fn full() -> Self {
        let schedule = Schedule { passes: 8, batch: 64, learning_rate: 2e-3 };
        Self { images: 4_000, measured: 1_000, untrained: 5, schedule }
    }

    /// A second; the numbers mean nothing.
    pub(super) fn quick() -> Self {
        let schedule = Schedule { passes: 2, batch: 64, learning_rate: 2e-3 };
        Self { images: 300, measured: 100, untrained: 2, schedule }
    }
}

/// Everything that the chapter found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Numbers {
    /// Training images.
    pub(super) images: usize,
    /// Test images whose hidden states are measured.
    pub(super) measured: usize,
    /// One a layer.
    pub(super) layers: Vec<Layer>,
    /// The share of the measured images that the trained network gets right, after each pass.
    pub(super) accuracy: Vec<f64>,
    /// Debiased CKA of the trained network's layers (rows) with those of an untrained one.
    pub(super) cka: Vec<Vec<f64>>,
}

/// One layer's story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Layer {
    /// Its name.
    pub(super) name: String,
    /// Before training, and after each pass.
    pub(super) trained: Vec<Report>,
    /// Networks that never learnt, with the seeds of their weights.
    pub(super) untrained: Vec<(u64, Report)>,
    /// Diff-eRank: the mean effective rank of the untrained networks less that of the trained one.
    pub(super) diff_erank: f64,
    /// Its standard deviation over untrained networks.
    pub(super) between_draws: f64,
}

/// Trains and measures.
pub(super) fn measure(tour: &Tour, settings: &Settings) -> Result<Numbers, InsideError> {
    let (train_split, test) = (&tour.data.train, &tour.data.test);
    let images: Vec<usize> = (0..settings.images.min(train_split.len())).collect();
    let measured: Vec<usize> = (0..settings.measured.min(test.len())).collect();
    let work = images.len() * settings.schedule.passes + settings.untrained * measured.len();
    tour.progress.expect(work);
    let task = tour.progress.task("look inside", work);

    let device = tour.device.clone().autodiff();
    let start = LeNet::new(CLASSES, tour.seed, &device);
    let mut history = vec![reports(
        &LeNet::new(CLASSES, tour.seed, &tour.device),
        test,
        &measured,
        &tour.device,
    )?];
    let mut accuracy = Vec::new();
    let net = train(
        start,
        &images,
        &settings.schedule,
        tour.seed,
        |net, batch| {
            let logits =
                net.forward(tensor(train_split, batch.iter().map(|&&image| image), &device));
            let targets =
                batch.iter().flat_map(|&&image| one_hot(train_split.label(image), CLASSES));
            task.advance(batch.len());
            Ok::<_, InsideError>(cross_entropy(logits, targets.collect()))
        },
        |net, loss| {
            history.push(reports(net, test, &measured, &tour.device)?);
            accuracy.push(right(net, test, &measured, &tour.device)?);
            task.report(&format!("loss {loss:.3}"));
            Ok(())
        },
    )?;
    let mut drawn = Vec::new();
    for draw in 1..=settings.untrained as u64 {
        // Seeds beside the trained network's own.
        let seed = tour.seed.wrapping_add(draw);
        let net = LeNet::new(CLASSES, seed, &tour.device);
        drawn.push((seed, reports(&net, test, &measured, &tour.device)?));
        task.advance(measured.len());
    }
    let fresh = LeNet::new(CLASSES, tour.seed.wrapping_add(1), &tour.device);
    let (own, theirs) = (
        states(&net, test, &measured, &tour.device)?,
        states(&fresh, test, &measured, &tour.device)?,
    );
    let views = [&own, &theirs].map(|all| all.each_ref().map(|x| x.view()));
    let cka = cka_map(&views[0], &views[1], Debias::Unbiased)?;
    let layers = LAYERS.iter().enumerate().map(|(index, name)| {
        let trained: Vec<Report> = history.iter().map(|pass| pass[index].clone()).collect();
        let untrained: Vec<(u64, Report)> =
            drawn.iter().map(|(seed, layers)| (*seed, layers[index].clone())).collect();
        let last = trained.last().map_or(0.0, |report| report.effective_rank);
        let count = untrained.len() as f64;
        let ranks = || untrained.iter().map(|(_, report)| report.effective_rank);
        let mean = ranks().sum::<f64>() / count;
        let squares: f64 = ranks().map(|rank| (rank - mean) * (rank - mean)).sum();
        Layer {
            name: (*name).to_owned(),
            diff_erank: mean - last,
            between_draws: (squares / (count - 1.0).max(1.0)).sqrt(),
            trained,
            untrained,
        }
    });
    Ok(Numbers {
        images: images.len(),
        measured: measured.len(),
        layers: layers.collect(),
        accuracy,
        cka: cka.outer_iter().map(|row| row.to_vec()).collect(),
    })
}

/// Images that go through the network together.
const BATCH: usize = 200;

/// The hidden states of all layers.
fn states(
    net: &LeNet,
    split: &Split,
    images: &[usize],
    device: &Device,
) -> Result<[Array2<f32>; 4], InsideError> {
    let mut all = LeNet::WIDTHS.map(|width| Array2::zeros((0, width)));
    for batch in images.chunks(BATCH) {
        let found = net.states(tensor(split, batch.iter().copied(), device));
        for (all, found) in all.iter_mut().zip(found) {
            for row in into_array::<f32, 2>(found)?.rows() {
                // cannot fail: the widths are the network's.
                let _ = all.push_row(row);
            }
        }
    }
    Ok(all)
}

/// The measures of all layers, the images being the sample.
fn reports(
    net: &LeNet,
    split: &Split,
    images: &[usize],
    device: &Device,
) -> Result<Vec<Report>, InsideError> {
    let conventions = Conventions::paper().with_zero_rows(RowPolicy::Skip);
    let all = states(net, split, images, device)?;
    Ok(all.iter().map(|x| Report::of(x.view(), conventions)).collect::<Result<_, _>>()?)
}

fn right(
    net: &LeNet,
    split: &Split,
    images: &[usize],
    device: &Device,
) -> Result<f64, InsideError> {
    let answers = outputs(net, split, images, device)?;
    let correct =
        answers.iter().zip(images).filter(|(row, image)| argmax(row) == split.label(**image));
    Ok(correct.count() as f64 / images.len().max(1) as f64)
}
