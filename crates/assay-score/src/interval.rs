//! Intervals for a proportion: `successes` out of `trials`.
//!
//! | function | coverage | use |
//! |---|---|---|
//! | [`wilson`] | close to the level on average | the default |
//! | [`wilson_corrected`] | close to, mostly above the level | agreement with continuity-corrected tests |
//! | [`clopper_pearson`] | never below the level | when the level must be guaranteed |
//! | [`jeffreys`] | close to the level on average | a Bayesian reading: equal-tailed, prior Beta(½, ½) |
//!
//! Brown, Cai and DasGupta (2001) compare them. All four stay inside `[0, 1]`, never have width zero
//! and are the mirror images of each other for `k` and `n − k`.
//!
//! ```
//! use assay_score::interval::wilson;
//! let interval = wilson(20, 20, 0.95)?;
//! assert!((interval.lower - 0.8388748419).abs() < 1e-9);
//! assert_eq!(interval.upper, 1.0);
//! # Ok::<(), assay_score::Error>(())
//! ```
//!
//! Every function returns [`Error::Empty`] for no trials, [`Error::Setting`] for a level outside
//! `(0, 1)` or more successes than trials, and [`Error::TooMany`] beyond `2^53` trials.

use crate::special::{Tail, beta_quantile, two_sided_z};
use crate::{Error, Result};

/// Two bounds and the level of confidence that they were asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interval {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// The level of confidence, such as 0.95.
    pub level: f64,
}

impl Interval {
    /// Whether the value lies between the bounds or on one.
    pub fn contains(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }

    /// The distance between the bounds.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

/// The score interval (Wilson 1927), the proportions that a normal test would not reject:
///
/// `(p̂ + z²/2n ± z √(p̂ (1 − p̂)/n + z²/4n²)) / (1 + z²/n)` with `p̂ = k/n`.
///
/// # Errors
/// As the [module](self) says.
pub fn wilson(successes: u64, trials: u64, level: f64) -> Result<Interval> {
    let (k, n) = checked("Wilson interval", successes, trials, level)?;
    let z = two_sided_z(level);
    // The roots of (n + z²)p² − (2k + z²)p + k²/n; the smaller one from their product, so that
    // neither cancels.
    let twice = 2.0 * k + z * z + z * (z * z + 4.0 * k * ((n - k) / n)).sqrt();
    let upper = if successes == trials { 1.0 } else { twice / (2.0 * (n + z * z)) };
    // Where the level is so small that z is zero, so is `twice` for no successes.
    let lower = if successes == 0 { 0.0 } else { 2.0 * k * (k / n) / twice };
    Ok(Interval { lower, upper: upper.min(1.0), level })
}

/// The score interval with continuity correction (Newcombe 1998, method 4).
///
/// # Errors
/// As the [module](self) says.
pub fn wilson_corrected(successes: u64, trials: u64, level: f64) -> Result<Interval> {
    let (k, n) = checked("Wilson interval with continuity correction", successes, trials, level)?;
    let z = two_sided_z(level);
    // The argument is at least z² + 1 for one or more, so each bound's root exists.
    let root = |k: f64| z * (z * z - 2.0 - 1.0 / n + 4.0 * (k / n) * (n - k + 1.0)).sqrt();
    let bound = |numerator: f64| (numerator / (2.0 * (n + z * z))).clamp(0.0, 1.0);
    let lower = if successes == 0 { 0.0 } else { bound(2.0 * k + z * z - 1.0 - root(k)) };
    let upper = if successes == trials { 1.0 } else { bound(2.0 * k + z * z + 1.0 + root(n - k)) };
    Ok(Interval { lower, upper, level })
}

/// The exact interval (Clopper and Pearson 1934): with `α = 1 − level`, the bounds are the `α/2`
/// quantile of `Beta(k, n − k + 1)` and the `1 − α/2` quantile of `Beta(k + 1, n − k)`; 0 where
/// `k = 0` and 1 where `k = n`.
///
/// Takes `O(√n)` time.
///
/// # Errors
/// As the [module](self) says.
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> Result<Interval> {
    let (k, n) = checked("Clopper-Pearson interval", successes, trials, level)?;
    Ok(between((k, n - k + 1.0), (k + 1.0, n - k), (successes, trials), level))
}

/// The equal-tailed interval of the posterior `Beta(k + ½, n − k + ½)`, with 0 as lower bound where
/// `k = 0` and 1 as upper bound where `k = n` (Brown, Cai and DasGupta 2001).
///
/// Takes `O(√n)` time.
///
/// # Errors
/// As the [module](self) says.
pub fn jeffreys(successes: u64, trials: u64, level: f64) -> Result<Interval> {
    let (k, n) = checked("Jeffreys interval", successes, trials, level)?;
    let shapes = (k + 0.5, n - k + 0.5);
    Ok(between(shapes, shapes, (successes, trials), level))
}

/// The interval between a lower quantile of one beta distribution and an upper one of another.
fn between(
    lower: (f64, f64),
    upper: (f64, f64),
    (successes, trials): (u64, u64),
    level: f64,
) -> Interval {
    let tail = (1.0 - level) / 2.0;
    let quantile = |shapes: (f64, f64), side| beta_quantile(shapes.0, shapes.1, tail, side);
    Interval {
        lower: if successes == 0 { 0.0 } else { quantile(lower, Tail::Lower) },
        upper: if successes == trials { 1.0 } else { quantile(upper, Tail::Upper) },
        level,
    }
}

/// Checks the arguments and returns the counts as `f64`, which holds them exactly.
fn checked(operation: &'static str, successes: u64, trials: u64, level: f64) -> Result<(f64, f64)> {
    check_level(operation, level)?;
    if trials == 0 {
        return Err(Error::Empty { operation, item: "trial" });
    }
    let limit = crate::EXACT_COUNTS;
    if trials > limit {
        return Err(Error::TooMany { operation, items: "trials", limit, got: trials });
    }
    if successes > trials {
        let (name, expected) = ("successes", "no more than trials");
        return Err(Error::Setting { operation, name, expected, got: successes as f64 });
    }
    Ok((successes as f64, trials as f64))
}

/// Checks that a level of confidence is strictly between 0 and 1.
pub(crate) fn check_level(operation: &'static str, level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::Setting { operation, name: "level", expected: "between 0 and 1", got: level })
}
