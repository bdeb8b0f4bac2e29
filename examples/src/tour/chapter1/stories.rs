//! The trainings of the chapter put into words.

use assay_examples::bags::Bag;
use assay_examples::mnist::CLASSES;

use super::lesson::{Lesson, Trained};
use super::presence::is_there;
use super::results::{Method, Role, Sample, Story};

/// Comparisons of either kind that are shown.
const SHOWN_PAIRS: usize = 5;
/// Groups that they are taken from.
const SHOWN_GROUPS: usize = 4;

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
    vec![
        count(lesson, results),
        all_counts(lesson, results),
        presence(lesson, results),
        alike(lesson, results),
    ]
}

fn count(lesson: &Lesson, results: &Results) -> Story {
    Story {
        id: "count".to_owned(),
        title: "How many nines are in the bag?".to_owned(),
        setting: "For each bag the teacher counts the nines and says the number. Which images they are, \
                  nobody says. Asked in the end: is this single image a nine? The mean label never makes \
                  a nine likelier than not, so that network says “nine” to as large a share of \
                  images as the counts tell."
            .to_owned(),
        samples: shown_bags(&lesson.bags, |bag| match bag.counts[9] {
            1 => "1 nine".to_owned(),
            nines => format!("{nines} nines"),
        }),
        methods: vec![
            method("Exact count", "−log P(as many nines as counted)", Role::Weak, &results.count),
            method(
                "Mean label",
                "cross-entropy with the bag's share of nines as each image's target",
                Role::Baseline,
                &results.means,
            ),
            labelled(&results.nines),
        ],
    }
}

fn all_counts(lesson: &Lesson, results: &Results) -> Story {
    Story {
        id: "counts".to_owned(),
        title: "How many of each digit?".to_owned(),
        setting: "The teacher counts all ten digits in each bag. Asked in the end: which digit does this \
                  image show?"
            .to_owned(),
        samples: shown_bags(&lesson.bags, |bag| {
            let named = (0..CLASSES).filter(|&digit| bag.counts[digit] > 0);
            let named: Vec<String> =
                named.map(|digit| format!("{} × {digit}", bag.counts[digit])).collect();
            named.join(", ")
        }),
        methods: vec![
            method("Exact joint count", "−log P(all ten counts)", Role::Weak, &results.all_counts),
            method(
                "Mean label",
                "cross-entropy with the bag's proportions as each image's target",
                Role::Baseline,
                &results.all_means,
            ),
            labelled(&results.digits),
        ],
    }
}

fn presence(lesson: &Lesson, results: &Results) -> Story {
    Story {
        id: "presence".to_owned(),
        title: "Is there a nine in the bag?".to_owned(),
        setting: "The bags are longer, of fifteen images, and the teacher only answers yes or no for the \
                  whole bag. Asked in the end: is this single image a nine? Both networks start with the \
                  share of nines that the answers imply. Without that the exact loss starts badly: at one \
                  half for every image a nine is all but certain in every bag, so that no “yes” teaches \
                  anything. With it the exact loss and the maximum come out close, in single trials of ours \
                  with bags of ten, fifteen and twenty within a point; without it the exact loss fell \
                  behind as bags grew longer, to 88.0 % against 94.3 with twenty."
            .to_owned(),
        samples: shown_bags(&lesson.long_bags, |bag| if is_there(bag) { "yes" } else { "no" }.to_owned()),
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
            labelled(&results.nines),
        ],
    }
}

fn alike(lesson: &Lesson, results: &Results) -> Story {
    Story {
        id: "alike".to_owned(),
        title: "Are these two alike?".to_owned(),
        setting: "The images lie in groups of eight, and within each the teacher compares any two: the \
                  same digit, or not. Nobody ever names a digit, so the ten classes that come out get \
                  their names from a thousand labelled training images, one name a class. The distance \
                  is learned from the same comparisons and finds the digits about as well, and did \
                  better in single trials of ours with groups of two and of four; but it takes a \
                  clustering after the training, and says nothing about how sure an answer is."
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
            labelled(&results.digits),
        ],
    }
}

fn labelled(trained: &Trained) -> Method {
    method("Every image labelled", "cross-entropy", Role::Oracle, trained)
}

fn method(name: &str, loss: &str, role: Role, trained: &Trained) -> Method {
    Method {
        name: name.to_owned(),
        role,
        loss: loss.to_owned(),
        schedule: trained.schedule,
        curve: trained.curve.clone(),
        score: trained.score.clone(),
        surprise: trained.surprise,
    }
}

/// The first bags with two nines, with one and with none.
fn shown_bags(bags: &[Bag], told: impl Fn(&Bag) -> String) -> Vec<Sample> {
    let shown =
        [2, 1, 0].into_iter().filter_map(|nines| bags.iter().find(|bag| bag.counts[9] == nines));
    shown.map(|bag| Sample { images: bag.images.clone(), told: told(bag) }).collect()
}

/// Some comparisons from the first groups, the alike ones first.
fn shown_pairs(lesson: &Lesson) -> Vec<Sample> {
    let digit = |image| lesson.data.train.label(image);
    let (mut alike, mut unlike) = (Vec::new(), Vec::new());
    for group in lesson.groups.iter().take(SHOWN_GROUPS) {
        for (index, &first) in group.images.iter().enumerate() {
            for &second in &group.images[index + 1..] {
                let same = digit(first) == digit(second);
                let (list, told) =
                    if same { (&mut alike, "alike") } else { (&mut unlike, "not alike") };
                list.push(Sample { images: vec![first, second], told: told.to_owned() });
            }
        }
    }
    let step = (unlike.len() / SHOWN_PAIRS).max(1);
    let unlike = unlike.into_iter().step_by(step).take(SHOWN_PAIRS);
    alike.into_iter().take(SHOWN_PAIRS).chain(unlike).collect()
}
