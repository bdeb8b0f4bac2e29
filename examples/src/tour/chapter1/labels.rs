//! The oracle: somebody labelled every image.

use assay_examples::lenet::LeNet;
use assay_examples::mnist::CLASSES;
use assay_examples::progress::Task;
use assay_examples::train::{cross_entropy, one_hot};

use super::error::LessonError;
use super::lesson::{Course, Lesson, Trained};

/// Which digit is it?
pub(super) fn digits<'a>(lesson: &'a Lesson) -> Course<'a, usize> {
    Course {
        items: &lesson.images,
        images: |_| 1,
        schedule: lesson.settings.labels,
        outputs: CLASSES,
        start: None,
        exam: &lesson.digits,
    }
}

/// Is it a nine?
pub(super) fn nines<'a>(lesson: &'a Lesson) -> Course<'a, usize> {
    Course { outputs: 2, exam: &lesson.nines, ..digits(lesson) }
}

/// Learns from the label of each image: cross-entropy.
pub(super) fn learn(
    lesson: &Lesson,
    task: &Task,
    course: &Course<usize>,
) -> Result<Trained, LessonError> {
    let nine_or_not = course.outputs == 2;
    let loss = |net: &LeNet, batch: &[&usize]| {
        let logits = net.forward(lesson.tensor(batch.iter().map(|&&image| image)));
        let targets = batch.iter().flat_map(|&&image| {
            let digit = lesson.data.train.label(image);
            one_hot(if nine_or_not { usize::from(digit == 9) } else { digit }, course.outputs)
        });
        Ok(cross_entropy(logits, targets.collect()))
    };
    lesson.learn_classes(task, course, loss)
}
