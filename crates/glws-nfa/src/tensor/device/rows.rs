//! What the kernels ask of an instance's row of logits, and how its row of the posterior is written.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

/// Log odds beyond this go to the host, which has `f64` for them.
pub(super) const LARGEST_ODDS: f32 = 1e4;
/// Stands for log odds that are not finite.
pub(super) const NO_ODDS: f32 = 1e30;
/// Logits of an instance further apart than this go to the host.
pub(super) const WIDEST_ROW: f32 = 2000.0;

/// `1/(1 + e^{−t})` without an overflow.
#[cube]
pub(super) fn logistic(t: f32) -> f32 {
    let e = (-t.abs()).exp();
    let mut numerator = e;
    if t >= 0.0 {
        numerator = 1.0f32;
    }
    numerator / (1.0 + e)
}

/// `logit_c − ln Σ_{k≠c} e^{logit_k}`, or [`NO_ODDS`].
#[cube]
pub(super) fn log_odds(logits: &[f32], row: usize, classes: usize, class: usize) -> f32 {
    let others = other_max(logits, row, classes, class);
    let mut total = 0.0f32;
    let mut finite = is_finite(logits[row + class]);
    for k in 0..classes {
        if k != class {
            total += (logits[row + k] - others).exp();
            finite *= is_finite(logits[row + k]);
        }
    }
    let mut z = logits[row + class] - others - total.ln();
    if finite * is_finite(z) == 0u32 {
        z = NO_ODDS;
    }
    z
}

/// Writes `γ` of the class, and the rest in the shares that the prediction gives the other classes.
#[cube]
pub(super) fn write_binary(
    logits: &[f32],
    posterior: &mut [f32],
    row: usize,
    classes: usize,
    class: usize,
    gamma: f32,
) {
    let others = other_max(logits, row, classes, class);
    let mut total = 0.0f32;
    for k in 0..classes {
        if k != class {
            total += (logits[row + k] - others).exp();
        }
    }
    for k in 0..classes {
        if k == class {
            posterior[row + k] = gamma;
        } else {
            posterior[row + k] = (1.0 - gamma) * (logits[row + k] - others).exp() / total;
        }
    }
}

#[cube]
pub(super) fn other_max(logits: &[f32], row: usize, classes: usize, class: usize) -> f32 {
    // One of the first two is another class.
    let mut highest = logits[row];
    if class == 0 {
        highest = logits[row + 1];
    }
    for k in 0..classes {
        if k != class {
            highest = f32::max(highest, logits[row + k]);
        }
    }
    highest
}

/// 1 for a finite number, 0 for infinities and NaN. By its bits: comparisons with infinities are none
/// of a shader's promises.
#[cube]
pub(super) fn is_finite(x: f32) -> u32 {
    let mut finite = 0u32;
    if u32::reinterpret(x) & 0x7f80_0000u32 != 0x7f80_0000u32 {
        finite = 1u32;
    }
    finite
}

#[cube]
pub(super) fn row_max(logits: &[f32], row: usize, classes: usize) -> f32 {
    let mut highest = logits[row];
    for k in 1..classes {
        highest = f32::max(highest, logits[row + k]);
    }
    highest
}

#[cube]
pub(super) fn row_sum(logits: &[f32], row: usize, classes: usize, highest: f32) -> f32 {
    let mut total = 0.0f32;
    for k in 0..classes {
        total += (logits[row + k] - highest).exp();
    }
    total
}

/// How far the row's logits are apart; twice [`WIDEST_ROW`] when they are not all finite.
#[cube]
pub(super) fn row_width(logits: &[f32], row: usize, classes: usize, highest: f32) -> f32 {
    let mut width = 0.0f32;
    let mut finite = 1u32;
    for k in 0..classes {
        width = f32::max(width, highest - logits[row + k]);
        finite *= is_finite(logits[row + k]);
    }
    if finite * is_finite(width) == 0u32 {
        width = 2.0 * WIDEST_ROW;
    }
    width
}
