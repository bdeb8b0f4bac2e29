//! A regular expression of your own: in a sequence of eight images, small digits (below 5) come first, then
//! large ones, then small ones again: `<small>+ <large>+ <small>+`. Where the large ones begin and end, nobody
//! says, and no image has a label. Asked in the end: is this digit large?
//!
//! `cargo run --release --bin my_regex`

use std::process::ExitCode;

use assay_array::random::{below, stream};
use assay_examples::exam::Exam;
use assay_examples::story::{Story, StoryError, tell};
use assay_examples::train::cross_entropy;
use glws_nfa::tensor::WeakLossConfig;
use glws_nfa::{Alphabet, Bags, Constraint, Regex, WeakLabels, marginals};
use ndarray::Array2;

/// Images in a sequence.
const LENGTH: usize = 8;
/// Sequences in a step.
const BATCH: usize = 8;

fn main() -> ExitCode {
    tell(run)
}

fn large(digit: usize) -> usize {
    usize::from(digit >= 5)
}

fn run(story: &Story) -> Result<(), StoryError> {
    let seed = story.arguments.seed;
    let classes = story.classes(large);
    let sequences = sequences(&classes, classes.len() / LENGTH, seed);

    // The expression, the automaton, and from then on a loss like any other.
    let alphabet = Alphabet::named(["small", "large"])?;
    let nfa = Regex::parse("<small>+ <large>+ <small>+", &alphabet)
        .map_err(glws_nfa::Error::from)?
        .to_nfa()?;
    let known = Constraint::from(nfa);
    let logits = |student: &_, batch: &[usize]| {
        story.logits(student, batch.iter().flat_map(|&sequence| sequences[sequence]))
    };
    let loss = WeakLossConfig::new().init()?;
    let count = sequences.len();
    let ours = story.method("−log P(expression)", count, LENGTH, BATCH, 2, |student, batch| {
        let labels = WeakLabels::each(&vec![LENGTH; batch.len()], known.clone());
        Ok(loss.forward(logits(student, batch), None, &labels)?.total)
    });
    // What the expression says of each place when the images are not looked at.
    let blind = Array2::<f64>::zeros((LENGTH, 2));
    let blind = marginals(&Bags::new(blind.view(), &[LENGTH])?, std::slice::from_ref(&known))?;
    let places: Vec<f32> = blind.posterior.iter().map(|&p| p as f32).collect();
    let naive = story.method("Share of the place", count, LENGTH, BATCH, 2, |student, batch| {
        let targets = batch.iter().flat_map(|_| places.iter().copied()).collect();
        Ok(cross_entropy(logits(student, batch), targets))
    });
    let exam = Exam::classes(&story.data.test, story.arguments.test_images, 2, large);
    let heading = format!("{count} sequences of {LENGTH} images");
    story.run(&heading, &exam, [story.oracle(&classes, 2), ours, naive])?;
    Ok(())
}

/// Sequences with a block of large digits inside, all places and lengths of the block alike likely.
fn sequences(classes: &[usize], count: usize, seed: u64) -> Vec<[usize; LENGTH]> {
    let (small, large): (Vec<usize>, Vec<usize>) =
        (0..classes.len()).partition(|&image| classes[image] == 0);
    let blocks: Vec<(usize, usize)> = (1..LENGTH - 1)
        .flat_map(|begin| (begin + 1..LENGTH).map(move |end| (begin, end)))
        .collect();
    (0..count)
        .map(|sequence| {
            let mut rng = stream(seed, "sequences", sequence as u64);
            let (begin, end) = blocks[below(&mut rng, blocks.len())];
            std::array::from_fn(|place| {
                let pool = if (begin..end).contains(&place) { &large } else { &small };
                pool.get(below(&mut rng, pool.len())).copied().unwrap_or(0)
            })
        })
        .collect()
}
