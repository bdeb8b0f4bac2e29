//! The rate behind an imperfect judge.

use crate::interval::{check_level, wilson};
use crate::special::two_sided_z;
use crate::{Error, Interval, Result};

/// How a judge did on labelled items: how many positives it saw and how many negatives it passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JudgeQuality {
    /// Positives judged positive.
    pub true_positives: u64,
    /// Positives judged negative.
    pub false_negatives: u64,
    /// Negatives judged positive.
    pub false_positives: u64,
    /// Negatives judged negative.
    pub true_negatives: u64,
}

impl JudgeQuality {
    fn positives(&self) -> u64 {
        self.true_positives.saturating_add(self.false_negatives)
    }

    fn negatives(&self) -> u64 {
        self.true_negatives.saturating_add(self.false_positives)
    }

    /// The share of positives that it saw; `None` without positives.
    pub fn sensitivity(&self) -> Option<f64> {
        let n = self.positives();
        (n > 0).then(|| self.true_positives as f64 / n as f64)
    }

    /// The share of negatives that it passed; `None` without negatives.
    pub fn specificity(&self) -> Option<f64> {
        let n = self.negatives();
        (n > 0).then(|| self.true_negatives as f64 / n as f64)
    }

    /// Wilson's intervals of sensitivity and specificity.
    ///
    /// # Errors
    /// As [`wilson`]: there must be labelled positives and negatives.
    pub fn intervals(&self, level: f64) -> Result<(Interval, Interval)> {
        let sensitivity = wilson(self.true_positives, self.positives(), level)?;
        Ok((sensitivity, wilson(self.true_negatives, self.negatives(), level)?))
    }
}

/// The rate of positives among `judged` items of which the judge called `called` positive, corrected
/// for its errors, with the interval that carries the uncertainty of all three samples.
///
/// The estimate is Rogan and Gladen's (1978), `(apparent + specificity − 1) / (sensitivity +
/// specificity − 1)`, cut to `[0, 1]`. The interval is Lang and Reiczigel's (2014), who add one success
/// and one failure to the judge's samples and `z²/2` to the items, and shift the centre for the
/// skewness; its coverage is close to the level even for small samples and rates near 0 or 1.
///
/// `None` where the judge is no better than chance on its labelled items, so that nothing follows.
///
/// ```
/// use assay_score::statistics::{JudgeQuality, corrected_rate};
/// let judge = JudgeQuality { true_positives: 84, false_negatives: 16, false_positives: 6, true_negatives: 94 };
/// let (rate, interval) = corrected_rate(62, 100, judge, 0.95)?.unwrap();
/// assert!((rate - 0.7179487179).abs() < 1e-9);
/// assert!(interval.lower < rate && rate < interval.upper);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for no items or no labelled positives or negatives, [`Error::Setting`] for more
/// calls than items or a level outside `(0, 1)`.
pub fn corrected_rate(
    called: u64,
    judged: u64,
    judge: JudgeQuality,
    level: f64,
) -> Result<Option<(f64, Interval)>> {
    let operation = "corrected rate";
    check_level(operation, level)?;
    wilson(called, judged, level)?;
    let (Some(sensitivity), Some(specificity)) = (judge.sensitivity(), judge.specificity()) else {
        return Err(Error::Empty { operation, item: "labelled positive and negative" });
    };
    let (n, apparent) = (judged as f64, called as f64 / judged as f64);
    let informed = sensitivity + specificity - 1.0;
    if informed <= 0.0 {
        return Ok(None);
    }
    let rate = ((apparent + specificity - 1.0) / informed).clamp(0.0, 1.0);
    let z2 = two_sided_z(level).powi(2);
    let adjusted =
        |right: u64, of: u64| ((right as f64 + 1.0) / (of as f64 + 2.0), of as f64 + 2.0);
    let (se, n_se) = adjusted(judge.true_positives, judge.positives());
    let (sp, n_sp) = adjusted(judge.true_negatives, judge.negatives());
    let (ap, n_ap) = ((n * apparent + z2 / 2.0) / (n + z2), n + z2);
    let informed = se + sp - 1.0;
    if informed <= 0.0 {
        return Ok(None);
    }
    let center = (ap + sp - 1.0) / informed;
    let (noise_se, noise_sp) = (se * (1.0 - se) / n_se, sp * (1.0 - sp) / n_sp);
    let shift = 2.0 * z2 * (center * noise_se - (1.0 - center) * noise_sp);
    let variance =
        ap * (1.0 - ap) / n_ap + center.powi(2) * noise_se + (1.0 - center).powi(2) * noise_sp;
    let half = (z2 * variance).sqrt() / informed;
    let bound = |value: f64| value.clamp(0.0, 1.0);
    let interval = Interval {
        lower: bound(center + shift - half),
        upper: bound(center + shift + half),
        level,
    };
    Ok(Some((rate, interval)))
}
