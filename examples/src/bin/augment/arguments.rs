//! What the program can be told.

use std::path::PathBuf;

use assay_language::TextModel;
use clap::Parser;
use culture_augment::dedup::NearCopies;
use culture_augment::pipeline::offline_model;
use culture_augment::words::MiniThesaurus;

use crate::Result;

/// Turns a few survey questions into training data for cultures.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// The survey's table (CSV); a made-up one without.
    #[arg(long, value_name = "CSV")]
    pub(crate) survey: Option<PathBuf>,
    /// The seed questions (JSON lines); made-up ones without.
    #[arg(long, value_name = "JSONL")]
    pub(crate) seeds: Option<PathBuf>,
    /// The column of the country.
    #[arg(long, default_value = "B_COUNTRY_ALPHA")]
    pub(crate) country_column: String,
    /// Cultures as NAME=CODE+CODE.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "North=NOR,South=SUD,Islands=INS,All=NOR+SUD+INS"
    )]
    pub(crate) culture: Vec<String>,
    /// Samples of every question.
    #[arg(long, default_value_t = 10)]
    pub(crate) samples: usize,
    /// Rewrites of every question.
    #[arg(long, default_value_t = 5)]
    pub(crate) rewrites: usize,
    /// Drops sentences whose runs of three words have this Jaccard similarity with an earlier one's.
    #[arg(long, value_name = "SIMILARITY")]
    pub(crate) drop_alike: Option<f64>,
    /// Drops sentences whose embedding has a cosine above this with an earlier one's.
    #[arg(long, value_name = "COSINE")]
    pub(crate) drop_same_meaning: Option<f64>,
    /// The share of questions kept for testing.
    #[arg(long, default_value_t = 0.2)]
    pub(crate) test_share: f64,
    /// The share of valid answers below which a question is left out.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) least_valid: f64,
    /// The base URL of an OpenAI-compatible server (needs the feature `http`); rules without.
    #[arg(long, value_name = "URL")]
    pub(crate) model: Option<String>,
    /// The model's name at the server.
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// The environment variable with the API key.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) key_from: Option<String>,
    /// Requests at once.
    #[arg(long, default_value_t = 8)]
    pub(crate) concurrency: usize,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The folder for everything.
    #[arg(long, value_name = "DIR", default_value = "target/augment")]
    pub(crate) out: PathBuf,
}

impl Arguments {
    /// How near copies are found.
    pub(crate) fn near_copies(&self) -> Vec<NearCopies> {
        let alike = self.drop_alike.map(|threshold| NearCopies::MinHash { threshold, words: 3 });
        let same = self.drop_same_meaning.map(|threshold| NearCopies::Semantic { threshold });
        alike.into_iter().chain(same).collect()
    }

    /// The model that is asked.
    pub(crate) fn model(&self) -> Result<Box<dyn TextModel>> {
        match &self.model {
            None => Ok(Box::new(offline_model(MiniThesaurus))),
            Some(url) => server(url, &self.name, self.key_from.as_deref()),
        }
    }
}

#[cfg(feature = "http")]
fn server(url: &str, name: &str, key_from: Option<&str>) -> Result<Box<dyn TextModel>> {
    let mut config = assay_language::HttpModelConfig::new(url, name);
    if let Some(variable) = key_from {
        config = config.with_key_from(variable);
    }
    Ok(Box::new(assay_language::RetryPolicy::new().around(config.init()?)))
}

#[cfg(not(feature = "http"))]
fn server(url: &str, _name: &str, _key_from: Option<&str>) -> Result<Box<dyn TextModel>> {
    Err(format!("to ask {url}, build with `--features http`").into())
}
