//! What the programs of one setting share: arguments, ways to learn side by side, a table.
#![allow(clippy::print_stdout)] // the programs talk to their users through it

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use assay_tensor::burn;
use assay_tensor::{Error as TensorError, burn::module::Module};
use burn::tensor::{Device, Tensor};
use clap::Parser;
use glws_nfa::tensor::NoiseMatrix;
use thiserror::Error;

use crate::bags;
use crate::ending::exit_code;
use crate::exam::{Exam, Score};
use crate::lenet::LeNet;
use crate::mnist::{DataError, Mnist};
use crate::parallel::{Job, Panicked, in_parallel};
use crate::progress::{Progress, Task};
use crate::train::{self, NotFinite, Schedule, train};

/// What every program of one setting can be told.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Arguments {
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Training images that are used.
    #[arg(long, default_value_t = 20_000)]
    pub images: usize,
    /// How often each is seen.
    #[arg(long, default_value_t = 4)]
    pub passes: usize,
    /// Test images that judge what was learned.
    #[arg(long, default_value_t = 10_000)]
    pub test_images: usize,
    /// The folder with the four MNIST files.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"), hide_default_value = true)]
    pub data: PathBuf,
    /// What computes: flex (the CPU), or wgpu or cuda:0 if compiled in.
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Every way for a story to fail; its text is what the user reads.
#[derive(Debug, Error)]
pub enum StoryError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device.
    #[error(transparent)]
    Device(#[from] assay_tensor::DeviceError),
    /// A tensor.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The supervision.
    #[error(transparent)]
    Weak(#[from] glws_nfa::Error),
    /// The training.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A thread.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// The data and where to compute.
#[derive(Debug)]
pub struct Story {
    /// What the user asked for.
    pub arguments: Arguments,
    /// The images.
    pub data: Mnist,
    /// Training images that are used, by index.
    pub images: Vec<usize>,
    device: Device,
    learning: Device,
}

/// Tells a program's story with what its user asked for; an error goes to the terminal.
pub fn tell(story: impl FnOnce(&Story) -> Result<(), StoryError>) -> ExitCode {
    exit_code(Story::new(Arguments::parse()).and_then(|setting| story(&setting)))
}

/// A network, and what may learn beside it.
#[derive(Module, Debug)]
pub struct Student {
    /// The classifier.
    pub net: LeNet,
    /// The noise of its teacher.
    pub noise: Option<NoiseMatrix>,
}

type Loss<'a> = Box<dyn FnMut(&Student, &[usize]) -> Result<Tensor<1>, StoryError> + Send + 'a>;

/// A way to learn.
pub struct Method<'a> {
    /// What the table calls it.
    pub name: &'static str,
    /// How many items (images, pairs or sequences) there are; they are numbered from 0.
    pub items: usize,
    /// Images in an item.
    pub images: usize,
    /// Items in a step.
    pub batch: usize,
    /// What the student begins with.
    pub student: Student,
    /// The loss of some items.
    pub loss: Loss<'a>,
}

impl std::fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Method({:?})", self.name)
    }
}

/// What became of a way to learn.
#[derive(Debug)]
pub struct Learned {
    /// What the table calls it.
    pub name: &'static str,
    /// How it did on test images that it had never seen.
    pub score: Score,
    /// How long it took, with another training beside it.
    pub seconds: f64,
    /// The student at the end.
    pub student: Student,
}

impl Story {
    /// Reads the data and finds the device.
    ///
    /// # Errors
    /// When either cannot be had.
    pub fn new(arguments: Arguments) -> Result<Self, StoryError> {
        let device = assay_tensor::device(&arguments.device)?;
        let data = Mnist::load(&arguments.data)?;
        let images = bags::draw(&data.train, arguments.images, arguments.seed);
        let learning = device.clone().autodiff();
        Ok(Self { arguments, data, images, device, learning })
    }

    /// The device where students learn.
    pub fn learning(&self) -> &Device {
        &self.learning
    }

    /// The class of each image used, from its digit.
    pub fn classes(&self, class: impl Fn(usize) -> usize) -> Vec<usize> {
        self.images.iter().map(|&image| class(self.data.train.label(image))).collect()
    }

    /// A student with so many outputs. All of a program begin with the same weights.
    pub fn student(&self, outputs: usize) -> Student {
        Student { net: LeNet::new(outputs, self.arguments.seed, &self.learning), noise: None }
    }

    /// The student's outputs for some of the [images](Self::images), by position.
    pub fn logits(
        &self,
        student: &Student,
        positions: impl IntoIterator<Item = usize>,
    ) -> Tensor<2> {
        let images = positions.into_iter().map(|position| self.images[position]);
        student.net.forward(train::tensor(&self.data.train, images, &self.learning))
    }

    /// Learning from the label of each image: the best there is.
    pub fn oracle<'a>(&'a self, classes: &'a [usize], outputs: usize) -> Method<'a> {
        self.with_targets("Every image labelled", outputs, move |image, class| {
            f32::from(u8::from(classes[image] == class))
        })
    }

    /// Learning by cross-entropy from a target for each image and class.
    pub fn with_targets<'a>(
        &'a self,
        name: &'static str,
        outputs: usize,
        target: impl Fn(usize, usize) -> f32 + Send + 'a,
    ) -> Method<'a> {
        self.method(name, self.images.len(), 1, 64, outputs, move |student, batch| {
            let logits = self.logits(student, batch.iter().copied());
            let targets = batch.iter().flat_map(|&i| (0..outputs).map(move |class| (i, class)));
            let targets = targets.map(|(image, class)| target(image, class)).collect();
            Ok(train::cross_entropy(logits, targets))
        })
    }

    /// A way to learn from `items` items of `images` images each, `batch` items a step.
    pub fn method<'a>(
        &self,
        name: &'static str,
        items: usize,
        images: usize,
        batch: usize,
        outputs: usize,
        loss: impl FnMut(&Student, &[usize]) -> Result<Tensor<1>, StoryError> + Send + 'a,
    ) -> Method<'a> {
        let student = self.student(outputs);
        Method { name, items, images, batch, student, loss: Box::new(loss) }
    }

    /// Lets all learn, two or more side by side, sit the exam, and prints how they did under `heading`.
    ///
    /// # Errors
    /// The first that fails.
    pub fn run<const N: usize>(
        &self,
        heading: &str,
        exam: &Exam,
        methods: [Method; N],
    ) -> Result<[Learned; N], StoryError> {
        let progress = Progress::new();
        let jobs = methods.map(|method| {
            let work = self.arguments.passes * method.items * method.images;
            Job::new(method.name, work, move |task: &Task| self.learn(exam, method, task))
        });
        let learned = in_parallel(jobs, &progress)?;
        progress.finish();
        println!("{heading}\n\n{}", table(&learned));
        Ok(learned)
    }

    fn learn(&self, exam: &Exam, method: Method, task: &Task) -> Result<Learned, StoryError> {
        const LEARNING_RATE: f64 = 2e-3;
        let start = Instant::now();
        let Method { name, items, images, batch, student, mut loss } = method;
        let passes = self.arguments.passes;
        let schedule = Schedule { passes, batch, learning_rate: LEARNING_RATE };
        let items: Vec<usize> = (0..items).collect();
        let mut pass = 0;
        let student = train(
            student,
            &items,
            &schedule,
            self.arguments.seed,
            |student, batch| {
                let batch: Vec<usize> = batch.iter().map(|item| **item).collect();
                task.advance(batch.len() * images);
                loss(student, &batch)
            },
            |_, loss| {
                pass += 1;
                task.report(&format!("pass {pass} of {passes}, loss {loss:.4}"));
                Ok(())
            },
        )?;
        let rows = train::outputs(&student.net, &self.data.test, &exam.images, &self.device)?;
        let answers: Vec<usize> = rows.iter().map(|row| train::argmax(row)).collect();
        let (score, seconds) = (exam.mark(&answers), start.elapsed().as_secs_f64());
        Ok(Learned { name, score, seconds, student })
    }
}

/// The table of a story.
fn table(learned: &[Learned]) -> String {
    let width = learned.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let head = format!("{:width$}  right    95 % interval      seconds", "");
    let rows = learned.iter().map(|Learned { name, score, seconds, .. }| {
        let [low, high] = score.interval.map(|bound| 100.0 * bound);
        let right = 100.0 * score.accuracy;
        format!("{name:width$}  {right:4.1} %   {low:4.1} to {high:4.1} %   {seconds:7.1}")
    });
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}
