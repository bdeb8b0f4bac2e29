use assay_array::Scalar;
use rayon::prelude::*;

use super::score::{ranked, scores};
use super::{ConformalConfig, LastLabel, PredictionSets, SetScore, threshold};
use crate::calibrators::stored::{Fitted, fitted, require};
use crate::forecasts::check_unit;
use crate::outputs::check_labels;
use crate::{Error, Probs, Result};

const OPERATION: &str = "conformal prediction";
/// What the shares of calibration samples and of new samples are drawn for.
const CALIBRATION: &str = "conformal calibration";
const SETS: &str = "conformal set";

/// What coverage is promised for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Condition {
    /// All samples together.
    Marginal,
    /// Every class: a threshold of its own for each.
    Class,
    /// Every group of samples (Mondrian).
    Group,
}

/// Thresholds that make prediction sets.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SplitConformal {
    config: ConformalConfig,
    condition: Condition,
    classes: usize,
    /// One, or one a class or group; `None` is infinite.
    thresholds: Vec<Option<f64>>,
}

fitted!(SplitConformal {
    config: ConformalConfig,
    condition: Condition,
    classes: usize,
    thresholds: Vec<Option<f64>>,
});

impl Fitted for SplitConformal {
    fn check(&self) -> Result<()> {
        self.config.check()?;
        let count = match self.condition {
            Condition::Marginal => self.thresholds.len() == 1,
            Condition::Class => self.thresholds.len() == self.classes,
            Condition::Group => true,
        };
        let finite = self.thresholds.iter().flatten().all(|threshold| threshold.is_finite());
        let expected = "classes, and a threshold for all, or one a class or group";
        require(self.classes > 0 && count && finite, OPERATION, expected, self)
    }
}

impl SplitConformal {
    /// One threshold for all samples.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Parameter`] for
    /// settings out of range.
    pub fn fit<T: Scalar>(
        config: &ConformalConfig,
        probs: &Probs<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        let share = |i| config.share(CALIBRATION, i);
        Self::grouped(config, probs, labels, Condition::Marginal, 1, |_| 0, share)
    }

    /// As [`fit`](Self::fit), with the uniform share of every calibration sample given instead of
    /// drawn: this reproduces another program's randomised scores from its draws.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), [`Error::Length`] unless there is one share a sample, [`Error::Value`] for
    /// a share outside `[0, 1]`.
    pub fn fit_with_shares<T: Scalar>(
        config: &ConformalConfig,
        probs: &Probs<'_, T>,
        labels: &[usize],
        shares: &[f64],
    ) -> Result<Self> {
        if shares.len() != probs.samples() {
            let (items, expected, got) = ("shares", probs.samples(), shares.len());
            return Err(Error::Length { operation: OPERATION, items, expected, got });
        }
        check_unit(OPERATION, shares)?;
        Self::grouped(config, probs, labels, Condition::Marginal, 1, |_| 0, |i| shares[i])
    }

    /// A threshold for each class, from the samples with that label: coverage within every class. A
    /// class without samples enough gets an infinite one and is in every set.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_by_class<T: Scalar>(
        config: &ConformalConfig,
        probs: &Probs<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        let share = |i| config.share(CALIBRATION, i);
        let class = |i: usize| labels[i];
        Self::grouped(config, probs, labels, Condition::Class, probs.classes(), class, share)
    }

    /// A threshold for each group of samples (Mondrian conformal prediction): coverage within every
    /// group. Groups are numbered from 0; one without samples enough gets an infinite threshold.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), [`Error::Length`] unless there is one group a sample, and
    /// [`Error::Label`] for a group that is not below `num_groups`.
    pub fn fit_by_group<T: Scalar>(
        config: &ConformalConfig,
        probs: &Probs<'_, T>,
        labels: &[usize],
        groups: &[usize],
        num_groups: usize,
    ) -> Result<Self> {
        check_groups(groups, probs.samples(), num_groups)?;
        let share = |i| config.share(CALIBRATION, i);
        Self::grouped(config, probs, labels, Condition::Group, num_groups, |i| groups[i], share)
    }

    fn grouped<T: Scalar>(
        config: &ConformalConfig,
        probs: &Probs<'_, T>,
        labels: &[usize],
        condition: Condition,
        groups: usize,
        group: impl Fn(usize) -> usize,
        share: impl Fn(usize) -> f64 + Sync,
    ) -> Result<Self> {
        config.check()?;
        check_labels(OPERATION, labels, probs.samples(), probs.classes())?;
        let of_label = |(i, (p, &label)): (usize, (&[T], &usize))| {
            let p: Vec<f64> = p.iter().map(|p| p.to_f64()).collect();
            let (mut order, mut all) = (Vec::new(), Vec::new());
            ranked(&p, &mut order);
            scores(config.score, &p, &order, share(i), &mut all);
            let rank = order.iter().position(|&class| class == label).unwrap_or_default();
            all.get(rank).copied().unwrap_or(f64::INFINITY)
        };
        let rows = probs.as_slice().par_chunks(probs.classes()).zip(labels).enumerate();
        let all: Vec<f64> = rows.map(of_label).collect();
        let mut by_group = vec![Vec::new(); groups];
        for (i, score) in all.into_iter().enumerate() {
            if let Some(scores) = by_group.get_mut(group(i)) {
                scores.push(score);
            }
        }
        let thresholds =
            by_group.iter_mut().map(|scores| threshold(scores, config.alpha)).collect();
        Ok(Self { config: *config, condition, classes: probs.classes(), thresholds })
    }

    /// The thresholds: one, or one a class or group; `None` is infinite.
    pub fn thresholds(&self) -> &[Option<f64>] {
        &self.thresholds
    }

    /// What coverage is promised for.
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// The prediction set of every sample.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes; [`Error::Undefined`] where thresholds are by
    /// group: ask [`sets_by_group`](Self::sets_by_group).
    pub fn sets<T: Scalar>(&self, probs: &Probs<'_, T>) -> Result<PredictionSets> {
        if self.condition == Condition::Group {
            let reason = "the thresholds are by group: sets_by_group takes the groups";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        self.make(probs, |_| 0)
    }

    /// The prediction set of every sample, by the threshold of its group.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes, [`Error::Length`] and [`Error::Label`] for
    /// groups that do not fit, [`Error::Undefined`] where thresholds are not by group.
    pub fn sets_by_group<T: Scalar>(
        &self,
        probs: &Probs<'_, T>,
        groups: &[usize],
    ) -> Result<PredictionSets> {
        if self.condition != Condition::Group {
            let reason = "the thresholds are not by group: sets makes them";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        check_groups(groups, probs.samples(), self.thresholds.len())?;
        self.make(probs, |i| groups[i])
    }

    fn make<T: Scalar>(
        &self,
        probs: &Probs<'_, T>,
        group: impl Fn(usize) -> usize + Sync,
    ) -> Result<PredictionSets> {
        if probs.classes() != self.classes {
            let (expected, got) =
                (vec![probs.samples(), self.classes], vec![probs.samples(), probs.classes()]);
            return Err(Error::Shape {
                operation: "conformal prediction [samples, classes]",
                expected,
                got,
            });
        }
        let rows = probs.as_slice().par_chunks(self.classes).enumerate();
        let sets = rows.map(|(i, p)| {
            let p: Vec<f64> = p.iter().map(|p| p.to_f64()).collect();
            let (mut order, mut all) = (Vec::new(), Vec::new());
            ranked(&p, &mut order);
            scores(self.config.score, &p, &order, self.config.share(SETS, i), &mut all);
            let limit = |class: usize| {
                let place = if self.condition == Condition::Class { class } else { group(i) };
                self.thresholds.get(place).copied().flatten().unwrap_or(f64::INFINITY)
            };
            let mut set: Vec<usize> = order
                .iter()
                .zip(&all)
                .filter(|(class, score)| **score <= limit(**class))
                .map(|(class, _)| *class)
                .collect();
            let cumulative = !matches!(self.config.score, SetScore::Lac);
            if cumulative
                && self.config.last_label == LastLabel::Beyond
                && self.condition != Condition::Class
            {
                let met =
                    set.len().checked_sub(1).and_then(|last| all.get(last)) == Some(&limit(0));
                if let Some(&next) = order.get(set.len()).filter(|_| !met) {
                    set.push(next);
                }
            }
            set.sort_unstable();
            set
        });
        Ok(PredictionSets::new(sets.collect(), self.classes))
    }
}

fn check_groups(groups: &[usize], samples: usize, num_groups: usize) -> Result<()> {
    if groups.len() != samples {
        let (items, expected, got) = ("groups", samples, groups.len());
        return Err(Error::Length { operation: OPERATION, items, expected, got });
    }
    match groups.iter().position(|&group| group >= num_groups) {
        Some(index) => {
            let (operation, label) = ("conformal prediction: groups", groups[index]);
            Err(Error::Label { operation, index, label, classes: num_groups })
        }
        None => Ok(()),
    }
}
