//! Runs a BERT or MiniLM of the user's on a text, and shows every layer: entropy, effective rank,
//! curvature and a CKA map, as a page and as JSON; with `--untrained`, what training changed.
//!
//! ```sh
//! cargo run --release --bin encoder -- all-MiniLM-L6-v2/ sentences.txt
//! ```
//! The folder holds `model.safetensors`, `config.json` and `tokenizer.json`; the text is one sentence a
//! line.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_encoder::{Encoder, EncoderConfig};
use assay_examples::ending::exit_code;
use assay_examples::layer_report::{
    Measures, Untrained, compare, measure, spread, untrained, write,
};
use assay_examples::progress::Progress;
use assay_report::write_whole;
use assay_tensor::assay_array::ndarray::{Array2, s};
use assay_tensor::burn::prelude::Device;
use assay_tensor::device;
use clap::Parser;

/// Shows what the layers of an encoder hold when it reads a text.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder of the model's files.
    model: PathBuf,
    /// The text, one sentence a line; empty lines are left out.
    text: PathBuf,
    /// The same model before training: a folder, and the seed of its weights; may be given several times.
    #[arg(long, value_name = "PATH=SEED")]
    untrained: Vec<String>,
    /// The most tokens of a sentence.
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    /// Sentences that go through the model at once.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Keeps the tokens `[CLS]` and `[SEP]`, which are no words of the sentence.
    #[arg(long)]
    keep_special: bool,
    /// Tokens over which layers are compared.
    #[arg(long, default_value_t = 1024)]
    items: usize,
    /// Where the model runs.
    #[arg(long, default_value = "flex")]
    device: String,
    /// The folder for index.html and report.json.
    #[arg(long, value_name = "DIR", default_value = "target/encoder")]
    out: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = std::fs::read_to_string(&arguments.text)
        .map_err(|error| format!("cannot read {}: {error}", arguments.text.display()))?;
    let sentences: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if sentences.is_empty() {
        return Err(format!("{}: no sentence in it", arguments.text.display()).into());
    }
    let device = device(&arguments.device)?;
    let trained = load(&arguments.model, arguments, &device)?;
    let untrained = arguments
        .untrained
        .iter()
        .map(|text| {
            let (path, seed) = untrained(text)?;
            Ok((seed, load(path, arguments, &device)?))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    write_whole(&arguments.out, &[] as &[(&str, &str)])?;

    let progress = Progress::new();
    let count = trained.sizes().layers + 1;
    progress.expect(sentences.len() * (1 + untrained.len()) + count);
    let layers = states(&trained, &sentences, arguments, "sentences", &progress)?;
    let untrained = untrained
        .iter()
        .map(|(seed, model)| {
            let title = format!("sentences, untrained {seed}");
            Ok((*seed, states(model, &sentences, arguments, &title, &progress)?))
        })
        .collect::<Result<Vec<_>, Failure>>()?;

    let task = progress.task("layers", count);
    let (mut measured, mut items) = (Vec::new(), Vec::new());
    for (layer, found) in layers.iter().enumerate() {
        let draws: Vec<Untrained> = untrained
            .iter()
            .filter_map(|(seed, layers)| {
                Some(Untrained { seed: *seed, sentences: layers.get(layer)?.clone() })
            })
            .collect();
        measured.push(measure(layer, found, &draws)?);
        items.push(spread(found, arguments.items));
        task.advance(1);
        task.report(&format!("layer {layer}"));
    }
    drop(task);
    progress.finish();
    let measures = Measures { layers: measured, cka: compare(&items)? };

    let special = if arguments.keep_special { "with" } else { "without" };
    let notes = vec![
        format!(
            "{} sentences of {}, {special} [CLS] and [SEP].",
            sentences.len(),
            arguments.text.display()
        ),
        "Layer 0 is the embeddings.".to_owned(),
    ];
    let lead = format!(
        "{}: {} layers of {} numbers and {} heads.",
        arguments.model.display(),
        trained.sizes().layers,
        trained.sizes().hidden,
        trained.sizes().heads
    );
    write(&arguments.out, &lead, &measures, &notes)
}

fn load(folder: &Path, arguments: &Arguments, device: &Device) -> Result<Encoder, Failure> {
    let config = EncoderConfig::new(folder)
        .with_max_tokens(arguments.max_tokens)
        .with_batch(arguments.batch);
    Ok(config.init(device)?)
}

/// Every layer's states, a matrix a sentence.
fn states(
    model: &Encoder,
    sentences: &[&str],
    arguments: &Arguments,
    title: &str,
    progress: &Progress,
) -> Result<Vec<Vec<Array2<f32>>>, Failure> {
    let task = progress.task(title, sentences.len());
    let mut layers = vec![Vec::new(); model.sizes().layers + 1];
    for batch in sentences.chunks(arguments.batch.max(1)) {
        for states in model.states(batch)? {
            for (layer, states) in layers.iter_mut().zip(states.layers) {
                let tokens = states.nrows();
                layer.push(if arguments.keep_special || tokens < 2 {
                    states
                } else {
                    states.slice(s![1..tokens - 1, ..]).to_owned()
                });
            }
        }
        task.advance(batch.len());
    }
    Ok(layers)
}
