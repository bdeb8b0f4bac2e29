//! CIFAR-10 from weak supervision: candidate sets, complements, noise or counts in bags, with two views of
//! every image and a wide residual network. Meant for a GPU; a run that was stopped goes on.
//!
//! `cargo run --release --features cuda --bin cifar10 -- --data cifar-10-batches-bin --device cuda:0`
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use assay_array::random::stream;
use assay_examples::checkpoint;
use assay_examples::cifar::{BYTES, CLASSES, CifarRunError, Images, SIDE};
use assay_examples::ending::exit_code;
use assay_examples::train::{Schedule, Training, argmax};
use assay_examples::views::{View, append};
use assay_examples::wide_resnet::WideResNet;
use assay_score::interval::wilson;
use assay_tensor::burn::module::Module;
use assay_tensor::burn::optim::AdamWConfig;
use assay_tensor::burn::tensor::{DType, Device, Tensor, TensorData};
use assay_tensor::convert::into_array;
use clap::{Parser, ValueEnum};
use glws_nfa::WeakLabels;
use glws_nfa::generate::{
    BagSampler, WeakSet, bag_class_counts, candidates, complements, flips, symmetric_noise,
};
use glws_nfa::tensor::WeakLossConfig;

/// Trains a network on CIFAR-10 with weak labels.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder with the binary version of CIFAR-10.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What the network is told.
    #[arg(long, value_enum, default_value_t = Setting::Partial)]
    setting: Setting,
    /// How weak it is: the rate of wrong candidates or of redrawn labels, or the images in a bag.
    #[arg(long)]
    strength: Option<f64>,
    /// How often every image is seen.
    #[arg(long, default_value_t = 100)]
    passes: usize,
    /// Images in a step.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Adam's step size at the start; it falls to zero along half a cosine.
    #[arg(long, default_value_t = 1e-3)]
    learning_rate: f64,
    /// Blocks in each of the three groups: 4 make WRN-28.
    #[arg(long, default_value_t = 4)]
    blocks: usize,
    /// Maps in multiples of 16, 32 and 64.
    #[arg(long, default_value_t = 2)]
    width: usize,
    /// Use only the first images of both splits.
    #[arg(long)]
    images: Option<usize>,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where checkpoints are kept; a run goes on from what is there.
    #[arg(long, value_name = "DIR", default_value = "target/cifar10")]
    out: PathBuf,
    /// What computes: flex (the CPU, slow), or wgpu or cuda:0 if compiled in.
    #[arg(long, default_value = "flex")]
    device: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Setting {
    /// Every label.
    Labels,
    /// Candidate sets; strength: the rate of wrong candidates, 0.5 unless told.
    Partial,
    /// One class that it is not.
    Complementary,
    /// Symmetric noise of known strength, the rate of redrawn labels, 0.5 unless told.
    Noisy,
    /// The count of every class in bags; strength: images in a bag, 10 unless told.
    Counts,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), CifarRunError> {
    let device = assay_tensor::device(&arguments.device)?;
    let learning = device.clone().autodiff();
    let [train, test] = Images::both(&arguments.data, arguments.images)?;
    let known = supervision(arguments, train.classes())?;
    let bags: Vec<usize> = (0..known.len()).collect();
    let mean = known.labels().num_instances() as f64 / known.len().max(1) as f64;
    let schedule = Schedule {
        passes: arguments.passes,
        batch: ((arguments.batch as f64 / mean).round() as usize).max(1),
        learning_rate: arguments.learning_rate,
    };
    let settings = format!(
        "{:?} {:?}, seed {}, {} images, {} passes of {}, step size {}, WRN {}x{}",
        arguments.setting,
        arguments.strength,
        arguments.seed,
        train.len(),
        schedule.passes,
        schedule.batch,
        schedule.learning_rate,
        arguments.blocks,
        arguments.width,
    );
    let fresh = Training {
        net: WideResNet::new(arguments.blocks, arguments.width, CLASSES, arguments.seed, &learning),
        optimiser: AdamWConfig::new().with_weight_decay(5e-4).init(),
        passes: 0,
    };
    let mut training = checkpoint::resume(fresh, &arguments.out, &settings)?;
    training.net = checkpoint::numbered(training.net);
    println!(
        "{settings}\n{} parameters; {} passes done",
        training.net.num_params(),
        training.passes
    );

    let loss = WeakLossConfig::new().init()?;
    let start = Instant::now();
    let end = training.run(
        &bags,
        &schedule,
        arguments.seed,
        |net, pass, batch| {
            let batch: Vec<usize> = batch.iter().map(|bag| **bag).collect();
            let batch = known.batch(&batch);
            let view = |view| {
                let purpose = if view == View::Weak { "weak view" } else { "strong view" };
                let draw = |image: &usize| (*image, (arguments.seed, purpose, pass));
                images(&train, batch.instances.iter().map(draw), view, &learning)
            };
            // One call for both, so that the normalisation sees them together.
            let n = batch.instances.len();
            let both = net.forward(Tensor::cat(vec![view(View::Weak), view(View::Strong)], 0));
            let weak = both.clone().slice([0..n, 0..CLASSES]);
            let strong = both.slice([n..2 * n, 0..CLASSES]);
            Ok::<_, CifarRunError>(loss.forward(weak, Some(strong), &batch.labels)?.total)
        },
        |training, mean| {
            checkpoint::write(training, &arguments.out, &settings)?;
            let (right, [low, high]) = judge(&training.net.valid(), &test, &device)?;
            println!(
                "pass {:3} of {}: loss {mean:.4}, {:.2} % right ({:.2} to {:.2}), {:.0} s",
                training.passes,
                schedule.passes,
                100.0 * right,
                100.0 * low,
                100.0 * high,
                start.elapsed().as_secs_f64(),
            );
            Ok(())
        },
    )?;
    println!("done: {} passes; the network is in {}", end.passes, arguments.out.display());
    Ok(())
}

/// What the network is told of the images.
fn supervision(arguments: &Arguments, classes: &[usize]) -> Result<WeakSet, glws_nfa::Error> {
    let (seed, strength) = (arguments.seed, arguments.strength);
    let labels = match arguments.setting {
        Setting::Labels => WeakLabels::labelled(CLASSES, classes)?,
        Setting::Partial => {
            let sets = candidates(classes, CLASSES, strength.unwrap_or(0.5), seed)?;
            WeakLabels::partial(sets.view())?
        }
        Setting::Complementary => {
            WeakLabels::complementary(CLASSES, &complements(classes, CLASSES, seed)?)?
        }
        Setting::Noisy => {
            let noise = symmetric_noise(CLASSES, strength.unwrap_or(0.5))?;
            WeakLabels::noisy(noise.view(), &flips(classes, noise.view(), seed)?)?
        }
        Setting::Counts => {
            let size = strength.unwrap_or(10.0);
            let bags = (classes.len() as f64 / size.max(1.0)) as usize;
            let bags = BagSampler::new(bags, size, 0.0)?.draw(classes, seed)?;
            let lengths: Vec<usize> = bags.iter().map(Vec::len).collect();
            let counts = bag_class_counts(&bags, classes, CLASSES)?;
            let labels = WeakLabels::class_counts(&lengths, counts.view())?;
            return WeakSet::new(bags.concat(), labels);
        }
    };
    WeakSet::new((0..classes.len()).collect(), labels)
}

/// Views of some images as a tensor `[images, 3, 32, 32]`. Each image of each pass has a stream of its own.
fn images(
    data: &Images,
    which: impl Iterator<Item = (usize, (u64, &'static str, usize))>,
    view: View,
    device: &Device,
) -> Tensor<4> {
    let mut values = Vec::new();
    for (image, (seed, purpose, pass)) in which {
        let mut rng = stream(seed, purpose, ((pass as u64) << 32) | image as u64);
        append(view, data.image(image), &mut rng, &mut values);
    }
    let shape = [values.len() / BYTES, 3, SIDE, SIDE];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// The share of right answers on the test images, with its interval at 95 %.
fn judge(
    net: &WideResNet,
    test: &Images,
    device: &Device,
) -> Result<(f64, [f64; 2]), CifarRunError> {
    const TOGETHER: usize = 250;
    let mut right = 0;
    let all: Vec<usize> = (0..test.len()).collect();
    for batch in all.chunks(TOGETHER) {
        let which = batch.iter().map(|&image| (image, (0, "plain view", 0)));
        let rows = into_array::<f32, 2>(net.forward(images(test, which, View::Plain, device)))?;
        let answers = rows.rows().into_iter().map(|row| argmax(&row.to_vec()));
        right +=
            answers.zip(batch).filter(|(answer, image)| *answer == test.classes()[**image]).count();
    }
    let share = right as f64 / test.len().max(1) as f64;
    let interval = wilson(right as u64, test.len() as u64, 0.95);
    Ok((share, interval.map_or([0.0, 1.0], |interval| [interval.lower, interval.upper])))
}
