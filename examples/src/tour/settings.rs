//! How large everything is.

use assay_examples::train::Schedule;

/// The sizes of one run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The seed of every random choice.
    pub(crate) seed: u64,
    /// Training images that are put into bags and pairs.
    pub(crate) images: usize,
    /// Images in a bag: mean and standard deviation.
    pub(crate) bag_size: (f64, f64),
    /// Images in a group that are compared with each other.
    pub(crate) group_size: usize,
    /// Test images that judge the trained networks.
    pub(crate) test_images: usize,
    /// Test images for each point of a learning curve.
    pub(crate) curve_images: usize,
    /// Trainings on single images.
    pub(crate) labels: Schedule,
    /// Trainings on bags.
    pub(crate) bags: Schedule,
    /// Trainings on comparisons within groups.
    pub(crate) groups: Schedule,
}

impl Settings {
    /// The real tour: under five minutes on two cores.
    pub(crate) fn full(seed: u64) -> Self {
        Self {
            seed,
            images: 40_000,
            bag_size: (10.0, 2.0),
            group_size: 8,
            test_images: 10_000,
            curve_images: 2_000,
            labels: Schedule { passes: 5, batch: 64, learning_rate: 2e-3 },
            bags: Schedule { passes: 5, batch: 6, learning_rate: 2e-3 },
            groups: Schedule { passes: 5, batch: 16, learning_rate: 2e-3 },
        }
    }

    /// Seconds instead of minutes: everything runs, and the numbers mean nothing.
    pub(crate) fn quick(seed: u64) -> Self {
        let short = |schedule: Schedule| Schedule { passes: 2, ..schedule };
        let full = Self::full(seed);
        Self {
            images: 1_000,
            test_images: 1_000,
            curve_images: 200,
            labels: short(full.labels),
            bags: short(full.bags),
            groups: short(full.groups),
            ..full
        }
    }
}
