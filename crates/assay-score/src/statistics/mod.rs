//! Tests, associations, effects and ratings, each with its uncertainty.
//!
//! | question | function |
//! |---|---|
//! | do two categories depend on each other? | [`chi_square`], [`fisher`] |
//! | did one of two models answer the same items better? | [`mcnemar`], [`sign_test`], [`wilcoxon`], [`paired_t`], [`paired_permutation`] |
//! | do two samples differ? | [`mann_whitney`], [`welch_t`], [`permutation`], [`two_proportions`] |
//! | do two numbers move together? | [`pearson`], [`spearman`], [`kendall`] |
//! | do models differ over many tasks? | [`friedman`], [`critical_difference`], [`rank`] |
//! | what of many tests at once? | [`holm`], [`benjamini_hochberg`], [`benjamini_yekutieli`] |
//! | how large is it? | [`cohens_d`], [`cliffs_delta`], [`cohens_h`], [`ChiSquare::cramers_v`](ChiSquareReport) |
//! | how many items are needed? | [`sample_size`], [`power`] |
//! | how sure is a mean of dependent items? | [`standard_error`], [`clustered_standard_error`] |
//! | what is the rate behind an imperfect judge? | [`corrected_rate`] |
//! | which of many is preferred? | [`Matches`] (Bradley-Terry), [`elo`] |
//!
//! A p-value says nothing about size: every test here comes with an effect or an interval beside it.
//! Ranks and permutations need all values at once, so of these only [`Matches`] merges; the counts
//! that [`chi_square`], [`fisher`], [`mcnemar`] and [`two_proportions`] take are sums anyway.

mod association;
mod categorical;
mod clustered;
mod correlation;
mod effect;
mod exact;
mod friedman;
mod kendall;
mod multiple;
mod pairwise;
mod pass_at_k;
mod permutation;
mod prevalence;
mod proportions;
mod rank;
mod rank_tests;
mod t_tests;

pub use association::{ChiSquareReport, Yates, chi_square};
pub use categorical::{FisherReport, McNemarReport, fisher, mcnemar};
pub use clustered::{ClusterCorrection, clustered_standard_error, standard_error};
pub use correlation::{Correlation, pearson, spearman};
pub use effect::{cliffs_delta, cohens_d, cohens_h};
pub use friedman::{FriedmanReport, critical_difference, friedman};
pub use kendall::{KendallReport, kendall};
pub use multiple::{benjamini_hochberg, benjamini_yekutieli, holm};
pub use pairwise::{
    BradleyTerryReport, EloConfig, EloReport, Match, Matches, Outcome, Strength, elo,
};
pub use pass_at_k::{pass_at_k, pass_every_k};
pub use permutation::{PermutationConfig, PermutationReport, paired_permutation, permutation};
pub use prevalence::{JudgeQuality, corrected_rate};
pub use proportions::{TwoProportions, power, sample_size, two_proportions};
pub use rank::{Direction, Ties, rank};
pub use rank_tests::{RankTestReport, mann_whitney, sign_test, wilcoxon};
pub use t_tests::{TReport, paired_t, welch_t};

use assay_array::Scalar;

use crate::{Error, Result};

/// Which deviations from "no difference" count as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Alternative {
    /// In either direction.
    #[default]
    TwoSided,
    /// The first is smaller.
    Less,
    /// The first is larger.
    Greater,
}

/// How a p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Method {
    /// From the full distribution of the statistic, ties included.
    Exact,
    /// From its limit for many items.
    Asymptotic,
    /// From random permutations: `(1 + as extreme) / (1 + drawn)`.
    MonteCarlo,
}

/// Finite values as `f64`, of which there must be at least `needed`.
pub(crate) fn finite<T: Scalar>(
    operation: &'static str,
    values: &[T],
    needed: usize,
) -> Result<Vec<f64>> {
    let got = values.len();
    if got == 0 && needed > 0 {
        return Err(Error::Empty { operation, item: "value" });
    }
    if got < needed {
        return Err(Error::TooFew { operation, items: "values", needed, got });
    }
    let values: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
    let upper = crate::Moments::LIMIT;
    match values.iter().position(|value| !(-upper..=upper).contains(value)) {
        None => Ok(values),
        Some(index) => {
            Err(Error::Value { operation, index, value: values[index], lower: -upper, upper })
        }
    }
}

/// Two finite samples of one length.
pub(crate) fn pairs<T: Scalar>(
    operation: &'static str,
    x: &[T],
    y: &[T],
    needed: usize,
) -> Result<(Vec<f64>, Vec<f64>)> {
    if x.len() != y.len() {
        return Err(Error::Length { operation, items: "values", expected: x.len(), got: y.len() });
    }
    Ok((finite(operation, x, needed)?, finite(operation, y, needed)?))
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance with divisor `n − 1`.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let center = mean(values);
    values.iter().map(|value| (value - center).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

/// The p-value of a statistic that is normal under the null hypothesis.
pub(crate) fn normal_p(z: f64, alternative: Alternative) -> f64 {
    let above = |z: f64| crate::special::normal_cdf(-z);
    match alternative {
        Alternative::TwoSided => (2.0 * above(z.abs())).min(1.0),
        Alternative::Less => above(-z),
        Alternative::Greater => above(z),
    }
}
