use assay_tensor::burn;
use assay_tensor::burn::module::{Module, Param};
use assay_tensor::burn::prelude::{Device, Tensor};

use crate::{Error, Result, Temperature};

/// Temperature scaling as a module: `z · e^θ`, with `θ = ln(1/T)` to be learned, so that the
/// temperature stays positive.
///
/// To calibrate a trained classifier, [`Temperature`] on the host finds the optimum in a handful of
/// passes; the module is for what trains together.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use assay_tensor::{burn::prelude::Tensor, device};
/// use dac_calibration::tensor::TemperatureScaling;
/// let device = device("flex")?;
/// let scaling = TemperatureScaling::new(2.0, &device)?;
/// let scaled = scaling.forward(Tensor::from_floats([[4.0, 0.0]], &device));
/// # let got: Vec<f32> = scaled.try_to_vec_as()?;
/// # assert!((got[0] - 2.0).abs() < 1e-6);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct TemperatureScaling {
    /// `ln(1/T)`, `[1]`.
    pub log_inverse: Param<Tensor<1>>,
}

impl TemperatureScaling {
    /// Starts at a temperature.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a temperature that is not positive and finite.
    pub fn new(temperature: f64, device: &Device) -> Result<Self> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            let (name, expected) = ("temperature", "positive and finite");
            return Err(Error::Parameter { name, expected, got: temperature });
        }
        let log_inverse = Tensor::<1>::from_floats([-temperature.ln() as f32], device);
        Ok(Self { log_inverse: Param::from_tensor(log_inverse) })
    }

    /// Starts at a fitted temperature.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_fitted(fitted: &Temperature, device: &Device) -> Result<Self> {
        Self::new(fitted.value(), device)
    }

    /// Logits `[N, C]` divided by the temperature.
    pub fn forward(&self, logits: Tensor<2>) -> Tensor<2> {
        let factor = self.log_inverse.val().exp().cast(logits.dtype());
        logits * factor.unsqueeze_dim::<2>(0)
    }
}

/// Vector scaling as a module: `w ∘ z + b`.
#[derive(Module, Debug)]
pub struct VectorScaling {
    /// `w`, `[C]`.
    pub weight: Param<Tensor<1>>,
    /// `b`, `[C]`.
    pub bias: Param<Tensor<1>>,
}

impl VectorScaling {
    /// Starts at the identity.
    ///
    /// # Errors
    /// [`Error::Empty`] for no classes.
    pub fn new(classes: usize, device: &Device) -> Result<Self> {
        if classes == 0 {
            return Err(Error::Empty { operation: "vector scaling", item: "class" });
        }
        let (weight, bias) =
            (Tensor::<1>::ones([classes], device), Tensor::<1>::zeros([classes], device));
        Ok(Self { weight: Param::from_tensor(weight), bias: Param::from_tensor(bias) })
    }

    /// Scaled logits `[N, C]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of classes.
    pub fn forward(&self, logits: Tensor<2>) -> Result<Tensor<2>> {
        let [samples, got] = logits.dims();
        let [classes] = self.weight.val().dims();
        if got != classes {
            let (expected, got) = (vec![samples, classes], vec![samples, got]);
            return Err(Error::Shape { operation: "vector scaling [N, C]", expected, got });
        }
        let row = |parameter: &Param<Tensor<1>>| {
            parameter.val().cast(logits.dtype()).unsqueeze_dim::<2>(0)
        };
        let (weight, bias) = (row(&self.weight), row(&self.bias));
        Ok(logits * weight + bias)
    }
}
