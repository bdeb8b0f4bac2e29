//! Texts in, a probability for each label out.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use assay_array::ndarray::Axis;
use assay_tensor::burn;
use assay_tensor::burn::prelude::Device;
use assay_tensor::{Layout, convert, load_named};
use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::prelude::Tensor;

use crate::bert::Bert;
use crate::texts::{Batch, Texts, batches, fingerprint};
use crate::{BertConfig, Error, Result, names};

/// How to load a [`Classifier`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifierConfig {
    folder: PathBuf,
    max_tokens: usize,
    batch: usize,
}

impl ClassifierConfig {
    /// The files `model.safetensors`, `config.json` and `tokenizer.json` of a folder, as published for
    /// sequence classification with BERT, RoBERTa or Longformer; texts are cut to the model's positions, 8
    /// go through it at once.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_tokens: usize::MAX, batch: 8 }
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

    /// Loads the model onto a device.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 3 tokens or no texts at once; [`Error::File`], [`Error::Config`],
    /// [`Error::Tokenizer`] and [`Error::Tensor`] for files that are missing, damaged or do not fit each
    /// other, such as those of a model without a classifier's head.
    pub fn init(self, device: &Device) -> Result<Classifier> {
        let setting = |name, expected, got: usize| {
            Err(Error::Setting { name, expected, got: got.to_string() })
        };
        if self.max_tokens < 3 {
            return setting("most tokens", "at least 3", self.max_tokens);
        }
        if self.batch == 0 {
            return setting("texts at once", "at least 1", self.batch);
        }
        let file = |name: &str| self.folder.join(name);
        let sizes = BertConfig::read(&file("config.json"))?;
        let texts = Texts::new(file("tokenizer.json"), self.max_tokens, &sizes)?;
        let weights = file("model.safetensors");
        let mut model = Model {
            body: Bert::zeros(&sizes, true, device),
            head: Head::zeros(sizes.hidden, sizes.labels.len(), device),
        };
        let family = sizes.family;
        load_named(&mut model, &weights, Layout::PyTorch, |name| {
            names::of_classifier(name, family)
        })?;
        let id = format!(
            "{} classifier, {} layers, {} tokens, {}",
            family.name(),
            sizes.layers,
            texts.most,
            fingerprint(&[&weights, &file("tokenizer.json"), &file("config.json")])?
        );
        let model = Mutex::new(model);
        Ok(Classifier { sizes, texts, batch: self.batch, model, device: device.clone(), id })
    }
}

#[derive(Module, Debug)]
struct Model {
    body: Bert,
    head: Head,
}

/// `out(tanh(dense(h)))` of the first token's last state: BERT's pooler with its classifier, and the
/// heads of RoBERTa and Longformer.
#[derive(Module, Debug)]
struct Head {
    dense: Linear,
    out: Linear,
}

impl Head {
    fn zeros(hidden: usize, labels: usize, device: &Device) -> Self {
        let linear =
            |to| LinearConfig::new(hidden, to).with_initializer(Initializer::Zeros).init(device);
        Self { dense: linear(hidden), out: linear(labels) }
    }

    fn forward(&self, first: Tensor<2>) -> Tensor<2> {
        self.out.forward(self.dense.forward(first).tanh())
    }
}

/// A text classifier with its tokenizer; see [`ClassifierConfig`].
///
/// In a Longformer the first token sees all and is seen by all, as in the published classifiers; the others
/// see a window, in memory linear in the length.
///
/// As a judge of answers it is a closure for whoever takes one:
///
/// ```no_run
/// use assay_encoder::ClassifierConfig;
/// use assay_tensor::device;
///
/// let classifier = ClassifierConfig::new("longformer-harmful-ro").init(&device("flex")?)?;
/// let refusal = classifier.label("LABEL_0").ok_or("no such label")?;
/// // trust_metrics::judge::Classifier::new(classifier.id(), ["refused", "complied"], 0.5, probability)
/// let probability = |answer: &str| Some(*classifier.probabilities(&[answer]).ok()?.first()?.get(refusal)?);
/// println!("{:?}", probability("I cannot help with that."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    sizes: BertConfig,
    texts: Texts,
    batch: usize,
    /// Not for changing: burn's parameters cannot be shared between threads.
    model: Mutex<Model>,
    device: Device,
    id: String,
}

impl Classifier {
    /// Names the model so that equal names mean equal files and settings.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The model's sizes.
    pub fn sizes(&self) -> &BertConfig {
        &self.sizes
    }

    /// The names of the labels, in the order of their probabilities.
    pub fn labels(&self) -> &[String] {
        &self.sizes.labels
    }

    /// The place of a label.
    pub fn label(&self, name: &str) -> Option<usize> {
        self.sizes.labels.iter().position(|label| label == name)
    }

    /// What the head gives for each text and label, before it becomes a probability.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] for a text that the tokenizer refuses, [`Error::NoToken`] for one that it makes
    /// nothing of, [`Error::Vocabulary`] for a token that the model does not have, [`Error::NotFinite`] for weights that
    /// lead to numbers that are not finite.
    pub fn logits(&self, texts: &[&str]) -> Result<Vec<Vec<f64>>> {
        let tokens = self.texts.tokens(texts)?;
        if let Some(text) = tokens.iter().position(Vec::is_empty) {
            return Err(Error::NoToken { text });
        }
        let mut logits = vec![Vec::new(); texts.len()];
        for batch in batches(&tokens, self.batch, &self.device)? {
            let Batch { places, lengths, tokens } = batch;
            let found = {
                let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
                let states = model.body.forward(tokens, &lengths, &self.sizes, false);
                let Some(last) = states.into_iter().next_back() else { continue };
                let rows = last.dims()[0];
                model.head.forward(last.narrow(1, 0, 1).reshape([rows, self.sizes.hidden]))
            };
            let found = convert::into_array::<f32, 2>(found)?;
            for (row, &text) in found.axis_iter(Axis(0)).zip(&places) {
                if row.iter().any(|x| !x.is_finite()) {
                    return Err(Error::NotFinite { text });
                }
                if let Some(logits) = logits.get_mut(text) {
                    *logits = row.iter().map(|&x| f64::from(x)).collect();
                }
            }
        }
        Ok(logits)
    }

    /// The probability of each label for each text: a softmax over the labels, or, where the configuration
    /// says that labels do not exclude each other or there is one alone, a sigmoid of each.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn probabilities(&self, texts: &[&str]) -> Result<Vec<Vec<f64>>> {
        let mut rows = self.logits(texts)?;
        for row in &mut rows {
            if self.sizes.multi_label {
                for x in row {
                    *x = 1.0 / (1.0 + (-*x).exp());
                }
            } else {
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
                for x in row {
                    *x = (*x - largest).exp() / sum;
                }
            }
        }
        Ok(rows)
    }
}
