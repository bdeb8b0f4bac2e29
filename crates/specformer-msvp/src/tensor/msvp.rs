use std::path::Path;

use assay_array::Scalar;
use assay_array::io::safetensors::{SafeTensors, Writer};
use assay_tensor::burn::module::Param;
use assay_tensor::burn::optim::GradientsParams;
use assay_tensor::burn::prelude::Tensor;
use assay_tensor::burn::tensor::Element;
use assay_tensor::convert::{from_array, into_array};
use assay_tensor::{custom_grad, with_scalar};
use ndarray::{Array1, Array2};

use crate::msvp::{LayerSpectrum, Msvp, MsvpConfig, Qkv, QkvMut};
use crate::spectral::PowerState;
use crate::{Error, Result};

/// One attention layer's query, key and value weights as burn keeps them, `[in, out]`.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // made a few at a time, and not kept
pub enum QkvTensors {
    /// One weight `[in, 3·out]`.
    Fused {
        /// The weight.
        weight: Param<Tensor<2>>,
        /// The number of heads.
        heads: usize,
    },
    /// Three weights `[in, out]`.
    Separate {
        /// Queries, keys, values.
        weights: Box<[Param<Tensor<2>>; 3]>,
        /// The number of heads.
        heads: usize,
    },
}

/// A module with attention layers, in order.
pub trait AttentionWeights {
    /// Their weights; cloning a parameter shares its memory.
    fn attention_weights(&self) -> Vec<QkvTensors>;
}

/// [`Msvp`] over a burn module, on the host: power iteration reads each weight once a step.
///
/// In a training step either add [`Penalty::penalty`] to the loss, or, cheaper, call
/// [`Penalty::add_gradients`] between `backward` and the optimiser. Each runs the step's power
/// iterations; evaluation calls neither.
///
/// ```
/// # #[cfg(feature = "flex")]
/// # fn main() -> Result<(), specformer_msvp::Error> {
/// use assay_tensor::burn::optim::GradientsParams;
/// use assay_tensor::burn::prelude::Tensor;
/// use assay_tensor::device;
/// use specformer_msvp::msvp::MsvpConfig;
/// use specformer_msvp::tensor::{Penalty, vit::VitConfig};
///
/// let training = device("flex")?.autodiff();
/// let vit = VitConfig::new([1, 8, 8], 4, 3).with_width(8).with_depth(1).with_heads(2).init(0, &training)?;
/// let mut msvp = Penalty::new(MsvpConfig::new().with_lambdas([1e-2; 3]), &vit)?;
///
/// let logits = vit.forward(Tensor::ones([2, 1, 8, 8], &training));
/// let mut gradients = GradientsParams::from_grads(logits.mean().backward(), &vit);
/// let penalty = msvp.add_gradients(&vit, &mut gradients, 1.0)?; // then the optimiser's step
/// assert!(penalty > 0.0);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "flex"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Penalty {
    inner: Msvp,
}

impl Penalty {
    /// Starts power iteration on the module's weights and warms it up.
    ///
    /// # Errors
    /// As [`MsvpConfig::init`], and [`Error::Empty`] for a module without attention.
    pub fn new(config: MsvpConfig, module: &impl AttentionWeights) -> Result<Self> {
        with_host(module, |layers| {
            Ok(Self {
                inner: match layers {
                    Views::F32(layers) => config.init(layers)?,
                    Views::F64(layers) => config.init(layers)?,
                },
            })
        })
    }

    /// The host's view of it.
    pub fn state(&self) -> &Msvp {
        &self.inner
    }

    /// The singular values of the last step, by layer.
    pub fn spectrum(&self) -> Vec<LayerSpectrum> {
        self.inner.spectrum()
    }

    /// One step of power iteration and the penalty as a tensor `[1]` that autodiff goes through; the
    /// gradient takes the vectors as constants.
    ///
    /// # Errors
    /// [`Error::State`] for weights of other shapes; [`Error::NotFinite`]; what burn has to say.
    pub fn penalty(&mut self, module: &impl AttentionWeights) -> Result<Tensor<1>> {
        let layers = module.attention_weights();
        self.inner.count(layers.len())?;
        let mut total: Option<Tensor<1>> = None;
        for (l, layer) in layers.into_iter().enumerate() {
            let part = match layer {
                QkvTensors::Fused { weight, heads } => {
                    let w = weight.val();
                    with_scalar!(w.dtype(), T => self.fused::<T>(l, w, heads))?
                }
                QkvTensors::Separate { weights, heads } => {
                    let [q, k, v] = weights.map(|w| w.val());
                    with_scalar!(q.dtype(), T => self.separate::<T>(l, q, k, v, heads))?
                }
            };
            total = Some(match total {
                None => part,
                Some(total) => total + part,
            });
        }
        total.ok_or(Error::Empty { operation: "penalty", what: "attention layer" })
    }

    fn fused<T: Scalar + Element>(
        &mut self,
        l: usize,
        w: Tensor<2>,
        heads: usize,
    ) -> Result<Tensor<1>> {
        let inner = &mut self.inner;
        custom_grad::<T, _, Error>(w, |w, need| {
            inner.update_layer(l, &Qkv::fused(w.t(), heads)?)?;
            let gradient = need.then(|| {
                let mut g = Array2::from_elem(w.dim(), T::ZERO);
                let grads = QkvMut::fused(g.view_mut().reversed_axes(), heads);
                grads
                    .and_then(|mut grads| inner.add_layer_gradients(l, &mut grads, 1.0))
                    .map(|()| g)
            });
            Ok((T::from_f64(inner.layer_penalty(l)), gradient.transpose()?))
        })
    }

    fn separate<T: Scalar + Element>(
        &mut self,
        l: usize,
        q: Tensor<2>,
        k: Tensor<2>,
        v: Tensor<2>,
        heads: usize,
    ) -> Result<Tensor<1>> {
        let inner = &mut self.inner;
        custom_grad::<T, _, Error>((q, k, v), |(q, k, v), need| {
            inner.update_layer(l, &Qkv::separate(q.t(), k.t(), v.t(), heads)?)?;
            let gradient = need.then(|| {
                let [mut a, mut b, mut c] = [q, k, v].map(|m| Array2::from_elem(m.dim(), T::ZERO));
                let [x, y, z] = [&mut a, &mut b, &mut c].map(|m| m.view_mut().reversed_axes());
                let grads = QkvMut::separate(x, y, z, heads);
                grads
                    .and_then(|mut grads| inner.add_layer_gradients(l, &mut grads, 1.0))
                    .map(|()| (a, b, c))
            });
            Ok((T::from_f64(inner.layer_penalty(l)), gradient.transpose()?))
        })
    }

    /// One step of power iteration; adds `scale` times the penalty's gradient to the gradients of the
    /// module's weights, in place, and returns the penalty (not scaled). No graph is built. A weight
    /// without a gradient, because it is frozen, stays without.
    ///
    /// # Errors
    /// As [`Penalty::penalty`].
    pub fn add_gradients(
        &mut self,
        module: &impl AttentionWeights,
        gradients: &mut GradientsParams,
        scale: f64,
    ) -> Result<f64> {
        with_host(module, |layers| match layers {
            Views::F32(layers) => self.inner.update(layers),
            Views::F64(layers) => self.inner.update(layers),
        })?;
        for (l, layer) in module.attention_weights().into_iter().enumerate() {
            match layer {
                QkvTensors::Fused { weight, heads } => {
                    let Some(g) = gradients.remove::<2>(weight.id) else { continue };
                    let g = with_scalar!(g.dtype(), T => {
                        let device = g.device();
                        let mut host = into_array::<T, 2>(g)?;
                        let mut view = QkvMut::fused(host.view_mut().reversed_axes(), heads)?;
                        self.inner.add_layer_gradients(l, &mut view, scale)?;
                        from_array(host, &device)?
                    });
                    gradients.register(weight.id, g);
                }
                QkvTensors::Separate { weights, heads } => {
                    let ids = weights.each_ref().map(|w| w.id);
                    let taken = ids.map(|id| gradients.remove::<2>(id));
                    let Some([q, k, v]) = all(&taken) else {
                        // Some are frozen: put back what there was.
                        for (id, g) in ids.into_iter().zip(taken) {
                            if let Some(g) = g {
                                gradients.register(id, g);
                            }
                        }
                        continue;
                    };
                    drop(taken);
                    let new = with_scalar!(q.dtype(), T => {
                        let device = q.device();
                        let (mut q, mut k, mut v) =
                            (into_array::<T, 2>(q)?, into_array::<T, 2>(k)?, into_array::<T, 2>(v)?);
                        let [a, b, c] =
                            [&mut q, &mut k, &mut v].map(|m| m.view_mut().reversed_axes());
                        let mut view = QkvMut::separate(a, b, c, heads)?;
                        self.inner.add_layer_gradients(l, &mut view, scale)?;
                        [from_array(q, &device)?, from_array(k, &device)?, from_array(v, &device)?]
                    });
                    for (id, g) in ids.into_iter().zip(new) {
                        gradients.register(id, g);
                    }
                }
            }
        }
        Ok(self.inner.penalty())
    }

    /// Writes the state beside a checkpoint, as a safetensors file.
    ///
    /// # Errors
    /// What the file system has to say.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = Writer::new();
        for (name, state) in named(self.inner.states()) {
            let parts = [
                ("u", state.u().to_vec()),
                ("v", state.v().to_vec()),
                ("sigma", vec![state.sigma()]),
            ];
            for (part, values) in parts {
                let values = Array1::from(values);
                writer
                    .add(&format!("{name}.{part}"), values.view())
                    .map_err(assay_tensor::Error::from)?;
            }
        }
        writer.write(path).map_err(assay_tensor::Error::from)?;
        Ok(())
    }

    /// Reads a state that [`Penalty::save`] wrote, for a module of the same shape and the same settings.
    ///
    /// # Errors
    /// [`Error::State`] where it does not fit; a file that is missing or damaged.
    pub fn load(
        config: MsvpConfig,
        module: &impl AttentionWeights,
        path: impl AsRef<Path>,
    ) -> Result<Self> {
        let mut fresh = Self::new(config.clone().with_warmup(0), module)?;
        let file = SafeTensors::open(path).map_err(assay_tensor::Error::from)?;
        let names: Vec<String> = named(fresh.inner.states()).map(|(name, _)| name).collect();
        if file.infos().len() != 3 * names.len() {
            let (operation, what) = ("saved penalty", "tensors");
            let (expected, got) = (3 * names.len(), file.infos().len());
            return Err(Error::State { operation, what, expected, got });
        }
        let mut states = vec![];
        for name in names {
            let read = |part: &str| -> Result<Vec<f64>> {
                let array = file
                    .read::<f64>(&format!("{name}.{part}"))
                    .map_err(assay_tensor::Error::from)?;
                Ok(array.iter().copied().collect())
            };
            let sigma = read("sigma")?.first().copied().unwrap_or(0.0);
            states.push(PowerState::from_parts(read("u")?, read("v")?, sigma)?);
        }
        fresh.inner.replace_states(states);
        let restored = with_host(module, |layers| {
            let states = fresh.inner.states().to_vec();
            match layers {
                Views::F32(layers) => config.restore(layers, states),
                Views::F64(layers) => config.restore(layers, states),
            }
        })?;
        Ok(Self { inner: restored })
    }
}

fn all(taken: &[Option<Tensor<2>>; 3]) -> Option<[Tensor<2>; 3]> {
    match taken {
        [Some(q), Some(k), Some(v)] => Some([q.clone(), k.clone(), v.clone()]),
        _ => None,
    }
}

fn named(states: &[[Vec<PowerState>; 3]]) -> impl Iterator<Item = (String, &PowerState)> {
    states.iter().enumerate().flat_map(|(l, matrices)| {
        matrices.iter().zip(["q", "k", "v"]).flat_map(move |(states, matrix)| {
            let name = move |(b, state)| (format!("layer.{l}.{matrix}.{b}"), state);
            states.iter().enumerate().map(name)
        })
    })
}

enum Views<'a> {
    F32(&'a [Qkv<'a, f32>]),
    F64(&'a [Qkv<'a, f64>]),
}

/// Calls `f` with the weights on the host.
fn with_host<R>(
    module: &impl AttentionWeights,
    f: impl FnOnce(Views<'_>) -> Result<R>,
) -> Result<R> {
    let layers = module.attention_weights();
    let first = layers.first().map(|layer| match layer {
        QkvTensors::Fused { weight, .. } => weight.val().dtype(),
        QkvTensors::Separate { weights, .. } => weights[0].val().dtype(),
    });
    match first {
        None => Err(Error::Empty { operation: "penalty", what: "attention layer" }),
        Some(assay_tensor::burn::tensor::DType::F64) => {
            let arrays = read::<f64>(layers)?;
            f(Views::F64(&views(&arrays)?))
        }
        Some(_) => {
            let arrays = read::<f32>(layers)?;
            f(Views::F32(&views(&arrays)?))
        }
    }
}

type Host<T> = (Vec<Array2<T>>, usize);

fn read<T: Scalar + Element>(layers: Vec<QkvTensors>) -> Result<Vec<Host<T>>> {
    let host =
        |w: &Param<Tensor<2>>| Ok::<_, Error>(into_array::<T, 2>(w.val().without_autodiff())?);
    layers
        .into_iter()
        .map(|layer| match layer {
            QkvTensors::Fused { weight, heads } => Ok((vec![host(&weight)?], heads)),
            QkvTensors::Separate { weights, heads } => {
                Ok((weights.iter().map(host).collect::<Result<_>>()?, heads))
            }
        })
        .collect()
}

fn views<T: Scalar>(arrays: &[Host<T>]) -> Result<Vec<Qkv<'_, T>>> {
    arrays
        .iter()
        .map(|(arrays, heads)| match &arrays[..] {
            [q, k, v] => Qkv::separate(q.t(), k.t(), v.t(), *heads),
            [w, ..] => Qkv::fused(w.t(), *heads),
            [] => Err(Error::Empty { operation: "penalty", what: "weight" }),
        })
        .collect()
}
