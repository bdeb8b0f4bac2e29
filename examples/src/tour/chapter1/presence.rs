//! The teacher only says whether there is a nine in the bag.

use assay_examples::bags::Bag;
use assay_examples::lenet::LeNet;
use assay_examples::progress::Task;
use assay_tensor::burn::tensor::activation::log_sigmoid;
use assay_tensor::burn::tensor::{DType, Int, Tensor, TensorData};

use super::counts::{self, NINE};
use super::lesson::{Course, Lesson, Trained};
use crate::error::TourError;
use glws_nfa::WeakLabels;
use glws_nfa::tensor::WeakLossConfig;

/// Is there a nine in each bag?
pub(super) fn nines<'a>(lesson: &'a Lesson) -> Course<'a, Bag> {
    Course {
        items: &lesson.presence_bags,
        schedule: lesson.settings.presence,
        ..counts::nines(lesson)
    }
}

/// Whether there is one.
pub(super) fn is_there(bag: &Bag) -> bool {
    bag.counts[9] > 0
}

/// Learns by the exact loss: minus the log-probability that at least one image shows a nine, or that
/// none does.
pub(super) fn learn(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, TourError> {
    let weak_loss = WeakLossConfig::new().init()?;
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let sizes: Vec<usize> = bags.iter().map(|bag| bag.images.len()).collect();
        let present: Vec<bool> = bags.iter().map(|bag| is_there(bag)).collect();
        let labels = WeakLabels::multiple_instances(NINE, &sizes, &present)?;
        Ok(weak_loss.forward(logits, None, &labels)?.total)
    };
    lesson.learn(task, course, loss, |net, images| lesson.answers(net, images))
}

/// Learns by the obvious loss: the image that looks most like a nine answers for its bag, binary
/// cross-entropy on its probability.
pub(super) fn learn_by_max(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, TourError> {
    let loss = |net: &LeNet, bags: &[&Bag]| {
        let logits = net.forward(lesson.bag_images(bags));
        let z = log_odds(logits);
        // A row for each bag; short bags repeat their first image, which leaves the largest as it is.
        let longest = bags.iter().map(|bag| bag.images.len()).max().unwrap_or(0);
        let mut rows = Vec::with_capacity(bags.len() * longest);
        let mut first = 0;
        for bag in bags {
            let size = bag.images.len();
            rows.extend((0..longest).map(|i| (first + if i < size { i } else { 0 }) as i32));
            first += size;
        }
        let rows = TensorData::new(rows, [bags.len() * longest]);
        let rows = Tensor::<1, Int>::from_data(rows, (&z.device(), DType::I32));
        let most = z.select(0, rows).reshape([bags.len(), longest]).max_dim(1);
        // log σ(z) for a bag with a nine, log(1 − σ(z)) = log σ(−z) for one without.
        let signs: Vec<f32> =
            bags.iter().map(|bag| if is_there(bag) { 1.0 } else { -1.0 }).collect();
        let signs = TensorData::new(signs, [bags.len(), 1]);
        let signs = Tensor::<2>::from_data(signs, (&most.device(), DType::F32));
        Ok(log_sigmoid(most * signs).mean().neg())
    };
    lesson.learn(task, course, loss, |net, images| lesson.answers(net, images))
}

/// The log-odds of a nine, `[images, 1]`.
fn log_odds(logits: Tensor<2>) -> Tensor<2> {
    let [images, _] = logits.dims();
    logits.clone().slice([0..images, NINE..NINE + 1]) - logits.slice([0..images, 0..1])
}
