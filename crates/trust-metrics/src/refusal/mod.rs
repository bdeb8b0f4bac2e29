//! Refusals found by phrases, with how well that works.

mod detector;
mod samples;
mod words;

pub use detector::{RefusalDetector, RefusalLexicon};
pub use samples::{Calibration, LabelledAnswer, calibrate, labelled_answers};
