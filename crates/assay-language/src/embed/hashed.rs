use assay_array::ndarray::Array2;

use super::Embedder;
use crate::{Error, Result};

const OPERATION: &str = "hashed embedder";
const MAX_DIMENSIONS: usize = 1 << 24;
/// Character n-grams of these lengths, with marks at the ends of the word.
const GRAMS: std::ops::RangeInclusive<usize> = 3..=5;
/// Words weigh more than the pieces of words, pairs of words in between.
const WORD: f32 = 1.0;
const PAIR: f32 = 0.5;
const GRAM: f32 = 0.4;

/// How to make a [`HashedEmbedder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashedEmbedderConfig {
    dimensions: usize,
    seed: u64,
}

impl Default for HashedEmbedderConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl HashedEmbedderConfig {
    /// 4096 dimensions, seed 0.
    pub fn new() -> Self {
        Self { dimensions: 4096, seed: 0 }
    }

    /// Sets the length of a vector.
    #[must_use]
    pub fn with_dimensions(self, dimensions: usize) -> Self {
        Self { dimensions, ..self }
    }

    /// Sets the seed of the hash.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks the settings. Every feature weighs alike until the embedder has seen a corpus.
    ///
    /// # Errors
    /// [`Error::Setting`] for dimensions outside of 1 to 2^24.
    pub fn init(self) -> Result<HashedEmbedder> {
        if !(1..=MAX_DIMENSIONS).contains(&self.dimensions) {
            return Err(Error::Setting {
                operation: OPERATION,
                name: "dimensions",
                expected: "from 1 to 2^24",
                got: self.dimensions.to_string(),
            });
        }
        Ok(HashedEmbedder { config: self, idf: None, corpus: 0 })
    }
}

/// Vectors without weights: words, pairs of words and character n-grams (3 to 5), hashed with a sign
/// into a fixed number of dimensions, weighted `√count · idf` and scaled to length one.
///
/// The sign makes collisions cancel in expectation (Weinberger et al. 2009). With a corpus
/// ([`fit`](Self::fit)) the weight is `idf = ln((1 + N) / (1 + df)) + 1`, where `df` counts the texts
/// of `N` in which a dimension is used; without, it is 1. It sees shared spelling, not meaning: a
/// synonym counts as a different word.
///
/// ```
/// use assay_language::{Embedder, HashedEmbedderConfig, cosine};
/// let embedder = HashedEmbedderConfig::new().init()?;
/// let rows = embedder.embed(&["My goal is a quiet life", "A quiet life is my goal", "Taxes rose"])?;
/// let cos = |i, j| cosine(rows.row(i).to_slice().unwrap(), rows.row(j).to_slice().unwrap());
/// assert!(cos(0, 1)? > embedder.recommended_threshold() && cos(0, 2)? < 0.2);
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HashedEmbedder {
    config: HashedEmbedderConfig,
    idf: Option<Vec<f32>>,
    corpus: u64,
}

impl HashedEmbedder {
    /// The same embedder with weights from a corpus: what is frequent in it counts less.
    ///
    /// # Errors
    /// [`Error::Empty`] without texts.
    pub fn fit(mut self, texts: &[&str]) -> Result<Self> {
        if texts.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "text" });
        }
        let mut used = vec![0_u32; self.config.dimensions];
        let mut last = vec![usize::MAX; self.config.dimensions];
        let mut corpus = 0xcbf2_9ce4_8422_2325_u64;
        for (text, content) in texts.iter().enumerate() {
            self.features(content, |place, _, _| {
                if let (Some(seen), Some(count)) = (last.get_mut(place), used.get_mut(place))
                    && *seen != text
                {
                    *seen = text;
                    *count += 1;
                }
            });
            corpus = mix(corpus ^ hash(self.config.seed, content.as_bytes()));
        }
        let total = texts.len() as f64;
        let idf = |&df: &u32| (((1.0 + total) / (1.0 + f64::from(df))).ln() + 1.0) as f32;
        self.idf = Some(used.iter().map(idf).collect());
        self.corpus = corpus;
        Ok(self)
    }

    /// Calls `each(place, sign, weight)` for every feature of a text.
    fn features(&self, text: &str, mut each: impl FnMut(usize, f32, f32)) {
        let mut emit = |hash: u64, weight: f32| {
            let place = (hash % self.config.dimensions as u64) as usize;
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            each(place, sign, weight);
        };
        let lower = text.to_lowercase();
        let mut before: Option<u64> = None;
        let mut marked = String::new();
        let mut starts: Vec<usize> = Vec::new();
        for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            let whole = hash(self.config.seed, word.as_bytes());
            emit(whole, WORD);
            if let Some(before) = before {
                emit(mix(before.rotate_left(17) ^ whole), PAIR);
            }
            before = Some(whole);
            marked.clear();
            marked.push('<');
            marked.push_str(word);
            marked.push('>');
            starts.clear();
            starts.extend(marked.char_indices().map(|(at, _)| at));
            starts.push(marked.len());
            for length in GRAMS {
                for ends in starts.windows(length + 1) {
                    if let [first, .., last] = *ends {
                        let gram = marked.as_bytes().get(first..last).unwrap_or(&[]);
                        emit(mix(hash(self.config.seed, gram) ^ length as u64), GRAM);
                    }
                }
            }
        }
    }
}

impl Embedder for HashedEmbedder {
    fn id(&self) -> String {
        let HashedEmbedderConfig { dimensions, seed } = self.config;
        format!("hashed 1, {dimensions} dimensions, seed {seed}, corpus {:x}", self.corpus)
    }

    fn dimensions(&self) -> usize {
        self.config.dimensions
    }

    fn embed(&self, texts: &[&str]) -> Result<Array2<f32>> {
        let mut out = Array2::<f32>::zeros((texts.len(), self.config.dimensions));
        for (text, mut row) in texts.iter().zip(out.rows_mut()) {
            let Some(row) = row.as_slice_mut() else { continue };
            self.features(text, |place, sign, weight| {
                if let Some(x) = row.get_mut(place) {
                    *x += sign * weight;
                }
            });
            let mut square = 0.0_f64;
            for (place, x) in row.iter_mut().enumerate() {
                if *x == 0.0 {
                    continue;
                }
                let idf = self.idf.as_ref().and_then(|idf| idf.get(place)).copied().unwrap_or(1.0);
                *x = x.signum() * x.abs().sqrt() * idf;
                square += f64::from(*x) * f64::from(*x);
            }
            if square > 0.0 {
                let scale = (1.0 / square.sqrt()) as f32;
                for x in row.iter_mut() {
                    *x *= scale;
                }
            }
        }
        Ok(out)
    }

    fn recommended_threshold(&self) -> f64 {
        0.5
    }
}

/// FNV-1a with a final mixing, so that all bits depend on all bytes.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    mix(bytes.iter().fold(start, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
