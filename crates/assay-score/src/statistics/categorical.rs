//! Exact tests of two-by-two tables: Fisher's for independence, McNemar's for paired answers.

use super::exact::Hypergeometric;
use crate::special::{binomial_below, binomial_pmf, chi_square_above};
use crate::{Error, Result};

/// What [`fisher`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FisherReport {
    /// The probability, given the margins and independence, of a table no likelier than this one.
    /// Probabilities count as equal within 1e-7, as in R and scipy.
    pub two_sided: f64,
    /// The probability of a first cell this small or smaller.
    pub less: f64,
    /// The probability of a first cell this large or larger.
    pub greater: f64,
    /// The sample odds ratio `ad / bc`; `None` where a whole row or column is empty, infinite where
    /// only the denominator is zero.
    pub odds_ratio: Option<f64>,
}

/// Fisher's exact test of the table `[[a, b], [c, d]]` (Fisher 1922).
///
/// Tails are summed from the observed table outwards until nothing is added, so that large tables
/// take no longer than their spread, and small probabilities keep their digits.
///
/// ```
/// use assay_score::statistics::fisher;
/// let report = fisher([[12, 5], [7, 16]])?;
/// assert!((report.two_sided - 0.0238368959).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for a table without counts, [`Error::TooMany`] beyond `2^53`.
pub fn fisher(table: [[u64; 2]; 2]) -> Result<FisherReport> {
    let operation = "Fisher's exact test";
    let [[a, b], [c, d]] = table;
    let got = a.saturating_add(b).saturating_add(c).saturating_add(d);
    let limit = crate::EXACT_COUNTS;
    if got == 0 {
        return Err(Error::Empty { operation, item: "count" });
    }
    if got > limit {
        return Err(Error::TooMany { operation, items: "counts", limit, got });
    }
    let law = Hypergeometric { marked: a + b, unmarked: c + d, drawn: a + c };
    let (over, under) = (a as f64 * d as f64, b as f64 * c as f64);
    Ok(FisherReport {
        two_sided: law.two_sided(a),
        less: law.at_most(a),
        greater: law.at_least(a),
        odds_ratio: (over > 0.0 || under > 0.0).then(|| over / under),
    })
}

/// What [`mcnemar`] reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct McNemarReport {
    /// The two-sided exact p-value, from the binomial distribution of the discordant pairs; 1 where
    /// there are none.
    pub exact_p: f64,
    /// The exact p-value with only half of the probability of the observed split, which is closer to
    /// its nominal level (Fagerland, Lydersen and Laake 2013). The default to report.
    pub mid_p: f64,
    /// `(b − c)² / (b + c)` and its p-value with one degree of freedom; `None` without discordant
    /// pairs.
    pub chi_square: Option<(f64, f64)>,
    /// `(|b − c| − 1)² / (b + c)` and its p-value: the continuity correction of Edwards (1948).
    pub corrected: Option<(f64, f64)>,
}

/// McNemar's test of paired answers (1947): of the items that exactly one of two models answered
/// right, `b` by the first and `c` by the second, is the split even?
///
/// The effect is `(b − c) / n` over all `n` items.
///
/// ```
/// use assay_score::statistics::mcnemar;
/// let report = mcnemar(5, 15)?;
/// assert!((report.mid_p - 0.0266036987).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooMany`] beyond `2^53` pairs.
pub fn mcnemar(b: u64, c: u64) -> Result<McNemarReport> {
    let (got, limit) = (b.saturating_add(c), crate::EXACT_COUNTS);
    if got > limit {
        let operation = "McNemar's test";
        return Err(Error::TooMany { operation, items: "pairs", limit, got });
    }
    if got == 0 {
        return Ok(McNemarReport { exact_p: 1.0, mid_p: 1.0, chi_square: None, corrected: None });
    }
    let (n, fewer) = (got, b.min(c));
    let tail = binomial_below(fewer, n, 0.5);
    let at = binomial_pmf(fewer as f64, n as f64, 0.5);
    let square = |difference: f64| {
        let statistic = difference * difference / n as f64;
        Some((statistic, chi_square_above(1.0, statistic)))
    };
    let difference = b.abs_diff(c) as f64;
    Ok(McNemarReport {
        exact_p: (2.0 * tail).min(1.0),
        mid_p: (2.0 * tail - at).clamp(0.0, 1.0),
        chi_square: square(difference),
        corrected: square((difference - 1.0).max(0.0)),
    })
}
