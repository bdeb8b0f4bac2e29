use assay_array::Scalar;
use ndarray::Array2;

use super::stored::{Fitted, fitted, require};
use crate::calibrator::{Calibrator, FitReport, Predictions, Warning};
use crate::measures::group_by_proximity;
use crate::measures::group_of;
use crate::{Error, MassRule, Probs, Result};

const OPERATION: &str = "bin-mean-shift";

/// How to fit bin-mean-shift.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BinMeanShiftConfig<C> {
    groups: usize,
    rule: MassRule,
    base: C,
}

impl<C> BinMeanShiftConfig<C> {
    /// Five groups by linear quantiles of the proximity, and the settings of the calibrator of each.
    pub fn new(base: C) -> Self {
        Self { groups: 5, rule: MassRule::default(), base }
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Sets how the quantiles are made.
    #[must_use]
    pub fn with_rule(self, rule: MassRule) -> Self {
        Self { rule, ..self }
    }
}

/// Bin-mean-shift (Xiong et al. 2023, as in their code): samples are grouped by proximity, and each
/// group has a calibrator of its own.
///
/// A group that its calibrator has no fit for, because it is empty or too uniform, gets the
/// calibrator fitted on all samples, and a warning (the published code fails).
///
/// Takes [`Predictions`] with a proximity for every sample.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BinMeanShift<C> {
    edges: Vec<f64>,
    groups: Vec<Option<C>>,
    all: C,
    classes: usize,
    report: FitReport,
}

fitted!(BinMeanShift<C> {
    edges: Vec<f64>,
    groups: Vec<Option<C>>,
    all: C,
    classes: usize,
    report: FitReport,
});

impl<C> Fitted for BinMeanShift<C> {
    fn check(&self) -> Result<()> {
        let rises = self.edges.windows(2).all(|pair| pair[0] <= pair[1]);
        let holds = self.edges.len() == self.groups.len() + 1
            && self.edges.iter().all(|edge| edge.is_finite())
            && rises
            && self.classes > 0;
        let expected = "edges that do not fall, one more than groups";
        require(holds, OPERATION, expected, (self.edges.len(), self.groups.len()))
    }
}

impl<C: Calibrator> BinMeanShift<C> {
    /// Where the groups begin and end, by proximity.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The calibrator of a group.
    pub fn group(&self, group: usize) -> &C {
        self.groups.get(group).and_then(Option::as_ref).unwrap_or(&self.all)
    }

    fn apply<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        let proximity =
            predictions.proximity().ok_or(Error::NoProximity { operation: OPERATION })?;
        let mut members = vec![Vec::new(); self.groups.len()];
        for (i, &p) in proximity.iter().enumerate() {
            if let Some(members) = members.get_mut(group_of(&self.edges, p)) {
                members.push(i);
            }
        }
        let mut out = Array2::zeros((predictions.samples(), predictions.classes()));
        for (group, members) in
            members.iter().enumerate().filter(|(_, members)| !members.is_empty())
        {
            let calibrated = self.group(group).transform(&predictions.select(members))?;
            for (&i, row) in members.iter().zip(calibrated.view().outer_iter()) {
                out.row_mut(i).assign(&row);
            }
        }
        Ok(Probs::trusted(out))
    }
}

impl<C: Calibrator> Calibrator for BinMeanShift<C> {
    type Config = BinMeanShiftConfig<C::Config>;
    const NAME: &'static str = "bin-mean-shift";

    /// # Errors
    /// [`Error::NoProximity`]; [`Error::Length`] and [`Error::Label`] for labels that do not fit;
    /// [`Error::Parameter`] for no groups; and where the calibrator has no fit for all samples.
    fn fit<T: Scalar>(
        config: &Self::Config,
        predictions: &Predictions<'_, T>,
        labels: &[usize],
    ) -> Result<Self> {
        predictions.check_labels(OPERATION, labels)?;
        let proximity =
            predictions.proximity().ok_or(Error::NoProximity { operation: OPERATION })?;
        let samples = predictions.samples();
        let (edges, members) =
            group_by_proximity(OPERATION, proximity, samples, config.groups, config.rule)?;
        let all = C::fit(&config.base, predictions, labels)?;
        let mut warnings = Vec::new();
        let mut groups = Vec::with_capacity(members.len());
        for (group, members) in members.iter().enumerate() {
            let fitted = if members.is_empty() {
                None
            } else {
                let chosen: Vec<usize> =
                    members.iter().filter_map(|&i| labels.get(i).copied()).collect();
                match C::fit(&config.base, &predictions.select(members), &chosen) {
                    Ok(fitted) => Some(fitted),
                    Err(Error::Undefined { .. }) => None,
                    Err(error) => return Err(error),
                }
            };
            if fitted.is_none() {
                warnings.push(Warning::GroupFallsBack { group, samples: members.len() });
            }
            groups.push(fitted);
        }
        let before = FitReport::look(predictions, labels)?;
        let report = FitReport::direct(&before, &before, Vec::new());
        let mut fitted = Self { edges, groups, all, classes: predictions.classes(), report };
        let after = FitReport::look_probs(&fitted.apply(predictions)?, labels)?;
        fitted.report = FitReport::direct(&before, &after, warnings);
        Ok(fitted)
    }

    fn transform<T: Scalar>(&self, predictions: &Predictions<'_, T>) -> Result<Probs<'static>> {
        predictions.check_classes("bin-mean-shift [samples, classes]", self.classes)?;
        self.apply(predictions)
    }

    fn report(&self) -> &FitReport {
        &self.report
    }
}
