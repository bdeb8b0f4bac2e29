//! Turn a few survey questions into training data for a culture.
//!
//! CultureLLM (Li et al. 2024) showed that fifty questions of the World Values Survey, augmented until
//! there are many ways of asking each, teach a language model how a culture answers. This crate does the
//! method in the open: offline in the first minute, with any OpenAI-compatible server after that,
//! reproducible from a seed, resumable, and with every stage counted.
//!
//! ```
//! use assay_language::{HashedEmbedderConfig, RunConfig};
//! use culture_augment::export::{self, Format};
//! use culture_augment::pipeline::{PipelineConfig, Tools, offline_model};
//! use culture_augment::survey::{self, AnswerRule, Culture, Pooling, SurveyReader};
//! use culture_augment::words::{LexiconTagger, MiniThesaurus};
//!
//! // What the people of a (made up) country answered.
//! let seeds = survey::demo_seeds()?;
//! let ids: Vec<&str> = seeds.iter().map(|seed| seed.id.as_str()).collect();
//! let table = SurveyReader::new().with_weight("W_WEIGHT").read(survey::demo_survey(), &ids)?;
//! let north = Culture::of("North", "NOR");
//! let answers = survey::answers(&table, &north, &seeds, AnswerRule::Mean, Pooling::Equal, 0.5)?;
//!
//! // Many ways of asking.
//! let model = offline_model(MiniThesaurus);
//! let embedder = HashedEmbedderConfig::new().init()?;
//! let tagger = LexiconTagger::new(MiniThesaurus);
//! let tools = Tools { model: &model, embedder: &embedder, thesaurus: &MiniThesaurus, tagger: &tagger };
//! let outcome = PipelineConfig::new().init()?.run(&seeds, &tools, &RunConfig::new())?;
//!
//! // A training file, split so that no paraphrase leaks.
//! let (rows, refused) = export::rows("North", &seeds, &answers, &outcome)?;
//! let (train, test) = export::split(rows, 0.2, 1)?;
//! let mut file = Vec::new();
//! Format::OpenAiChat.write(&mut file, &train)?;
//! assert!(refused.is_empty() && train.len() > 3 * test.len());
//! # Ok::<(), culture_augment::Error>(())
//! ```
//!
//! # What is where
//! | module | holds |
//! |---|---|
//! | [`survey`] | scales, seeds, tables of answers, the answer of a culture |
//! | [`pipeline`] | rewrite, filter, templatise, synonyms, fill, select |
//! | [`words`] | WordNet, a small thesaurus, tags, forms of words |
//! | [`dedup`] | copies and near copies |
//! | [`measure`] | diversity of texts, distances of opinions |
//! | [`export`] | training files and splits |
//! | [`evaluate`] | a model on labelled tasks, with mean and spread |
//! | [`open_ended`] | two models on open questions, by a judge that sees both orders |
//! | [`compat`] | what the published code does, to reproduce it |
//!
//! No survey's text or data are part of this crate: the demonstration's were written for it.
#![forbid(unsafe_code)]

pub mod compat;
pub mod dedup;
mod error;
pub mod evaluate;
pub mod export;
pub mod measure;
pub mod open_ended;
pub mod pipeline;
pub mod prompt;
pub mod survey;
pub mod words;

pub use error::{Error, Result};
