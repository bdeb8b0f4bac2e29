//! Texts as token numbers, in batches of about one length.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use assay_array::ndarray::Array2;
use assay_tensor::burn::prelude::{Device, Int, Tensor};
use assay_tensor::convert;
use sha2::{Digest as _, Sha256};
use tokenizers::Tokenizer;

use crate::{BertConfig, Error, Result};

/// A model's tokenizer and what bounds its tokens.
#[derive(Debug)]
pub(crate) struct Texts {
    path: PathBuf,
    tokenizer: Tokenizer,
    /// The most tokens of a text.
    pub(crate) most: usize,
    vocabulary: usize,
}

impl Texts {
    /// From a model's `tokenizer.json`; texts are cut to so many tokens, and to the model's positions.
    pub(crate) fn new(path: PathBuf, most: usize, sizes: &BertConfig) -> Result<Self> {
        let tokenizer = read_tokenizer(&path)?;
        let most = most.min(sizes.positions - sizes.first_position());
        Ok(Self { path, tokenizer, most, vocabulary: sizes.vocabulary })
    }

    /// The token numbers of texts.
    pub(crate) fn tokens(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        let encode = |text: &&str| -> Result<Vec<u32>> {
            let encoded = self.tokenizer.encode(*text, true).map_err(|error| Error::Tokenizer {
                path: self.path.clone(),
                problem: error.to_string(),
            })?;
            let tokens = cut(encoded.get_ids(), encoded.get_special_tokens_mask(), self.most);
            let vocabulary = self.vocabulary;
            match tokens.iter().find(|&&token| token as usize >= vocabulary) {
                Some(&token) => Err(Error::Vocabulary { token, vocabulary }),
                None => Ok(tokens),
            }
        };
        texts.iter().map(encode).collect()
    }
}

/// Some texts that go through a model together.
pub(crate) struct Batch {
    /// Their places.
    pub(crate) places: Vec<usize>,
    /// Their lengths in tokens.
    pub(crate) lengths: Vec<usize>,
    /// Their tokens, filled up with zeros.
    pub(crate) tokens: Tensor<2, Int>,
}

/// Batches of at most so many texts; those without a token are left out.
pub(crate) fn batches(texts: &[Vec<u32>], size: usize, device: &Device) -> Result<Vec<Batch>> {
    let length = |text: usize| texts.get(text).map_or(0, Vec::len);
    // Texts of about one length go together, so that little is padded.
    let mut order: Vec<usize> = (0..texts.len()).filter(|&text| length(text) > 0).collect();
    order.sort_by_key(|&text| length(text));
    order
        .chunks(size)
        .map(|places| {
            let lengths: Vec<usize> = places.iter().map(|&text| length(text)).collect();
            let longest = lengths.iter().copied().max().unwrap_or(0);
            let token = |(row, place): (usize, usize)| {
                let text = places.get(row).and_then(|&text| texts.get(text));
                text.and_then(|text| text.get(place)).map_or(0, |&token| i64::from(token))
            };
            let tokens = Array2::from_shape_fn((places.len(), longest), token);
            let tokens = convert::from_int_array(tokens, device)?;
            Ok(Batch { places: places.to_vec(), lengths, tokens })
        })
        .collect()
}

/// At most so many tokens: the first, and the special ones at the end.
fn cut(tokens: &[u32], special: &[u32], most: usize) -> Vec<u32> {
    if tokens.len() <= most {
        return tokens.to_vec();
    }
    let end = special.iter().rev().take_while(|&&special| special == 1).count().min(most / 2);
    let (first, last) = (tokens.iter().take(most - end), tokens.iter().skip(tokens.len() - end));
    first.chain(last).copied().collect()
}

/// The tokenizer of a file, which neither pads nor cuts.
fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
    let problem = |error: tokenizers::Error| Error::Tokenizer {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let bytes =
        std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(problem)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(problem)?;
    Ok(tokenizer)
}

/// Sixteen digits that tell files apart.
pub(crate) fn fingerprint(paths: &[&PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    for path in paths {
        let failed = |source| Error::File { path: (*path).clone(), source };
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
        loop {
            let bytes = reader.fill_buf().map_err(failed)?;
            if bytes.is_empty() {
                break;
            }
            hash.update(bytes);
            let count = bytes.len();
            reader.consume(count);
        }
    }
    let first = hash.finalize().iter().take(8).fold(0_u64, |sum, &b| sum << 8 | u64::from(b));
    Ok(format!("{first:016x}"))
}
