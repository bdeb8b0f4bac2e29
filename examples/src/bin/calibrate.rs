//! Reads logits and labels, measures calibration, fits a calibrator, and writes both.
//!
//!     cargo run --release -p assay-examples --bin calibrate -- --logits val.npy --labels val_labels.npy
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::path::PathBuf;
use std::process::ExitCode;

use assay_examples::calibrate::{Method, Report, Told, labels, matrix, measure};
use assay_examples::ending::exit_code;
use assay_report::{json, write_whole};
use clap::Parser;

/// Measures how calibrated a classifier is, fits a calibrator, and writes a report.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Logits `[samples, classes]`: .npy, .safetensors (name after a colon:
    /// file.safetensors:logits), .csv or, compiled with the feature, .parquet.
    #[arg(long, value_name = "FILE")]
    logits: Option<PathBuf>,
    /// Probabilities instead of logits.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "logits",
        required_unless_present = "logits"
    )]
    probs: Option<PathBuf>,
    /// One label a sample, counted from 0: .npy, .safetensors, .csv or .parquet.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// The calibrator to fit.
    #[arg(long, value_enum, default_value_t = Method::Temperature)]
    method: Method,
    /// The number of bins.
    #[arg(long, default_value_t = 15)]
    bins: usize,
    /// Resamples of the bootstrap intervals; 0 leaves them out.
    #[arg(long, default_value_t = 500)]
    resamples: usize,
    /// The seed of the bootstrap.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of samples that the calibrator is fitted on; the rest judges it. 1 judges it on the
    /// samples that it was fitted on, and says so.
    #[arg(long, default_value_t = 0.5)]
    fit: f64,
    /// The folder for index.html, report.json and calibrator.json.
    #[arg(long, value_name = "DIR", default_value = "target/calibrate")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (path, are_logits) = match (&arguments.logits, &arguments.probs) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => return Err("expected --logits or --probs".into()),
    };
    let told = Told {
        outputs: matrix(path)?,
        are_logits,
        labels: labels(&arguments.labels)?,
        method: arguments.method,
        bins: arguments.bins,
        resamples: arguments.resamples,
        seed: arguments.seed,
        fit: arguments.fit,
    };
    write_whole(&arguments.out, &[] as &[(&str, &str)])?;
    let Report { numbers, text, page, calibrator } = measure(&told)?;
    println!("{text}");
    let files = [
        ("report.json", json(&numbers)?),
        ("calibrator.json", calibrator),
        ("index.html", page.html()),
    ];
    write_whole(&arguments.out, &files)?;
    println!("\n{}", arguments.out.join("index.html").display());
    Ok(())
}
