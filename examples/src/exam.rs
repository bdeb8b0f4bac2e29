//! The questions that judge a network.

use assay_array::random::{shuffle, stream};
use assay_score::interval::wilson;
use serde::Serialize;

use crate::mnist::{CLASSES, Split};

/// Images with the right answers.
#[derive(Debug, Clone)]
pub struct Exam {
    /// Test images by index.
    pub images: Vec<usize>,
    /// The right class of each.
    pub truth: Vec<usize>,
    /// How many classes there are.
    classes: usize,
}

/// Right answers to an exam.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Right answers.
    pub correct: usize,
    /// Images asked.
    pub judged: usize,
    /// Their ratio.
    pub accuracy: f64,
    /// Wilson's interval for the ratio at 95 %.
    pub interval: [f64; 2],
    /// Answers by true class (row) and answered class (column).
    pub confusion: Vec<Vec<usize>>,
}

impl Exam {
    /// Which digit is it? On up to `size` images.
    pub fn digits(test: &Split, size: usize) -> Self {
        let images: Vec<usize> = (0..test.len().min(size)).collect();
        let truth = images.iter().map(|&image| test.label(image)).collect();
        Self { images, truth, classes: CLASSES }
    }

    /// Which of `classes` classes is it, `class` of the digit? On up to `size` images.
    pub fn classes(
        test: &Split,
        size: usize,
        classes: usize,
        class: impl Fn(usize) -> usize,
    ) -> Self {
        let Self { images, truth, .. } = Self::digits(test, size);
        Self { images, truth: truth.into_iter().map(class).collect(), classes }
    }

    /// Is it a nine? On up to `size` images, as many nines as other digits, so that neither answer is
    /// right more often by itself.
    pub fn nines(test: &Split, size: usize, seed: u64) -> Self {
        let (nines, others): (Vec<usize>, Vec<usize>) =
            (0..test.len()).partition(|&image| test.label(image) == 9);
        let half = (size / 2).min(nines.len()).min(others.len());
        let mut images = [&nines[..half], &others[..half]].concat();
        shuffle(&mut stream(seed, "order of the exam", 0), &mut images);
        let truth = images.iter().map(|&image| usize::from(test.label(image) == 9)).collect();
        Self { images, truth, classes: 2 }
    }

    /// The first `size` questions.
    pub fn beginning(&self, size: usize) -> Self {
        let size = size.min(self.images.len());
        Self {
            images: self.images[..size].to_vec(),
            truth: self.truth[..size].to_vec(),
            classes: self.classes,
        }
    }

    /// Compares answers with the truth. An answer that is no class counts as wrong.
    pub fn mark(&self, answers: &[usize]) -> Score {
        let mut confusion = vec![vec![0; self.classes]; self.classes];
        for (&truth, &answer) in self.truth.iter().zip(answers) {
            if let Some(count) = confusion[truth].get_mut(answer) {
                *count += 1;
            }
        }
        let correct = (0..self.classes).map(|class| confusion[class][class]).sum();
        let judged = self.truth.len();
        let accuracy = correct as f64 / judged.max(1) as f64;
        // Without any question everything is possible.
        let interval = wilson(correct as u64, judged as u64, 0.95)
            .map_or([0.0, 1.0], |interval| [interval.lower, interval.upper]);
        Score { correct, judged, accuracy, interval, confusion }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::mnist::Mnist;

    use super::*;

    fn test_images() -> Split {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        Mnist::load(&dir).unwrap().test
    }

    #[test]
    fn half_of_the_questions_are_nines() {
        let test = test_images();
        let exam = Exam::nines(&test, 10_000, 3);
        assert_eq!((exam.images.len(), exam.truth.iter().sum::<usize>()), (2018, 1009));
        for (&image, &truth) in exam.images.iter().zip(&exam.truth) {
            assert_eq!(truth == 1, test.label(image) == 9);
        }
        assert_eq!(Exam::nines(&test, 100, 3).truth.iter().sum::<usize>(), 50);
    }

    #[test]
    fn answers_are_marked() {
        let exam = Exam { images: vec![0; 4], truth: vec![0, 1, 1, 0], classes: 2 };
        let score = exam.mark(&[0, 1, 0, 7]);
        assert_eq!((score.correct, score.judged, score.accuracy), (2, 4, 0.5));
        assert_eq!(score.confusion, [[1, 0], [1, 1]]);
        assert!(score.interval[0] < 0.5 && 0.5 < score.interval[1]);
        assert_eq!(exam.beginning(2).mark(&[0, 1]).accuracy, 1.0);
        assert_eq!(exam.beginning(0).mark(&[]).interval, [0.0, 1.0]);
    }
}
