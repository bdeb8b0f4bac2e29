//! The teacher only says whether there is a nine in the bag.

use assay_array::ndarray::{Array1, Axis};
use assay_examples::bags::Bag;
use assay_examples::lenet::LeNet;
use assay_examples::progress::Task;
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::burn::tensor::activation::log_sigmoid;
use assay_tensor::convert::{from_array, from_int_array};
use glws_nfa::WeakLabels;
use glws_nfa::tensor::WeakLossConfig;

use super::counts;
use super::error::LessonError;
use super::lesson::{Course, Lesson, NINE, Trained};

/// Whether there is one.
pub(super) fn is_there(bag: &Bag) -> bool {
    bag.counts[9] > 0
}

/// Is there a nine in each bag?
///
/// A network that takes every image for a nine with probability one half is all but certain of a nine in
/// every long bag: no bag with one teaches it anything, and the bags without push all images down alike,
/// far beyond the truth. Both losses therefore start from the share `p` of nines for which bags of the
/// mean size `n` have none as often as was said, `(1 − p)^n`.
pub(super) fn course<'a>(lesson: &'a Lesson) -> Course<'a, Bag> {
    let bags = &lesson.long_bags;
    let without = bags.iter().filter(|bag| !is_there(bag)).count();
    // Half a bag more of either kind, so that the share is neither 0 nor 1.
    let none = (without as f64 + 0.5) / (bags.len() as f64 + 1.0);
    let share = 1.0 - none.powf(bags.len() as f64 / lesson.images.len().max(1) as f64);
    Course { items: bags, start: Some(share), ..counts::nines(lesson) }
}

/// Learns by the exact loss: minus the log-probability that at least one image shows a nine, or that
/// none does.
pub(super) fn learn(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let weak_loss = WeakLossConfig::new().init()?;
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let sizes: Vec<usize> = bags.iter().map(|bag| bag.images.len()).collect();
        let present: Vec<bool> = bags.iter().map(|bag| is_there(bag)).collect();
        let labels = WeakLabels::multiple_instances(NINE, &sizes, &present)?;
        Ok(weak_loss.forward(logits, None, &labels)?.total)
    };
    lesson.learn_classes(task, course, loss)
}

/// Learns by the obvious loss: the image that looks most like a nine answers for its bag, binary
/// cross-entropy on its probability.
pub(super) fn learn_by_max(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let z = log_odds(logits);
        // A row for each bag; short bags repeat their first image, which leaves the largest as it is.
        let longest = bags.iter().map(|bag| bag.images.len()).max().unwrap_or(0);
        let mut places = Vec::with_capacity(bags.len() * longest);
        let mut next = 0;
        for bag in bags {
            let first = next;
            for _ in &bag.images {
                places.push(next);
                next += 1;
            }
            places.extend(std::iter::repeat_n(first, longest - bag.images.len()));
        }
        let places = from_int_array(Array1::from_vec(places), &z.device())?;
        let most = z.select(0, places).reshape([bags.len(), longest]).max_dim(1);
        // log σ(z) for a bag with a nine, log(1 − σ(z)) = log σ(−z) for one without.
        let signs: Array1<f32> =
            bags.iter().map(|bag| if is_there(bag) { 1.0 } else { -1.0 }).collect();
        let signs = from_array(signs.insert_axis(Axis(1)), &most.device())?;
        Ok(log_sigmoid(most * signs).mean().neg())
    };
    lesson.learn_classes(task, course, loss)
}

/// The log-odds of a nine, `[images, 1]`.
fn log_odds(logits: Tensor<2>) -> Tensor<2> {
    let [images, _] = logits.dims();
    logits.clone().slice([0..images, NINE..NINE + 1]) - logits.slice([0..images, 0..1])
}
