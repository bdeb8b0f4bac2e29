//! The trainings of the chapter put into words.

use assay_examples::bags::Bag;
use assay_examples::mnist::CLASSES;
use assay_examples::report::{Method, Role, Sample, Story};

use super::lesson::{Lesson, Trained};
use super::presence::is_there;

/// Bags or pairs shown for each story.
const SHOWN_BAGS: usize = 3;
const SHOWN_GROUPS: usize = 2;

/// All trainings.
pub(super) struct Results {
    pub(super) alike: Trained,
    pub(super) distance: Trained,
    pub(super) all_counts: Trained,
    pub(super) all_means: Trained,
    pub(super) count: Trained,
    pub(super) means: Trained,
    pub(super) presence: Trained,
    pub(super) maximum: Trained,
    pub(super) digits: Trained,
    pub(super) nines: Trained,
}

pub(super) fn tell(lesson: &Lesson, results: &Results) -> Vec<Story> {
    let by_labels =
        |trained| method("Every image labelled", "cross-entropy", Role::Oracle, trained);
    let bags = |told: fn(&Bag) -> String| {
        let sample = |bag: &Bag| Sample { images: bag.images.clone(), told: told(bag) };
        lesson.bags.iter().take(SHOWN_BAGS).map(sample).collect::<Vec<_>>()
    };
    vec![
        Story {
            id: "count".to_owned(),
            title: "How many nines are in the bag?".to_owned(),
            setting: "For each bag the teacher counts the nines and says the number. Which images they are, \
                      nobody says. Asked in the end: is this single image a nine?"
                .to_owned(),
            samples: bags(|bag| plural(bag.counts[9], "nine", "nines")),
            methods: vec![
                method(
                    "Exact count",
                    "−log P(as many nines as counted)",
                    Role::Weak,
                    &results.count,
                ),
                method(
                    "Mean label",
                    "cross-entropy with the bag's share of nines as each image's target",
                    Role::Baseline,
                    &results.means,
                ),
                by_labels(&results.nines),
            ],
        },
        Story {
            id: "counts".to_owned(),
            title: "How many of each digit?".to_owned(),
            setting: "The teacher counts all ten digits in each bag. Asked in the end: which digit does this \
                      image show?"
                .to_owned(),
            samples: bags(all_counts),
            methods: vec![
                method(
                    "Exact joint count",
                    "−log P(all ten counts)",
                    Role::Weak,
                    &results.all_counts,
                ),
                method(
                    "Mean label",
                    "cross-entropy with the bag's proportions as each image's target",
                    Role::Baseline,
                    &results.all_means,
                ),
                by_labels(&results.digits),
            ],
        },
        Story {
            id: "presence".to_owned(),
            title: "Is there a nine in the bag?".to_owned(),
            setting: "The teacher answers yes or no for the whole bag. Asked in the end: is this single image \
                      a nine?"
                .to_owned(),
            samples: bags(|bag| if is_there(bag) { "yes" } else { "no" }.to_owned()),
            methods: vec![
                method(
                    "Exact presence",
                    "−log P(at least one nine), or −log P(none)",
                    Role::Weak,
                    &results.presence,
                ),
                method(
                    "Maximum",
                    "binary cross-entropy on the likeliest nine of the bag",
                    Role::Baseline,
                    &results.maximum,
                ),
                by_labels(&results.nines),
            ],
        },
        Story {
            id: "alike".to_owned(),
            title: "Are these two alike?".to_owned(),
            setting: "The images lie in small groups, and within each the teacher compares any two: the same \
                      digit, or not. Nobody ever names a digit, so \
                      the ten classes that come out get their names from a thousand labelled training \
                      images, one name a class."
                .to_owned(),
            samples: shown_pairs(lesson),
            methods: vec![
                method(
                    "Exact agreement",
                    "−log P(classes equal), or −log P(classes differ)",
                    Role::Weak,
                    &results.alike,
                ),
                method(
                    "Distance",
                    "contrastive loss on an embedding, then k-means",
                    Role::Baseline,
                    &results.distance,
                ),
                by_labels(&results.digits),
            ],
        },
    ]
}

fn method(name: &str, loss: &str, role: Role, trained: &Trained) -> Method {
    Method {
        name: name.to_owned(),
        role,
        loss: loss.to_owned(),
        schedule: trained.schedule,
        curve: trained.curve.clone(),
        score: trained.score.clone(),
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn all_counts(bag: &Bag) -> String {
    let named = (0..CLASSES).filter(|&digit| bag.counts[digit] > 0);
    named.map(|digit| format!("{} × {digit}", bag.counts[digit])).collect::<Vec<_>>().join(", ")
}

/// The comparisons within the first groups.
fn shown_pairs(lesson: &Lesson) -> Vec<Sample> {
    let mut samples = Vec::new();
    for group in lesson.groups.iter().take(SHOWN_GROUPS) {
        for (index, &first) in group.images.iter().enumerate() {
            for &second in &group.images[index + 1..] {
                let alike = lesson.data.train.label(first) == lesson.data.train.label(second);
                let told = if alike { "alike" } else { "not alike" }.to_owned();
                samples.push(Sample { images: vec![first, second], told });
            }
        }
    }
    samples
}
