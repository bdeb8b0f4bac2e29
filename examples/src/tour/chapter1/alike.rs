//! The teacher compares: "these two show the same digit", "these two do not".

use assay_array::ndarray::{Array1, Array2, Axis};
use assay_examples::assignment::best_matching;
use assay_examples::bags::Bag;
use assay_examples::kmeans::{kmeans, nearest};
use assay_examples::lenet::LeNet;
use assay_examples::mnist::CLASSES;
use assay_examples::progress::Task;
use assay_examples::train;
use assay_tensor::burn::tensor::Tensor;
use assay_tensor::convert::{from_array, from_int_array};
use glws_nfa::WeakLabels;
use glws_nfa::tensor::WeakLossConfig;

use super::error::LessonError;
use super::lesson::{Course, Lesson, Trained};

/// Training images whose labels name the classes: from comparisons alone, a network cannot know that
/// the class of all nines is called "nine".
const NAMING_IMAGES: usize = 1_000;
/// The embedding of the obvious loss has as many dimensions as the exact loss has classes.
const EMBEDDING: usize = CLASSES;
/// Unlike images should lie at least this far apart in the embedding.
const MARGIN: f64 = 1.0;

/// Are these two alike? Within each group, all are compared with all.
pub(super) fn digits<'a>(lesson: &'a Lesson) -> Course<'a, Bag> {
    Course {
        items: &lesson.groups,
        images: |group| group.images.len(),
        schedule: lesson.settings.groups,
        outputs: CLASSES,
        start: None,
        exam: &lesson.digits,
    }
}

/// What the teacher says about a batch of groups.
struct Comparisons {
    /// The compared images, two by two, by their place in the batch.
    places: Vec<i64>,
    /// Whether the two show the same digit.
    alike: Vec<bool>,
}

impl Comparisons {
    fn new(lesson: &Lesson, groups: &[&Bag]) -> Self {
        let digit = |image| lesson.data.train.label(image);
        let (mut places, mut alike) = (Vec::new(), Vec::new());
        let mut start = 0;
        for group in groups {
            let placed: Vec<(i64, usize)> = (start..).zip(group.images.iter().copied()).collect();
            for (index, &(second, there)) in placed.iter().enumerate() {
                for &(first, here) in &placed[..index] {
                    places.extend([first, second]);
                    alike.push(digit(here) == digit(there));
                }
                start = second + 1;
            }
        }
        Self { places, alike }
    }

    /// The rows of the compared images, `[2·comparisons, outputs]`.
    fn rows(&self, outputs: Tensor<2>) -> Result<Tensor<2>, LessonError> {
        let places = from_int_array(Array1::from_vec(self.places.clone()), &outputs.device())?;
        Ok(outputs.select(0, places))
    }
}

/// Learns by the exact loss: minus the log-probability that the two classes are equal, or that they
/// are not.
pub(super) fn learn(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let weak_loss = WeakLossConfig::new().init()?;
    let loss = |net: &LeNet, groups: &[&Bag]| {
        let compared = Comparisons::new(lesson, groups);
        let logits = compared.rows(net.forward(lesson.bag_images(groups)))?;
        let labels = WeakLabels::pairwise_similarity(&compared.alike);
        Ok(weak_loss.forward(logits, None, &labels)?.total)
    };
    let class_names = |net: &LeNet| -> Result<Vec<usize>, LessonError> {
        let known = naming_images(lesson);
        let found = train::outputs(net, &lesson.data.train, known, &lesson.device)?;
        let found: Vec<usize> = found.iter().map(|row| train::argmax(row)).collect();
        Ok(names(lesson, known, &found))
    };
    let (trained, net) = lesson.learn(task, course, loss, |net, asked| {
        let names = class_names(net)?;
        Ok(lesson.answers(net, asked)?.into_iter().map(|class| names[class]).collect())
    })?;
    let surprise = lesson.surprise(&net, Some(&class_names(&net)?))?;
    Ok(Trained { surprise: Some(surprise), ..trained })
}

/// Learns by the obvious loss: alike images are pulled together and unlike ones pushed apart
/// (contrastive loss, Hadsell, Chopra and LeCun 2006), then k-means makes classes of the embedding.
pub(super) fn learn_by_distance(
    lesson: &Lesson,
    task: &Task,
    course: &Course<Bag>,
) -> Result<Trained, LessonError> {
    let loss = |net: &LeNet, groups: &[&Bag]| {
        let compared = Comparisons::new(lesson, groups);
        let count = compared.alike.len();
        let places = compared.rows(net.forward(lesson.bag_images(groups)))?;
        let places = places.reshape([count, 2, EMBEDDING]);
        let side = |side: usize| places.clone().slice([0..count, side..side + 1, 0..EMBEDDING]);
        let square = (side(0) - side(1)).powi_scalar(2).sum_dim(2).reshape([count, 1]);
        // The constant keeps the root's slope finite where two places coincide.
        let gap = (square.clone() + 1e-12).sqrt().neg().add_scalar(MARGIN).clamp_min(0.0);
        let alike: Array1<f32> =
            compared.alike.iter().map(|&alike| f32::from(u8::from(alike))).collect();
        let alike = from_array(alike.insert_axis(Axis(1)), &square.device())?;
        let unlike = alike.clone().neg().add_scalar(1.0);
        Ok((alike * square + unlike * gap.powi_scalar(2)).mean())
    };
    let (trained, _) = lesson.learn(task, course, loss, |net, asked| {
        let places = |split, images: &[usize]| -> Result<Vec<Vec<f64>>, LessonError> {
            let rows = train::outputs(net, split, images, &lesson.device)?;
            Ok(rows.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect())
        };
        let known = naming_images(lesson);
        let found = places(&lesson.data.train, known)?;
        let clusters = kmeans(&found, CLASSES, 10, lesson.seed);
        let names = names(lesson, known, &clusters.labels);
        let asked = places(&lesson.data.test, asked)?;
        Ok(asked.iter().map(|place| names[nearest(&clusters.centres, place).0]).collect())
    })?;
    Ok(trained)
}

fn naming_images<'a>(lesson: &'a Lesson) -> &'a [usize] {
    &lesson.images[..NAMING_IMAGES.min(lesson.images.len())]
}

/// The digit of each class, by the one-to-one matching that agrees with most of the labels.
fn names(lesson: &Lesson, images: &[usize], classes: &[usize]) -> Vec<usize> {
    let mut agreement = Array2::zeros((CLASSES, CLASSES));
    for (&image, &class) in images.iter().zip(classes) {
        agreement[(class, lesson.data.train.label(image))] += 1;
    }
    // Ten classes always have a matching.
    best_matching(agreement.view()).unwrap_or_default()
}
