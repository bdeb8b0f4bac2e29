use assay_array::random::{stream, uniform};

use super::check_alpha;
use crate::{Error, Result};

/// How badly a label fits a prediction. With classes sorted by descending probability, `π_(k)` the
/// `k`-th largest and `r` the rank of the label, from 1:
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SetScore {
    /// `1 − p_y` (Sadinle, Lei and Wasserman 2019): the smallest sets on average.
    Lac,
    /// `Σ_{k≤r} π_(k)` (Romano, Sesia and Candès 2020): sets whose size follows the difficulty.
    Aps,
    /// APS plus `λ max(0, r − k_reg)` (Angelopoulos et al. 2021): no long tails.
    Raps {
        /// The penalty of every rank beyond `k_reg`.
        lambda: f64,
        /// The rank from which it counts.
        k_reg: usize,
    },
    /// `π_(1)` for the first rank, `π_(1) + λ (r − 1)` beyond (Huang et al. 2024), where only the
    /// largest probability counts. Randomised: `u π_(1)` and `π_(1) + λ (r − 2 + u)`.
    Saps {
        /// The weight of a rank.
        lambda: f64,
    },
}

/// Where a cumulative set ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LastLabel {
    /// With the last label whose score is at most the threshold: exactly the labels that conform.
    /// Sets can be empty.
    #[default]
    Within,
    /// With the first label beyond it, unless the threshold is met exactly: larger than needed, never
    /// empty. Compatibility with MAPIE's `include_last_label=True`.
    Beyond,
}

/// How to make prediction sets.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConformalConfig {
    pub(super) score: SetScore,
    pub(super) alpha: f64,
    pub(super) seed: Option<u64>,
    pub(super) last_label: LastLabel,
}

impl ConformalConfig {
    /// Sets by any score that miss the truth with probability `alpha` at most.
    pub fn new(score: SetScore, alpha: f64) -> Self {
        Self { score, alpha, seed: None, last_label: LastLabel::default() }
    }

    /// Least ambiguous sets.
    pub fn lac(alpha: f64) -> Self {
        Self::new(SetScore::Lac, alpha)
    }

    /// Adaptive sets.
    pub fn aps(alpha: f64) -> Self {
        Self::new(SetScore::Aps, alpha)
    }

    /// Regularised adaptive sets.
    pub fn raps(alpha: f64, lambda: f64, k_reg: usize) -> Self {
        Self::new(SetScore::Raps { lambda, k_reg }, alpha)
    }

    /// Sorted adaptive sets.
    pub fn saps(alpha: f64, lambda: f64) -> Self {
        Self::new(SetScore::Saps { lambda }, alpha)
    }

    /// Randomises cumulative scores: a label's own probability counts by a uniform share, which makes
    /// coverage exact and not only at least `1 − α`. Sample `i` draws from the streams
    /// `(seed, "conformal calibration", i)` and `(seed, "conformal set", i)`.
    #[must_use]
    pub fn randomised(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Sets where a cumulative set ends.
    #[must_use]
    pub fn with_last_label(self, last_label: LastLabel) -> Self {
        Self { last_label, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_alpha(self.alpha)?;
        match self.score {
            SetScore::Raps { lambda, .. } | SetScore::Saps { lambda }
                if !(lambda >= 0.0 && lambda.is_finite()) =>
            {
                let (name, expected) = ("lambda", "at least 0");
                Err(Error::Parameter { name, expected, got: lambda })
            }
            _ => Ok(()),
        }
    }

    /// The uniform share of sample `i`; 1 where nothing is randomised.
    pub(super) fn share(&self, purpose: &str, i: usize) -> f64 {
        self.seed.map_or(1.0, |seed| uniform(&mut stream(seed, purpose, i as u64)))
    }
}

/// Classes by descending probability; equal ones by number.
pub(super) fn ranked(p: &[f64], order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..p.len());
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
}

/// The scores of all classes in the order of `order`, which [`ranked`] made.
pub(super) fn scores(score: SetScore, p: &[f64], order: &[usize], share: f64, out: &mut Vec<f64>) {
    out.clear();
    let first = order.first().map_or(0.0, |&class| p[class]);
    let mut before = 0.0;
    for (k, &class) in order.iter().enumerate() {
        let own = p[class];
        out.push(match score {
            SetScore::Lac => 1.0 - own,
            SetScore::Aps => before + share * own,
            SetScore::Raps { lambda, k_reg } => {
                before + share * own + lambda * (k + 1).saturating_sub(k_reg) as f64
            }
            SetScore::Saps { .. } if k == 0 => share * first,
            SetScore::Saps { lambda } => first + lambda * (k as f64 - 1.0 + share),
        });
        before += own;
    }
}
