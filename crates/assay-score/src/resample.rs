use assay_array::random::{Stream, stream};
use rand_core::Rng;

use crate::{Error, Result};

/// Where the units of a resample come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Draws {
    /// Drawn with replacement from a stream for each resample.
    Seeded(u64),
    /// Given, one row a resample.
    Given(Vec<Vec<usize>>),
}

impl Draws {
    pub(crate) fn seed(&self) -> Option<u64> {
        match self {
            Self::Seeded(seed) => Some(*seed),
            Self::Given(_) => None,
        }
    }

    /// Checks that resamples of this many units can be made, and returns their length.
    pub(crate) fn check(&self, operation: &'static str, units: usize) -> Result<usize> {
        if u32::try_from(units).is_err() {
            let (limit, got) = (u64::from(u32::MAX), units as u64);
            return Err(Error::TooMany { operation, items: "units", limit, got });
        }
        if let Self::Given(rows) = self {
            for row in rows {
                let (expected, got) = (units, row.len());
                if expected != got {
                    let items = "indices in each resample";
                    return Err(Error::Length { operation, items, expected, got });
                }
                if let Some(index) = row.iter().position(|&unit| unit >= units) {
                    return Err(Error::Label { operation, index, label: row[index], limit: units });
                }
            }
        }
        Ok(units)
    }

    /// Writes the units of one resample.
    pub(crate) fn fill(&self, resample: usize, units: u32, drawn: &mut [u32]) {
        match self {
            Self::Seeded(seed) => {
                draw(&mut stream(*seed, "bootstrap", resample as u64), units, drawn);
            }
            Self::Given(rows) => {
                for (to, &from) in drawn.iter_mut().zip(&rows[resample]) {
                    *to = from as u32;
                }
            }
        }
    }
}

/// Whole numbers in `0..bound` without bias, several from each 64 random bits.
fn draw(rng: &mut Stream, bound: u32, drawn: &mut [u32]) {
    // Batches whose product stays below 2^60 are rejected less than once in sixteen times.
    match bound {
        0..=0x8000 => draw_batches::<4>(rng, bound, drawn),
        0x8001..=0x10_0000 => draw_batches::<3>(rng, bound, drawn),
        0x10_0001..=0x4000_0000 => draw_batches::<2>(rng, bound, drawn),
        _ => draw_batches::<1>(rng, bound, drawn),
    }
}

/// Batches of `N` by Brackett-Rozinsky and Lemire (2024): each multiplication by the bound gives a
/// number above and passes the bits below on to the next; `bound^N` fits 64 bits.
fn draw_batches<const N: usize>(rng: &mut Stream, bound: u32, drawn: &mut [u32]) {
    let product = u64::from(bound.max(1)).pow(N as u32);
    let threshold = product.wrapping_neg() % product;
    let mut batch = || {
        loop {
            let mut bits = rng.next_u64();
            let batch = [(); N].map(|()| {
                let scaled = u128::from(bits) * u128::from(bound);
                bits = scaled as u64;
                (scaled >> 64) as u32
            });
            if bits >= threshold {
                return batch;
            }
        }
    };
    let (batches, rest) = drawn.as_chunks_mut::<N>();
    batches.fill_with(&mut batch);
    if !rest.is_empty() {
        rest.copy_from_slice(&batch()[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_drawn_equally_often() {
        // One bound for each size of batch; three quarters of 2^32 would be uneven by a third
        // without rejection.
        for bound in [1, 3, 7, 0x8000, 100_000, 10_000_019, 0xC000_0000] {
            let mut drawn = vec![0; 60_001];
            Draws::Seeded(5).fill(3, bound, &mut drawn);
            assert!(drawn.iter().all(|&unit| unit < bound));
            let parts = bound.min(3);
            for part in 0..parts {
                let lower = u64::from(bound) * u64::from(part) / u64::from(parts);
                let upper = u64::from(bound) * u64::from(part + 1) / u64::from(parts);
                let hits = drawn.iter().filter(|&&unit| (lower..upper).contains(&u64::from(unit)));
                let expected = 60_001.0 * (upper - lower) as f64 / f64::from(bound);
                // Five standard errors of a third.
                assert!((hits.count() as f64 - expected).abs() < 577.0, "{part} of {bound}");
            }
        }
    }

    #[test]
    fn places_within_a_batch_are_independent() {
        let mut drawn = vec![0; 64_000];
        Draws::Seeded(1).fill(0, 4, &mut drawn);
        for lag in 1..4 {
            let mut pairs = [0_u32; 16];
            for batch in drawn.chunks(4) {
                pairs[(batch[0] * 4 + batch[lag]) as usize] += 1;
            }
            // Expected 1000 each, standard deviation 31.
            assert!(pairs.iter().all(|&count| (840..1160).contains(&count)), "{pairs:?}");
        }
    }
}
