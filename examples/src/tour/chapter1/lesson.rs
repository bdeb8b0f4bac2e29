//! What all trainings of the chapter share.

use assay_examples::bags::{self, Bag};
use assay_examples::lenet::LeNet;
use assay_examples::mnist::Mnist;
use assay_examples::progress::Task;
use assay_examples::report::{Point, Score};
use assay_examples::train::{self, Schedule, train};
use assay_tensor::burn::tensor::{Device, Tensor};

use super::exam::Exam;
use crate::error::TourError;
use crate::settings::Settings;

/// The images, how they were put together, and the questions at the end.
pub(crate) struct Lesson<'a> {
    pub(crate) data: &'a Mnist,
    pub(crate) settings: &'a Settings,
    /// Where networks are judged.
    pub(crate) device: Device,
    /// The same device with gradients, where they learn.
    pub(crate) learning: Device,
    /// The training images that are used.
    pub(crate) images: Vec<usize>,
    /// These images, each in one bag.
    pub(crate) bags: Vec<Bag>,
    /// These images again, in small groups whose members are compared.
    pub(crate) groups: Vec<Bag>,
    /// Which digit is it?
    pub(crate) digits: Exam,
    /// Is it a nine?
    pub(crate) nines: Exam,
}

/// A network that has learned, or rather what remains of it.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) schedule: Schedule,
    pub(crate) curve: Vec<Point>,
    pub(crate) score: Score,
}

/// What one network learns from.
pub(crate) struct Course<'a, T> {
    /// What it is shown.
    pub(crate) items: &'a [T],
    /// How many images an item has.
    pub(crate) images: fn(&T) -> usize,
    /// How long and how fast.
    pub(crate) schedule: Schedule,
    /// The network's outputs.
    pub(crate) outputs: usize,
    /// What it is asked in the end.
    pub(crate) exam: &'a Exam,
}

impl<T> Course<'_, T> {
    /// Images seen in all passes.
    pub(crate) fn work(&self) -> usize {
        self.schedule.passes * self.items.iter().map(self.images).sum::<usize>()
    }
}

impl<'a> Lesson<'a> {
    pub(crate) fn new(data: &'a Mnist, settings: &'a Settings, device: &Device) -> Self {
        let seed = settings.seed;
        let images = bags::draw(&data.train, settings.images, seed);
        let (mean, spread) = settings.bag_size;
        Self {
            bags: bags::bags(&data.train, &images, mean, spread, seed),
            groups: bags::bags(&data.train, &images, settings.group_size as f64, 0.0, seed),
            digits: Exam::digits(&data.test, settings.test_images),
            nines: Exam::nines(&data.test, settings.test_images, seed),
            device: device.clone(),
            learning: device.clone().autodiff(),
            data,
            settings,
            images,
        }
    }

    /// Comparisons within all groups.
    pub(crate) fn comparisons(&self) -> usize {
        self.groups.iter().map(|group| group.images.len() * (group.images.len() - 1) / 2).sum()
    }

    /// The images as a tensor to learn from.
    pub(crate) fn tensor(&self, images: impl IntoIterator<Item = usize>) -> Tensor<4> {
        train::tensor(&self.data.train, images, &self.learning)
    }

    /// All images of the bags, bag after bag.
    pub(crate) fn bag_images(&self, bags: &[&Bag]) -> Tensor<4> {
        self.tensor(bags.iter().flat_map(|bag| bag.images.iter().copied()))
    }

    /// The most likely class of each test image.
    pub(crate) fn answers(&self, net: &LeNet, images: &[usize]) -> Result<Vec<usize>, TourError> {
        let rows = train::outputs(net, &self.data.test, images, &self.device)?;
        Ok(rows.iter().map(|row| train::argmax(row)).collect())
    }

    /// Trains a network and lets it sit the exam, after each pass on its beginning.
    pub(crate) fn learn<T>(
        &self,
        task: &Task,
        course: &Course<T>,
        mut loss: impl FnMut(&LeNet, &[&T]) -> Result<Tensor<1>, TourError>,
        answers: impl Fn(&LeNet, &[usize]) -> Result<Vec<usize>, TourError>,
    ) -> Result<Trained, TourError> {
        let (seed, schedule) = (self.settings.seed, course.schedule);
        let quiz = course.exam.beginning(self.settings.curve_images);
        let per_pass = course.work() / schedule.passes.max(1);
        let mut curve: Vec<Point> = Vec::new();
        let net = train(
            LeNet::new(course.outputs, seed, &self.learning),
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
        Ok(Trained { schedule, curve, score })
    }
}
