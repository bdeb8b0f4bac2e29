//! The teacher counts: "three of these twelve are nines", or how often each digit occurs.

use assay_array::ndarray::Array2;
use assay_examples::bags::Bag;
use assay_examples::lenet::LeNet;
use assay_examples::mnist::CLASSES;
use assay_examples::progress::Task;
use assay_examples::train::{self, cross_entropy};

use super::error::LessonError;
use super::lesson::{Course, Lesson, NINE, Trained};
use glws_nfa::WeakLabels;
use glws_nfa::tensor::WeakLossConfig;

/// How many nines are in each bag?
pub(super) fn nines<'a>(lesson: &'a Lesson) -> Course<'a, Bag> {
    Course {
        items: &lesson.bags,
        images: |bag| bag.images.len(),
        schedule: lesson.settings.bags,
        outputs: 2,
        start: None,
        exam: &lesson.nines,
    }
}

/// How many of each digit are in each bag?
pub(super) fn digits<'a>(lesson: &'a Lesson) -> Course<'a, Bag> {
    Course { outputs: CLASSES, exam: &lesson.digits, ..nines(lesson) }
}

/// Training images that set the threshold of the obvious loss.
const THRESHOLD_IMAGES: usize = 2_000;

/// The count of every class in a bag.
fn counts(bag: &Bag, classes: usize) -> Vec<usize> {
    let nines = bag.counts[9];
    if classes == 2 { vec![bag.images.len() - nines, nines] } else { bag.counts.to_vec() }
}

/// Learns by the exact loss: minus the log-probability of the counts, summed over every way to share
/// out the classes among the images.
pub(super) fn learn(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let weak_loss = WeakLossConfig::new().init()?;
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let sizes: Vec<usize> = bags.iter().map(|bag| bag.images.len()).collect();
        let labels = if course.outputs == 2 {
            let nines: Vec<usize> = bags.iter().map(|bag| bag.counts[9]).collect();
            WeakLabels::label_proportions(NINE, &sizes, &nines)?
        } else {
            let all =
                Array2::from_shape_fn((bags.len(), CLASSES), |(b, digit)| bags[b].counts[digit]);
            WeakLabels::class_counts(&sizes, all.view())?
        };
        Ok(weak_loss.forward(logits, None, &labels)?.total)
    };
    lesson.learn_classes(task, course, loss)
}

/// Learns by the obvious loss: every image gets its bag's mean label as a soft target.
///
/// No image's target says "nine" with more than one half, so the likeliest class would never be that.
/// The network is asked instead whether the image looks more like a nine than so many training images
/// that their share is the share of nines, which the counts tell.
pub(super) fn learn_from_means(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let targets = bags.iter().flat_map(|bag| {
            let size = bag.images.len();
            let mean = counts(bag, course.outputs).into_iter().map(|n| n as f32 / size as f32);
            mean.collect::<Vec<_>>().repeat(size)
        });
        Ok(cross_entropy(logits, targets.collect()))
    };
    if course.outputs != 2 {
        return lesson.learn_classes(task, course, loss);
    }
    let (trained, net) = lesson.learn(task, course, loss, |net, images| {
        let log_odds = |split, images: &[usize]| -> Result<Vec<f32>, LessonError> {
            let rows = train::outputs(net, split, images, &lesson.device)?;
            Ok(rows.iter().map(|row| row[NINE] - row[1 - NINE]).collect())
        };
        let known = &lesson.images[..THRESHOLD_IMAGES.min(lesson.images.len())];
        let mut known = log_odds(&lesson.data.train, known)?;
        known.sort_unstable_by(f32::total_cmp);
        let nines: usize = lesson.bags.iter().map(|bag| bag.counts[9]).sum();
        let others = 1.0 - nines as f64 / lesson.images.len() as f64;
        let threshold = known[((known.len() as f64 * others) as usize).min(known.len() - 1)];
        let asked = log_odds(&lesson.data.test, images)?;
        Ok(asked.into_iter().map(|odds| usize::from(odds > threshold)).collect())
    })?;
    Ok(Trained { surprise: Some(lesson.surprise(&net, None)?), ..trained })
}
