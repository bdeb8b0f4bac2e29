//! The penalty on the largest singular values of attention's query, key and value weights.

mod config;
mod weights;

pub use config::{Blocking, MsvpConfig, Power};
pub use weights::{Qkv, QkvMut, QkvOf};

use assay_array::Scalar;
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::spectral::PowerState;
use crate::{Error, LowerBound, Result};

/// The power iterations of a model's attention layers, and the penalty that they give.
///
/// $$ P = \sum_\ell w_\ell \sum_{i \in \{q, k, v\}} \lambda_i \sum_b \sigma(W_{\ell i b})^p $$
///
/// over layers `ℓ`, the matrices `i` and the blocks `b` of [`Blocking`], with `p` 1 or 2. A training
/// step calls [`Msvp::update`] once and then either adds [`Msvp::penalty`] to the loss by way of
/// `tensor::Penalty`, or the closed-form gradient to the gradients by
/// [`Msvp::add_gradients`]. Evaluation calls neither, and so never changes the state.
///
/// ```
/// use ndarray::{Array2, array};
/// use specformer_msvp::msvp::{Blocking, MsvpConfig, Qkv, QkvMut};
///
/// // One layer: queries, keys and values in one weight [3·2, 2], two heads.
/// let w = array![[1.0_f64, 0.5], [0.0, 2.0], [0.3, 0.1], [1.0, 1.0], [0.2, 0.0], [0.0, 0.4]];
/// let layers = [Qkv::fused(w.view(), 2)?];
/// let mut msvp = MsvpConfig::new().with_lambdas([1e-2; 3]).init(&layers)?;
///
/// msvp.update(&layers)?; // once a training step
/// let mut gradient = Array2::<f64>::zeros(w.dim()); // of the rest of the loss
/// msvp.add_gradients(&mut [QkvMut::fused(gradient.view_mut(), 2)?], 1.0)?;
/// assert!(msvp.penalty() > 0.0 && gradient.iter().any(|&g| g != 0.0));
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Msvp {
    config: MsvpConfig,
    /// By layer, matrix (q, k, v) and block; empty where `λ` is zero.
    states: Vec<[Vec<PowerState>; 3]>,
}

/// The largest singular values that the state knows, by block.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LayerSpectrum {
    /// Of the query weights; empty where its `λ` is zero. Likewise the others.
    pub q: Vec<f64>,
    /// Of the key weights.
    pub k: Vec<f64>,
    /// Of the value weights.
    pub v: Vec<f64>,
}

impl MsvpConfig {
    /// Starts power iteration on these weights and warms it up.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting outside its range; [`Error::Heads`] where blocks do not
    /// come out even; [`Error::State`] for another number of layer weights than layers;
    /// [`Error::NotFinite`].
    pub fn init<T: Scalar>(self, layers: &[Qkv<'_, T>]) -> Result<Msvp> {
        self.check(layers.len())?;
        let mut index = 0;
        let mut states = Vec::with_capacity(layers.len());
        for layer in layers {
            let mut of_layer: [Vec<PowerState>; 3] = Default::default();
            for (i, states) in of_layer.iter_mut().enumerate() {
                for block in self.blocks(layer, i)? {
                    states.push(PowerState::random(block.dim(), self.seed, index));
                    index += 1;
                }
            }
            states.push(of_layer);
        }
        let warmup = self.warmup;
        let mut msvp = Msvp { config: self, states };
        msvp.iterate(layers, warmup)?;
        Ok(msvp)
    }

    /// Continues with saved states, by layer, matrix and block, as [`Msvp::states`] gave them.
    ///
    /// # Errors
    /// As [`MsvpConfig::init`], and [`Error::State`] where they do not fit the weights.
    pub fn restore<T: Scalar>(
        self,
        layers: &[Qkv<'_, T>],
        states: Vec<[Vec<PowerState>; 3]>,
    ) -> Result<Msvp> {
        self.check(layers.len())?;
        let msvp = Msvp { config: self, states };
        msvp.fits(layers)?;
        Ok(msvp)
    }

    /// The blocks of one matrix, none where its `λ` is zero.
    fn blocks<'a, T>(&self, layer: &Qkv<'a, T>, i: usize) -> Result<Vec<ArrayView2<'a, T>>> {
        if self.lambdas[i] == 0.0 {
            return Ok(vec![]);
        }
        weights::blocks(layer.matrices()[i], self.blocking, layer.heads())
    }
}

impl Msvp {
    /// The settings.
    pub fn config(&self) -> &MsvpConfig {
        &self.config
    }

    /// Everything that changes during training, by layer, matrix (q, k, v) and block.
    pub fn states(&self) -> &[[Vec<PowerState>; 3]] {
        &self.states
    }

    /// The power iterations of one training step (`iterations` of the settings, one by default).
    /// Blocks run in parallel; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Error::State`] for weights of other shapes than the state's; [`Error::NotFinite`]. What
    /// came before the bad block is updated then.
    pub fn update<T: Scalar>(&mut self, layers: &[Qkv<'_, T>]) -> Result<()> {
        self.iterate(layers, self.config.iterations)
    }

    fn iterate<T: Scalar>(&mut self, layers: &[Qkv<'_, T>], times: usize) -> Result<()> {
        self.fits(layers)?;
        let mut work = vec![];
        for (layer, states) in layers.iter().zip(&mut self.states) {
            for (i, states) in states.iter_mut().enumerate() {
                work.extend(states.iter_mut().zip(self.config.blocks(layer, i)?));
            }
        }
        let order = self.config.order;
        work.into_par_iter().try_for_each(|(state, block)| {
            (0..times).try_for_each(|_| state.step(block, order).map(drop))
        })
    }

    /// The power iterations of one layer.
    #[cfg(feature = "burn")]
    pub(crate) fn update_layer<T: Scalar>(&mut self, l: usize, layer: &Qkv<'_, T>) -> Result<()> {
        let mut part = Self { config: self.config.clone(), states: vec![] };
        part.config.layer_weights = None;
        let Some(states) = self.states.get_mut(l) else { return self.count(l + 1) };
        part.states.push(std::mem::take(states));
        let result = part.update(std::slice::from_ref(layer));
        if let Some(updated) = part.states.pop() {
            *states = updated;
        }
        result
    }

    #[cfg(feature = "burn")]
    pub(crate) fn replace_states(&mut self, new: impl IntoIterator<Item = PowerState>) {
        let old = self.states.iter_mut().flatten().flatten();
        old.zip(new).for_each(|(old, new)| *old = new);
    }

    /// The penalty of the last update.
    pub fn penalty(&self) -> f64 {
        (0..self.states.len()).map(|l| self.layer_penalty(l)).sum()
    }

    pub(crate) fn layer_penalty(&self, l: usize) -> f64 {
        let power = self.config.power;
        let states = self.states.get(l).into_iter().flatten();
        let sum = states.zip(self.config.lambdas).map(|(states, lambda)| {
            lambda * states.iter().map(|s| power.value(s.sigma())).sum::<f64>()
        });
        self.config.layer_weight(l) * sum.sum::<f64>()
    }

    /// Adds `scale · ∂P/∂W` to the gradients of the weights, in place: one read and one write of
    /// each, without a graph. The vectors `u` and `v` count as constants, as in the published code.
    ///
    /// # Errors
    /// [`Error::State`] for gradients of other shapes; [`Error::Parameter`] for a `scale` that is not
    /// finite.
    pub fn add_gradients<T: Scalar>(&self, grads: &mut [QkvMut<'_, T>], scale: f64) -> Result<()> {
        self.count(grads.len())?;
        grads
            .iter_mut()
            .enumerate()
            .try_for_each(|(l, grads)| self.add_layer_gradients(l, grads, scale))
    }

    pub(crate) fn add_layer_gradients<T: Scalar>(
        &self,
        l: usize,
        grads: &mut QkvMut<'_, T>,
        scale: f64,
    ) -> Result<()> {
        crate::error::within("scale", "a finite number", scale, f64::MIN, f64::MAX)?;
        let Some(layer) = self.states.get(l) else { return self.count(l + 1) };
        let heads = grads.heads();
        let mut work = vec![];
        for (i, (g, states)) in grads.matrices_mut().into_iter().zip(layer).enumerate() {
            if states.is_empty() {
                continue;
            }
            let factor = scale * self.config.layer_weight(l) * self.config.lambdas[i];
            let blocks = weights::blocks(g, self.config.blocking, heads)?;
            if blocks.len() != states.len() {
                let (expected, got) = (blocks.len(), states.len());
                let (operation, what) = ("add_gradients", "blocks");
                return Err(Error::State { operation, what, expected, got });
            }
            work.extend(blocks.into_iter().zip(states).map(|(g, s)| (g, s, factor)));
        }
        let power = self.config.power;
        work.into_par_iter().try_for_each(|(g, state, factor)| {
            state.add_gradient(factor * power.derivative(state.sigma()), g)
        })
    }

    /// The singular values of the last update.
    pub fn spectrum(&self) -> Vec<LayerSpectrum> {
        let sigmas = |states: &[PowerState]| states.iter().map(PowerState::sigma).collect();
        self.states
            .iter()
            .map(|[q, k, v]| LayerSpectrum { q: sigmas(q), k: sigmas(k), v: sigmas(v) })
            .collect()
    }

    /// Rigorous lower bounds for the present weights, without changing the state, by layer, matrix
    /// and block.
    ///
    /// # Errors
    /// As [`Msvp::update`].
    pub fn lower_bounds<T: Scalar>(
        &self,
        layers: &[Qkv<'_, T>],
    ) -> Result<Vec<[Vec<LowerBound>; 3]>> {
        self.fits(layers)?;
        let mut all = Vec::with_capacity(layers.len());
        for (layer, states) in layers.iter().zip(&self.states) {
            let mut of_layer: [Vec<LowerBound>; 3] = Default::default();
            for (i, bounds) in of_layer.iter_mut().enumerate() {
                for (state, block) in states[i].iter().zip(self.config.blocks(layer, i)?) {
                    bounds.push(state.lower_bound(block)?);
                }
            }
            all.push(of_layer);
        }
        Ok(all)
    }

    pub(crate) fn count(&self, layers: usize) -> Result<()> {
        if layers == self.states.len() {
            return Ok(());
        }
        let (operation, what) = ("maximum singular value penalty", "layers");
        Err(Error::State { operation, what, expected: layers, got: self.states.len() })
    }

    fn fits<T>(&self, layers: &[Qkv<'_, T>]) -> Result<()> {
        let operation = "maximum singular value penalty";
        self.count(layers.len())?;
        for (layer, states) in layers.iter().zip(&self.states) {
            for (i, states) in states.iter().enumerate() {
                let blocks = self.config.blocks(layer, i)?;
                let differ = |what, expected, got| Error::State { operation, what, expected, got };
                if blocks.len() != states.len() {
                    return Err(differ("blocks", blocks.len(), states.len()));
                }
                for (block, state) in blocks.iter().zip(states) {
                    let ((m, n), (rows, columns)) = (block.dim(), state.shape());
                    if m != rows {
                        return Err(differ("rows", m, rows));
                    }
                    if n != columns {
                        return Err(differ("columns", n, columns));
                    }
                }
            }
        }
        Ok(())
    }
}
