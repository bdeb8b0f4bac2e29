use assay_array::Scalar;
use assay_array::random::{normal, stream};
use ndarray::Array2;

use super::pgd::{cotangents, step};
use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::classifier::{Classifier, gradient};
use crate::error::within;
use crate::{Error, Result};

/// The fast gradient sign method (Goodfellow et al. 2015): one step of size `ε` in the steepest
/// direction; with [`Fgsm::with_random_step`] first a random step of part of the size (R-FGSM, Tramèr et
/// al. 2018).
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fgsm {
    objective: Objective,
    random: f64,
    seed: u64,
}

impl Fgsm {
    /// One step on the cross-entropy.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is maximised.
    pub fn with_objective(self, objective: Objective) -> Self {
        Self { objective, ..self }
    }

    /// First goes `fraction · ε` along the sign of random normal numbers, then `(1 − fraction) · ε`
    /// along the gradient; `L∞` only.
    pub fn with_random_step(self, fraction: f64) -> Self {
        Self { random: fraction, ..self }
    }

    /// The seed of the random step.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

impl<T: Scalar> Attack<T> for Fgsm {
    fn name(&self) -> String {
        format!("{}FGSM {}", if self.random > 0.0 { "R-" } else { "" }, self.objective.name())
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let needed = self.objective.needs(batch.targets.is_some());
        let clean = batch.begin("FGSM", model, threat, &Norm::ALL, needed)?;
        within("random step", "a fraction in [0, 1]", self.random, 0.0, 1.0)?;
        let mut x = clean.clone();
        if self.random > 0.0 {
            if threat.norm != Norm::Linf {
                let operation = "a random step before FGSM";
                return Err(Error::Norm { operation, norm: threat.norm.name() });
            }
            let size = self.random * threat.epsilon;
            for (i, mut row) in x.outer_iter_mut().enumerate() {
                let mut rng = stream(self.seed, "R-FGSM", batch.ids[i]);
                for x in &mut row {
                    let moved = x.to_f64() + size * normal(&mut rng).signum();
                    *x = T::from_f64(moved.clamp(threat.low, threat.high));
                }
            }
        }
        let value = batch.loss(self.objective);
        let alpha = (1.0 - self.random) * threat.epsilon;
        step(model, &clean, &mut x, threat, alpha, &value, &|_, _| false)?;
        Ok(Perturbed { queries: vec![1; x.nrows()], x })
    }
}

/// The momentum iterative method (Dong et al. 2018), for `L∞`: steps along the sign of
/// `m ← μ m + g/mean|g|`. The mean instead of the paper's sum is torchattacks' convention, which
/// changes nothing, because all gradients of a sample are divided by the same count.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MiFgsm {
    steps: usize,
    alpha: Option<f64>,
    decay: f64,
    objective: Objective,
}

impl MiFgsm {
    /// `steps` steps of `ε/steps` with a decay of 1.
    pub fn new(steps: usize) -> Self {
        Self { steps, alpha: None, decay: 1.0, objective: Objective::CrossEntropy }
    }

    /// The size of a step.
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha: Some(alpha), ..self }
    }

    /// `μ`.
    pub fn with_decay(self, decay: f64) -> Self {
        Self { decay, ..self }
    }

    /// What is maximised.
    pub fn with_objective(self, objective: Objective) -> Self {
        Self { objective, ..self }
    }

    /// As [`Attack::perturb`], with the momentum `[n, d]` after the last step.
    ///
    /// # Errors
    /// As there.
    pub fn perturb_with_momentum<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<(Perturbed<T>, Array2<f64>)> {
        let needed = self.objective.needs(batch.targets.is_some());
        let clean = batch.begin("MI-FGSM", model, threat, &[Norm::Linf], needed)?;
        within("steps", "0 to 1000000", self.steps as f64, 0.0, 1e6)?;
        within("decay", "a finite number, 0 or more", self.decay, 0.0, f64::MAX)?;
        let alpha = self.alpha.unwrap_or(threat.epsilon / self.steps.max(1) as f64);
        within("alpha", "a finite number, 0 or more", alpha, 0.0, f64::MAX)?;
        let value = batch.loss(self.objective);
        let (mut x, mut momentum) = (clean.clone(), Array2::<f64>::zeros(clean.dim()));
        for _ in 0..self.steps {
            let (_, g) = gradient(model, x.view(), &mut |z| Ok(cotangents(z, &value)))?;
            for (i, g) in g.outer_iter().enumerate() {
                let mean = g.iter().map(|g| g.to_f64().abs()).sum::<f64>() / g.len().max(1) as f64;
                let mut delta = Vec::with_capacity(g.len());
                for (j, g) in g.iter().enumerate() {
                    let m = &mut momentum[[i, j]];
                    *m *= self.decay;
                    // A zero gradient has no direction.
                    *m += if mean > 0.0 { g.to_f64() / mean } else { 0.0 };
                    let sign = if *m == 0.0 { 0.0 } else { m.signum() };
                    delta.push(x[[i, j]].to_f64() + alpha * sign - clean[[i, j]].to_f64());
                }
                threat.apply(clean.row(i), &mut delta, x.row_mut(i));
            }
        }
        Ok((Perturbed { queries: vec![self.steps as u64; x.nrows()], x }, momentum))
    }
}

impl<T: Scalar> Attack<T> for MiFgsm {
    fn name(&self) -> String {
        format!("MI-FGSM-{}", self.steps)
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        Ok(self.perturb_with_momentum(model, batch, threat)?.0)
    }
}
