//! The chi-square test of independence.

use crate::special::chi_square_above;
use crate::{Error, Result};

/// Whether the differences from expected counts are brought closer to zero by one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Yates {
    /// For tables of two by two only, as `scipy.stats.chi2_contingency` does.
    #[default]
    TwoByTwo,
    /// Never.
    Never,
}

/// What [`chi_square`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChiSquareReport {
    /// `Σ (O − E)² / E` over cells, with Yates' correction where asked.
    pub statistic: f64,
    /// `(r − 1)(c − 1)` of the rows and columns that are not empty.
    pub degrees_of_freedom: u64,
    /// The probability of a statistic at least as large without dependence; 1 for a single row or
    /// column, where nothing can depend.
    pub p_value: f64,
    /// Cramér's V, `√(χ² / (n (min(r, c) − 1)))` from the uncorrected statistic: 0 for independence,
    /// 1 where one category determines the other; `None` for a single row or column.
    pub cramers_v: Option<f64>,
    /// The expected counts `row · column / n`, row after row of the whole table.
    pub expected: Vec<f64>,
    /// The smallest expected count of the rows and columns that are not empty. Below 5, prefer an
    /// exact test: the limit is poor.
    pub smallest_expected: f64,
}

/// Pearson's chi-square test of independence of a table of counts, given row after row.
///
/// Empty rows and columns are left out: they carry no information and would divide by zero.
///
/// ```
/// use assay_score::statistics::{Yates, chi_square};
/// let report = chi_square(&[120, 200, 85, 150, 190, 65], 3, Yates::TwoByTwo)?;
/// assert_eq!(report.degrees_of_freedom, 2);
/// assert!((report.statistic - 6.2564102564).abs() < 1e-9);
/// assert!((report.p_value - 0.0437963356).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for no columns, [`Error::Length`] for an incomplete row, [`Error::Empty`] for a
/// table without counts, [`Error::TooMany`] beyond `2^53`.
pub fn chi_square(table: &[u64], columns: usize, yates: Yates) -> Result<ChiSquareReport> {
    let operation = "chi-square test";
    if columns == 0 {
        let (name, expected) = ("columns", "at least 1");
        return Err(Error::Setting { operation, name, expected, got: 0.0 });
    }
    if !table.len().is_multiple_of(columns) {
        let (items, got) = ("counts in the last row", table.len() % columns);
        return Err(Error::Length { operation, items, expected: columns, got });
    }
    let total = table.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
    let limit = crate::EXACT_COUNTS;
    if total == 0 {
        return Err(Error::Empty { operation, item: "count" });
    }
    if total > limit {
        return Err(Error::TooMany { operation, items: "counts", limit, got: total });
    }
    let n = total as f64;
    let mut column_sums = vec![0.0; columns];
    let mut row_sums = Vec::with_capacity(table.len() / columns);
    for row in table.chunks_exact(columns) {
        row_sums.push(row.iter().sum::<u64>() as f64);
        for (sum, &count) in column_sums.iter_mut().zip(row) {
            *sum += count as f64;
        }
    }
    let used = |sums: &[f64]| sums.iter().filter(|&&sum| sum > 0.0).count();
    let (r, c) = (used(&row_sums), used(&column_sums));
    let correct = yates == Yates::TwoByTwo && r == 2 && c == 2;
    let (mut plain, mut corrected, mut smallest) = (0.0, 0.0, f64::INFINITY);
    let mut expected = Vec::with_capacity(table.len());
    for (row, &row_sum) in table.chunks_exact(columns).zip(&row_sums) {
        for (&count, &column_sum) in row.iter().zip(&column_sums) {
            let expects = row_sum * column_sum / n;
            expected.push(expects);
            if row_sum == 0.0 || column_sum == 0.0 {
                continue;
            }
            smallest = f64::min(smallest, expects);
            let off = (count as f64 - expects).abs();
            plain += off * off / expects;
            let off = off - off.min(0.5);
            corrected += off * off / expects;
        }
    }
    let degrees_of_freedom = ((r - 1) * (c - 1)) as u64;
    let defined = degrees_of_freedom > 0;
    let statistic = if !defined {
        0.0
    } else if correct {
        corrected
    } else {
        plain
    };
    Ok(ChiSquareReport {
        statistic,
        degrees_of_freedom,
        p_value: if defined { chi_square_above(degrees_of_freedom as f64, statistic) } else { 1.0 },
        cramers_v: defined.then(|| (plain / (n * (r.min(c) - 1) as f64)).sqrt().min(1.0)),
        expected,
        smallest_expected: smallest,
    })
}
