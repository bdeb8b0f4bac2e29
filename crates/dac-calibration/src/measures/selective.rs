//! Selective prediction: answer only where confident.

use assay_array::Scalar;

use crate::{BinaryForecasts, Error, Result};

/// What happens to forecasts of equal confidence on a risk-coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RiskTies {
    /// Their expectation over all orders: a coverage inside the group has its share of the group's
    /// errors.
    #[default]
    Expected,
    /// The order of the input, as most published code.
    InputOrder,
}

/// The risk-coverage curve: the error rate among the most confident part, for every part.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RiskCoverage {
    /// The error rate among the `k + 1` most confident forecasts, `k = 0 …`: coverage `(k + 1)/N`.
    pub risks: Vec<f64>,
}

impl RiskCoverage {
    /// Area under the curve (Geifman and El-Yaniv 2017): the mean risk over all coverages.
    pub fn aurc(&self) -> f64 {
        self.risks.iter().sum::<f64>() / self.risks.len().max(1) as f64
    }

    /// AURC less that of the best possible order of the same errors (Geifman, Uziel and El-Yaniv
    /// 2019).
    pub fn excess_aurc(&self) -> f64 {
        let n = self.risks.len();
        let errors = (self.risks.last().copied().unwrap_or(0.0) * n as f64).round() as usize;
        let right = n - errors.min(n);
        let best: f64 = (right + 1..=n).map(|k| (k - right) as f64 / k as f64).sum();
        self.aurc() - best / n.max(1) as f64
    }

    /// The error rate at a coverage in `(0, 1]`: of the `⌈coverage · N⌉` most confident.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another coverage.
    pub fn risk_at(&self, coverage: f64) -> Result<f64> {
        let (name, expected) = ("coverage", "in (0, 1]");
        let k = (coverage * self.risks.len() as f64).ceil() as usize;
        let risk = self.risks.get(k.saturating_sub(1));
        risk.copied().filter(|_| coverage > 0.0 && coverage <= 1.0).ok_or(Error::Parameter {
            name,
            expected,
            got: coverage,
        })
    }
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// The risk-coverage curve of confidences and whether each prediction is right.
    pub fn risk_coverage(&self, ties: RiskTies) -> RiskCoverage {
        let n = self.len();
        let mut risks = Vec::with_capacity(n);
        let mut wrong = 0.0;
        match ties {
            RiskTies::Expected => {
                for &(_, right, count) in self.tied().iter().rev() {
                    let rate = (count - right) / count;
                    let start = risks.len();
                    for k in 1..=count as usize {
                        risks.push((wrong + rate * k as f64) / (start + k) as f64);
                    }
                    wrong += count - right;
                }
            }
            RiskTies::InputOrder => {
                // Ascending by the negated confidence keeps equal ones in the input's order.
                let negated: Vec<f64> = self.probability().iter().map(|p| -p.to_f64()).collect();
                for i in crate::kernel::order::ascending(&negated) {
                    wrong += f64::from(u8::from(self.outcome().get(i as usize) == Some(&false)));
                    risks.push(wrong / (risks.len() + 1) as f64);
                }
            }
        }
        RiskCoverage { risks }
    }

    /// The area under the ROC curve of telling right from wrong by confidence: the probability that
    /// a right prediction is more confident than a wrong one, equal ones counting by half.
    ///
    /// # Errors
    /// [`Error::Undefined`] where all predictions are right or all are wrong.
    pub fn auroc(&self) -> Result<f64> {
        let (mut below, mut pairs, mut right) = (0.0, 0.0, 0.0);
        for (_, hits, count) in self.tied() {
            let misses = count - hits;
            pairs += hits * (below + misses / 2.0);
            below += misses;
            right += hits;
        }
        if right == 0.0 || below == 0.0 {
            let reason = "it takes at least one right and one wrong prediction";
            return Err(Error::Undefined { operation: "AUROC", reason });
        }
        Ok(pairs / (right * below))
    }
}
