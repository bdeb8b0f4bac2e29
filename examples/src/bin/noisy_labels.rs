//! Noisy labels: with probability 0.45 the label says the next digit instead. The noise is learned with
//! the classifier.
//!
//! `cargo run --release --bin noisy_labels`
#![allow(clippy::print_stdout)] // a program talks to its user

use std::process::ExitCode;

use assay_examples::exam::Exam;
use assay_examples::mnist::CLASSES;
use assay_examples::story::{Learned, Story, StoryError, Student, tell};
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::burn::tensor::activation::log_softmax;
use assay_tensor::convert::into_array;
use glws_nfa::WeakLabels;
use glws_nfa::generate::{WeakSet, flips};
use glws_nfa::tensor::{NoiseMatrixConfig, WeakLossConfig};
use ndarray::Array2;

/// How often a label is wrong.
const RATE: f64 = 0.45;
/// The weight of the network's doubt where it learns the noise.
const ENTROPY_WEIGHT: f64 = 0.3;

fn main() -> ExitCode {
    tell(run)
}

fn run(story: &Story) -> Result<(), StoryError> {
    let seed = story.arguments.seed;
    let digits = story.classes(|digit| digit);
    let transition = Array2::from_shape_fn((CLASSES, CLASSES), |(digit, seen)| {
        if seen == digit {
            1.0 - RATE
        } else if seen == (digit + 1) % CLASSES {
            RATE
        } else {
            0.0
        }
    });
    let seen = flips(&digits, transition.view(), seed)?;
    let loss = WeakLossConfig::new().init()?;

    let mut learns =
        story.method("Noise learned", digits.len(), 1, 64, CLASSES, |student, batch| {
            let labels: Vec<usize> = batch.iter().map(|&image| seen[image]).collect();
            let logits = story.logits(student, batch.iter().copied());
            let noise = student.noise.as_ref().map(|noise| noise.observed(&labels)).transpose()?;
            let evidence = noise.unwrap_or_else(|| logits.zeros_like());
            // Doubt of the network and noise of the teacher explain the labels alike; a network that has
            // to be certain leaves the noise to the matrix.
            let total = loss.forward_evidence(logits.clone(), None, evidence)?.total;
            Ok(total + mean_entropy(logits) * ENTROPY_WEIGHT)
        });
    let noise = NoiseMatrixConfig::new(CLASSES).with_stay(0.7).with_speed(10.0);
    let noise = noise.init(story.learning())?;
    learns.student = Student { noise: Some(noise), ..story.student(CLASSES) };

    let labels = WeakLabels::noisy(transition.view(), &seen)?;
    let known = WeakSet::new((0..digits.len()).collect(), labels)?;
    let told = story.method("Noise known", digits.len(), 1, 64, CLASSES, |student, batch| {
        let batch = known.batch(batch);
        let logits = story.logits(student, batch.instances);
        Ok(loss.forward(logits, None, &batch.labels)?.total)
    });
    let naive = story.with_targets("Labels as they are", CLASSES, |image, digit| {
        f32::from(u8::from(seen[image] == digit))
    });
    let exam = Exam::digits(&story.data.test, story.arguments.test_images);
    let oracle = story.oracle(&digits, CLASSES);
    let wrong = digits.iter().zip(&seen).filter(|(digit, seen)| digit != seen).count();
    let heading = format!("{} labels, {wrong} of them wrong", digits.len());
    print_noise(&story.run(&heading, &exam, [oracle, learns, told, naive])?)
}

/// The mean of `−Σ_c p(c) log p(c)` over the images.
fn mean_entropy(logits: Tensor<2>) -> Tensor<1> {
    let log_p = log_softmax(logits, 1);
    (log_p.clone().exp() * log_p).sum_dim(1).mean().neg()
}

/// What the network found out about its teacher.
fn print_noise(learned: &[Learned]) -> Result<(), StoryError> {
    for noise in learned.iter().filter_map(|row| row.student.noise.as_ref()) {
        let matrix = into_array::<f32, 2>(noise.transition())?;
        let mean = |shift: usize| {
            let sum: f32 = (0..CLASSES).map(|d| matrix[[d, (d + shift) % CLASSES]]).sum();
            sum / CLASSES as f32
        };
        println!(
            "The matrix that was learned: right {:.2}, the next digit {:.2}, any other {:.3} on average",
            mean(0),
            mean(1),
            (1.0 - mean(0) - mean(1)) / (CLASSES - 2) as f32,
        );
    }
    Ok(())
}
