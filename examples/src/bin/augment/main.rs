//! Survey answers and seed questions in, training files, statistics and a page out.
//!
//! ```sh
//! cargo run --release --bin augment                       # the demonstration, offline
//! cargo run --release --features http --bin augment -- \
//!     --model http://localhost:8080/v1 --name my-model    # a real server
//! ```
//! Interrupted (Ctrl-C) or killed, it goes on where it was when it is started again.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

mod arguments;

use std::process::ExitCode;

use assay_examples::augmentation::{augment, culture, section, thesaurus};
use assay_examples::ending::exit_code;
use assay_language::{Cancel, Run, RunConfig, TextModel};
use assay_report::{Page, json, write_whole};
use clap::Parser;
use culture_augment::export::{self, Format};
use culture_augment::pipeline::PipelineConfig;
use culture_augment::survey::{self, Answer, AnswerRule, SeedQuestion, Survey, SurveyReader};
use serde_json::json;

use arguments::Arguments;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let (seeds, table) = read(arguments)?;
    let words = thesaurus();
    let model = arguments.model()?;
    let config = PipelineConfig::new()
        .with_rewrites(arguments.rewrites)
        .with_samples(arguments.samples)
        .with_near_copies(arguments.near_copies())
        .with_seed(arguments.seed);
    let pipeline = config.init()?;
    let settings = json!({
        "pipeline": pipeline.config(), "model": model.id(), "thesaurus": words.id(), "seeds": seeds,
    });
    let kept = Run::open(arguments.out.join("run"), &settings)?;
    let before = kept.cache().report().answers;
    if before > 0 {
        println!("Going on with {before} answers of an earlier start.");
    }
    let cancel = Cancel::new();
    let switch = cancel.clone();
    ctrlc::set_handler(move || switch.cancel())?;
    let run = RunConfig::new().with_concurrency(arguments.concurrency).with_cancel(&cancel);
    let found = match augment(&pipeline, &seeds, &kept.keep(model), words.as_ref(), &run) {
        Err(_) if cancel.is_cancelled() => {
            kept.cache().sync()?;
            let answers = kept.cache().report().answers;
            println!("Interrupted with {answers} answers kept; start it again to go on.");
            return Ok(());
        }
        found => found?,
    };
    kept.cache().sync()?;

    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut cultures: Vec<(String, Vec<Answer>)> = Vec::new();
    let mut all = Vec::new();
    for text in &arguments.culture {
        let culture = culture(text)?;
        let answers = survey::answers(
            &table,
            &culture,
            &seeds,
            AnswerRule::Mean,
            survey::Pooling::Equal,
            arguments.least_valid,
        )?;
        let (rows, refused) = export::rows(&culture.name, &seeds, &answers, &found.outcome)?;
        if !refused.is_empty() {
            println!("{}: too few valid answers to {}", culture.name, refused.join(", "));
        }
        all.push(rows.clone());
        let (train, test) = export::split(rows, arguments.test_share, arguments.seed)?;
        for (part, rows) in [("train", &train), ("test", &test)] {
            let mut chat = Vec::new();
            Format::OpenAiChat.write(&mut chat, rows)?;
            files.push((format!("{}.{part}.jsonl", culture.name), chat));
            let mut from = Vec::new();
            export::write_provenance(&mut from, rows)?;
            files.push((format!("{}.{part}.provenance.jsonl", culture.name), from));
        }
        cultures.push((culture.name, answers));
    }
    let mut one = Vec::new();
    Format::OpenAiChat.write(&mut one, &export::one_for_all(all, arguments.seed))?;
    files.push(("all.jsonl".to_owned(), one));
    files.push(("report.json".to_owned(), json(&found)?.into_bytes()));
    let mut page = Page::new("Augmented survey questions");
    page.section(section("From a survey to training data", &seeds, &cultures, &table, &found));
    files.push(("index.html".to_owned(), page.html().into_bytes()));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    write_whole(&arguments.out, &files)?;
    for bad in table.bad_rows.iter().take(10) {
        println!("left out, line {}: {}", bad.line, bad.problem);
    }
    println!(
        "{} samples of {} questions. The page: {}",
        found.outcome.samples.len(),
        seeds.len(),
        arguments.out.join("index.html").display()
    );
    Ok(())
}

/// The seeds and the answers to them.
fn read(arguments: &Arguments) -> Result<(Vec<SeedQuestion>, Survey)> {
    let open = |path: &std::path::Path| -> Result<std::fs::File> {
        std::fs::File::open(path).map_err(|e| format!("cannot read {}: {e}", path.display()).into())
    };
    let seeds = match &arguments.seeds {
        Some(path) => survey::read_seeds(std::io::BufReader::new(open(path)?))?,
        None => survey::demo_seeds()?,
    };
    let ids: Vec<&str> = seeds.iter().map(|seed| seed.id.as_str()).collect();
    let reader = SurveyReader::new().with_country(&arguments.country_column);
    let table = match &arguments.survey {
        Some(path) => reader.read(open(path)?, &ids)?,
        None => reader.read(survey::demo_survey(), &ids)?,
    };
    Ok((seeds, table))
}
