//! How large everything is.

use assay_examples::train::Schedule;
use serde::Serialize;

/// The sizes of the chapter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Settings {
    /// Images to learn from.
    pub(super) images: usize,
    /// How long and how fast, the same number of steps for all.
    pub(super) schedule: Schedule,
    /// The penalty's weight on each of queries, keys and values.
    pub(super) lambda: f64,
    /// The size of training's adversary, in the largest change of a pixel.
    pub(super) trained_for: f64,
    /// Test images that are attacked and certified.
    pub(super) attacked: usize,
    /// Test images that are only classified.
    pub(super) tested: usize,
    /// Steps of the attacks.
    pub(super) steps: usize,
}

impl Settings {
    /// Under two minutes on two cores.
    pub(super) fn full() -> Self {
        Self {
            images: 20_000,
            schedule: Schedule { passes: 5, batch: 64, learning_rate: 3e-3 },
            lambda: 1e-2,
            trained_for: 0.1,
            attacked: 200,
            tested: 10_000,
            steps: 20,
        }
    }

    /// Seconds instead of minutes: everything runs, and the numbers mean nothing.
    pub(super) fn quick() -> Self {
        let full = Self::full();
        let schedule = Schedule { passes: 1, ..full.schedule };
        Self { images: 256, schedule, attacked: 10, tested: 500, steps: 2, ..full }
    }

    /// Work in images that pass through a network; an attack's step counts as one.
    pub(super) fn work(&self, sizes: usize) -> usize {
        self.images * self.schedule.passes + sizes * self.steps * self.attacked
    }
}
