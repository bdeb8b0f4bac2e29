use crate::{Error, Moments, Result};

/// The bits of an `f64`'s significand.
const SIGNIFICAND: i32 = 53;
/// Bits of an `i128` beside its sign, one kept free for rounding up.
const ROOM: i32 = 126;

/// Numbers on a common fixed-point grid of `i128`, whose sums are exact and hence the same in any
/// order.
///
/// The grid is as fine as room for a given number of terms of the largest magnitude allows; numbers
/// too small for it are rounded to it.
pub(crate) struct FixedPoint {
    items: Vec<i128>,
    sum: i128,
    /// What one step of the grid is worth, `2^e`.
    exponent: i32,
}

impl FixedPoint {
    /// Sums of up to `terms` of these values will fit.
    pub(crate) fn new(operation: &'static str, values: &[f64], terms: u64) -> Result<Self> {
        let upper = Moments::LIMIT;
        let fits = |value: &f64| value.abs() <= upper;
        if let Some(index) = values.iter().position(|value| !fits(value)) {
            return Err(Error::Value {
                operation,
                index,
                value: values[index],
                lower: -upper,
                upper,
            });
        }
        let largest = values.iter().map(|&value| decompose(value).1).max().unwrap_or(0);
        let headroom = (u64::BITS - terms.leading_zeros()).cast_signed();
        let exponent = largest - (ROOM - SIGNIFICAND - headroom);
        let items: Vec<i128> = values.iter().map(|&value| on_grid(value, exponent)).collect();
        let sum = items.iter().sum();
        Ok(Self { items, sum, exponent })
    }

    pub(crate) fn items(&self) -> &[i128] {
        &self.items
    }

    pub(crate) fn mean(&self) -> f64 {
        self.ratio(self.sum, self.items.len() as u64)
    }

    pub(crate) fn mean_of(&self, drawn: &[u32]) -> f64 {
        let sum = drawn.iter().map(|&i| self.items[i as usize]).sum();
        self.ratio(sum, drawn.len() as u64)
    }

    /// The mean without `count` values that sum to `sum`.
    pub(crate) fn mean_without(&self, sum: i128, count: u64) -> f64 {
        self.ratio(self.sum - sum, self.items.len() as u64 - count)
    }

    /// The correctly rounded sum divided by the count.
    pub(crate) fn ratio(&self, sum: i128, count: u64) -> f64 {
        // In two steps, for 2^exponent alone may be zero.
        let half = self.exponent / 2;
        sum as f64 / count as f64 * 2.0_f64.powi(half) * 2.0_f64.powi(self.exponent - half)
    }
}

/// Significand and exponent with `value = significand · 2^exponent`.
fn decompose(value: f64) -> (i128, i32) {
    let bits = value.to_bits();
    let fraction = i128::from(bits & ((1 << (SIGNIFICAND - 1)) - 1));
    let biased = ((bits >> (SIGNIFICAND - 1)) & 0x7ff) as i32;
    let significand = if biased == 0 { fraction } else { fraction | (1 << (SIGNIFICAND - 1)) };
    let signed = if value.is_sign_negative() { -significand } else { significand };
    // 1023 is the bias, and the significand is read as a whole number.
    (signed, biased.max(1) - 1023 - (SIGNIFICAND - 1))
}

fn on_grid(value: f64, grid: i32) -> i128 {
    let (significand, exponent) = decompose(value);
    match exponent - grid {
        up @ 0.. => significand << up,
        // Beyond the significand even its rounding is gone.
        down if down < -SIGNIFICAND => 0,
        down => {
            let down = -down;
            (significand + (1 << (down - 1))) >> down
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        let values = [1e16, 1.0, -1e16, 0.1, -0.3, 5e-324, -0.0];
        let table = FixedPoint::new("test", &values, 7).expect("finite");
        // The nearest f64 to the exact sum of the f64 values.
        assert_eq!(table.mean() * 7.0, 0.8);
        assert_eq!(table.mean_of(&[3]), 0.1);
        assert_eq!(table.mean_of(&[0, 1, 2]), 1.0 / 3.0);
        assert_eq!(table.mean_without(table.items()[0], 1), (-1e16 + 0.8) / 6.0);
    }

    #[test]
    fn extremes_stay_in_range() {
        for scale in [5e-324, 1e-308, 1.0, Moments::LIMIT] {
            let table = FixedPoint::new("test", &[scale, scale, -scale], u64::MAX).expect("finite");
            assert_eq!(table.mean_of(&[0, 1]), scale);
            assert_eq!(table.mean_of(&[0, 2]), 0.0);
        }
        assert_eq!(FixedPoint::new("test", &[0.0], 1).expect("finite").mean(), 0.0);
        assert!(FixedPoint::new("test", &[f64::NAN], 1).is_err());
    }
}
