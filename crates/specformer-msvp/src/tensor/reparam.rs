use assay_array::random::stream;
use assay_tensor::burn;
use burn::module::{Module, Param};
use burn::prelude::{Device, Tensor, TensorData};
use burn::tensor::DType;
use ndarray::ArrayView2;

use super::{constant_param, normal_param};
use crate::error::within;
use crate::spectral::{PowerOrder, PowerState};
use crate::{Error, Result};

/// Settings of [`SpectralLinear`].
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralLinearConfig {
    inputs: usize,
    outputs: usize,
    bias: bool,
    scale: Option<f64>,
    warmup: usize,
    seed: u64,
}

/// Whether `γ` in `γ W/σ(W)` is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigmaReparam {
    /// `γ` is fixed: spectral normalisation (Miyato et al. 2018), for `γ = 1`.
    Fixed,
    /// `γ` is a parameter that starts at `σ(W)`, so that the layer starts as `W` (Zhai et al. 2023).
    Learnt,
}

impl SpectralLinearConfig {
    /// Spectral normalisation of a layer from `inputs` to `outputs`, with a bias.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true, scale: Some(1.0), warmup: 15, seed: 0 }
    }

    /// With or without a bias.
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// A fixed `γ`: spectral normalisation to that norm.
    pub fn with_norm(self, gamma: f64) -> Self {
        Self { scale: Some(gamma), ..self }
    }

    /// A learnt `γ`: σReparam.
    pub fn with_learnt_norm(self) -> Self {
        Self { scale: None, ..self }
    }

    /// Power iterations at the start, as PyTorch's 15.
    pub fn with_warmup(self, warmup: usize) -> Self {
        Self { warmup, ..self }
    }

    /// The seed of weight and vectors.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The layer, with weights of deviation `1/√inputs`.
    ///
    /// # Errors
    /// [`Error::Empty`] for no inputs or outputs; [`Error::Parameter`] for a norm that is not positive.
    pub fn init(&self, device: &Device) -> Result<SpectralLinear> {
        let operation = "spectrally normalised layer";
        if self.inputs == 0 || self.outputs == 0 {
            return Err(Error::Empty { operation, what: "input and output" });
        }
        if let Some(gamma) = self.scale {
            within("norm", "a positive number", gamma, f64::MIN_POSITIVE, f64::from(f32::MAX))?;
        }
        let mut rng = stream(self.seed, "spectral linear", 0);
        let deviation = (self.inputs as f64).sqrt().recip();
        let weight = normal_param([self.inputs, self.outputs], deviation, &mut rng, device);
        SpectralLinear::from_weight(weight, self.bias, self.scale, self.warmup, self.seed, device)
    }
}

/// A linear layer whose weight is `γ W/σ(W)`.
///
/// `σ = uᵀWv` with `u` and `v` from power iteration, which count as constants: the gradient goes
/// through `W/σ` and through `σ`. [`SpectralLinear::update`] runs one step of it; call it once a training
/// step, before `forward`. `forward` never changes the layer, so two passes in one step, or an
/// evaluation in between, see the same weight: what in-place buffers got wrong elsewhere. `u` and `v` are
/// saved with the module and not trained.
///
/// - input `[.., inputs]`, output `[.., outputs]`
#[derive(Module, Debug)]
pub struct SpectralLinear {
    /// `W`, `[inputs, outputs]`.
    pub weight: Param<Tensor<2>>,
    /// The bias, `[outputs]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// `γ`, `[1]`.
    pub gamma: Param<Tensor<1>>,
    u: Param<Tensor<1>>,
    v: Param<Tensor<1>>,
    learnt: bool,
}

impl SpectralLinear {
    fn from_weight(
        weight: Param<Tensor<2>>,
        bias: bool,
        scale: Option<f64>,
        warmup: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let [inputs, outputs] = weight.dims();
        let mut state = PowerState::random((inputs, outputs), seed, 0);
        let values = host(&weight.val())?;
        let view = view(&values, inputs, outputs)?;
        // At least one, or there is no σ to divide by.
        for _ in 0..warmup.max(1) {
            state.step(view, PowerOrder::UFirst)?;
        }
        let gamma = scale.unwrap_or(state.sigma()) as f32;
        let gamma = constant_param([1], gamma, device).set_require_grad(scale.is_none());
        let bias = bias.then(|| constant_param([outputs], 0.0, device));
        let [u, v] = [state.u(), state.v()].map(|x| vector(x, device).set_require_grad(false));
        Ok(Self { weight, bias, gamma, u, v, learnt: scale.is_none() })
    }

    /// Whether `γ` is learnt.
    pub fn kind(&self) -> SigmaReparam {
        if self.learnt { SigmaReparam::Learnt } else { SigmaReparam::Fixed }
    }

    /// One step of power iteration, PyTorch's order: `u` first.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a weight that is not; what the device has to say.
    pub fn update(mut self) -> Result<Self> {
        let [inputs, outputs] = self.weight.dims();
        let vectors = [&self.u, &self.v].map(wide);
        let [u, v] = vectors;
        let mut state = PowerState::from_vectors(u?, v?)?;
        let values = host(&self.weight.val())?;
        state.step(view(&values, inputs, outputs)?, PowerOrder::UFirst)?;
        let device = self.weight.val().device();
        let replace = |param: Param<Tensor<1>>, x: &[f64]| {
            param.map(|_| tensor(x, &device).set_require_grad(false))
        };
        self.u = replace(self.u, state.u());
        self.v = replace(self.v, state.v());
        Ok(self)
    }

    /// `σ(W)` by the vectors of the last update, `[1]`; autodiff goes through it.
    pub fn sigma(&self) -> Tensor<1> {
        let (u, v) = (self.u.val().detach().unsqueeze_dim::<2>(0), self.v.val().detach());
        let image = u.matmul(self.weight.val()); // [1, outputs]
        (image.squeeze_dim::<1>(0) * v).sum()
    }

    /// `γ W/σ`, `[inputs, outputs]`. A zero weight stays zero.
    pub fn normalised_weight(&self) -> Tensor<2> {
        let sigma = self.sigma().clamp_min(f64::from(f32::MIN_POSITIVE));
        self.weight.val() * (self.gamma.val() / sigma).unsqueeze_dim::<2>(0)
    }

    /// The layer.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let y = x.matmul(self.normalised_weight().unsqueeze());
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }
}

fn host(weight: &Tensor<2>) -> Result<Vec<f32>> {
    let array = assay_tensor::convert::into_array::<f32, 2>(weight.clone().without_autodiff())?;
    Ok(array.into_raw_vec_and_offset().0)
}

fn wide(param: &Param<Tensor<1>>) -> Result<Vec<f64>> {
    let array = assay_tensor::convert::into_array::<f32, 1>(param.val().without_autodiff())?;
    Ok(array.iter().map(|x| f64::from(*x)).collect())
}

fn view(values: &[f32], m: usize, n: usize) -> Result<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((m, n), values).map_err(|_| Error::Shape {
        operation: "weight of a spectrally normalised layer",
        expected: vec![m, n],
        got: vec![values.len()],
    })
}

fn tensor(x: &[f64], device: &Device) -> Tensor<1> {
    let values: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

fn vector(x: &[f64], device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(tensor(x, device))
}
