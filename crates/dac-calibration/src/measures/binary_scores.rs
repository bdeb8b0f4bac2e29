use assay_array::Scalar;

use crate::BinaryForecasts;

/// Proper scores of binary forecasts, and how sharp these are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BinaryScores {
    /// `(1/N) Σ (p − y)²`, half of the sum over both classes.
    pub brier: f64,
    /// `−(1/N) Σ ln P(y)`; `None` where an event of probability 0 came true, or one of probability 1
    /// did not.
    pub nll: Option<f64>,
    /// Sharpness: the variance of the forecasts.
    pub variance: f64,
}

impl<T: Scalar> BinaryForecasts<'_, T> {
    /// Brier score, log loss and sharpness.
    pub fn scores(&self) -> BinaryScores {
        let (n, mean) = (self.len() as f64, self.mean());
        let (mut brier, mut nll, mut variance) = (0.0, 0.0, 0.0);
        for (p, y) in self.pairs() {
            brier += (p - y).powi(2);
            nll -= if y > 0.0 { p.ln() } else { (-p).ln_1p() };
            variance += (p - mean).powi(2);
        }
        let nll = Some(nll / n).filter(|nll: &f64| nll.is_finite());
        BinaryScores { brier: brier / n, nll, variance: variance / n }
    }
}
