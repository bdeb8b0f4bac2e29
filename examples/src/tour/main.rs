//! The tour: a few chapters on embedded real data, written as a page and as numbers.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

mod chapter1;
mod chapter2;
mod chapter3;
mod chapter4;
mod chapter5;
mod chapters;
mod error;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use assay_examples::ending::exit_code;
use assay_examples::mnist::Mnist;
use assay_examples::progress::Progress;
use assay_report::{json, write_whole};
use clap::Parser;
use serde::Serialize;

use chapters::{CHAPTERS, Found, Tour, chosen};
use error::TourError;

/// Trains and tests models on embedded data, in minutes; the results come as a page and as JSON.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Only show that everything works, in seconds; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Run only this chapter (may be given several times, or as 1,2).
    #[arg(long, value_name = "N", value_delimiter = ',')]
    chapter: Vec<usize>,
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

/// What is needed to run it again.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Manifest {
    /// The version of the tour.
    version: String,
    /// The seed of every random choice.
    seed: u64,
    /// The device that trained.
    device: String,
    /// Whether this is the short run that only shows that everything works.
    quick: bool,
    /// The chapters that ran.
    chapters: Vec<usize>,
    /// Whether these are all that there are.
    whole: bool,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), TourError> {
    let start = Instant::now();
    let chapters = chosen(&arguments.chapter)?;
    let device = assay_tensor::device(&arguments.device)?;
    let data = Mnist::load(&arguments.data)?;
    // The folder is made now, so that nobody trains for minutes to learn that it cannot be.
    write_whole(&arguments.out, &[] as &[(&str, &str)])?;
    let progress = Progress::new();
    progress.total(chapters.iter().map(|chapter| chapter.seconds).sum());
    let tour = Tour {
        seed: arguments.seed,
        quick: arguments.quick,
        device,
        data: &data,
        progress: &progress,
    };
    let mut found: Vec<Found> = Vec::new();
    for chapter in &chapters {
        progress.part(chapter.seconds);
        let one = (chapter.run)(&tour)
            .map_err(|source| TourError::Chapter { number: chapter.number, source })?;
        found.push(one);
    }
    progress.finish();

    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: arguments.seed,
        device: arguments.device.clone(),
        quick: arguments.quick,
        chapters: chapters.iter().map(|chapter| chapter.number).collect(),
        whole: chapters.len() == CHAPTERS.len(),
    };
    let numbers: serde_json::Map<_, _> = chapters
        .iter()
        .zip(&found)
        .map(|(chapter, found)| (format!("chapter {}", chapter.number), found.numbers.clone()))
        .collect();
    let report = json(&serde_json::json!({ "manifest": manifest, "chapters": numbers }))?;
    let html = page::page(&manifest, &found, start.elapsed().as_secs_f64());
    write_whole(&arguments.out, &[("report.json", report), ("index.html", html)])?;
    for line in found.iter().flat_map(|found| &found.summary) {
        println!("{line}");
    }
    println!("The whole story: {}", arguments.out.join("index.html").display());
    Ok(())
}
