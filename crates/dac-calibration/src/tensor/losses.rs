use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::activation::log_softmax;

use super::labels::{column, top_label};
use crate::measures::MMCE_WIDTH;
use crate::{Error, Result};

/// `ln p_y` of every row, `[N, 1]`, and all `ln p`.
fn log_probabilities(
    operation: &'static str,
    logits: Tensor<2>,
    labels: &[usize],
) -> Result<(Tensor<2>, Tensor<2>)> {
    let labels = column(operation, &logits, labels)?;
    let log_p = log_softmax(logits, 1);
    let labels = Tensor::from_data(labels.to_data(), &log_p.device());
    Ok((log_p.clone().gather(1, labels), log_p))
}

/// The focal loss (Lin et al. 2017; for calibration Mukhoti et al. 2020):
/// `mean −(1 − p_y)^γ ln p_y`. `γ = 0` is cross entropy; larger `γ` keeps confidence lower.
///
/// # Errors
/// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Empty`] for no rows,
/// [`Error::Parameter`] for a `γ` that is negative, or between 0 and 1, where the slope at `p_y = 1`
/// is infinite.
pub fn focal_loss(logits: Tensor<2>, labels: &[usize], gamma: f64) -> Result<Tensor<1>> {
    if gamma != 0.0 && !(gamma >= 1.0 && gamma.is_finite()) {
        let (name, expected) = ("gamma of the focal loss", "0, or at least 1");
        return Err(Error::Parameter { name, expected, got: gamma });
    }
    let (own, _) = log_probabilities("focal loss", logits, labels)?;
    if gamma == 0.0 {
        return Ok(-own.mean());
    }
    // 1 − p_y, which rounding must not make negative.
    let rest = (-own.clone().exp() + 1.0).clamp_min(0.0);
    let weight = if gamma == 1.0 { rest } else { rest.powf_scalar(gamma) };
    Ok(-(weight * own).mean())
}

/// Cross entropy with smoothed labels (Szegedy et al. 2016):
/// `mean −((1 − ε) ln p_y + (ε/C) Σ_c ln p_c)`.
///
/// # Errors
/// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Empty`] for no rows,
/// [`Error::Parameter`] for an `ε` outside `[0, 1]`.
pub fn label_smoothing_loss(
    logits: Tensor<2>,
    labels: &[usize],
    epsilon: f64,
) -> Result<Tensor<1>> {
    if !(0.0..=1.0).contains(&epsilon) {
        let (name, expected) = ("epsilon of label smoothing", "in [0, 1]");
        return Err(Error::Parameter { name, expected, got: epsilon });
    }
    let (own, all) = log_probabilities("label smoothing", logits, labels)?;
    Ok(-(own.mean() * (1.0 - epsilon) + all.mean() * epsilon))
}

/// Below this the square root's slope is not followed: at 0 it is infinite.
pub(super) const SMALLEST_SQUARE: f64 = 1e-12;

/// Maximum mean calibration error (Kumar, Sarawagi and Jain 2018) as a loss: as
/// [`BinaryForecasts::mmce`](crate::BinaryForecasts::mmce) of the top labels, `O(N²)`. Add it to cross entropy with
/// a weight; alone it does not teach.
///
/// # Errors
/// [`Error::Length`] and [`Error::Label`] for labels that do not fit, [`Error::Empty`] for no rows.
pub fn mmce(logits: Tensor<2>, labels: &[usize]) -> Result<Tensor<1>> {
    let samples = labels.len().max(1) as f64;
    let (confidence, right) = top_label("MMCE", logits, labels)?;
    let residual = right - confidence.clone();
    let rows = confidence.clone().unsqueeze_dim::<2>(1);
    let columns = confidence.unsqueeze_dim::<2>(0);
    let kernel = (-(rows - columns).abs() / MMCE_WIDTH).exp();
    let pairs = residual.clone().unsqueeze_dim::<2>(1) * residual.unsqueeze_dim::<2>(0);
    let square = (kernel * pairs).sum() / (samples * samples);
    Ok(square.clamp_min(SMALLEST_SQUARE).sqrt())
}
