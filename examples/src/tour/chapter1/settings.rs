//! How large everything is.

use assay_examples::train::Schedule;

/// The sizes of the chapter.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Training images that are put into bags and pairs.
    pub(super) images: usize,
    /// Images in a bag: mean and standard deviation.
    pub(super) bag_size: (f64, f64),
    /// The same where only presence is told: longer, so that the telling is weak.
    pub(super) long_bag_size: (f64, f64),
    /// Images in a group that are compared with each other.
    pub(super) group_size: usize,
    /// Test images that judge the trained networks.
    pub(super) test_images: usize,
    /// Test images for each point of a learning curve.
    pub(super) curve_images: usize,
    /// Trainings on single images.
    pub(super) labels: Schedule,
    /// Trainings on bags.
    pub(super) bags: Schedule,
    /// Trainings on comparisons within groups.
    pub(super) groups: Schedule,
}

impl Settings {
    /// The real chapter: under two and a half minutes on two cores.
    pub(super) fn full() -> Self {
        Self {
            images: 40_000,
            bag_size: (10.0, 2.0),
            long_bag_size: (15.0, 2.0),
            group_size: 8,
            test_images: 10_000,
            curve_images: 2_000,
            labels: Schedule { passes: 5, batch: 64, learning_rate: 2e-3 },
            bags: Schedule { passes: 5, batch: 6, learning_rate: 2e-3 },
            groups: Schedule { passes: 5, batch: 16, learning_rate: 2e-3 },
        }
    }

    /// Seconds instead of minutes: everything runs, and the numbers mean nothing.
    pub(super) fn quick() -> Self {
        let short = |schedule: Schedule| Schedule { passes: 2, ..schedule };
        let full = Self::full();
        Self {
            images: 120,
            test_images: 100,
            curve_images: 50,
            labels: short(full.labels),
            bags: short(full.bags),
            groups: short(full.groups),
            ..full
        }
    }
}
