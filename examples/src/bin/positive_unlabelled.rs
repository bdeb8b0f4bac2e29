//! Positive and unlabelled: a few images are known to show a digit from 0 to 4; of the rest nothing is
//! known but the share of such digits.
//!
//! `cargo run --release --bin positive_unlabelled`

use std::process::ExitCode;

use assay_examples::exam::Exam;
use assay_examples::story::{Story, StoryError, tell};
use assay_examples::train::cross_entropy;
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::burn::tensor::activation::sigmoid;
use glws_nfa::WeakLabels;
use glws_nfa::generate::draw;
use glws_nfa::tensor::WeakLossConfig;

/// Images that are known to be positive.
const POSITIVES: usize = 200;
/// Of them in a step.
const POSITIVE_BATCH: usize = 16;
/// Unlabelled images in a step.
const BATCH: usize = 64;

fn main() -> ExitCode {
    tell(run)
}

fn positive(digit: usize) -> usize {
    usize::from(digit < 5)
}

fn run(story: &Story) -> Result<(), StoryError> {
    let seed = story.arguments.seed;
    let classes = story.classes(positive);
    let prior = classes.iter().sum::<usize>() as f64 / classes.len().max(1) as f64;
    let positives = draw(&classes, Some(&[0.0, 1.0]), POSITIVES, seed)?;

    // Some positives, then the batch, all through the network together.
    let logits = |student: &_, batch: &[usize]| {
        let first = batch.first().copied().unwrap_or(0);
        let known = (0..POSITIVE_BATCH).map(|i| positives[(first + i) % POSITIVES]);
        story.logits(student, known.chain(batch.iter().copied()))
    };
    let items = classes.len();
    let loss = WeakLossConfig::new().init()?;
    let ours = story.method("−log P(positives, share)", items, 1, BATCH, 2, |student, batch| {
        let labels = WeakLabels::positive_unlabelled(POSITIVE_BATCH, batch.len(), prior)?;
        Ok(loss.forward(logits(student, batch), None, &labels)?.total)
    });
    let risk = story.method("Non-negative risk (nnPU)", items, 1, BATCH, 2, |student, batch| {
        Ok(non_negative_risk(logits(student, batch), prior))
    });
    let naive = story.method("Unlabelled as negative", items, 1, BATCH, 2, |student, batch| {
        let targets = (0..POSITIVE_BATCH).flat_map(|_| [0.0, 1.0]);
        let targets = targets.chain(batch.iter().flat_map(|_| [1.0, 0.0])).collect();
        Ok(cross_entropy(logits(student, batch), targets))
    });
    let exam = Exam::classes(&story.data.test, story.arguments.test_images, 2, positive);
    let share = 100.0 * prior;
    let heading =
        format!("{POSITIVES} known positives, {items} unlabelled images, {share:.1} % positive");
    story.run(&heading, &exam, [story.oracle(&classes, 2), ours, risk, naive])?;
    Ok(())
}

/// `π R⁺_p + max(0, R⁻_u − π R⁻_p)` with the sigmoid loss (Kiryo, Niu, du Plessis and Sugiyama 2017,
/// *Positive-Unlabeled Learning with Non-Negative Risk Estimator*, eq. 6); where the second term would be
/// negative, its gradient is turned round, as their algorithm 1 says with γ = 1 and β = 0.
fn non_negative_risk(logits: Tensor<2>, prior: f64) -> Tensor<1> {
    let [rows, _] = logits.dims();
    let score = logits.clone().slice([0..rows, 1..2]) - logits.slice([0..rows, 0..1]);
    let wrong_if_positive = sigmoid(score.clone().neg());
    let wrong_if_negative = sigmoid(score);
    let known = |loss: &Tensor<2>| loss.clone().slice([0..POSITIVE_BATCH, 0..1]).mean();
    let unlabelled = wrong_if_negative.clone().slice([POSITIVE_BATCH..rows, 0..1]).mean();
    let positive = known(&wrong_if_positive) * prior;
    let negative = unlabelled - known(&wrong_if_negative) * prior;
    if negative.clone().into_scalar::<f32>() >= 0.0 { positive + negative } else { negative.neg() }
}
