//! Tunes a model of ten digits on five and asks how sure it may be of the other five.
//!
//!     cargo run --release -p assay-examples --bin base_new
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::path::PathBuf;
use std::process::ExitCode;

use assay_examples::base_new::{Found, Plan, tell};
use assay_examples::ending::exit_code;
use assay_examples::mnist::Mnist;
use assay_report::{Cell, Page, Section, Table, json, number, percent, write_whole};
use clap::Parser;
use dac_calibration::pictures;

/// Learns ten digits, tunes on five, gently and hard, and calibrates the other five.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Only show that it works, in a second; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder with the four MNIST files.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"), hide_default_value = true)]
    data: PathBuf,
    /// The folder for index.html and base_new.json.
    #[arg(long, value_name = "DIR", default_value = "target/base_new")]
    out: PathBuf,
    /// What computes: flex (the CPU), or wgpu or cuda:0 if compiled in.
    #[arg(long, default_value = "flex")]
    device: String,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let device = assay_tensor::device(&arguments.device)?;
    let data = Mnist::load(&arguments.data)?;
    write_whole(&arguments.out, &[] as &[(&str, &str)])?;
    let mut page = Page::new("Five digits that tuning never saw");
    let mut all = Vec::new();
    for (name, learning_rate) in [("gentle tuning", 2e-3), ("hard tuning", 2e-2)] {
        let plan = Plan::new(learning_rate);
        let plan = if arguments.quick { plan.quick() } else { plan };
        let found = tell(&data, &plan, arguments.seed, &device)?;
        say(name, &found);
        page.section(section(name, &found)?);
        all.push((name, found));
    }
    write_whole(&arguments.out, &[("base_new.json", json(&all)?), ("index.html", page.html())])?;
    println!("\n{}", arguments.out.join("index.html").display());
    Ok(())
}

fn say(name: &str, found: &Found) {
    println!(
        "\n{name}: before {}, base digits after {}",
        percent(found.before.0),
        percent(found.base.0)
    );
    println!("  temperature {}, factors {:.3?}", number(found.temperature), found.gamma);
    println!(
        "  {:32} {:>8} {:>10} {:>7} {:>7} {:>7}",
        "new digits", "accuracy", "confidence", "ECE", "PIECE", "NLL"
    );
    for way in &found.judged {
        println!(
            "  {:32} {:8.4} {:10.4} {:7.4} {:7.4} {:>7}",
            way.name,
            way.accuracy,
            way.confidence,
            way.ece,
            way.piece,
            way.nll.map_or("–".to_owned(), |nll| format!("{nll:.4}"))
        );
    }
}

fn section(name: &str, found: &Found) -> Result<Section, dac_calibration::Error> {
    let mut section = Section::new(name);
    section.paragraph(format!(
        "Before tuning the model has {} of the new digits right, with an ECE of {}. After it, {} of the base \
         digits, with an ECE of {}; the temperature that base digits ask for is {}.",
        percent(found.before.0),
        number(found.before.1),
        percent(found.base.0),
        number(found.base.1),
        number(found.temperature),
    ));
    let mut table =
        Table::new(["on the new digits", "accuracy", "confidence", "ECE", "PIECE", "NLL"]);
    for way in &found.judged {
        table.push([
            Cell::text(way.name.as_str()),
            Cell::number(percent(way.accuracy)),
            Cell::number(percent(way.confidence)),
            Cell::number(number(way.ece)),
            Cell::number(number(way.piece)),
            way.nll.map_or_else(Cell::missing, |nll| Cell::number(number(nll))),
        ]);
    }
    section.table(table);
    for way in &found.judged {
        let svg = pictures::before_and_after(&way.name, &[("bins, 95 %", &way.reliability)])?;
        section.figure(svg, format!("{}: accuracy by confidence", way.name));
    }
    Ok(section)
}
