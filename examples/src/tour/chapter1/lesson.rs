//! What all trainings of the chapter share.

use assay_examples::bags::{self, Bag};
use assay_examples::exam::{Exam, Score};
use assay_examples::lenet::LeNet;
use assay_examples::mnist::Mnist;
use assay_examples::progress::Task;

use assay_examples::train::{self, Schedule, train};
use assay_tensor::burn::tensor::{Device, Tensor};

use super::results::Point;
use super::settings::Settings;
use crate::chapters::Tour;

use super::error::LessonError;

/// The class of nines where the only other class is "no nine".
pub(super) const NINE: usize = 1;
/// Training images that tell what share of them a network takes for nines.
const SHARE_IMAGES: usize = 2_000;

/// The images, how they were put together, and the questions at the end.
pub(super) struct Lesson<'a> {
    pub(super) data: &'a Mnist,
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    /// Where networks are judged.
    pub(super) device: Device,
    /// The same device with gradients, where they learn.
    pub(super) learning: Device,
    /// The training images that are used.
    pub(super) images: Vec<usize>,
    /// These images, each in one bag.
    pub(super) bags: Vec<Bag>,
    /// These images again, in longer bags.
    pub(super) long_bags: Vec<Bag>,
    /// These images again, in small groups whose members are compared.
    pub(super) groups: Vec<Bag>,
    /// Which digit is it?
    pub(super) digits: Exam,
    /// Is it a nine?
    pub(super) nines: Exam,
}

/// A network that has learned, or rather what remains of it.
#[derive(Debug)]
pub(super) struct Trained {
    pub(super) schedule: Schedule,
    pub(super) curve: Vec<Point>,
    pub(super) score: Score,
    /// The mean of `−ln P(right class)`; `None` for what gives no probabilities.
    pub(super) surprise: Option<f64>,
}

/// What one network learns from.
pub(super) struct Course<'a, T> {
    /// What it is shown.
    pub(super) items: &'a [T],
    /// How many images an item has.
    pub(super) images: fn(&T) -> usize,
    /// How long and how fast.
    pub(super) schedule: Schedule,
    /// The network's outputs.
    pub(super) outputs: usize,
    /// The share of nines that the network expects at the start, where it is told one.
    pub(super) start: Option<f64>,
    /// What it is asked in the end.
    pub(super) exam: &'a Exam,
}

impl<T> Course<'_, T> {
    /// Images seen in all passes.
    pub(super) fn work(&self) -> usize {
        self.schedule.passes * self.items.iter().map(self.images).sum::<usize>()
    }
}

impl<'a> Lesson<'a> {
    pub(super) fn new(tour: &Tour<'a>, settings: &'a Settings) -> Self {
        let (seed, data, device) = (tour.seed, tour.data, &tour.device);
        let images = bags::draw(&data.train, settings.images, seed);
        let bags = |(mean, spread)| bags::bags(&data.train, &images, mean, spread, seed);
        Self {
            bags: bags(settings.bag_size),
            long_bags: bags(settings.long_bag_size),
            groups: bags((settings.group_size as f64, 0.0)),
            digits: Exam::digits(&data.test, settings.test_images),
            nines: Exam::nines(&data.test, settings.test_images, seed),
            device: device.clone(),
            learning: device.clone().autodiff(),
            data,
            settings,
            seed,
            images,
        }
    }

    /// The images as a tensor to learn from.
    pub(super) fn tensor(&self, images: impl IntoIterator<Item = usize>) -> Tensor<4> {
        train::tensor(&self.data.train, images, &self.learning)
    }

    /// All images of the bags, bag after bag.
    pub(super) fn bag_images(&self, bags: &[&Bag]) -> Tensor<4> {
        self.tensor(bags.iter().flat_map(|bag| bag.images.iter().copied()))
    }

    /// The most likely class of each test image.
    pub(super) fn answers(&self, net: &LeNet, images: &[usize]) -> Result<Vec<usize>, LessonError> {
        let rows = train::outputs(net, &self.data.test, images, &self.device)?;
        if rows.first().is_some_and(|row| row.len() == 2) {
            return self.nine_or_not(net, &rows);
        }
        Ok(rows.iter().map(|row| train::argmax(row)).collect())
    }

    /// Whether each of these outputs means a nine.
    ///
    /// The exam has as many nines as other digits; among the training images there are fewer. By Bayes'
    /// rule the odds of a nine are then its odds under training, divided by those of its share in
    /// training, which is taken from the network itself: the mean of its answers to training images.
    fn nine_or_not(&self, net: &LeNet, rows: &[Vec<f32>]) -> Result<Vec<usize>, LessonError> {
        let known = &self.images[..SHARE_IMAGES.min(self.images.len())];
        let known = train::outputs(net, &self.data.train, known, &self.device)?;
        let nine = |row: &Vec<f32>| 1.0 / (1.0 + f64::from(row[1 - NINE] - row[NINE]).exp());
        let share = known.iter().map(nine).sum::<f64>() / known.len().max(1) as f64;
        Ok(rows.iter().map(|row| usize::from(nine(row) > share)).collect())
    }

    /// The mean of `−ln P(right class)` over the test images as they come; `names` tells which digit each
    /// class stands for, where the classes are not digits by themselves.
    pub(super) fn surprise(
        &self,
        net: &LeNet,
        names: Option<&[usize]>,
    ) -> Result<f64, LessonError> {
        let images = &self.digits.images;
        let rows = train::outputs(net, &self.data.test, images, &self.device)?;
        let each = images.iter().zip(&rows).map(|(&image, row)| {
            let digit = self.data.test.label(image);
            let label = if row.len() == 2 { usize::from(digit == 9) } else { digit };
            let class = names.map_or(Some(label), |names| names.iter().position(|&n| n == label));
            let right = class.and_then(|class| row.get(class)).copied();
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|&z| f64::from(z - most).exp()).sum();
            sum.ln() + right.map_or(f64::INFINITY, |right| f64::from(most - right))
        });
        Ok(each.sum::<f64>() / images.len().max(1) as f64)
    }

    /// Trains a network whose outputs are the classes' logits, and lets it sit the exam.
    pub(super) fn learn_classes<T>(
        &self,
        task: &Task,
        course: &Course<T>,
        loss: impl FnMut(&LeNet, &[&T]) -> Result<Tensor<1>, LessonError>,
    ) -> Result<Trained, LessonError> {
        let answers = |net: &LeNet, images: &[usize]| self.answers(net, images);
        let (trained, net) = self.learn(task, course, loss, answers)?;
        Ok(Trained { surprise: Some(self.surprise(&net, None)?), ..trained })
    }

    /// Trains a network and lets it sit the exam, after each pass on its beginning.
    pub(super) fn learn<T>(
        &self,
        task: &Task,
        course: &Course<T>,
        mut loss: impl FnMut(&LeNet, &[&T]) -> Result<Tensor<1>, LessonError>,
        answers: impl Fn(&LeNet, &[usize]) -> Result<Vec<usize>, LessonError>,
    ) -> Result<(Trained, LeNet), LessonError> {
        let (seed, schedule) = (self.seed, course.schedule);
        let quiz = course.exam.beginning(self.settings.curve_images);
        let per_pass = course.work() / schedule.passes.max(1);
        let mut curve: Vec<Point> = Vec::new();
        let fresh = LeNet::new(course.outputs, seed, &self.learning);
        let net = train(
            match course.start {
                Some(share) => fresh.biased(NINE, (share / (1.0 - share)).ln() as f32),
                None => fresh,
            },
            course.items,
            &schedule,
            seed,
            |net, batch| {
                let loss = loss(net, batch);
                task.advance(batch.iter().map(|item| (course.images)(item)).sum());
                loss
            },
            |net, loss| {
                let accuracy = quiz.mark(&answers(net, &quiz.images)?).accuracy;
                let (pass, of) = (curve.len() + 1, schedule.passes);
                let right = 100.0 * accuracy;
                task.report(&format!("pass {pass} of {of}, loss {loss:.4}, {right:.1} % right"));
                curve.push(Point { images: pass * per_pass, loss, accuracy });
                Ok(())
            },
        )?;
        let score = course.exam.mark(&answers(&net, &course.exam.images)?);
        Ok((Trained { schedule, curve, score, surprise: None }, net))
    }
}
