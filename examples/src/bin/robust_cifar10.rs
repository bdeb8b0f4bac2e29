//! CIFAR-10 with SpecFormer's settings: a vision transformer, trained with the singular-value penalty on
//! clean or adversarial images, then attacked. Meant for a GPU; a run that was stopped goes on.
//!
//! `cargo run --release --features cuda --bin robust_cifar10 -- --data cifar-10-batches-bin --device cuda:0`
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use assay_array::random::stream;
use assay_examples::checkpoint;
use assay_examples::cifar::{BYTES, CLASSES, CifarRunError, Images, SIDE};
use assay_examples::ending::exit_code;
use assay_examples::train::{Schedule, Training};
use assay_examples::views::{MEAN, SPREAD, View, append};
use assay_report::Page;
use assay_tensor::Layout;
use assay_tensor::burn::grad_clipping::GradientClippingConfig;
use assay_tensor::burn::module::Module;
use assay_tensor::burn::optim::SgdConfig;
use assay_tensor::burn::optim::decay::WeightDecayConfig;
use assay_tensor::burn::optim::momentum::MomentumConfig;
use assay_tensor::burn::tensor::{Device, Tensor};
use clap::{Parser, ValueEnum};
use ndarray::Array2;
use specformer_msvp::attack::{
    Attack, AutoAttack, Batch, Fgsm, Norm, Objective, Pgd, Start, Threat,
};
use specformer_msvp::msvp::MsvpConfig;
use specformer_msvp::tensor::training::{Method, Mixing, RobustTraining};
use specformer_msvp::tensor::vit::{Interpolation, Vit, VitConfig};
use specformer_msvp::tensor::{Network, Penalty};
use specformer_msvp::{Knowledge, evaluate};

/// Trains a vision transformer on CIFAR-10 with the singular-value penalty, and attacks it.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder with the binary version of CIFAR-10.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Weights to start from: timm's, for images of 224 in patches of 16, as a safetensors file with a
    /// head of ten classes. Without it training starts from random numbers.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What is trained on.
    #[arg(long, value_enum, default_value_t = Kind::Clean)]
    method: Kind,
    /// The weights of the penalty on queries, keys and values.
    #[arg(long, num_args = 3, default_values_t = [1e-5, 1e-5, 1e-5])]
    lambdas: Vec<f64>,
    /// The radius of training's attack in 255ths, in the largest change of a pixel.
    #[arg(long, default_value_t = 8.0, value_parser = above_zero)]
    epsilon: f64,
    /// How often every image is seen.
    #[arg(long, default_value_t = 40)]
    passes: usize,
    /// Images in a step.
    #[arg(long, default_value_t = 64, value_parser = one_or_more)]
    batch: usize,
    /// The step size at the start; it falls to zero along half a cosine.
    #[arg(long, default_value_t = 0.1, value_parser = above_zero)]
    learning_rate: f64,
    /// Features of a token; as `depth` and `heads`, those of ViT-B unless told.
    #[arg(long, default_value_t = 768)]
    width: usize,
    /// Blocks.
    #[arg(long, default_value_t = 12)]
    depth: usize,
    /// Heads.
    #[arg(long, default_value_t = 12)]
    heads: usize,
    /// Use only the first images of both splits.
    #[arg(long, value_parser = one_or_more)]
    images: Option<usize>,
    /// Test images that are attacked at the end.
    #[arg(long, default_value_t = 1000, value_parser = one_or_more)]
    attacked: usize,
    /// Also run the standard ensemble, which takes hours.
    #[arg(long)]
    auto: bool,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where checkpoints and the report are kept; a run goes on from what is there.
    #[arg(long, value_name = "DIR", default_value = "target/robust_cifar10")]
    out: PathBuf,
    /// What computes: flex (the CPU, slow), or wgpu or cuda:0 if compiled in.
    #[arg(long, default_value = "flex")]
    device: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The images, sometimes mixed.
    Clean,
    /// What ten steps of PGD make of them.
    Adversarial,
    /// TRADES.
    Trades,
    /// MART.
    Mart,
}

const SHAPE: [usize; 3] = [3, SIDE, SIDE];
/// Images that go through the network together when it is attacked.
const TOGETHER: usize = 256;

fn one_or_more(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or("expected a whole number, 1 or more".to_owned())
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| x.is_finite() && *x > 0.0);
    number.ok_or("expected a finite number above 0".to_owned())
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), CifarRunError> {
    let device = assay_tensor::device(&arguments.device)?;
    let learning = device.clone().autodiff();
    let [train, test] = Images::both(&arguments.data, arguments.images)?;
    // The folder is made now, so that nobody trains for hours to learn that it cannot be.
    assay_report::write_whole(&arguments.out, &[] as &[(&str, &str)])?;
    let Arguments { passes, batch, learning_rate, seed, .. } = *arguments;
    let settings = format!(
        "{:?} {:?}, ε {}/255, seed {seed}, {} images, {passes} passes of {batch}, step size {learning_rate}, \
         ViT {}x{}x{} from {:?}",
        arguments.method,
        arguments.lambdas,
        arguments.epsilon,
        train.len(),
        arguments.width,
        arguments.depth,
        arguments.heads,
        arguments.weights,
    );
    let fresh = Training { net: start(arguments, &learning)?, optimiser: optimiser(), passes: 0 };
    let mut training = checkpoint::resume(fresh, &arguments.out, &settings)?;
    training.net = checkpoint::numbered(training.net);
    println!("{settings}\n{} passes done", training.passes);

    let config = match arguments.lambdas[..] {
        [q, k, v] => MsvpConfig::new().with_lambdas([q, k, v]),
        _ => MsvpConfig::new(), // clap asks for three
    };
    let state = |passes: usize| arguments.out.join(format!("penalty-{passes}.safetensors"));
    let penalty = RefCell::new(match training.passes {
        0 => Penalty::new(config, &training.net)?,
        passes => Penalty::load(config, &training.net, state(passes))?,
    });
    let schedule = Schedule { passes, batch, learning_rate };
    let items: Vec<usize> = (0..train.len()).collect();
    let clock = Instant::now();
    let end = training.run(
        &items,
        &schedule,
        seed,
        |net, pass, batch| {
            let loss = batch_loss(arguments, &train, net, pass, batch, &learning)?;
            Ok::<_, CifarRunError>(loss + penalty.borrow_mut().penalty(net)?)
        },
        |training, mean| {
            penalty.borrow().save(state(training.passes))?;
            checkpoint::write(training, &arguments.out, &settings)?;
            std::fs::remove_file(state(training.passes - 1)).ok();
            let passed = clock.elapsed().as_secs_f64();
            println!("pass {:3} of {passes}: loss {mean:.4}, {passed:.0} s", training.passes);
            Ok(())
        },
    )?;
    attack(arguments, end.net.valid(), &test, &device)
}

/// Random weights, or timm's brought to small images.
fn start(arguments: &Arguments, device: &Device) -> Result<Vit, CifarRunError> {
    let config = |side, patch| {
        VitConfig::new([3, side, side], patch, CLASSES)
            .with_width(arguments.width)
            .with_depth(arguments.depth)
            .with_heads(arguments.heads)
    };
    let Some(path) = &arguments.weights else {
        return Ok(checkpoint::numbered(config(SIDE, 4).init(arguments.seed, device)?));
    };
    let mut vit = config(224, 16).init(arguments.seed, device)?;
    vit.load(path, Layout::PyTorch)?;
    Ok(checkpoint::numbered(vit.resize([SIDE, SIDE], 4, Interpolation::Bicubic)?))
}

/// SpecFormer's. Its gradients are cut by their length together, burn's one parameter at a time.
fn optimiser() -> assay_tensor::burn::optim::ModuleOptimizer {
    SgdConfig::new()
        .with_momentum(Some(MomentumConfig::new().with_momentum(0.9).with_dampening(0.0)))
        .with_weight_decay(Some(WeightDecayConfig::new(1e-4)))
        .with_gradient_clipping(Some(GradientClippingConfig::Norm(1.0)))
        .init()
}

/// Images in `[0, 1]` to logits: standardised inside, so that attacks see pixels.
fn forward(vit: &Vit, images: Tensor<4>) -> Tensor<2> {
    let device = images.device();
    let row = |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    vit.forward((images - row(MEAN)) / row(SPREAD))
}

/// The loss of a batch by the chosen method, mixed as published.
fn batch_loss(
    arguments: &Arguments,
    train: &Images,
    net: &Vit,
    pass: usize,
    batch: &[&usize],
    device: &Device,
) -> Result<Tensor<1>, CifarRunError> {
    let ids: Vec<u64> = batch.iter().map(|&&i| ((pass as u64) << 32) | i as u64).collect();
    let labels: Vec<usize> = batch.iter().map(|&&i| train.classes()[i]).collect();
    let draw = |(&&i, &id): (&&usize, &u64)| (i, Some((arguments.seed, id)));
    let images = pixels(train, batch.iter().zip(&ids).map(draw));
    // MART knows hard labels only.
    let chance = if arguments.method == Kind::Mart { 0.0 } else { 0.3 };
    let mixing = Mixing::new().with_probabilities(chance, 0.5).with_seed(arguments.seed);
    let first = ids.first().copied().unwrap_or(0);
    let mixed = mixing.apply(images.view(), &labels, CLASSES, SHAPE, first)?;
    let threat = Threat::new(Norm::Linf, arguments.epsilon / 255.0);
    let robust = match arguments.method {
        Kind::Clean => {
            RobustTraining::new(Method::Adversarial, threat).with_steps(0).with_start(Start::Clean)
        }
        Kind::Adversarial => RobustTraining::new(Method::Adversarial, threat),
        Kind::Trades => RobustTraining::new(Method::Trades { beta: 6.0 }, threat),
        Kind::Mart => RobustTraining::new(Method::Mart { lambda: 5.0 }, threat),
    };
    let (images, targets) = (mixed.images.view(), mixed.targets.view());
    let robust = robust.with_seed(arguments.seed);
    Ok(robust.loss(net, &forward, images, targets, &ids, SHAPE, device)?.loss)
}

/// Images `[n, 3 · 32 · 32]` in `[0, 1]`; shifted and mirrored where a stream is named.
fn pixels(
    data: &Images,
    which: impl ExactSizeIterator<Item = (usize, Option<(u64, u64)>)>,
) -> Array2<f32> {
    let mut all = Array2::zeros((which.len(), BYTES));
    for (mut row, (image, view)) in all.outer_iter_mut().zip(which) {
        let (seed, id) = view.unwrap_or_default();
        let mut rng = stream(seed, "view", id);
        let mut values = Vec::with_capacity(BYTES);
        let kind = if view.is_some() { View::Weak } else { View::Plain };
        append(kind, data.image(image), &mut rng, &mut values);
        for (i, (to, value)) in row.iter_mut().zip(values).enumerate() {
            let colour = i / (SIDE * SIDE);
            *to = (value * SPREAD[colour] + MEAN[colour]).clamp(0.0, 1.0);
        }
    }
    all
}

/// SpecFormer's evaluation, on pixels: weak attacks for clean training, strong ones for the others.
fn attack(
    arguments: &Arguments,
    vit: Vit,
    test: &Images,
    device: &Device,
) -> Result<(), CifarRunError> {
    let n = arguments.attacked.min(test.len());
    let x = pixels(test, (0..n).map(|i| (i, None)));
    let labels = &test.classes()[..n];
    let model = Network::new(vit, forward, SHAPE, CLASSES, device).with_batch(TOGETHER);
    let seed = arguments.seed;
    let step = 2.0 / 255.0;
    let pgd = |steps: usize| Pgd::new(steps).with_alpha(step).with_seed(seed);
    let (weak, twenty, hundred) = (pgd(2), pgd(20), pgd(100));
    let margin = pgd(20).with_objective(Objective::Margin { kappa: 10.0 });
    let fgsm = Fgsm::new();
    let clean = arguments.method == Kind::Clean;
    let attacks: Vec<&dyn Attack<f32>> =
        if clean { vec![&fgsm, &weak] } else { vec![&margin, &twenty, &hundred] };
    let epsilon = if clean { 2.0 } else { arguments.epsilon } / 255.0;
    let threat = Threat::new(Norm::Linf, epsilon);
    let knowledge = Knowledge { seed, ..Knowledge::default() };
    let sizes = [0.5 * epsilon, epsilon];
    let found = evaluate(&model, x.view(), labels, &attacks, &threat, &sizes, &knowledge)?;
    let (text, json) = (found.evaluation.markdown(), found.evaluation.json()?);
    println!("{text}");
    let mut page = Page::new("A vision transformer on CIFAR-10 under attack");
    page.section(found.evaluation.section(&format!("Trained by {:?}", arguments.method)));
    let files = [("report.md", text), ("report.json", json), ("index.html", page.html())];
    assay_report::write_whole(&arguments.out, &files)?;
    if arguments.auto {
        let auto = AutoAttack::standard().with_seed(seed);
        let batch = Batch::new(x.view(), labels);
        let report = auto.run(&model, &batch, &threat, &mut |state| {
            if let Some((name, accuracy)) = state.accuracy().last() {
                println!("{name}: {:.2} % stand", 100.0 * accuracy);
            }
        })?;
        for warning in report.warnings {
            println!("warning: {warning:?}");
        }
    }
    Ok(())
}
