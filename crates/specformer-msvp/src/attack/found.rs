use assay_array::Scalar;
use ndarray::Array2;

use super::objective::largest_but;
use super::{Batch, Norm, Threat};
use crate::classifier::{Classifier, logits};
use crate::{Error, Result};

/// Samples as an attack leaves them, before anyone has asked the model about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbed<T> {
    /// The samples `[n, d]`, in the order of the batch.
    pub x: Array2<T>,
    /// Forward passes spent on each, those with a backward pass included.
    pub queries: Vec<u64>,
}

/// What the model says to perturbed samples, one entry a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Adversarial<T> {
    /// The samples `[n, d]`, within the threat model: `distance ≤ epsilon` but for the rounding of one
    /// addition in `T` a coordinate.
    pub x: Array2<T>,
    /// Whether the model is fooled by it: it no longer gives the label alone the largest logit, or it
    /// gives it to the target.
    pub success: Vec<bool>,
    /// By how much: `max_{j≠y} z_j − z_y` at `x`, for a target `z_t − max_{j≠t} z_j`. Positive where the
    /// model is fooled, and comparable between attacks, whatever they maximise.
    pub margin: Vec<f64>,
    /// How far `x` is from the sample, in the threat's norm.
    pub distance: Vec<f64>,
    /// Forward passes spent, the one of this judgement included.
    pub queries: Vec<u64>,
}

impl<T: Scalar> Adversarial<T> {
    /// The fraction of samples that still get their label; 1 for an empty batch.
    pub fn robust_accuracy(&self) -> f64 {
        let robust = self.success.iter().filter(|s| !**s).count();
        if self.success.is_empty() { 1.0 } else { robust as f64 / self.success.len() as f64 }
    }
}

impl<T: Scalar> Perturbed<T> {
    /// Asks the model, with one forward pass, and nobody's word is taken for anything: samples that are
    /// not within the threat model are an error, because no number of such an attack can be quoted.
    ///
    /// # Errors
    /// [`Error::Shape`] for samples that are not the batch's, [`Error::TooFar`] and
    /// [`Error::OutOfBounds`] for samples that the threat does not allow, the batch's and the model's own.
    pub fn judge(
        self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Adversarial<T>> {
        let operation = "judgement of an attack";
        let clean = batch.check(operation, model, threat)?;
        for (operation, got) in [
            ("attack: perturbed samples [n, d]", self.x.shape().to_vec()),
            ("attack: queries [n], d", vec![self.queries.len(), clean.ncols()]),
        ] {
            if got != clean.shape() {
                return Err(Error::Shape { operation, expected: clean.shape().to_vec(), got });
            }
        }
        let moved = Batch { x: self.x.view(), ..batch.clone() };
        moved.check(operation, model, threat)?;
        let distance = distances(&self.x, &clean, threat.norm);
        for (sample, (&distance, x)) in distance.iter().zip(self.x.outer_iter()).enumerate() {
            // Each coordinate is rounded once to `T`.
            let rounding: Vec<f64> =
                x.iter().map(|x| T::EPSILON.to_f64() * x.to_f64().abs()).collect();
            let most = threat.epsilon * (1.0 + 1e-9) + threat.norm.length(&rounding);
            if distance > most {
                let epsilon = threat.epsilon;
                return Err(Error::TooFar { operation, sample, distance, epsilon });
            }
        }
        let z = logits(model, self.x.view())?;
        let rows: Vec<Vec<f64>> = z.outer_iter().map(|z| z.to_vec()).collect();
        let margin = |(i, z): (usize, &Vec<f64>)| {
            let (class, sign) = batch.target(i).map_or((batch.labels[i], 1.0), |t| (t, -1.0));
            sign * (z[largest_but(z, class)] - z[class])
        };
        Ok(Adversarial {
            success: rows.iter().enumerate().map(|(i, z)| batch.fooled(i, z)).collect(),
            margin: rows.iter().enumerate().map(margin).collect(),
            distance,
            queries: self.queries.into_iter().map(|q| q + 1).collect(),
            x: self.x,
        })
    }

    /// What attacks give that look for the nearest sample that fools the model: beyond `ε` is no
    /// success, and the clean sample is as good an answer as any.
    pub(super) fn or_clean(mut self, clean: &Array2<T>, threat: &Threat) -> Self {
        // A rounding in T may put what is on the sphere beyond it.
        let slack = threat.epsilon * T::EPSILON.to_f64();
        for (i, distance) in distances(&self.x, clean, threat.norm).into_iter().enumerate() {
            if distance > threat.epsilon + slack {
                self.x.row_mut(i).assign(&clean.row(i));
            }
        }
        self
    }
}

/// What one of several runs of an attack found, to be compared with the others.
pub(super) struct Candidates<T> {
    pub(super) found: Perturbed<T>,
    pub(super) success: Vec<bool>,
    /// The attack's own objective.
    pub(super) loss: Vec<f64>,
}

impl<T: Scalar> Candidates<T> {
    /// With what another run found for these rows, in their order, where it is better: it succeeded and
    /// this did not, or both or neither did and its loss is larger. Queries add up.
    pub(super) fn better_at(mut self, rows: impl IntoIterator<Item = usize>, other: &Self) -> Self {
        for (k, i) in rows.into_iter().enumerate() {
            self.found.queries[i] += other.found.queries[k];
            let rank = |of: &Self, i: usize| (of.success[i], of.loss[i]);
            if rank(other, k) > rank(&self, i) {
                self.found.x.row_mut(i).assign(&other.found.x.row(k));
                self.success[i] = other.success[k];
                self.loss[i] = other.loss[k];
            }
        }
        self
    }
}

/// Row by row.
pub(super) fn distances<T: Scalar>(x: &Array2<T>, clean: &Array2<T>, norm: Norm) -> Vec<f64> {
    x.outer_iter()
        .zip(clean.outer_iter())
        .map(|(x, c)| {
            let delta: Vec<f64> = x.iter().zip(c).map(|(x, c)| x.to_f64() - c.to_f64()).collect();
            norm.length(&delta)
        })
        .collect()
}
