//! A sum of fractions that does not depend on their order.

use crate::bytes::{Reader, Writer};
use crate::{Error, Result};

/// Fractions rounded to the grid of `2^-64` and added as whole numbers, so that any order of adding
/// and merging gives the same sum. Each fraction is off by at most `2^-65`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shares(u128);

impl Shares {
    /// Adds `over / under`; `under` is positive, and the sum of all terms stays below `2^64`.
    pub(crate) fn add(&mut self, over: u64, under: u64) {
        let (over, under) = (u128::from(over) << 64, u128::from(under.max(1)));
        self.0 = self.0.saturating_add((over + under / 2) / under);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    pub(crate) fn value(self) -> f64 {
        self.0 as f64 * 2.0_f64.powi(-64)
    }

    /// Whether the sum can be one of `terms` fractions of at most one.
    pub(crate) fn fits(self, terms: u64) -> bool {
        self.0 <= u128::from(terms) << 64
    }

    pub(crate) fn write(self, writer: Writer) -> Writer {
        writer.u64((self.0 >> 64) as u64).u64(self.0 as u64)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let upper = reader.u64()?;
        Ok(Self(u128::from(upper) << 64 | u128::from(reader.u64()?)))
    }
}

/// Checks that a counter plus more stays where `f64` holds it exactly.
pub(crate) fn count_on(
    operation: &'static str,
    items: &'static str,
    old: u64,
    more: u64,
) -> Result<u64> {
    let (got, limit) = (old.saturating_add(more), crate::EXACT_COUNTS);
    if got > limit {
        return Err(Error::TooMany { operation, items, limit, got });
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::Shares;

    #[test]
    fn three_thirds_are_one() {
        let mut sum = Shares::default();
        for _ in 0..3 {
            sum.add(1, 3);
        }
        assert_eq!(sum.value(), 1.0);
        assert!(sum.fits(3) && !sum.fits(0));
    }
}
