//! What the chapter found, as numbers.

use assay_examples::exam::Score;
use assay_examples::train::Schedule;
use serde::Serialize;

/// All that the chapter found. Serialised, it holds nothing that depends on time or machine load, so
/// that two runs with one seed give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Numbers {
    /// What was used.
    pub(super) images: Images,
    /// What each kind of supervision taught.
    pub(super) stories: Vec<Story>,
}

/// How many images there were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Images {
    /// For training: those that the networks saw, in bags or groups or with labels.
    pub(super) training: usize,
    /// For judging.
    pub(super) test: usize,
    /// Of these, those that judge "nine or not": as many nines as other digits.
    pub(super) balanced_test: usize,
}

/// One kind of supervision, and the networks that learned under it or beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Story {
    /// A short name for anchors.
    pub(super) id: String,
    /// The headline.
    pub(super) title: String,
    /// What the teacher says about a bag or pair, and what is asked of the network.
    pub(super) setting: String,
    /// Some of what the networks were shown.
    pub(super) samples: Vec<Sample>,
    /// The networks, the one of the story first.
    pub(super) methods: Vec<Method>,
}

/// Some images and what was said about them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Sample {
    /// Training images by index.
    pub(super) images: Vec<usize>,
    /// All that the network was told.
    pub(super) told: String,
}

/// The part that a network plays in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// The exact loss of this project.
    Weak,
    /// The obvious simpler thing.
    Baseline,
    /// Full supervision on the same images.
    Oracle,
}

/// How one network learned and how well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Method {
    /// Its name.
    pub(super) name: String,
    /// Its part.
    pub(super) role: Role,
    /// What it minimises.
    pub(super) loss: String,
    /// How long it trained.
    pub(super) schedule: Schedule,
    /// How it stood after each pass.
    pub(super) curve: Vec<Point>,
    /// How the trained network answers the test images.
    pub(super) score: Score,
    /// The mean of `−ln P(right class)` over the test images as they come, in nats; none for what gives
    /// no probabilities.
    pub(super) surprise: Option<f64>,
}

/// A point of a learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Point {
    /// Images seen so far, repetitions counted.
    pub(super) images: usize,
    /// The mean loss over the pass that ended here.
    pub(super) loss: f64,
    /// The share of right answers on a fixed part of the test images.
    pub(super) accuracy: f64,
}
