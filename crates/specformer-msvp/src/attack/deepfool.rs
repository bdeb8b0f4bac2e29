use assay_array::Scalar;
use ndarray::{Array2, Axis};

use super::objective::descending;
use super::{Attack, Batch, Norm, Perturbed, Threat};
use crate::classifier::{Classifier, gradient, logits};
use crate::error::within;
use crate::{Error, Result};

/// DeepFool (Moosavi-Dezfooli et al. 2016): steps to the nearest boundary of the linearised model.
///
/// Among the likeliest classes `j`, the one with the smallest `|z_j − z_y|/‖∇(z_j − z_y)‖*` is
/// approached; the sum of all steps, times `1 + overshoot`, is added to the sample and clipped to the
/// bounds. It stops when the model is fooled. For `L2`, and `L∞` with the dual norm. Untargeted only.
/// What lies beyond `ε` is no success and left where it was.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeepFool {
    steps: usize,
    classes: usize,
    overshoot: f64,
}

impl Default for DeepFool {
    fn default() -> Self {
        Self { steps: 50, classes: 10, overshoot: 0.02 }
    }
}

impl DeepFool {
    /// 50 steps among 10 classes, overshoot 0.02.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most steps.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// How many of the likeliest classes are looked at, the label among them.
    pub fn with_classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }
}

impl<T: Scalar> Attack<T> for DeepFool {
    fn name(&self) -> String {
        "DeepFool".to_owned()
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let clean = batch.begin("DeepFool", model, threat, &[Norm::Linf, Norm::L2], 2)?;
        if batch.targets.is_some() {
            let operation = "targeted DeepFool";
            return Err(Error::Norm { operation, norm: threat.norm.name() });
        }
        within("steps", "1 to 1000000", self.steps as f64, 1.0, 1e6)?;
        within("classes", "2 or more", self.classes as f64, 2.0, 1e9)?;
        let (n, classes) = (clean.nrows(), model.classes());
        let rivals: Vec<Vec<usize>> = logits(model, clean.view())?
            .outer_iter()
            .zip(batch.labels)
            .map(|(z, &y)| {
                let others = descending(&z.to_vec()).into_iter().filter(move |&c| c != y);
                others.take(self.classes - 1).collect()
            })
            .collect();
        let (mut x, mut queries) = (clean.clone(), vec![1_u64; n]);
        let mut total = Array2::<f64>::zeros(clean.dim());
        for _ in 0..self.steps {
            let z = logits(model, x.view())?;
            let active: Vec<usize> =
                (0..n).filter(|&i| !batch.fooled(i, &z.row(i).to_vec())).collect();
            if active.is_empty() {
                break;
            }
            let here = x.select(Axis(0), &active);
            // The nearest boundary so far: its distance, gap, and gradient.
            let mut nearest: Vec<(f64, f64, Vec<f64>)> =
                vec![(f64::INFINITY, 0.0, vec![]); active.len()];
            for rank in 0..self.classes.min(classes) - 1 {
                let (_, g) = gradient(model, here.view(), &mut |z| {
                    let mut c = Array2::zeros(z.dim());
                    for (k, &i) in active.iter().enumerate() {
                        c[[k, rivals[i][rank]]] = 1.0;
                        c[[k, batch.labels[i]]] = -1.0;
                    }
                    Ok(c)
                })?;
                for (k, &i) in active.iter().enumerate() {
                    queries[i] += 1;
                    let w: Vec<f64> = g.row(k).iter().map(|g| g.to_f64()).collect();
                    let gap = (z[[i, rivals[i][rank]]] - z[[i, batch.labels[i]]]).abs();
                    let length = threat.norm.dual().length(&w);
                    if length > 0.0 && gap / length < nearest[k].0 {
                        nearest[k] = (gap / length, gap, w);
                    }
                }
            }
            for (&i, (distance, gap, w)) in active.iter().zip(&nearest) {
                if distance.is_infinite() {
                    continue; // no gradient anywhere: nothing to follow
                }
                let square: f64 = w.iter().map(|w| w * w).sum();
                for (j, w) in w.iter().enumerate() {
                    total[[i, j]] += match threat.norm {
                        // A little more than the distance, or a boundary at distance zero is never crossed.
                        Norm::Linf => (distance + 1e-4) * if *w == 0.0 { 0.0 } else { w.signum() },
                        _ => (gap / square + 1e-4 / square.sqrt()) * w,
                    };
                    let moved = clean[[i, j]].to_f64() + (1.0 + self.overshoot) * total[[i, j]];
                    x[[i, j]] = T::from_f64(moved.clamp(threat.low, threat.high));
                }
            }
        }
        Ok(Perturbed { x, queries }.or_clean(&clean, threat))
    }
}
