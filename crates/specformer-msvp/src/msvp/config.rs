use crate::error::within;
use crate::spectral::PowerOrder;
use crate::{Error, Result};

/// Into which blocks a query, key or value weight `[out, in]` is cut before its singular values are
/// taken. For each, `σ(W)² ≤ Σ_b σ(W_b)² ≤ ‖W‖_F²`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Blocking {
    /// The whole matrix.
    Whole,
    /// One block a head: the rows that project onto it.
    #[default]
    HeadRows,
    /// As many blocks of *columns* as there are heads: what the published code does, where it means to
    /// take heads. For comparison with its numbers.
    RepoCols,
}

/// The power of the singular value in the penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Power {
    /// `σ`
    One,
    /// `σ²`, as in the published code.
    #[default]
    Two,
}

impl Power {
    pub(crate) fn value(self, sigma: f64) -> f64 {
        if self == Self::One { sigma } else { sigma * sigma }
    }

    pub(crate) fn derivative(self, sigma: f64) -> f64 {
        if self == Self::One { 1.0 } else { 2.0 * sigma }
    }
}

/// Settings of [`Msvp`](super::Msvp). The defaults are the published ones for CIFAR, but for the
/// blocks, which are the heads here.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MsvpConfig {
    pub(super) lambdas: [f64; 3],
    pub(super) power: Power,
    pub(super) blocking: Blocking,
    pub(super) order: PowerOrder,
    pub(super) iterations: usize,
    pub(super) warmup: usize,
    pub(super) layer_weights: Option<Vec<f64>>,
    pub(super) seed: u64,
}

impl Default for MsvpConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl MsvpConfig {
    /// `λ = 1e-5` for each matrix, `σ²`, blocks by heads, one iteration a step after 15 at the start.
    pub fn new() -> Self {
        Self {
            lambdas: [1e-5; 3],
            power: Power::Two,
            blocking: Blocking::HeadRows,
            order: PowerOrder::OnePass,
            iterations: 1,
            warmup: 15,
            layer_weights: None,
            seed: 0,
        }
    }

    /// The weights of the query, key and value terms; a zero leaves the matrix out. The published ones
    /// for ImageNet are `[5e-3, 6e-4, 7e-5]`.
    pub fn with_lambdas(self, lambdas: [f64; 3]) -> Self {
        Self { lambdas, ..self }
    }

    /// `σ` or `σ²`.
    pub fn with_power(self, power: Power) -> Self {
        Self { power, ..self }
    }

    /// How matrices are cut.
    pub fn with_blocking(self, blocking: Blocking) -> Self {
        Self { blocking, ..self }
    }

    /// Which vector a step updates first; [`PowerOrder::VFirst`] for the published sequence.
    pub fn with_order(self, order: PowerOrder) -> Self {
        Self { order, ..self }
    }

    /// Power iterations a training step, 1 or more.
    pub fn with_iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// Power iterations at the start. After a single one from a random vector the estimate is 30 %
    /// too low; the published code starts so.
    pub fn with_warmup(self, warmup: usize) -> Self {
        Self { warmup, ..self }
    }

    /// A weight for each layer's terms, instead of 1.
    pub fn with_layer_weights(self, weights: Vec<f64>) -> Self {
        Self { layer_weights: Some(weights), ..self }
    }

    /// The seed of the first vectors.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub(super) fn layer_weight(&self, layer: usize) -> f64 {
        self.layer_weights.as_ref().and_then(|w| w.get(layer)).copied().unwrap_or(1.0)
    }

    pub(super) fn check(&self, layers: usize) -> Result<()> {
        let expected = "a finite number, 0 or more";
        for lambda in self.lambdas {
            within("lambda", expected, lambda, 0.0, f64::MAX)?;
        }
        for &weight in self.layer_weights.iter().flatten() {
            within("layer weight", expected, weight, 0.0, f64::MAX)?;
        }
        // A million iterations a step are a mistake, not a method.
        within("iterations", "1 to 1000000", self.iterations as f64, 1.0, 1e6)?;
        within("warmup", "0 to 1000000", self.warmup as f64, 0.0, 1e6)?;
        match &self.layer_weights {
            Some(weights) if weights.len() != layers => {
                let (operation, what) = ("maximum singular value penalty", "layer weights");
                Err(Error::State { operation, what, expected: layers, got: weights.len() })
            }
            _ => Ok(()),
        }
    }
}
