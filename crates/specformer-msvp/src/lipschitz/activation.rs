use crate::CertifiedUpper;

/// Elementwise functions and the largest magnitude of their derivative.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`: 1.
    Relu,
    /// `max(x, αx)`: `max(1, |α|)`.
    LeakyRelu(f64),
    /// 1.
    Tanh,
    /// 1/4.
    Sigmoid,
    /// With α = 1: 1.
    Elu,
    /// 1.
    Softplus,
    /// `x Φ(x)`: 1.128904…, at `x = √2`.
    Gelu,
    /// The approximation of GELU by tanh: 1.128993….
    GeluTanh,
    /// `x σ(x)`: 1.099839….
    Silu,
    /// `x tanh(softplus(x))`: 1.088498….
    Mish,
    /// Softmax over one axis, as a map of vectors: 1/2.
    Softmax,
}

impl Activation {
    /// Its Lipschitz constant, rounded upwards in the last digit given.
    pub fn constant(self) -> CertifiedUpper {
        CertifiedUpper::known(match self {
            Self::Relu | Self::Tanh | Self::Elu | Self::Softplus => 1.0,
            Self::LeakyRelu(slope) => slope.abs().max(1.0),
            Self::Sigmoid => 0.25,
            Self::Gelu => 1.128_905,
            Self::GeluTanh => 1.128_994,
            Self::Silu => 1.099_840,
            Self::Mish => 1.088_499,
            Self::Softmax => 0.5,
        })
    }
}
