//! Ranks over tasks: with ties, with missing values, and without hiding what a mean of ranks hides.

use assay_score::statistics::{
    Direction, FriedmanReport, Ties, critical_difference, friedman, rank, spearman,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One column: a measure of all models. A model that was not measured has `None`, never a sentinel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The measure.
    pub name: String,
    /// Which end is good.
    pub direction: Direction,
    /// The values, in the order of the models.
    pub values: Vec<Option<f64>>,
    /// Intervals, where they are known; as long as the values, or empty.
    #[serde(default)]
    pub intervals: Vec<Option<(f64, f64)>>,
}

impl Column {
    /// A column of measured values.
    pub fn new(name: impl Into<String>, direction: Direction, values: &[f64]) -> Self {
        let values = values.iter().copied().map(Some).collect();
        Self { name: name.into(), direction, values, intervals: Vec::new() }
    }

    /// Turns a number that stands for "not measured" into `None`.
    #[must_use]
    pub fn without_sentinel(mut self, sentinel: f64) -> Self {
        for value in &mut self.values {
            if *value == Some(sentinel) {
                *value = None;
            }
        }
        self
    }
}

/// Models and what was measured of them.
///
/// ```
/// use assay_score::statistics::Direction::{HigherBetter, LowerBetter};
/// use assay_score::statistics::Ties;
/// use trust_metrics::leaderboard::{Column, Leaderboard};
/// let board = Leaderboard::new(
///     &["a", "b", "c"],
///     vec![
///         Column::new("accuracy", HigherBetter, &[0.9, 0.8, 0.8]),
///         Column::new("toxicity", LowerBetter, &[0.1, -1.0, 0.3]).without_sentinel(-1.0),
///     ],
/// )?;
/// assert_eq!(board.ranks(1, Ties::Min)?, [Some(1.0), None, Some(2.0)]);
/// assert_eq!(board.mean_ranks(Ties::Min)?, [Some(1.0), Some(2.0), Some(2.0)]);
/// # Ok::<(), trust_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaderboard {
    models: Vec<String>,
    columns: Vec<Column>,
}

/// A column whose declared direction or unit does not go with the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The column.
    pub column: String,
    /// What is wrong, in words.
    pub problem: String,
}

impl Leaderboard {
    /// From models and columns.
    ///
    /// # Errors
    /// [`Error::Setting`] for a column of another length or with a value that is not finite.
    pub fn new(models: &[&str], columns: Vec<Column>) -> Result<Self> {
        let wrong = |column: &Column, expected: String, got: String| Error::Setting {
            operation: "leaderboard",
            name: "a column",
            expected,
            got: format!("{got} in {}", column.name),
        };
        for column in &columns {
            let lengths = [column.values.len(), column.intervals.len()];
            if lengths[0] != models.len() || lengths[1] != 0 && lengths[1] != models.len() {
                let expected = format!("to have a value for each of {} models", models.len());
                return Err(wrong(column, expected, format!("{} values", lengths[0])));
            }
            if let Some(value) = column.values.iter().flatten().find(|value| !value.is_finite()) {
                return Err(wrong(column, "of finite values".to_owned(), value.to_string()));
            }
        }
        Ok(Self { models: models.iter().map(|model| (*model).to_owned()).collect(), columns })
    }

    /// The models.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The ranks of one column, from 1 for the best; `None` where there is no value.
    ///
    /// # Errors
    /// [`Error::Setting`] for a column that does not exist.
    pub fn ranks(&self, column: usize, ties: Ties) -> Result<Vec<Option<f64>>> {
        let column = self.columns.get(column).ok_or_else(|| Error::Setting {
            operation: "leaderboard",
            name: "the column's number",
            expected: format!("below {}", self.columns.len()),
            got: column.to_string(),
        })?;
        ranks(column, column.direction, ties)
    }

    /// The ranks of one column where overlapping intervals tie: one more than the number of models
    /// that are surely better. `None` where there is no interval.
    ///
    /// # Errors
    /// As [`ranks`](Self::ranks).
    pub fn certain_ranks(&self, column: usize) -> Result<Vec<Option<f64>>> {
        let by_value = self.ranks(column, Ties::Min)?;
        let column = &self.columns[column];
        let interval = |index: usize| column.intervals.get(index).copied().flatten();
        let better =
            |(low, high): (f64, f64), (other_low, other_high): (f64, f64)| match column.direction {
                Direction::HigherBetter => other_low > high,
                Direction::LowerBetter => other_high < low,
            };
        Ok((0..by_value.len())
            .map(|index| {
                let own = interval(index)?;
                let ahead =
                    (0..by_value.len()).filter_map(interval).filter(|other| better(own, *other));
                Some(1.0 + ahead.count() as f64)
            })
            .collect())
    }

    /// The mean rank of each model over the columns where it has one. An option, not a verdict: see
    /// [`agreement`](Self::agreement) for how much the columns agree.
    ///
    /// # Errors
    /// None in practice; as [`ranks`](Self::ranks).
    pub fn mean_ranks(&self, ties: Ties) -> Result<Vec<Option<f64>>> {
        let all: Vec<Vec<Option<f64>>> = (0..self.columns.len())
            .map(|column| self.ranks(column, ties))
            .collect::<Result<_>>()?;
        let mean = |model: usize| crate::measure::mean(all.iter().filter_map(|ranks| ranks[model]));
        Ok((0..self.models.len()).map(mean).collect())
    }

    /// Friedman's test over the columns without missing values, with Kendall's W: 1 where all columns
    /// rank the models alike, 0 where they rank at random and a mean rank says nothing.
    ///
    /// # Errors
    /// For fewer than two models, no complete column, or only ties.
    pub fn agreement(&self) -> Result<FriedmanReport> {
        let mut blocks = Vec::new();
        for column in &self.columns {
            let complete: Option<Vec<f64>> = column.values.iter().copied().collect();
            let sign = if column.direction == Direction::HigherBetter { -1.0 } else { 1.0 };
            blocks.extend(complete.into_iter().flatten().map(|value| sign * value));
        }
        Ok(friedman(&blocks, self.models.len())?)
    }

    /// How far apart mean ranks must be to differ at the level `alpha` (Nemenyi).
    ///
    /// # Errors
    /// As [`critical_difference`].
    pub fn critical_difference(&self, alpha: f64) -> Result<f64> {
        let complete = |column: &&Column| column.values.iter().all(Option::is_some);
        let blocks = self.columns.iter().filter(complete).count();
        Ok(critical_difference(self.models.len(), blocks, alpha)?)
    }

    /// Compares each column's declared direction with the order that somebody gave, such as a published
    /// table of ranks: a correlation below zero means that it was ranked the wrong way round.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there is a list of ranks for each column.
    pub fn audit_directions(&self, given: &[Vec<Option<f64>>]) -> Result<Vec<Finding>> {
        if given.len() != self.columns.len() {
            return Err(Error::Setting {
                operation: "audit of directions",
                name: "lists of ranks",
                expected: format!("{}, one a column", self.columns.len()),
                got: given.len().to_string(),
            });
        }
        let mut findings = Vec::new();
        for (column, theirs) in self.columns.iter().zip(given) {
            let ours = ranks(column, column.direction, Ties::Average)?;
            let (ours, theirs): (Vec<f64>, Vec<f64>) =
                ours.iter().zip(theirs).filter_map(|(a, b)| a.zip(*b)).unzip();
            if ours.len() < 3 {
                continue;
            }
            let Some(found) = spearman(&ours, &theirs, 0.95)? else { continue };
            if found.value < 0.0 {
                let problem =
                    format!("ranked against its direction (correlation {:.2})", found.value);
                findings.push(Finding { column: column.name.clone(), problem });
            }
        }
        Ok(findings)
    }

    /// Columns that mix units: values beyond 1.5 beside others within `[−1, 1]` in the same table.
    pub fn audit_units(&self) -> Vec<Finding> {
        let largest = |column: &Column| {
            column.values.iter().flatten().fold(0.0, |most, value| f64::max(most, value.abs()))
        };
        let some_share = self.columns.iter().any(|column| (0.0..=1.0).contains(&largest(column)));
        let strange = self.columns.iter().filter(|column| some_share && largest(column) > 1.5);
        strange
            .map(|column| Finding {
                column: column.name.clone(),
                problem: format!("values up to {} beside shares: percent?", largest(column)),
            })
            .collect()
    }
}

fn ranks(column: &Column, direction: Direction, ties: Ties) -> Result<Vec<Option<f64>>> {
    let present: Vec<f64> = column.values.iter().flatten().copied().collect();
    let mut ranked = rank(&present, direction, ties)?.into_iter();
    Ok(column.values.iter().map(|value| value.and_then(|_| ranked.next())).collect())
}
