use crate::Result;
use crate::error::within;

/// A learning rate by the time in epochs, fractions included.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Schedule {
    /// `1e-4 + (max − 1e-4)(1 + cos(π t/epochs))/2`: SpecFormer's for CIFAR and Imagenette, whose code
    /// has 40 epochs written into it, whatever the settings say.
    Cosine {
        /// The rate at the start.
        max: f64,
        /// When the lowest rate is reached.
        epochs: f64,
    },
    /// `max`, a tenth of it for the last five epochs, a hundredth for the last two: SpecFormer's for
    /// ImageNet.
    Steps {
        /// The rate at the start.
        max: f64,
        /// The number of epochs.
        epochs: f64,
    },
}

/// The lowest rate of the cosine.
const LOWEST: f64 = 1e-4;

impl Schedule {
    /// The rate at `epoch`, 0 for the first step. After the end it stays where it is.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for times and rates that are negative or not finite.
    pub fn rate(self, epoch: f64) -> Result<f64> {
        let (Self::Cosine { max, epochs } | Self::Steps { max, epochs }) = self;
        let expected = "a finite number, 0 or more";
        for (name, value) in [("rate", max), ("epochs", epochs), ("epoch", epoch)] {
            within(name, expected, value, 0.0, f64::MAX)?;
        }
        Ok(match self {
            Self::Cosine { .. } => {
                let t = if epochs > 0.0 { (epoch / epochs).min(1.0) } else { 1.0 };
                LOWEST + (max - LOWEST) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
            }
            Self::Steps { .. } if epoch >= epochs - 2.0 => 0.01 * max,
            Self::Steps { .. } if epoch >= epochs - 5.0 => 0.1 * max,
            Self::Steps { .. } => max,
        })
    }
}
