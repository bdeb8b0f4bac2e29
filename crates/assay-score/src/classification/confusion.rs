//! Counts of true against predicted classes, and every score that follows from them.

use crate::bytes::{Kind, Reader, Writer};
use crate::{Error, Mergeable, Result};

const KIND: Kind = *b"confusn\0";
const VERSION: u16 = 1;
const OPERATION: &str = "confusion matrix";
/// More classes than this are a mistake; it also bounds what a configuration can allocate (134 MB).
const MAX_CLASSES: usize = 4096;

/// Marks a prediction that could not be read as any class.
pub const UNPARSED: usize = usize::MAX;

/// What happens to a prediction marked [`UNPARSED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Unparsed {
    /// It is an error that names the index.
    #[default]
    Refuse,
    /// It is counted in a column of its own: wrong, a false negative of its true class and a false
    /// positive of none. It never becomes a class that averages include.
    Count,
}

/// What a class without a defined score contributes to an average over classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Absent {
    /// Zero, as scikit-learn's default: a class that is never seen nor predicted lowers the mean.
    #[default]
    Zero,
    /// One.
    One,
    /// Nothing: the average is over the classes that have the score.
    Skip,
}

impl Absent {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match reader.u64()? {
            0 => Ok(Self::Zero),
            1 => Ok(Self::One),
            2 => Ok(Self::Skip),
            other => Err(reader.invalid("rule for absent classes 0, 1 or 2", other)),
        }
    }
}

/// How a [`ConfusionMatrix`] counts and averages.
///
/// ```
/// use assay_score::{ConfusionConfig, Labels, Mergeable, Unparsed, UNPARSED};
/// let mut matrix = ConfusionConfig::new(2).with_unparsed(Unparsed::Count).init()?;
/// matrix.update(Labels { truth: &[0, 0, 0, 1], predicted: &[0, UNPARSED, 0, 1] })?;
/// let report = matrix.finish()?;
/// assert_eq!((report.accuracy, report.coverage), (0.75, 0.75));
/// assert!((report.macro_average.f1.unwrap() - 0.9).abs() < 1e-12);
/// assert_eq!(matrix.parsed_only().finish()?.accuracy, 1.0);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfusionConfig {
    classes: usize,
    unparsed: Unparsed,
    absent: Absent,
}

impl ConfusionConfig {
    /// Classes are the labels `0..classes`; every one counts in averages, seen or not.
    pub fn new(classes: usize) -> Self {
        Self { classes, unparsed: Unparsed::default(), absent: Absent::default() }
    }

    /// Sets what happens to predictions marked [`UNPARSED`]; refused unless set.
    #[must_use]
    pub fn with_unparsed(self, unparsed: Unparsed) -> Self {
        Self { unparsed, ..self }
    }

    /// Sets what a class without a defined score contributes to averages; zero unless set.
    #[must_use]
    pub fn with_absent(self, absent: Absent) -> Self {
        Self { absent, ..self }
    }

    /// Checks the number of classes and makes an empty matrix.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 1 to 4096 classes.
    pub fn init(self) -> Result<ConfusionMatrix> {
        if !(1..=MAX_CLASSES).contains(&self.classes) {
            return Err(Error::Setting {
                operation: OPERATION,
                name: "classes",
                expected: "from 1 to 4096",
                got: self.classes as f64,
            });
        }
        let cells = vec![0; self.classes * (self.classes + 1)];
        Ok(ConfusionMatrix { config: self, cells, total: 0 })
    }
}

/// A batch for [`ConfusionMatrix`]: two slices of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// The true class of each item.
    pub truth: &'a [usize],
    /// The predicted class of each item, or [`UNPARSED`].
    pub predicted: &'a [usize],
}

/// How often each true class was predicted as each class.
///
/// Everything is an integer, so any order of merging gives the same report exactly. Matrices merge
/// when their configurations are equal. Made by [`ConfusionConfig::init`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    config: ConfusionConfig,
    /// One row for each true class: the predicted classes, then the unparsed.
    cells: Vec<u64>,
    total: u64,
}

/// Precision, recall and F1, of one class or averaged; `None` where not defined.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Scores {
    /// `TP / (TP + FP)`; `None` for a class that was never predicted.
    pub precision: Option<f64>,
    /// `TP / (TP + FN)`; `None` for a class that never occurred.
    pub recall: Option<f64>,
    /// `2 TP / (2 TP + FP + FN)`; `None` for a class that neither occurred nor was predicted.
    pub f1: Option<f64>,
}

/// One class's part of a [`ConfusionReport`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClassReport {
    /// How many items have this class.
    pub support: u64,
    /// How many items were predicted as this class.
    pub predicted: u64,
    /// The class's scores, undefined ones as `None` whatever [`Absent`] says.
    pub scores: Scores,
}

/// What a [`ConfusionMatrix`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfusionReport {
    /// The number of items, unparsed ones included.
    pub count: u64,
    /// How many predictions were right.
    pub correct: u64,
    /// How many predictions could not be read.
    pub unparsed: u64,
    /// `correct / count`: unparsed answers are wrong.
    pub accuracy: f64,
    /// The share of predictions that could be read.
    pub coverage: f64,
    /// The mean recall over the classes that occurred.
    pub balanced_accuracy: f64,
    /// Matthews' correlation coefficient for any number of classes, `R_K` of Gorodkin (2004), with
    /// unparsed answers as one more predicted class. `None` where the denominator is zero: only one
    /// class occurred, or only one answer was given.
    pub matthews: Option<f64>,
    /// The scores of each class.
    pub classes: Vec<ClassReport>,
    /// The scores of all decisions pooled; equal to the accuracy where nothing is unparsed.
    pub micro_average: Scores,
    /// The unweighted mean over classes under the rule [`Absent`]; `None` where that skips all.
    pub macro_average: Scores,
    /// The mean over classes weighted by support, under the same rule.
    pub weighted_average: Scores,
}

impl ConfusionMatrix {
    /// The configuration.
    pub fn config(&self) -> ConfusionConfig {
        self.config
    }

    pub(super) fn classes(&self) -> usize {
        self.config.classes
    }

    /// How often `truth` was predicted as `predicted`, which may be [`UNPARSED`]; `None` for a
    /// label out of range.
    pub fn count(&self, truth: usize, predicted: usize) -> Option<u64> {
        let classes = self.config.classes;
        let column = if predicted == UNPARSED { classes } else { predicted };
        let inside = truth < classes && (predicted < classes || predicted == UNPARSED);
        inside.then(|| self.cells[truth * (classes + 1) + column])
    }

    /// All counts: a row for each true class, holding each predicted class and then the unparsed.
    ///
    /// This is what [`Bootstrap::counts`](crate::Bootstrap::counts) resamples.
    pub fn cells(&self) -> &[u64] {
        &self.cells
    }

    /// A matrix with these counts, laid out as [`cells`](Self::cells).
    ///
    /// # Errors
    /// [`Error::Length`] unless there are `classes * (classes + 1)` counts, [`Error::TooMany`] when
    /// they sum to more than `2^53`, [`Error::UnparsedAnswer`] when there are unparsed ones and
    /// the rule refuses them.
    pub fn from_cells(config: ConfusionConfig, cells: &[u64]) -> Result<Self> {
        let mut matrix = config.init()?;
        let (expected, got) = (matrix.cells.len(), cells.len());
        if expected != got {
            return Err(Error::Length { operation: OPERATION, items: "cells", expected, got });
        }
        matrix.cells.copy_from_slice(cells);
        matrix.total = total(cells.iter().copied())?;
        if config.unparsed == Unparsed::Refuse && matrix.unparsed() > 0 {
            let classes = config.classes;
            let index = cells.chunks(classes + 1).position(|row| row[classes] > 0).unwrap_or(0);
            return Err(Error::UnparsedAnswer { operation: OPERATION, index, classes });
        }
        Ok(matrix)
    }

    /// The same counts without the unparsed answers: the scores on the answered part, which go with
    /// [`coverage`](ConfusionReport::coverage).
    #[must_use]
    pub fn parsed_only(&self) -> Self {
        let mut matrix = self.clone();
        for row in matrix.cells.chunks_mut(self.config.classes + 1) {
            // cannot fail: a row has one cell more than there are classes.
            row[self.config.classes] = 0;
        }
        matrix.total -= self.unparsed();
        matrix
    }

    fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.cells.chunks(self.config.classes + 1)
    }

    fn unparsed(&self) -> u64 {
        self.rows().map(|row| row[self.config.classes]).sum()
    }

    /// The first label of a batch that the rules refuse, as an error.
    fn refused(&self, labels: Labels<'_>) -> Error {
        let (operation, limit) = (OPERATION, self.config.classes);
        if let Some(index) = labels.truth.iter().position(|&label| label >= limit) {
            return Error::Label { operation, index, label: labels.truth[index], limit };
        }
        let keep = self.config.unparsed == Unparsed::Count;
        let wrong = |&label: &usize| label >= limit && !(keep && label == UNPARSED);
        let index = labels.predicted.iter().position(wrong).unwrap_or(0);
        match labels.predicted.get(index) {
            Some(&UNPARSED) | None => Error::UnparsedAnswer { operation, index, classes: limit },
            Some(&label) => Error::Label { operation, index, label, limit },
        }
    }

    fn matthews(&self, correct: u64, classes: &[ClassReport]) -> Option<f64> {
        // Whole numbers up to 2^53 squared fit u128, so nothing cancels before the last division.
        let square = |count: u64| u128::from(count).pow(2);
        let all = square(self.total);
        let truth: u128 = classes.iter().map(|class| square(class.support)).sum();
        let predicted: u128 = classes.iter().map(|class| square(class.predicted)).sum();
        let predicted = predicted + square(self.unparsed());
        let expected: u128 = classes
            .iter()
            .map(|class| u128::from(class.support) * u128::from(class.predicted))
            .sum();
        let observed = u128::from(correct) * u128::from(self.total);
        let covariance = if observed >= expected {
            (observed - expected) as f64
        } else {
            -((expected - observed) as f64)
        };
        let scale = ((all - truth) as f64).sqrt() * ((all - predicted) as f64).sqrt();
        (scale > 0.0).then(|| covariance / scale)
    }
}

impl Mergeable for ConfusionMatrix {
    type Batch<'a> = Labels<'a>;
    type Report = ConfusionReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Length`] when the slices differ in length, [`Error::Label`] for a label that is no
    /// class, [`Error::UnparsedAnswer`] where the rule refuses one, [`Error::TooMany`] beyond
    /// `2^53` items.
    fn update(&mut self, batch: Labels<'_>) -> Result<()> {
        let (expected, got) = (batch.truth.len(), batch.predicted.len());
        if expected != got {
            let items = "predicted labels";
            return Err(Error::Length { operation: OPERATION, items, expected, got });
        }
        let classes = self.config.classes;
        let keep = self.config.unparsed == Unparsed::Count;
        let fits = |(&truth, &predicted): (&usize, &usize)| {
            truth < classes && (predicted < classes || keep && predicted == UNPARSED)
        };
        let pairs = || batch.truth.iter().zip(batch.predicted);
        if !pairs().all(fits) {
            return Err(self.refused(batch));
        }
        self.total = total([self.total, expected as u64])?;
        for (&truth, &predicted) in pairs() {
            self.cells[truth * (classes + 1) + predicted.min(classes)] += 1;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.config != other.config {
            return Err(Error::Incompatible {
                operation: "merge of confusion matrices",
                what: "the configuration",
                left: format!("{:?}", self.config),
                right: format!("{:?}", other.config),
            });
        }
        self.total = total([self.total, other.total])?;
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] when nothing was counted.
    fn finish(&self) -> Result<ConfusionReport> {
        if self.total == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "label" });
        }
        let width = self.config.classes;
        let mut predicted = vec![0; width];
        for row in self.rows() {
            for (sum, count) in predicted.iter_mut().zip(row) {
                *sum += count;
            }
        }
        let mut correct = 0;
        let classes: Vec<ClassReport> = self
            .rows()
            .zip(predicted)
            .enumerate()
            .map(|(class, (row, predicted))| {
                let support = row.iter().sum();
                correct += row[class];
                ClassReport {
                    support,
                    predicted,
                    scores: Scores::of(row[class], support, predicted),
                }
            })
            .collect();
        let unparsed = self.unparsed();
        let parsed = self.total - unparsed;
        let recalls = classes.iter().filter_map(|class| class.scores.recall);
        let absent = self.config.absent;
        Ok(ConfusionReport {
            count: self.total,
            correct,
            unparsed,
            accuracy: correct as f64 / self.total as f64,
            coverage: parsed as f64 / self.total as f64,
            // Something was counted, so at least one class occurred.
            balanced_accuracy: recalls.clone().sum::<f64>() / recalls.count() as f64,
            matthews: self.matthews(correct, &classes),
            micro_average: Scores::of(correct, self.total, parsed),
            macro_average: Scores::average(&classes, absent, |_| 1.0),
            weighted_average: Scores::average(&classes, absent, |class| class.support as f64),
            classes,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION)
            .u64(self.config.classes as u64)
            .u64(self.config.unparsed as u64)
            .u64(self.config.absent as u64)
            .u64s(&self.cells)
            .finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let classes = reader.u64()?;
        let unparsed = match reader.u64()? {
            0 => Unparsed::Refuse,
            1 => Unparsed::Count,
            other => return Err(reader.invalid("rule for unparsed answers 0 or 1", other)),
        };
        let absent = Absent::read(&mut reader)?;
        let cells = reader.u64s()?;
        // Checked against the cells that are there before anything is made for the classes.
        let square = classes.checked_add(1).and_then(|width| width.checked_mul(classes));
        if square != Some(cells.len() as u64) {
            let got = format_args!("{} for {classes} classes", cells.len());
            return Err(reader.invalid("cells for every pair of classes", got));
        }
        let config = ConfusionConfig { classes: classes as usize, unparsed, absent };
        let matrix = Self::from_cells(config, &cells)
            .map_err(|error| reader.invalid("counts that the rules allow", error))?;
        reader.finish()?;
        Ok(matrix)
    }
}

impl Scores {
    pub(super) fn of(correct: u64, support: u64, predicted: u64) -> Self {
        let ratio = |over: u64, under: u64| (under > 0).then(|| over as f64 / under as f64);
        Self {
            precision: ratio(correct, predicted),
            recall: ratio(correct, support),
            f1: ratio(2 * correct, support + predicted),
        }
    }

    pub(super) fn average(
        classes: &[ClassReport],
        absent: Absent,
        weight: impl Fn(&ClassReport) -> f64,
    ) -> Self {
        let mean = |score: fn(&Scores) -> Option<f64>| {
            let (mut sum, mut weights) = (0.0, 0.0);
            for class in classes {
                let score = match (score(&class.scores), absent) {
                    (Some(score), _) => score,
                    (None, Absent::Zero) => 0.0,
                    (None, Absent::One) => 1.0,
                    (None, Absent::Skip) => continue,
                };
                sum += weight(class) * score;
                weights += weight(class);
            }
            (weights > 0.0).then(|| sum / weights)
        };
        Self {
            precision: mean(|scores| scores.precision),
            recall: mean(|scores| scores.recall),
            f1: mean(|scores| scores.f1),
        }
    }
}

fn total(counts: impl IntoIterator<Item = u64>) -> Result<u64> {
    let got = counts.into_iter().fold(0, u64::saturating_add);
    let limit = crate::EXACT_COUNTS;
    if got > limit {
        return Err(Error::TooMany { operation: OPERATION, items: "items", limit, got });
    }
    Ok(got)
}
