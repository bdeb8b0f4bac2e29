//! What a run found, as a page and as numbers.

mod html;
mod json;
mod picture;
mod svg;
mod write;

use serde::Serialize;

use crate::mnist::{CLASSES, Split};
use crate::train::Schedule;

pub use html::page;
pub use json::numbers;
pub use write::{WriteError, write_whole};

/// All that a run of the tour found. Serialised, it holds nothing that depends on time or machine
/// load, so that two runs with one seed give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What ran.
    pub manifest: Manifest,
    /// What each kind of supervision taught.
    pub stories: Vec<Story>,
}

/// What is needed to run it again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// The version of the tour.
    pub version: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// The device that trained.
    pub device: String,
    /// Whether this is the short run that only shows that everything works.
    pub quick: bool,
    /// Training images that the networks saw, in bags or pairs or with labels.
    pub training_images: usize,
    /// Bags that they were cut into.
    pub bags: usize,
    /// Comparisons of two of them.
    pub comparisons: usize,
    /// Test images that judged.
    pub test_images: usize,
    /// Of these, those that judge "nine or not": as many nines as other digits.
    pub balanced_test_images: usize,
}

/// One kind of supervision, and the networks that learned under it or beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// A short name for file names and anchors.
    pub id: String,
    /// The headline.
    pub title: String,
    /// What the teacher says about a bag or pair, and what is asked of the network.
    pub setting: String,
    /// Some of what the networks were shown.
    pub samples: Vec<Sample>,
    /// The networks, the one of the story first.
    pub methods: Vec<Method>,
}

/// Some images and what was said about them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Training images by index.
    pub images: Vec<usize>,
    /// All that the network was told.
    pub told: String,
}

/// The part that a network plays in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The exact loss of this project.
    Weak,
    /// The obvious simpler thing.
    Baseline,
    /// Full supervision on the same images.
    Oracle,
}

/// How one network learned and how well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Its part.
    pub role: Role,
    /// What it minimises.
    pub loss: String,
    /// How long it trained.
    pub schedule: Schedule,
    /// How it stood after each pass.
    pub curve: Vec<Point>,
    /// How the trained network answers the test images.
    pub score: Score,
}

/// A point of a learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Images seen so far, repetitions counted.
    pub images: usize,
    /// The mean loss over the pass that ended here.
    pub loss: f64,
    /// The share of right answers on a fixed part of the test images.
    pub accuracy: f64,
}

/// Right answers on the test images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Right answers.
    pub correct: usize,
    /// Images asked.
    pub judged: usize,
    /// Their ratio.
    pub accuracy: f64,
    /// Wilson's interval for the ratio at 95 %.
    pub interval: [f64; 2],
    /// Answers by true class (row) and answered class (column).
    pub confusion: Vec<Vec<usize>>,
}

/// What the page needs and the numbers do not.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The images that samples point into.
    pub train: &'a Split,
    /// Seconds from start to report.
    pub seconds: f64,
}

/// The names of the classes of a confusion matrix with `classes` rows.
fn class_names(classes: usize) -> Vec<String> {
    match classes {
        2 => vec!["other".to_owned(), "nine".to_owned()],
        _ => (0..classes.max(CLASSES)).take(classes).map(|digit| digit.to_string()).collect(),
    }
}

#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    /// A small report for tests.
    pub(crate) fn report() -> Report {
        let point = |images, accuracy| Point { images, loss: 1.0 / images as f64, accuracy };
        let method = |name: &str, role, correct: usize| Method {
            name: name.to_owned(),
            role,
            loss: "a < b & c".to_owned(),
            schedule: Schedule { passes: 2, batch: 4, learning_rate: 1e-3 },
            curve: vec![point(100, 0.5), point(200, correct as f64 / 100.0)],
            score: Score {
                correct,
                judged: 100,
                accuracy: correct as f64 / 100.0,
                interval: [correct as f64 / 100.0 - 0.05, correct as f64 / 100.0 + 0.02],
                confusion: vec![vec![correct - 10, 5], vec![95 - correct, 10]],
            },
        };
        Report {
            manifest: Manifest {
                version: "0.0.0".to_owned(),
                seed: 7,
                device: "flex".to_owned(),
                quick: true,
                training_images: 40,
                bags: 4,
                comparisons: 40,
                test_images: 100,
                balanced_test_images: 20,
            },
            stories: vec![Story {
                id: "count".to_owned(),
                title: "How many <nines>?".to_owned(),
                setting: "counts".to_owned(),
                samples: vec![Sample { images: vec![0, 1], told: "1 nine".to_owned() }],
                methods: vec![
                    method("exact", Role::Weak, 95),
                    method("naive", Role::Baseline, 60),
                    method("labels", Role::Oracle, 94),
                ],
            }],
        }
    }
}
