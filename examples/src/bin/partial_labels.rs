//! Partial labels: somebody names a few digits, one of which is right.
//!
//! Each wrong digit is a candidate with probability 0.7, so that an image has seven candidates of ten on
//! average. `cargo run --release --bin partial_labels`

use std::process::ExitCode;

use assay_examples::exam::Exam;
use assay_examples::mnist::CLASSES;
use assay_examples::story::{Story, StoryError, tell};
use glws_nfa::WeakLabels;
use glws_nfa::generate::{WeakSet, candidates};
use glws_nfa::tensor::WeakLossConfig;

/// The probability that a wrong digit is named.
const RATE: f64 = 0.7;

fn main() -> ExitCode {
    tell(run)
}

fn run(story: &Story) -> Result<(), StoryError> {
    let seed = story.arguments.seed;
    let digits = story.classes(|digit| digit);
    let sets = candidates(&digits, CLASSES, RATE, seed)?;
    let known = WeakSet::new((0..digits.len()).collect(), WeakLabels::partial(sets.view())?)?;
    let sizes: Vec<f32> = sets
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|&c| f32::from(u8::from(c))).sum())
        .collect();

    let loss = WeakLossConfig::new().init()?;
    let ours =
        story.method("−log P(a candidate)", digits.len(), 1, 64, CLASSES, |student, batch| {
            let batch = known.batch(batch);
            let logits = story.logits(student, batch.instances);
            Ok(loss.forward(logits, None, &batch.labels)?.total)
        });
    let average = story.with_targets("Candidates alike likely", CLASSES, |image, digit| {
        if sets[[image, digit]] { 1.0 / sizes[image] } else { 0.0 }
    });
    let exam = Exam::digits(&story.data.test, story.arguments.test_images);
    let mean = sizes.iter().sum::<f32>() / sizes.len().max(1) as f32;
    let heading = format!("{} images, {mean:.1} candidates each of {CLASSES} digits", digits.len());
    story.run(&heading, &exam, [story.oracle(&digits, CLASSES), ours, average])?;
    Ok(())
}
