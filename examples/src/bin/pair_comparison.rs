//! Pairwise comparison: of two images, somebody puts the one with the larger digit first. Asked in the
//! end: is this digit 5 or more?
//!
//! Nobody says where "large" begins, only that of the two the first is not the smaller one of "below 5"
//! and "5 or more". `cargo run --release --bin pair_comparison`

use std::process::ExitCode;
use std::sync::Arc;

use assay_examples::exam::Exam;
use assay_examples::story::{Story, StoryError, tell};
use assay_examples::train::cross_entropy;
use glws_nfa::generate::{compared, pairs};
use glws_nfa::tensor::{WeakLossConfig, class_balance};
use glws_nfa::{Constraint, WeakLabels};
use ndarray::array;

/// Pairs in a step.
const BATCH: usize = 32;

fn main() -> ExitCode {
    tell(run)
}

fn large(digit: usize) -> usize {
    usize::from(digit >= 5)
}

fn run(story: &Story) -> Result<(), StoryError> {
    let seed = story.arguments.seed;
    let classes = story.classes(large);
    let pairs = pairs(&classes, None, classes.len() / 2, seed)?;
    let pairs = compared(&pairs, &classes)?;
    let logits = |student: &_, batch: &[usize]| {
        story.logits(student, batch.iter().flat_map(|&pair| pairs[pair]))
    };
    let loss = WeakLossConfig::new().init()?;
    // Two of one class are put in either order, each half the time.
    let order = Constraint::Pair(Arc::new(array![[0.5, 0.0], [1.0, 0.5]]));
    let ours = story.method("−log P(this order)", pairs.len(), 2, BATCH, 2, |student, batch| {
        let labels = WeakLabels::each(&vec![2; batch.len()], order.clone());
        Ok(loss.forward(logits(student, batch), None, &labels)?.total)
    });
    // The paper's language does not weigh ties, so that "all of one class" satisfies it as well; a term
    // for balanced classes rules that out.
    let name = "−log P(not smaller), balanced";
    let paper = story.method(name, pairs.len(), 2, BATCH, 2, |student, batch| {
        let logits = logits(student, batch);
        let labels = WeakLabels::pairwise_comparison(2, batch.len())?;
        let total = loss.forward(logits.clone(), None, &labels)?.total;
        Ok(total + class_balance(logits)?)
    });
    let naive = story.method("First 1, second 0", pairs.len(), 2, BATCH, 2, |student, batch| {
        let targets = batch.iter().flat_map(|_| [0.0, 1.0, 1.0, 0.0]).collect();
        Ok(cross_entropy(logits(student, batch), targets))
    });
    let exam = Exam::classes(&story.data.test, story.arguments.test_images, 2, large);
    let heading = format!("{} pairs of images", pairs.len());
    story.run(&heading, &exam, [story.oracle(&classes, 2), ours, paper, naive])?;
    Ok(())
}
