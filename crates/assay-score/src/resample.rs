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

/// Whole numbers in `0..bound` without bias (Lemire 2019, algorithm 5, with 32 bits).
fn draw(rng: &mut Stream, bound: u32, drawn: &mut [u32]) {
    let scaled = |word: u32| {
        let product = u64::from(word) * u64::from(bound);
        ((product >> 32) as u32, product as u32)
    };
    let threshold = bound.wrapping_neg() % bound.max(1);
    for unit in drawn {
        let (mut high, mut low) = scaled(rng.next_u32());
        while low < threshold {
            (high, low) = scaled(rng.next_u32());
        }
        *unit = high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_drawn_equally_often() {
        // Three quarters of 2^32: without rejection, some units would come twice as often.
        for bound in [1, 7, 0xC000_0000] {
            let mut drawn = vec![0; 60_000];
            Draws::Seeded(5).fill(3, bound, &mut drawn);
            let third = |part: u32| {
                let within =
                    |&&unit: &&u32| (u64::from(unit) * 3 / u64::from(bound)) as u32 == part;
                drawn.iter().filter(within).count() as f64
            };
            assert!(drawn.iter().all(|&unit| unit < bound));
            if bound == 0xC000_0000 {
                // Five standard errors.
                assert!((0..3).all(|part| (third(part) - 20_000.0).abs() < 577.0));
            }
        }
    }
}
