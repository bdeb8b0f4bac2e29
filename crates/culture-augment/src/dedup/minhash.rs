use assay_array::random;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::shingle::{jaccard, mix};
use super::{Deduplicated, Shingles};
use crate::{Error, Result};

const OPERATION: &str = "minhash";
const MAX_PERMUTATIONS: usize = 1 << 14;
/// Texts handed to one task.
const CHUNK: usize = 256;
/// Of pairs exactly at the threshold at least this share becomes a candidate.
const RECALL: f64 = 0.95;

/// How to make a [`MinHasher`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinHashConfig {
    permutations: usize,
    shingles: Shingles,
    seed: u64,
}

impl Default for MinHashConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl MinHashConfig {
    /// 128 permutations, shingles of three words, seed 1.
    pub fn new() -> Self {
        Self { permutations: 128, shingles: Shingles::Words(3), seed: 1 }
    }

    /// Sets the number of permutations.
    #[must_use]
    pub fn with_permutations(self, permutations: usize) -> Self {
        Self { permutations, ..self }
    }

    /// Sets the shingles.
    #[must_use]
    pub fn with_shingles(self, shingles: Shingles) -> Self {
        Self { shingles, ..self }
    }

    /// Sets the seed of the permutations.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks the settings and draws the permutations.
    ///
    /// # Errors
    /// [`Error::Setting`] for a number of permutations outside 1 to 2^14.
    pub fn init(self) -> Result<MinHasher> {
        if !(1..=MAX_PERMUTATIONS).contains(&self.permutations) {
            let expected = "from 1 to 2^14";
            return Err(Error::setting(OPERATION, "permutations", expected, self.permutations));
        }
        let mut stream = random::stream(self.seed, "minhash", 0);
        let mut draw = || -> Vec<u64> {
            use rand_core::Rng as _;
            (0..self.permutations).map(|_| stream.next_u64()).collect()
        };
        let (factors, offsets) = (draw(), draw());
        Ok(MinHasher { config: self, factors, offsets })
    }
}

/// MinHash signatures (Broder 1997) and near copies by locality-sensitive hashing.
///
/// Permutation `i` of a shingle's 32-bit hash `x` is `(a_i x + b_i mod 2^64) >> 32` with random 64-bit
/// `a_i` and `b_i`, which is strongly universal (Dietzfelbinger 1996). The share of places at which two
/// signatures agree estimates the Jaccard similarity with standard error `√(J(1−J)/k)`.
///
/// ```
/// use culture_augment::dedup::MinHashConfig;
/// let texts = ["tea is good for you and me", "tea is good for you and him", "it rained all day"];
/// let found = MinHashConfig::new().init()?.dedup(&texts, 0.5)?;
/// assert_eq!((found.kept, found.dropped), (vec![0, 2], vec![(1, 0)]));
/// # Ok::<(), culture_augment::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MinHasher {
    config: MinHashConfig,
    factors: Vec<u64>,
    offsets: Vec<u64>,
}

impl MinHasher {
    /// A row of `permutations` numbers a text, row after row. A text without shingles has a row of
    /// the largest number.
    pub fn signatures<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<u32> {
        let k = self.config.permutations;
        let mut out = vec![u32::MAX; texts.len() * k];
        out.par_chunks_mut(k * CHUNK).zip(texts.par_chunks(CHUNK)).for_each(|(rows, texts)| {
            let mut hashes = Vec::new();
            for (row, text) in rows.chunks_exact_mut(k).zip(texts) {
                self.config.shingles.hashes(text.as_ref(), &mut hashes);
                self.minima(&hashes, row);
            }
        });
        out
    }

    /// The signature of one text's shingles.
    fn minima(&self, hashes: &[u64], row: &mut [u32]) {
        pulp::Arch::new().dispatch(|| {
            for &hash in hashes {
                let x = hash >> 32;
                for ((least, a), b) in row.iter_mut().zip(&self.factors).zip(&self.offsets) {
                    let value = (a.wrapping_mul(x).wrapping_add(*b) >> 32) as u32;
                    *least = (*least).min(value);
                }
            }
        });
    }

    /// Drops every text whose Jaccard similarity with a kept one is at least `threshold`.
    ///
    /// Candidates share all rows of a band; every candidate is compared exactly, so nothing below the
    /// threshold is dropped. The bands are as wide as they can be while a pair exactly at the
    /// threshold becomes a candidate with probability 0.95 or more; with permutations too few for
    /// that, as narrow as possible.
    ///
    /// # Errors
    /// [`Error::Setting`] for a threshold outside `(0, 1]`.
    pub fn dedup<S: AsRef<str> + Sync>(&self, texts: &[S], threshold: f64) -> Result<Deduplicated> {
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(Error::setting(OPERATION, "threshold", "in (0, 1]", threshold));
        }
        let (bands, rows) = self.bands(threshold);
        let k = self.config.permutations;
        let signatures = self.signatures(texts);
        let shingles: Vec<Vec<u64>> = texts
            .par_iter()
            .map(|text| {
                let mut hashes = Vec::new();
                self.config.shingles.hashes(text.as_ref(), &mut hashes);
                hashes
            })
            .collect();
        let mut buckets: Vec<FxHashMap<u64, Vec<u32>>> = vec![FxHashMap::default(); bands];
        let mut found = Deduplicated::default();
        let mut candidates: Vec<u32> = Vec::new();
        for (index, (signature, own)) in signatures.chunks_exact(k).zip(&shingles).enumerate() {
            if own.is_empty() {
                // Nothing is like an empty text but another empty text; exact copies are not our task.
                found.kept.push(index);
                continue;
            }
            let keys: Vec<u64> = signature.chunks_exact(rows).take(bands).map(band_key).collect();
            candidates.clear();
            for (bucket, key) in buckets.iter().zip(&keys) {
                candidates.extend(bucket.get(key).into_iter().flatten());
            }
            candidates.sort_unstable();
            candidates.dedup();
            let like = candidates.iter().find(|&&other| {
                found.compared += 1;
                let other = shingles.get(other as usize).map_or(&[][..], Vec::as_slice);
                let (both, union) = jaccard(own, other);
                both as f64 >= threshold * union as f64
            });
            if let Some(&other) = like {
                found.dropped.push((index, other as usize));
            } else {
                found.kept.push(index);
                for (bucket, key) in buckets.iter_mut().zip(keys) {
                    bucket.entry(key).or_default().push(index as u32);
                }
            }
        }
        Ok(found)
    }

    /// The number of bands and their rows for a threshold.
    fn bands(&self, threshold: f64) -> (usize, usize) {
        let k = self.config.permutations;
        let rows = (1..=k)
            .rev()
            .find(|&rows| candidate_probability(k / rows, rows, threshold) >= RECALL)
            .unwrap_or(1);
        (k / rows, rows)
    }
}

fn band_key(rows: &[u32]) -> u64 {
    rows.iter().fold(0, |key, &row| mix(key ^ u64::from(row)))
}

/// The probability that a pair of Jaccard similarity `j` shares a band: `1 − (1 − j^rows)^bands`.
pub fn candidate_probability(bands: usize, rows: usize, j: f64) -> f64 {
    // Through log1p, so that many bands of a small similarity keep their digits.
    let band = j.clamp(0.0, 1.0).powf(rows as f64);
    -(bands as f64 * (-band).ln_1p()).exp_m1()
}
