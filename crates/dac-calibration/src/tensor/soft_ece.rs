use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::TensorData;
use assay_tensor::burn::tensor::activation::softmax;

use super::labels::top_label;
use super::losses::SMALLEST_SQUARE;
use crate::binning::check_bins;
use crate::{Error, Result};

/// How [`soft_ece`] bins.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SoftEceConfig {
    bins: usize,
    temperature: f64,
}

impl Default for SoftEceConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftEceConfig {
    /// Fifteen bins, temperature 0.01.
    pub fn new() -> Self {
        Self { bins: 15, temperature: 0.01 }
    }

    /// Sets the number of bins.
    #[must_use]
    pub fn with_bins(self, bins: usize) -> Self {
        Self { bins, ..self }
    }

    /// Sets how soft the bins are: towards 0 they become those of a histogram.
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }
}

/// Soft-binned calibration error (Karandikar et al. 2021): every confidence belongs to all bins, by
/// `u_b(c) = softmax_b(−(c − ξ_b)²/T)` with `ξ_b` the bins' centres, and with the masses
/// `S_b = Σ_i u_b(c_i)`,
///
/// `√(Σ_b S_b/N · (acc_b − conf_b)²) = √(Σ_b (Σ_i u_b(c_i)(y_i − c_i))² / (S_b N))`.
///
/// # Errors
/// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Empty`] for no rows,
/// [`Error::Parameter`] for no bins or a temperature that is not positive.
pub fn soft_ece(logits: Tensor<2>, labels: &[usize], config: SoftEceConfig) -> Result<Tensor<1>> {
    check_bins(config.bins)?;
    if !(config.temperature > 0.0 && config.temperature.is_finite()) {
        let (name, expected) = ("temperature of the soft bins", "a positive number");
        return Err(Error::Parameter { name, expected, got: config.temperature });
    }
    let samples = labels.len().max(1) as f64;
    let (confidence, right) = top_label("soft ECE", logits, labels)?;
    let centres: Vec<f64> =
        (0..config.bins).map(|b| (b as f64 + 0.5) / config.bins as f64).collect();
    let device = (&confidence.device(), confidence.dtype());
    let centres = Tensor::<2>::from_data(TensorData::new(centres, [1, config.bins]), device);
    let residual = (right - confidence.clone()).unsqueeze_dim::<2>(1);
    let distance = confidence.unsqueeze_dim::<2>(1) - centres;
    let member = softmax(-(distance.clone() * distance) / config.temperature, 1);
    let mass = member.clone().sum_dim(0).clamp_min(SMALLEST_SQUARE);
    let gap = (member * residual).sum_dim(0);
    let square = (gap.clone() * gap / mass).sum() / samples;
    Ok(square.clamp_min(SMALLEST_SQUARE).sqrt())
}
