use rustc_hash::FxHashMap;

use super::Deduplicated;
use super::shingle::{Shingles, mix};
use crate::{Error, Result};

/// The SimHash fingerprint of a text (Charikar 2002): bit `i` is the majority of bit `i` over its
/// shingles' hashes. Like texts differ in few bits.
pub fn simhash(text: &str, shingles: Shingles) -> u64 {
    let mut hashes = Vec::new();
    shingles.hashes(text, &mut hashes);
    let mut votes = [0_i64; 64];
    for hash in hashes {
        for (bit, vote) in votes.iter_mut().enumerate() {
            *vote += if hash >> bit & 1 == 1 { 1 } else { -1 };
        }
    }
    let bits = votes.iter().enumerate().filter(|(_, vote)| **vote > 0);
    bits.fold(0, |print, (bit, _)| print | 1 << bit)
}

/// Drops texts whose fingerprint is within `bits` bits of a kept one's.
///
/// The fingerprint is cut into `bits + 1` blocks; two within `bits` agree in one of them (Manku, Jain
/// and Das Sarma 2007), so that only texts that share a block are compared and none is missed.
///
/// # Errors
/// [`Error::Setting`] for more than 15 bits, where blocks would be too small to help.
pub fn simhash_dedup<S: AsRef<str>>(
    texts: &[S],
    shingles: Shingles,
    bits: u32,
) -> Result<Deduplicated> {
    if bits > 15 {
        return Err(Error::setting("simhash", "bits", "at most 15", bits));
    }
    let blocks = bits as usize + 1;
    let key = |print: u64, block: usize| {
        let (from, to) = (64 * block / blocks, 64 * (block + 1) / blocks);
        let part = (print >> from) & (u64::MAX >> (64 - (to - from)));
        mix(part) ^ block as u64
    };
    let mut buckets: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    let mut prints: Vec<u64> = Vec::with_capacity(texts.len());
    let mut found = Deduplicated::default();
    for (index, text) in texts.iter().enumerate() {
        let print = simhash(text.as_ref(), shingles);
        prints.push(print);
        let mut candidates: Vec<usize> = (0..blocks)
            .filter_map(|block| buckets.get(&key(print, block)))
            .flatten()
            .copied()
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        let like = candidates.iter().find(|&&other| {
            found.compared += 1;
            prints.get(other).is_some_and(|p| (p ^ print).count_ones() <= bits)
        });
        if let Some(&other) = like {
            found.dropped.push((index, other));
        } else {
            found.kept.push(index);
            for block in 0..blocks {
                buckets.entry(key(print, block)).or_default().push(index);
            }
        }
    }
    Ok(found)
}
