//! The tour: one story on embedded real data, written as a page and as numbers.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

mod chapter1;
mod error;
mod settings;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use assay_examples::mnist::Mnist;
use assay_examples::progress::Progress;
use assay_examples::report::{Context, Manifest, Report, numbers, page, write_whole};
use clap::Parser;

use chapter1::Lesson;
use error::TourError;
use settings::Settings;

/// Networks learn digits from bags and pairs of images instead of labels; the results come as a page.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Only show that everything works, in seconds; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder with the four MNIST files.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"), hide_default_value = true)]
    data: PathBuf,
    /// The folder for index.html and report.json.
    #[arg(long, value_name = "DIR", default_value = "target/tour")]
    out: PathBuf,
    /// What computes: flex (the CPU), or wgpu or cuda:0 if compiled in.
    #[arg(long, default_value = "flex")]
    device: String,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), TourError> {
    let start = Instant::now();
    let settings = if arguments.quick {
        Settings::quick(arguments.seed)
    } else {
        Settings::full(arguments.seed)
    };
    let device = assay_tensor::device(&arguments.device)?;
    let data = Mnist::load(&arguments.data)?;

    let progress = Progress::new();
    let lesson = Lesson::new(&data, &settings, &device);
    let stories = chapter1::run(&lesson, &progress)?;
    let report = Report {
        manifest: Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: arguments.seed,
            device: arguments.device.clone(),
            quick: arguments.quick,
            training_images: lesson.images.len(),
            bags: lesson.bags.len(),
            comparisons: lesson.comparisons(),
            test_images: lesson.digits.images.len(),
            balanced_test_images: lesson.nines.images.len(),
        },
        stories,
    };
    let context = Context { train: &data.train, seconds: start.elapsed().as_secs_f64() };
    let files = [("report.json", numbers(&report)?), ("index.html", page(&report, &context))];
    write_whole(&arguments.out, &files.each_ref().map(|(name, text)| (*name, text.as_str())))?;
    progress.finish();
    for story in &report.stories {
        println!("{}", story.title);
        for method in &story.methods {
            let [low, high] = method.score.interval.map(|bound| 100.0 * bound);
            let right = 100.0 * method.score.accuracy;
            println!("  {:24} {right:5.1} %  ({low:.1} to {high:.1})", method.name);
        }
    }
    println!("The whole story: {}", arguments.out.join("index.html").display());
    Ok(())
}
