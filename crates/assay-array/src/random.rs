//! Seeded streams of random numbers, keyed so that results do not depend on threads or batch sizes.
//!
//! A stream is named by `(seed, purpose, index)`: the user's seed, what the numbers are for (such as
//! `"bootstrap"`), and which item they belong to. Two streams with different names are independent,
//! and a stream gives the same numbers on every machine, whoever asks first.
//!
//! ```
//! use assay_array::random::{below, stream, uniform};
//! let mut a = stream(42, "docs", 7);
//! let mut b = stream(42, "docs", 7);
//! assert_eq!(uniform(&mut a), uniform(&mut b));
//! assert!(below(&mut a, 10) < 10);
//! ```

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A ChaCha stream with eight rounds: fast, portable and far beyond what simulation needs.
pub type Stream = ChaCha8Rng;

/// The stream of `(seed, purpose, index)`.
///
/// The purpose is hashed with FNV-1a (64 bits) and fills, with the seed, the ChaCha key; the index
/// selects the stream of that key, so that 2^64 items share no numbers.
pub fn stream(seed: u64, purpose: &str, index: u64) -> Stream {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(purpose.as_bytes()).to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(index);
    rng
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number in `[0, 1)` with 53 random bits.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * 2.0_f64.powi(-53)
}

/// A whole number in `0..bound` without bias (Lemire 2019, algorithm 5); `0` when `bound` is `0`.
pub fn below(rng: &mut impl Rng, bound: usize) -> usize {
    let bound = bound as u64;
    if bound == 0 {
        return 0;
    }
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as usize;
        }
    }
}

/// A standard normal number (Box and Muller 1958; one draw of the pair is used, so that every call
/// takes two uniforms whatever came before).
pub fn normal(rng: &mut impl Rng) -> f64 {
    let u = 1.0 - uniform(rng);
    let v = uniform(rng);
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Shuffles in place (Fisher and Yates; every order equally likely).
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_every_part_of_their_name() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let base = first(1, "a", 0);
        assert_eq!(base, first(1, "a", 0));
        assert_ne!(base, first(2, "a", 0));
        assert_ne!(base, first(1, "b", 0));
        assert_ne!(base, first(1, "a", 1));
    }

    #[test]
    fn numbers_have_their_distribution() {
        let mut rng = stream(3, "test", 0);
        let n = 20_000;
        let mut counts = [0_u32; 7];
        let (mut mean, mut square, mut flat) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            counts[below(&mut rng, 7)] += 1;
            let z = normal(&mut rng);
            mean += z / f64::from(n);
            square += z * z / f64::from(n);
            flat += uniform(&mut rng) / f64::from(n);
        }
        // Five standard errors each.
        assert!(counts.iter().all(|&c| (f64::from(c) - 20_000.0 / 7.0).abs() < 250.0));
        assert!(mean.abs() < 0.036 && (square - 1.0).abs() < 0.05 && (flat - 0.5).abs() < 0.0103);
        assert_eq!(below(&mut rng, 0), 0);
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<usize> = (0..100).collect();
        shuffle(&mut stream(0, "test", 1), &mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
