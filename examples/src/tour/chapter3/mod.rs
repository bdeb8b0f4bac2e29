//! Chapter 3: does the model know what it knows?
//!
//! A model of ten digits is tuned on five, gently and hard; temperature scaling and Distance-Aware
//! Calibration are asked about the other five.

mod page;

use assay_examples::base_new::{Found as Story, Plan, tell};
use serde::Serialize;

use crate::chapters::{ChapterError, Found, Tour};

/// How tuning goes: what it is called, and Adam's step size.
const TUNINGS: [(&str, f64); 2] = [("gentle", 2e-3), ("hard", 2e-2)];

/// One tuning and what came of it.
#[derive(Debug, Serialize)]
struct Tuning {
    name: &'static str,
    learning_rate: f64,
    found: Story,
}

/// Tunes, calibrates, tells.
pub(crate) fn run(tour: &Tour) -> Result<Found, ChapterError> {
    tour.progress.expect(TUNINGS.len());
    let task = tour.progress.task("tuning on five digits", TUNINGS.len());
    let mut tunings = Vec::new();
    for (name, learning_rate) in TUNINGS {
        let plan = Plan::new(learning_rate);
        let plan = if tour.quick { plan.quick() } else { plan };
        let found = tell(tour.data, &plan, tour.seed, &tour.device)?;
        tunings.push(Tuning { name, learning_rate, found });
        task.advance(1);
    }
    let section = page::section(&tunings)?;
    Ok(Found::new(section, &tunings, summary(&tunings))?)
}

/// What the terminal says.
fn summary(tunings: &[Tuning]) -> Vec<String> {
    let mut lines = Vec::new();
    for tuning in tunings {
        lines.push(format!("{} tuning on five digits, asked about the other five", tuning.name));
        for way in &tuning.found.judged {
            lines.push(format!("  {:32} ECE {:.3}", way.name, way.ece));
        }
    }
    lines
}
