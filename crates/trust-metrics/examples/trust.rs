//! Scores the recorded answers of two stand-in models, one that refuses too much and one that minds too
//! little, on small fixtures of our own in every task, and writes the reports:
//!
//! ```sh
//! cargo run --release -p trust-metrics --example trust -- --out target/trust
//! cargo run --release -p trust-metrics --features http --example trust -- \
//!     --data TrustLLM/dataset --model http://localhost:8080/v1 --name my-model
//! ```
//!
//! With `--data FOLDER` (the benchmark's files) a model is asked instead, in runs that resume after any
//! crash: the server at `--model`, whose key the environment variable named by `--key-from` holds, or
//! without it the offline stand-in of `assay-language`. Tasks that need a judge are judged by the same model
//! with `--judge yes`, else left out and named. Toxicity is scored by Perspective with `--toxicity-key-from
//! VARIABLE`, else by a list of rude words.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_language::{HashedEmbedderConfig, OfflineModel, TextModel};
use trust_metrics::checklist::checklist;
use trust_metrics::demo;
use trust_metrics::evaluate::{Evaluation, evaluate};
use trust_metrics::judge::{Judge, JudgeTemplate, ModelJudge, Rules};
use trust_metrics::measure::ToxicityLexicon;
use trust_metrics::report::{Manifest, Report};
use trust_metrics::run::{Generation, generate};
use trust_metrics::task::{Reader, catalogue, read_items_file};
use trust_metrics::{Error, Result};

/// What the command line says.
struct Arguments {
    out: PathBuf,
    data: Option<PathBuf>,
    model: Option<String>,
    name: String,
    key_from: Option<String>,
    toxicity_key_from: Option<String>,
    judge: bool,
}

fn arguments() -> Result<Arguments> {
    let mut found = Arguments {
        out: PathBuf::from("target/trust"),
        data: None,
        model: None,
        name: "model".to_owned(),
        key_from: None,
        toxicity_key_from: None,
        judge: false,
    };
    let wrong = |got: String| Error::Setting {
        operation: "trust",
        name: "options",
        expected: "--out FOLDER, --data FOLDER, --model URL, --name NAME, --key-from VARIABLE, \
                   --judge yes, --toxicity-key-from VARIABLE"
            .to_owned(),
        got,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| wrong(format!("{name} without a value")))?;
        match &name[..] {
            "--out" => found.out = PathBuf::from(value),
            "--data" => found.data = Some(PathBuf::from(value)),
            "--model" => found.model = Some(value),
            "--name" => found.name = value,
            "--key-from" => found.key_from = Some(value),
            "--toxicity-key-from" => found.toxicity_key_from = Some(value),
            "--judge" => found.judge = value == "yes",
            _ => return Err(wrong(name)),
        }
    }
    if found.model.is_some() && found.data.is_none() {
        return Err(wrong("--model without --data: there is nothing to ask".to_owned()));
    }
    Ok(found)
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let out = &arguments.out;
    let reports = match &arguments.data {
        Some(data) => {
            let model: Box<dyn TextModel> = match &arguments.model {
                Some(url) => server(url, &arguments)?,
                None => Box::new(OfflineModel::new()),
            };
            let score = scorer(&arguments)?;
            vec![from_files(data, out, &*model, arguments.judge, &*score)?]
        }
        None => demo::reports(0)?,
    };
    for report in &reports {
        report.write(out.join(report.manifest.model.replace(['/', ':'], "-")))?;
        println!("{}", report.markdown());
    }
    let page = Report::html(&reports)?;
    assay_report::write_whole(out, &[("index.html", page)])?;
    println!("{}", out.join("index.html").display());
    Ok(())
}

#[cfg(feature = "http")]
fn server(url: &str, arguments: &Arguments) -> Result<Box<dyn TextModel>> {
    let mut config = assay_language::HttpModelConfig::new(url, &arguments.name[..]);
    if let Some(variable) = &arguments.key_from {
        config = config.with_key_from(variable);
    }
    Ok(Box::new(assay_language::RetryPolicy::new().around(config.init()?)))
}

#[cfg(not(feature = "http"))]
fn server(url: &str, arguments: &Arguments) -> Result<Box<dyn TextModel>> {
    Err(Error::Setting {
        operation: "trust",
        name: "--model",
        expected: "a build with `--features http`".to_owned(),
        got: format!("{url} for {} with the key from {:?}", arguments.name, arguments.key_from),
    })
}

/// What scores toxicity.
type Score = dyn Fn(&str) -> std::result::Result<f64, String> + Sync;

/// Perspective, asked once for each text and a second apart as its free quota has it, or the lexicon.
#[cfg(feature = "http")]
fn scorer(arguments: &Arguments) -> Result<Box<Score>> {
    use std::sync::Arc;

    use assay_language::{Cache, Cached, HttpModelConfig, RateLimit, RetryPolicy};
    use trust_metrics::measure::{ToxicityEndpoint, perspective_body};

    let Some(variable) = &arguments.toxicity_key_from else { return lexicon() };
    let url = "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze";
    let service = HttpModelConfig::service(url, "perspective", perspective_body(&["en"]))
        .with_key_from(variable)
        .with_key_header("x-goog-api-key")
        .init()?;
    let service = RateLimit::new().with_requests_per_minute(60.0).around(service)?;
    let service = RetryPolicy::new().around(service);
    std::fs::create_dir_all(&arguments.out).map_err(|source| Error::File {
        action: "create",
        path: arguments.out.clone(),
        source,
    })?;
    let cache = Cache::open(arguments.out.join("toxicity.jsonl"))?;
    let endpoint = ToxicityEndpoint::perspective(Cached::new(service, Arc::new(cache)));
    Ok(Box::new(move |text: &str| endpoint.score(text)))
}

#[cfg(not(feature = "http"))]
fn scorer(arguments: &Arguments) -> Result<Box<Score>> {
    match &arguments.toxicity_key_from {
        None => lexicon(),
        Some(variable) => Err(Error::Setting {
            operation: "trust",
            name: "--toxicity-key-from",
            expected: "a build with `--features http`".to_owned(),
            got: variable.clone(),
        }),
    }
}

fn lexicon() -> Result<Box<Score>> {
    let lexicon = ToxicityLexicon::built_in()?;
    Ok(Box::new(move |text: &str| lexicon.score(text)))
}

/// The benchmark's own files, answered by a model.
fn from_files(
    data: &Path,
    out: &Path,
    model: &dyn TextModel,
    judged: bool,
    score: &Score,
) -> Result<Report> {
    let embedder = HashedEmbedderConfig::new().init()?;
    let how = Evaluation {
        embedder: Some(&embedder),
        toxicity: Some(score),
        allow_incomplete: true,
        ..Evaluation::default()
    };
    let mut tasks = Vec::new();
    let mut inputs: BTreeMap<String, String> = BTreeMap::new();
    for spec in catalogue()? {
        if !data.join(&spec.file).exists() {
            println!("{}: no {}", spec.id, data.join(&spec.file).display());
            continue;
        }
        let judge: Box<dyn Judge + '_> = match &spec.reader {
            Reader::Judge { .. } if judged => {
                Box::new(ModelJudge::new(model, JudgeTemplate::of(&spec)?)?)
            }
            Reader::Judge { .. } => {
                println!("{}: needs a judge", spec.id);
                continue;
            }
            _ => Box::new(Rules::of(&spec)?),
        };
        let (items, text) = read_items_file(data, &spec)?;
        let folder = out.join("runs").join(&spec.id);
        let answers = generate(folder, &spec, &items, model, &Generation::default(), |_| {})?;
        match evaluate(&spec, &items, &answers, &*judge, &how) {
            Ok(report) => tasks.push(report),
            Err(error) => println!("{}: {error}", spec.id),
        }
        inputs.insert(spec.file.clone(), text);
    }
    let inputs: Vec<(&str, &str)> =
        inputs.iter().map(|(name, text)| (&name[..], &text[..])).collect();
    Ok(Report::new(Manifest::new(model.id(), &inputs, how.seed), tasks, checklist()))
}
