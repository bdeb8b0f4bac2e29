//! Walks dumped hidden states and shows every layer: entropy, effective rank, Diff-eRank against
//! untrained draws, curvature, and a CKA map, as a page, and as JSON.
//!
//! ```sh
//! cargo run --release --bin layers -- states/ --pattern '*layer_{layer}' --mask attention_mask
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_array::ndarray::Array2;
use assay_examples::ending::exit_code;
use assay_examples::layer_report::{
    Measures, Untrained, compare, measure, spread, untrained, write,
};
use assay_examples::progress::Progress;
use assay_report::write_whole;
use clap::Parser;
use matrix_entropy::input::{HiddenStates, LayerPattern, Sentences, TokenPolicy};

/// Shows what the hidden states in a file or folder hold, layer by layer.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A folder or file of hidden states: .npy, .npz or .safetensors, [N, d] or [B, T, d].
    states: PathBuf,
    /// Which name is which layer: {layer} is its number, {sentence} a sentence's, * anything.
    #[arg(long, default_value = "*{layer}")]
    pattern: String,
    /// The untrained model's states, with the seed of its weights; may be given several times.
    #[arg(long, value_name = "PATH=SEED")]
    untrained: Vec<String>,
    /// The name of the attention mask [B, T] beside the states.
    #[arg(long, value_name = "NAME")]
    mask: Option<String>,
    /// Tokens left out at the beginning of each sentence: 1 drops BOS or CLS.
    #[arg(long, default_value_t = 0)]
    drop_first: usize,
    /// Tokens left out at the end of each sentence.
    #[arg(long, default_value_t = 0)]
    drop_last: usize,
    /// How many of the remaining tokens are kept.
    #[arg(long, value_name = "K")]
    keep: Option<usize>,
    /// Tokens over which layers are compared.
    #[arg(long, default_value_t = 1024)]
    items: usize,
    /// The folder for index.html and report.json.
    #[arg(long, value_name = "DIR", default_value = "target/layers")]
    out: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

/// States that are open, with the mask that belongs to them.
struct Source {
    states: HiddenStates,
    mask: Option<Array2<bool>>,
    policy: TokenPolicy,
}

impl Source {
    fn open(path: &Path, arguments: &Arguments) -> Result<Self, Failure> {
        let states = HiddenStates::open(path, &LayerPattern::new(&arguments.pattern)?)?;
        let mask = arguments.mask.as_deref().map(|name| states.mask(name)).transpose()?;
        let Arguments { drop_first, drop_last, keep, .. } = *arguments;
        Ok(Self { states, mask, policy: TokenPolicy { drop_first, drop_last, keep } })
    }

    fn sentences(&self, layer: usize) -> Result<Sentences<f32>, Failure> {
        Ok(self.states.read::<f32>(layer)?.sentences(self.mask.as_ref(), &self.policy)?)
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let trained = Source::open(&arguments.states, arguments)?;
    let untrained = arguments
        .untrained
        .iter()
        .map(|text| {
            let (path, seed) = untrained(text)?;
            Ok((seed, Source::open(path, arguments)?))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    write_whole(&arguments.out, &[] as &[(&str, &str)])?;

    let progress = Progress::new();
    let layers: Vec<usize> = trained.states.layers().iter().map(|info| info.layer).collect();
    progress.expect(layers.len());
    let task = progress.task("layers", layers.len());
    let (mut measured, mut items, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for &layer in &layers {
        let found = trained.sentences(layer)?;
        if notes.is_empty() {
            notes.push(format!(
                "{} tokens of padding and {} by policy left out of each layer; {} sentences without a \
                 token left.",
                found.padding, found.dropped, found.empty
            ));
        }
        let draws = untrained
            .iter()
            .map(|(seed, source)| {
                Ok(Untrained { seed: *seed, sentences: source.sentences(layer)?.sentences })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        measured.push(measure(layer, &found.sentences, &draws)?);
        items.push(spread(&found.sentences, arguments.items));
        task.advance(1);
        task.report(&format!("layer {layer}"));
    }
    drop(task);
    progress.finish();
    // Layers of different numbers of tokens have nothing to pair.
    let alike = items.windows(2).all(|pair| pair[0].nrows() == pair[1].nrows());
    let cka = if alike { compare(&items)? } else { None };
    if !alike {
        notes.push("Layers have different numbers of tokens: no CKA map.".to_owned());
    }

    let measures = Measures { layers: measured, cka };
    let lead = format!("{}, {} layers.", arguments.states.display(), layers.len());
    write(&arguments.out, &lead, &measures, &notes)
}
