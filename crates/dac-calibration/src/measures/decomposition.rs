use assay_array::Scalar;

use crate::kernel::pava;
use crate::{BinaryForecasts, Reliability, Result};

/// Murphy's (1973) decomposition of the Brier score over bins:
/// `Brier = reliability − resolution + uncertainty + within`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Murphy {
    /// `Σ n_b/N (conf_b − acc_b)²`: how far off the forecasts are; 0 is best.
    pub reliability: f64,
    /// `Σ n_b/N (acc_b − ō)²`: how much the bins tell apart; large is good.
    pub resolution: f64,
    /// `ō (1 − ō)`, with `ō` the share of events that came true: the score of the constant forecast `ō`.
    pub uncertainty: f64,
    /// What spread within bins leaves over; 0 where every bin's forecasts are equal.
    pub within: f64,
    /// The Brier score itself.
    pub brier: f64,
}

/// A score split into calibration and refinement: `score = calibration + refinement`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Refinement {
    /// What recalibration would gain.
    pub calibration: f64,
    /// What no recalibration can gain: the score after it.
    pub refinement: f64,
}

/// The CORP decomposition (Dimitriadis, Gneiting and Jordan 2021) of a score:
/// `score = miscalibration − discrimination + uncertainty`, without bins, from the isotonic fit of
/// the outcomes. All three are never negative.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Corp {
    /// The score less that of the isotonic fit.
    pub miscalibration: f64,
    /// The constant forecast's score less that of the isotonic fit.
    pub discrimination: f64,
    /// The score of the constant forecast `ō`.
    pub uncertainty: f64,
}

impl Corp {
    /// Calibration is the miscalibration, refinement the rest.
    pub fn refinement(&self) -> Refinement {
        let refinement = self.uncertainty - self.discrimination;
        Refinement { calibration: self.miscalibration, refinement }
    }
}

impl Murphy {
    /// Calibration is the reliability, refinement the rest.
    pub fn refinement(&self) -> Refinement {
        Refinement { calibration: self.reliability, refinement: self.brier - self.reliability }
    }
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// Decomposes the Brier score over bins that [`reliability`](Self::reliability) made of these
    /// forecasts.
    pub fn murphy(&self, bins: &Reliability) -> Murphy {
        let (total, rate) = (bins.count as f64, self.rate());
        let (mut reliability, mut resolution) = (0.0, 0.0);
        for bin in &bins.bins {
            if let (Some(acc), Some(conf)) = (bin.accuracy(), bin.confidence()) {
                let share = bin.count as f64 / total;
                reliability += share * (conf - acc).powi(2);
                resolution += share * (acc - rate).powi(2);
            }
        }
        let (uncertainty, brier) = (rate * (1.0 - rate), self.scores().brier);
        let within = brier - (reliability - resolution + uncertainty);
        Murphy { reliability, resolution, uncertainty, within, brier }
    }

    /// Decomposes the Brier score without bins.
    ///
    /// # Errors
    /// None for checked forecasts.
    pub fn corp_brier(&self) -> Result<Corp> {
        Ok(self.corp(|p, y| (p - y).powi(2)))
    }

    /// Decomposes the log loss without bins.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) where the log loss is infinite.
    pub fn corp_log(&self) -> Result<Corp> {
        if self.scores().nll.is_none() {
            let reason = "an event of probability 0 came true, or one of probability 1 did not";
            return Err(crate::Error::Undefined { operation: "log loss decomposition", reason });
        }
        Ok(self.corp(|p, y| if y > 0.0 { -p.ln() } else { -(-p).ln_1p() }))
    }

    fn corp(&self, loss: impl Fn(f64, f64) -> f64) -> Corp {
        let (n, rate) = (self.len() as f64, self.rate());
        // The loss of a group of `weight` outcomes, `sum` of them true, forecast alike.
        let group = |p: f64, sum: f64, weight: f64| {
            let part = |count: f64, y: f64| if count > 0.0 { count * loss(p, y) } else { 0.0 };
            part(sum, 1.0) + part(weight - sum, 0.0)
        };
        let groups = self.tied();
        let score: f64 = groups.iter().map(|&(p, sum, weight)| group(p, sum, weight)).sum();
        let blocks = pava::blocks(groups.iter().map(|&(_, sum, weight)| (sum, weight)));
        let fitted: f64 = blocks.iter().map(|b| group(b.mean(), b.sum, b.weight)).sum();
        let constant = group(rate, rate * n, n);
        Corp {
            miscalibration: (score - fitted) / n,
            discrimination: (constant - fitted) / n,
            uncertainty: constant / n,
        }
    }
}
