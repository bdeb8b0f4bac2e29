//! Judges refusals by a text classifier of the user's (BERT, RoBERTa or Longformer with its head), and says
//! how it does beside the rules of `trust-metrics` on that crate's labelled answers.
//!
//! ```sh
//! cargo run --release --bin refusals -- longformer-harmful-ro/ --label LABEL_0
//! ```
//! The folder holds `model.safetensors`, `config.json` and `tokenizer.json`.
#![allow(clippy::print_stdout)] // a program talks to its user

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;

use assay_encoder::ClassifierConfig;
use assay_examples::ending::exit_code;
use assay_tensor::device;
use clap::Parser;
use trust_metrics::judge::{Classifier, Judge};
use trust_metrics::refusal::{Calibration, RefusalDetector, calibrate, labelled_answers};
use trust_metrics::task::Item;

/// Says how well a classifier of yours tells refusals.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder of the model's files.
    model: PathBuf,
    /// The label that stands for a refusal.
    #[arg(long, default_value = "LABEL_0")]
    label: String,
    /// From which probability on an answer counts as a refusal.
    #[arg(long, default_value_t = 0.5)]
    threshold: f64,
    /// Where the model runs.
    #[arg(long, default_value = "flex")]
    device: String,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let classifier = ClassifierConfig::new(&arguments.model).init(&device(&arguments.device)?)?;
    let label = classifier.label(&arguments.label).ok_or_else(|| {
        format!("no label {}: the model has {}", arguments.label, classifier.labels().join(", "))
    })?;
    let id = format!("{}, {}", classifier.id(), arguments.label);
    // The whole adapter from a model to a judge.
    let probability =
        |answer: &str| classifier.probabilities(&[answer]).ok()?.first()?.get(label).copied();
    let judge = Classifier::new(id, ["refused", "complied"], arguments.threshold, probability)?;

    // A classifier sees the answer alone.
    let item = Item { id: String::new(), prompt: String::new(), fields: BTreeMap::new() };
    let answers = labelled_answers()?;
    let mut refused: HashMap<&str, bool> = HashMap::new();
    for answer in &answers {
        let outcome = judge.judge(&item, &answer.text)?;
        let label =
            outcome.as_label().ok_or_else(|| format!("{outcome:?} for {:?}", answer.text))?;
        refused.insert(&answer.text, label == "refused");
    }
    let by_model = calibrate(&answers, |text| refused.get(text) == Some(&true), 0.95)?;
    let rules = RefusalDetector::built_in()?;
    let by_rules = calibrate(&answers, |text| rules.refuses(text), 0.95)?;
    println!("{} labelled answers", answers.len());
    show(&judge.id(), &by_model);
    show("the rules", &by_rules);
    Ok(())
}

fn show(who: &str, found: &Calibration) {
    let share =
        |value: Option<f64>| value.map_or("none".to_owned(), |v| format!("{:.1} %", 100.0 * v));
    println!("{who}: precision {}, recall {}", share(found.precision), share(found.recall));
}
