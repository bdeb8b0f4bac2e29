//! What the chapter found.

use assay_array::ndarray::Array2;
use serde::Serialize;
use specformer_msvp::Evaluation;

use super::way::Way;

/// One model in numbers, none of which depends on time or machine load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Numbers {
    /// How it was trained.
    pub(super) way: Way,
    /// The largest singular value of any head's queries, keys or values.
    pub(super) sigma: f64,
    /// Accuracy on all test images, not only on those that are attacked.
    pub(super) right: f64,
    /// Certified accuracy by `L2` radius.
    pub(super) certified: Vec<[f64; 2]>,
    /// Under attacks in `L∞`.
    pub(super) linf: Evaluation,
    /// Under attacks in `L2`.
    pub(super) l2: Evaluation,
}

/// A model's numbers, and what only the page needs.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) numbers: Numbers,
    /// One certificate, step by step.
    pub(super) derivation: String,
    pub(super) shown: Shown,
}

/// Some test images.
#[derive(Debug)]
pub(super) struct Shown {
    /// As they are.
    pub(super) before: Array2<f32>,
    /// As the adversary left them.
    pub(super) after: Array2<f32>,
    /// What the model takes them for then.
    pub(super) taken_for: Vec<usize>,
}
