use assay_array::numeric::log_softmax;

use crate::{Error, Result};

/// What an attack maximises. Each is per sample, so a result never depends on the batch.
///
/// With `z` the logits, `y` the label, `t` a target and `π` the order of `z` from the largest:
/// - the gradient with respect to `z` is exact wherever the formula is differentiable;
/// - `targeted` variants want the target instead of merely another class.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Objective {
    /// `−log softmax(z)_y`; targeted `+log softmax(z)_t`.
    #[default]
    CrossEntropy,
    /// `max(max_{j≠y} z_j − z_y, −κ)` (Carlini and Wagner 2017; SpecFormer's evaluation with κ = 10,
    /// which only stops work on samples far from the boundary); targeted
    /// `min(z_t − max_{j≠t} z_j, κ)`.
    Margin {
        /// `κ`.
        kappa: f64,
    },
    /// `−(z_y − max_{j≠y} z_j)/(z_π1 − z_π3 + 1e-12)`, which does not change with the scale of the
    /// logits (Croce and Hein 2020); 3 classes or more. Targeted
    /// `−(z_y − z_t)/(z_π1 − (z_π3 + z_π4)/2 + 1e-12)`; 4 classes or more.
    Dlr,
}

/// Keeps the difference of logits ratio finite when all logits are equal.
const DLR_FLOOR: f64 = 1e-12;

impl Objective {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "CE",
            Self::Margin { .. } => "margin",
            Self::Dlr => "DLR",
        }
    }

    /// The classes that it needs.
    pub fn needs(self, targeted: bool) -> usize {
        match self {
            Self::CrossEntropy | Self::Margin { .. } => 2,
            Self::Dlr => 3 + usize::from(targeted),
        }
    }

    /// The value at these logits and its gradient by them.
    ///
    /// # Errors
    /// [`Error::Label`] for a label or target outside the logits; [`Error::Classes`] for too few.
    pub fn evaluate(
        self,
        logits: &[f64],
        label: usize,
        target: Option<usize>,
    ) -> Result<(f64, Vec<f64>)> {
        let classes = logits.len();
        let operation = "objective of an attack";
        for label in [Some(label), target].into_iter().flatten() {
            if label >= classes {
                return Err(Error::Label { operation, sample: 0, label, classes });
            }
        }
        let needed = self.needs(target.is_some());
        if classes < needed {
            return Err(Error::Classes { operation, needed, classes });
        }
        let mut gradient = vec![0.0; classes];
        let value = self.evaluate_into(logits, label, target, &mut gradient);
        Ok((value, gradient))
    }

    /// The same where labels and classes are known to be right.
    pub(crate) fn evaluate_into(
        self,
        z: &[f64],
        y: usize,
        target: Option<usize>,
        gradient: &mut [f64],
    ) -> f64 {
        gradient.fill(0.0);
        match (self, target) {
            (Self::CrossEntropy, target) => {
                let (class, sign) = target.map_or((y, 1.0), |t| (t, -1.0));
                log_softmax(z, gradient);
                let value = -sign * gradient[class];
                for (j, g) in gradient.iter_mut().enumerate() {
                    *g = sign * (g.exp() - f64::from(u8::from(j == class)));
                }
                value
            }
            (Self::Margin { kappa }, None) => {
                let j = largest_but(z, y);
                let margin = z[j] - z[y];
                if margin > -kappa {
                    (gradient[j], gradient[y]) = (1.0, -1.0);
                }
                margin.max(-kappa)
            }
            (Self::Margin { kappa }, Some(t)) => {
                let j = largest_but(z, t);
                let margin = z[t] - z[j];
                if margin < kappa {
                    (gradient[t], gradient[j]) = (1.0, -1.0);
                }
                margin.min(kappa)
            }
            (Self::Dlr, None) => {
                let order = descending(z);
                let j = largest_but(z, y);
                let scale = z[order[0]] - z[order[2]] + DLR_FLOOR;
                let value = -(z[y] - z[j]) / scale;
                gradient[y] -= 1.0 / scale;
                gradient[j] += 1.0 / scale;
                gradient[order[0]] -= value / scale;
                gradient[order[2]] += value / scale;
                value
            }
            (Self::Dlr, Some(t)) => {
                let order = descending(z);
                let scale = z[order[0]] - f64::midpoint(z[order[2]], z[order[3]]) + DLR_FLOOR;
                let value = -(z[y] - z[t]) / scale;
                gradient[y] -= 1.0 / scale;
                gradient[t] += 1.0 / scale;
                gradient[order[0]] -= value / scale;
                gradient[order[2]] += value / scale / 2.0;
                gradient[order[3]] += value / scale / 2.0;
                value
            }
        }
    }
}

/// The class of the largest logit but one; `but` itself where it is the only one.
pub(crate) fn largest_but(z: &[f64], but: usize) -> usize {
    let mut best = but;
    for (j, value) in z.iter().enumerate() {
        if j != but && (best == but || *value > z[best]) {
            best = j;
        }
    }
    best
}

/// The class of the largest logit, the first of equals.
pub(crate) fn argmax(z: impl IntoIterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (j, value) in z.into_iter().enumerate() {
        if value > best.1 {
            best = (j, value);
        }
    }
    best.0
}

/// Classes from the largest logit to the smallest, equals in their order.
pub(crate) fn descending(z: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|&a, &b| z[b].total_cmp(&z[a]).then(a.cmp(&b)));
    order
}
