use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mean;

/// A question and its changed form: whether each was answered right, `None` where it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobustPair {
    /// The task it belongs to.
    pub task: String,
    /// The question as it was.
    pub original: Option<bool>,
    /// The question as it was changed.
    pub modified: Option<bool>,
}

/// One task of a [`RobustnessReport`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaskRobustness {
    /// Pairs of which both sides could be read.
    pub pairs: u64,
    /// Pairs left out because a side could not.
    pub unread: u64,
    /// The share of originals answered right.
    pub accuracy: Option<f64>,
    /// The share of changed ones answered right.
    pub adversarial_accuracy: Option<f64>,
    /// Of the originals answered right, the share whose change was not; `None` without any.
    pub attack_success: Option<f64>,
}

/// What [`robustness`] reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessReport {
    /// Task by task.
    pub tasks: BTreeMap<String, TaskRobustness>,
    /// The mean accuracy over tasks where it is defined.
    pub accuracy: Option<f64>,
    /// The mean accuracy on changed questions.
    pub adversarial_accuracy: Option<f64>,
    /// The mean success of attacks over tasks where it is defined: the published toolkit counts the
    /// others as 0, which lowers it.
    pub attack_success: Option<f64>,
    /// How many tasks have one.
    pub attack_success_defined: u64,
    /// `adversarial_accuracy − attack_success`, in `[−1, 1]`: higher is better.
    pub score: Option<f64>,
}

/// Accuracy, accuracy on changed questions, and how often a change turns a right answer.
pub fn robustness(pairs: &[RobustPair]) -> RobustnessReport {
    let mut counts: BTreeMap<&str, [u64; 5]> = BTreeMap::new();
    for pair in pairs {
        let [read, unread, right, still, turned] = counts.entry(&pair.task).or_default();
        let (Some(original), Some(modified)) = (pair.original, pair.modified) else {
            *unread += 1;
            continue;
        };
        *read += 1;
        *right += u64::from(original);
        *still += u64::from(modified);
        *turned += u64::from(original && !modified);
    }
    let ratio = |over: u64, under: u64| (under > 0).then(|| over as f64 / under as f64);
    let tasks: BTreeMap<String, TaskRobustness> = counts
        .into_iter()
        .map(|(task, [pairs, unread, right, still, turned])| {
            let report = TaskRobustness {
                pairs,
                unread,
                accuracy: ratio(right, pairs),
                adversarial_accuracy: ratio(still, pairs),
                attack_success: ratio(turned, right),
            };
            (task.to_owned(), report)
        })
        .collect();
    let over = |of: fn(&TaskRobustness) -> Option<f64>| mean(tasks.values().filter_map(of));
    let adversarial_accuracy = over(|task| task.adversarial_accuracy);
    let attack_success = over(|task| task.attack_success);
    RobustnessReport {
        accuracy: over(|task| task.accuracy),
        adversarial_accuracy,
        attack_success,
        attack_success_defined: tasks.values().filter(|task| task.attack_success.is_some()).count()
            as u64,
        score: adversarial_accuracy.zip(attack_success).map(|(right, turned)| right - turned),
        tasks,
    }
}
