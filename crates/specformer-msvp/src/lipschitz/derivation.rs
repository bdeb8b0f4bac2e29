use std::fmt;

use assay_array::Scalar;
use ndarray::{ArrayView2, ArrayView4};

use super::{Activation, AttentionHead, attention_ball};
use crate::error::within;
use crate::spectral::conv::{self, Geometry};
use crate::spectral::sigma_upper;
use crate::{CertifiedUpper, Error, Result};

/// Where a constant holds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On the Euclidean ball of this radius around one input.
    Ball {
        /// The radius.
        radius: f64,
    },
}

/// One line of a derivation.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Step {
    /// The layer.
    pub layer: String,
    /// The rule that bounds it.
    pub rule: String,
    /// The layer's constant.
    pub factor: CertifiedUpper,
    /// The constant from the input (of the branch, within a residual block) to here.
    pub total: CertifiedUpper,
    /// How many residual blocks the layer is inside of.
    pub depth: usize,
}

/// A certified Lipschitz constant for the Euclidean norm, and how it came about. It prints its own
/// derivation.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Certificate {
    /// The constant.
    pub value: CertifiedUpper,
    /// Where it holds.
    pub scope: Scope,
    /// Layer by layer.
    pub steps: Vec<Step>,
}

/// Builds a [`Certificate`] layer by layer, from the input on.
///
/// On a ball, each layer is bounded on the ball that its input can be in: the radius grows with the
/// constant so far. Layers whose bound depends on the place (attention, layer normalisation) need what
/// their input is at the ball's centre.
///
/// The centre's values come from a forward pass in floating point, whose own rounding is *not* part
/// of the proof; their norms are widened by one part in a thousand instead, which covers a forward
/// pass in `f32` by a wide margin. Likewise a certificate is about the network of real numbers that
/// the weights define.
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::lipschitz::{Activation, Derivation};
/// let (a, b) = (array![[3.0_f64, 0.0], [0.0, 4.0]], array![[0.5, 0.0]]);
/// let certificate = Derivation::global()
///     .linear("first", a.view())?
///     .activation("relu", Activation::Relu)
///     .linear("second", b.view())?
///     .finish();
/// assert!((certificate.value.value() - 2.0).abs() < 1e-8);
/// println!("{certificate}");
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Derivation {
    scope: Scope,
    /// The constant of what came before this branch began.
    before: CertifiedUpper,
    total: CertifiedUpper,
    steps: Vec<Step>,
    depth: usize,
}

/// Widens what a forward pass in `f32` computed.
pub(crate) const FORWARD_SLACK: f64 = 1e-3;

impl Derivation {
    /// A constant for all inputs.
    pub fn global() -> Self {
        let one = CertifiedUpper::known(1.0);
        Self { scope: Scope::Global, before: one, total: one, steps: vec![], depth: 0 }
    }

    /// A constant on the ball of this radius around the input whose activations are given to the
    /// layers that ask for them.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a radius that is negative or not finite.
    pub fn ball(radius: f64) -> Result<Self> {
        within("radius", "a finite number, 0 or more", radius, 0.0, f64::MAX)?;
        Ok(Self { scope: Scope::Ball { radius }, ..Self::global() })
    }

    /// The radius of the ball that the current layer's input stays in.
    pub fn radius_here(&self) -> Option<CertifiedUpper> {
        match self.scope {
            Scope::Global => None,
            Scope::Ball { radius } => {
                Some(CertifiedUpper::known(radius) * self.before * self.total)
            }
        }
    }

    /// A layer with a constant of the caller's.
    pub fn factor(
        mut self,
        layer: impl Into<String>,
        rule: impl Into<String>,
        factor: CertifiedUpper,
    ) -> Self {
        self.total = self.total * factor;
        let (layer, rule, depth) = (layer.into(), rule.into(), self.depth);
        self.steps.push(Step { layer, rule, factor, total: self.total, depth });
        self
    }

    /// A matrix, of either orientation. A bias does not matter.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn linear<T: Scalar>(self, layer: impl Into<String>, w: ArrayView2<'_, T>) -> Result<Self> {
        let rule = format!("‖W‖₂ of [{}, {}], by Cholesky", w.nrows(), w.ncols());
        Ok(self.factor(layer, rule, sigma_upper(w)?))
    }

    /// A convolution.
    ///
    /// # Errors
    /// As [`conv::upper`].
    pub fn convolution<T: Scalar>(
        self,
        layer: impl Into<String>,
        kernel: ArrayView4<'_, T>,
        geometry: Geometry,
    ) -> Result<Self> {
        let rule = "least of the bounds by frequencies, unfoldings and taps";
        Ok(self.factor(layer, rule, conv::upper(kernel, geometry)?))
    }

    /// An elementwise function.
    pub fn activation(self, layer: impl Into<String>, activation: Activation) -> Self {
        let rule = format!("largest slope of {activation:?}");
        self.factor(layer, rule, activation.constant())
    }

    /// Average pooling with windows that do not overlap, or the mean over `n` tokens: `1/√n`.
    pub fn mean_pool(self, layer: impl Into<String>, n: usize) -> Self {
        let factor = 1.0 / (n.max(1) as f64).sqrt();
        self.factor(layer, format!("mean of {n}"), CertifiedUpper::known(factor.next_up()))
    }

    /// Max pooling: each input is in at most `Π ⌈window/stride⌉` windows.
    pub fn max_pool(
        self,
        layer: impl Into<String>,
        window: [usize; 2],
        stride: [usize; 2],
    ) -> Self {
        let times = (0..2).map(|d| window[d].div_ceil(stride[d].max(1)) as f64).product();
        let rule = format!("windows {window:?} every {stride:?}");
        self.factor(layer, rule, CertifiedUpper::known(times).sqrt())
    }

    /// Batch normalisation in evaluation: `max |γ|/√(var + ε)`.
    ///
    /// # Errors
    /// [`Error::Shape`] for different lengths; [`Error::Parameter`] where `var + ε` is not positive.
    pub fn batch_norm(
        self,
        layer: impl Into<String>,
        gamma: &[f64],
        variance: &[f64],
        epsilon: f64,
    ) -> Result<Self> {
        if gamma.len() != variance.len() {
            let (expected, got) = (vec![gamma.len()], vec![variance.len()]);
            return Err(Error::Shape { operation: "batch norm: variances", expected, got });
        }
        let mut factor = CertifiedUpper::ZERO;
        for (g, v) in gamma.iter().zip(variance) {
            let expected = "variances whose sum with epsilon is positive";
            within("batch norm", expected, v + epsilon, f64::MIN_POSITIVE, f64::MAX)?;
            let ratio = g.abs() / (v + epsilon).sqrt();
            factor = factor.max(CertifiedUpper::known(ratio * (1.0 + 4.0 * f64::EPSILON)));
        }
        Ok(self.factor(layer, "max |γ|/√(var + ε)", factor))
    }

    /// `CenterNorm`, `γ · d/(d−1) · (x − mean x)`: `d/(d−1) · max |γ|` (LipsFormer).
    pub fn center_norm(self, layer: impl Into<String>, gamma: &[f64]) -> Self {
        let d = gamma.len() as f64;
        let largest = gamma.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        let factor = if d > 1.0 { (d / (d - 1.0)).next_up() } else { f64::INFINITY };
        let factor = CertifiedUpper::known(largest) * CertifiedUpper::known(factor);
        self.factor(layer, "d/(d−1) · max |γ|", factor)
    }

    /// Layer normalisation over the features of tokens: `max |γ|/√(var + ε)` with the smallest variance
    /// that a token can have.
    ///
    /// Everywhere that is `max |γ|/√ε`, the weak link of every global certificate. On a ball, with the
    /// layer's input `[tokens, features]` at its centre, a token's standard deviation is at least that
    /// at the centre less `radius/√features`, because `‖x − mean x‖` grows no faster than `‖x‖`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an `ε` that is not positive; [`Error::Shape`]; [`Error::NotFinite`].
    pub fn layer_norm<T: Scalar>(
        self,
        layer: impl Into<String>,
        gamma: &[f64],
        epsilon: f64,
        centre: Option<ArrayView2<'_, T>>,
    ) -> Result<Self> {
        within("layer norm: epsilon", "positive", epsilon, f64::MIN_POSITIVE, f64::MAX)?;
        let largest = gamma.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        let (least, rule) = match (self.radius_here(), centre) {
            (Some(radius), Some(x)) => {
                if x.ncols() != gamma.len() || x.is_empty() {
                    let (expected, got) = (vec![x.nrows(), gamma.len()], x.shape().to_vec());
                    let operation = "layer norm: tokens [N, D]";
                    return Err(Error::Shape { operation, expected, got });
                }
                crate::classifier::finite("layer norm: tokens", x)?;
                let d = x.ncols() as f64;
                let deviation = |token: &[f64]| {
                    let mean = token.iter().sum::<f64>() / d;
                    (token.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / d).sqrt()
                };
                let least = x
                    .outer_iter()
                    .map(|t| deviation(&t.iter().map(|x| x.to_f64()).collect::<Vec<_>>()))
                    .fold(f64::INFINITY, f64::min)
                    * (1.0 - FORWARD_SLACK);
                let moved = (radius.value() / d.sqrt()).next_up();
                ((least - moved).max(0.0), "max |γ|/√(var + ε), least deviation on the ball")
            }
            _ => (0.0, "max |γ|/√ε, for a token of equal features"),
        };
        let root = (least * least + epsilon).sqrt() * (1.0 - 4.0 * f64::EPSILON);
        let factor = CertifiedUpper::known(largest) * CertifiedUpper::known((1.0 / root).next_up());
        Ok(self.factor(layer, rule, factor))
    }

    /// Multi-head dot-product attention with an output projection, on a ball; `centre` is its input
    /// `[tokens, features]` at the ball's centre.
    ///
    /// `‖W_O‖ √(Σ_h L_h²)` with [`attention_ball`] for each head: heads stand side by side.
    ///
    /// # Errors
    /// [`Error::NeedsBall`] for a global derivation; [`Error::Shape`]; [`Error::NotFinite`].
    pub fn attention<T: Scalar>(
        self,
        layer: impl Into<String>,
        heads: &[AttentionHead<'_, T>],
        output: Option<ArrayView2<'_, T>>,
        centre: ArrayView2<'_, T>,
    ) -> Result<Self> {
        let layer = layer.into();
        let Some(radius) = self.radius_here() else { return Err(Error::NeedsBall { layer }) };
        let slack = CertifiedUpper::known(1.0 + FORWARD_SLACK);
        let reach = sigma_upper(centre)? * slack + radius;
        let mut squares = CertifiedUpper::ZERO;
        for head in heads {
            if head.q.nrows() != centre.ncols() {
                let expected = vec![centre.nrows(), head.q.nrows()];
                let (operation, got) = ("attention: tokens [N, D]", centre.shape().to_vec());
                return Err(Error::Shape { operation, expected, got });
            }
            let bound = attention_ball(head, centre.nrows(), reach)?;
            squares = squares + bound * bound;
        }
        let mut factor = squares.sqrt();
        if let Some(output) = output {
            factor = factor * sigma_upper(output)?;
        }
        let rule = format!(
            "‖W_O‖ √Σ_h (‖V‖(√N + s‖QKᵀ‖R²))², {} heads, N = {}, R = {:.4}",
            heads.len(),
            centre.nrows(),
            reach.value(),
        );
        Ok(self.factor(layer, rule, factor))
    }

    /// Heads side by side with constants of their own, [`l2_attention`](super::l2_attention)'s say, and an
    /// output projection: `‖W_O‖ √(Σ_h L_h²)`.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn heads<T: Scalar>(
        self,
        layer: impl Into<String>,
        heads: &[CertifiedUpper],
        output: Option<ArrayView2<'_, T>>,
    ) -> Result<Self> {
        let squares = heads.iter().fold(CertifiedUpper::ZERO, |sum, &h| sum + h * h);
        let output = output.map_or(Ok(CertifiedUpper::known(1.0)), sigma_upper)?;
        let rule = format!("‖W_O‖ √Σ_h L_h², {} heads", heads.len());
        Ok(self.factor(layer, rule, squares.sqrt() * output))
    }

    /// `x + f(x)`: one plus the branch's constant.
    ///
    /// # Errors
    /// The branch's own.
    pub fn residual(
        mut self,
        layer: impl Into<String>,
        branch: impl FnOnce(Self) -> Result<Self>,
    ) -> Result<Self> {
        let one = CertifiedUpper::known(1.0);
        let inner = branch(Self {
            scope: self.scope,
            before: self.before * self.total,
            total: one,
            steps: vec![],
            depth: self.depth + 1,
        })?;
        self.steps.extend(inner.steps);
        Ok(self.factor(layer, "1 + branch", one + inner.total))
    }

    /// The certificate.
    pub fn finish(self) -> Certificate {
        Certificate { value: self.total, scope: self.scope, steps: self.steps }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            Scope::Global => "everywhere".to_owned(),
            Scope::Ball { radius } => format!("on the ball of radius {radius} around the input"),
        };
        writeln!(f, "Lipschitz constant in L2, {scope}: {}", number(self.value))?;
        let width = |step: &Step| step.layer.chars().count() + 2 * step.depth;
        let column = self.steps.iter().map(width).max().unwrap_or(0);
        for step in &self.steps {
            let pad = " ".repeat(2 * step.depth);
            let fill = " ".repeat(column - width(step));
            let (factor, total) = (number(step.factor), number(step.total));
            writeln!(
                f,
                "  {pad}{}{fill}  × {factor:>11} = {total:>11}  {}",
                step.layer, step.rule
            )?;
        }
        Ok(())
    }
}

/// Rounded upwards in what is shown.
fn number(value: CertifiedUpper) -> String {
    let value = value.value();
    if (1e-3..1e6).contains(&value) {
        format!("{:.4}", (value * 1e4).ceil() / 1e4)
    } else {
        format!("{:.4e}", value * (1.0 + 5e-5))
    }
}
