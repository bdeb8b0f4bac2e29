//! Texts in, embeddings and hidden states out.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use assay_array::ndarray::{Array2, Array3, Axis, Slice};
use assay_language::{Embedder, mean_pool};
use assay_tensor::burn::prelude::Device;
use assay_tensor::{Layout, convert, load_named};

use crate::bert::Bert;
use crate::texts::{Texts, batches, fingerprint};
use crate::{BertConfig, Error, Result, names};

/// How to load an [`Encoder`].
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    folder: PathBuf,
    max_tokens: usize,
    batch: usize,
    threshold: f64,
}

impl EncoderConfig {
    /// The files `model.safetensors`, `config.json` and `tokenizer.json` of a folder; texts are cut to
    /// 256 tokens, 32 go through the model at once, and texts are alike above a cosine of 0.7.
    ///
    /// The threshold is for encoders trained to compare sentences. The mean states of a plain BERT
    /// nearly all have cosines above 0.8; give one of your own for those.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_tokens: 256, batch: 32, threshold: 0.7 }
    }

    /// Sets the most tokens of a text, the special ones included; the model's positions bound it, too.
    #[must_use]
    pub fn with_max_tokens(self, max_tokens: usize) -> Self {
        Self { max_tokens, ..self }
    }

    /// Sets how many texts go through the model at once.
    #[must_use]
    pub fn with_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Sets the cosine above which texts are alike.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Loads the model onto a device.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 3 tokens, no texts at once or a threshold outside `[−1, 1]`;
    /// [`Error::File`], [`Error::Config`], [`Error::Tokenizer`] and [`Error::Tensor`] for files that are
    /// missing, damaged or do not fit each other.
    pub fn init(self, device: &Device) -> Result<Encoder> {
        let setting = |name, expected, got: &dyn std::fmt::Display| {
            Err(Error::Setting { name, expected, got: got.to_string() })
        };
        if self.max_tokens < 3 {
            return setting("most tokens", "at least 3", &self.max_tokens);
        }
        if self.batch == 0 {
            return setting("texts at once", "at least 1", &self.batch);
        }
        if !(-1.0..=1.0).contains(&self.threshold) {
            return setting("threshold", "in [-1, 1]", &self.threshold);
        }
        let file = |name: &str| self.folder.join(name);
        let sizes = BertConfig::read(&file("config.json"))?;
        let tokenizer_file = file("tokenizer.json");
        let texts = Texts::new(tokenizer_file.clone(), self.max_tokens, &sizes)?;
        let weights = file("model.safetensors");
        let mut model = Bert::zeros(&sizes, false, device);
        load_named(&mut model, &weights, Layout::PyTorch, names::of_encoder)?;
        let id = format!(
            "{} {} layers, {} tokens, {}",
            sizes.family.name(),
            sizes.layers,
            texts.most,
            fingerprint(&[&weights, &tokenizer_file, &file("config.json")])?
        );
        let model = Mutex::new(model);
        Ok(Encoder { config: self, sizes, texts, model, device: device.clone(), id })
    }
}

/// A BERT or a relative of it with its tokenizer; see [`EncoderConfig`].
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    sizes: BertConfig,
    texts: Texts,
    /// Not for changing: burn's parameters cannot be shared between threads.
    model: Mutex<Bert>,
    device: Device,
    id: String,
}

/// The hidden states of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// Its tokens, `[CLS]` and `[SEP]` included, cut to the most that are taken.
    pub tokens: Vec<u32>,
    /// `[tokens, hidden]` after the embeddings, and after each layer.
    pub layers: Vec<Array2<f32>>,
}

impl Encoder {
    /// The model's sizes.
    pub fn sizes(&self) -> &BertConfig {
        &self.sizes
    }

    /// The token numbers of texts.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] for a text that the tokenizer refuses, [`Error::Vocabulary`] for a token that
    /// the model does not have.
    pub fn tokens(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        self.texts.tokens(texts)
    }

    /// The hidden states of texts, every layer's.
    ///
    /// # Errors
    /// As [`tokens`](Self::tokens); [`Error::NotFinite`] for weights that lead to numbers that are not
    /// finite.
    pub fn states(&self, texts: &[&str]) -> Result<Vec<States>> {
        let tokens = self.tokens(texts)?;
        let mut layers = vec![Vec::new(); texts.len()];
        self.run(&tokens, true, |text, states| {
            if let Some(layers) = layers.get_mut(text) {
                *layers = states;
            }
            Ok(())
        })?;
        Ok(tokens
            .into_iter()
            .zip(layers)
            .map(|(tokens, layers)| States { tokens, layers })
            .collect())
    }

    /// Calls `each` with every text's place and its hidden states, `[tokens, hidden]`, of all layers or
    /// of the last alone.
    fn run(
        &self,
        texts: &[Vec<u32>],
        all: bool,
        mut each: impl FnMut(usize, Vec<Array2<f32>>) -> Result<()>,
    ) -> Result<()> {
        for batch in batches(texts, self.config.batch, &self.device)? {
            let states = {
                let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
                model.forward(batch.tokens, &batch.lengths, &self.sizes, all)
            };
            let states = states.into_iter().map(convert::into_array::<f32, 3>);
            let states: Vec<Array3<f32>> = states.collect::<Result<_, _>>()?;
            for (row, (&text, &length)) in batch.places.iter().zip(&batch.lengths).enumerate() {
                let own = |layer: &Array3<f32>| {
                    let padded = layer.index_axis(Axis(0), row);
                    padded.slice_axis(Axis(0), Slice::from(..length)).to_owned()
                };
                let own: Vec<Array2<f32>> = states.iter().map(own).collect();
                if own.iter().flatten().any(|x| !x.is_finite()) {
                    return Err(Error::NotFinite { text });
                }
                each(text, own)?;
            }
        }
        Ok(())
    }

    /// The means of the last states of texts, scaled to length one.
    fn means(&self, texts: &[&str]) -> Result<Array2<f32>> {
        let mut out = Array2::zeros((texts.len(), self.sizes.hidden));
        self.run(&self.tokens(texts)?, false, |text, states| {
            let Some(states) = states.last() else { return Ok(()) };
            // Padding has been cut off: every row counts.
            let mean = mean_pool(states.view(), &vec![true; states.nrows()])?.unwrap_or_default();
            let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 0.0 {
                for (to, x) in out.row_mut(text).iter_mut().zip(mean) {
                    *to = (x / length) as f32;
                }
            }
            Ok(())
        })?;
        Ok(out)
    }
}

impl Embedder for Encoder {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn dimensions(&self) -> usize {
        self.sizes.hidden
    }

    /// A text without a word still has its special tokens, and so a vector.
    fn embed(&self, texts: &[&str]) -> assay_language::Result<Array2<f32>> {
        self.means(texts).map_err(|error| assay_language::Error::Embedder {
            id: self.id.clone(),
            problem: error.to_string(),
        })
    }

    fn recommended_threshold(&self) -> f64 {
        self.config.threshold
    }
}
