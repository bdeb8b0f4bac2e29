use assay_array::random::{below, shuffle, stream, uniform};
use ndarray::{Array2, ArrayView2};

use super::beta::symmetric_beta;
use crate::error::within;
use crate::{Error, Result};

/// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019), one or the other a batch, by chance.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mixing {
    mixup: f64,
    cutmix: f64,
    probability: f64,
    switch: f64,
    seed: u64,
}

/// A mixed batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mixed {
    /// Images `[n, channels · height · width]`.
    pub images: Array2<f32>,
    /// Label weights `[n, classes]`, whose rows sum to one.
    pub targets: Array2<f32>,
    /// The weight of a sample's own label: of mixup's average or of CutMix's area; 1 for none.
    pub lambda: f64,
}

impl Default for Mixing {
    fn default() -> Self {
        Self::new()
    }
}

impl Mixing {
    /// SpecFormer's: mixup with Beta(0.8), CutMix with Beta(1), in 30 % of the batches, half of them each.
    pub fn new() -> Self {
        Self { mixup: 0.8, cutmix: 1.0, probability: 0.3, switch: 0.5, seed: 0 }
    }

    /// The parameters of the two Beta distributions.
    pub fn with_alphas(self, mixup: f64, cutmix: f64) -> Self {
        Self { mixup, cutmix, ..self }
    }

    /// How often a batch is mixed, and how often CutMix is chosen then.
    pub fn with_probabilities(self, mix: f64, cutmix: f64) -> Self {
        Self { probability: mix, switch: cutmix, ..self }
    }

    /// The seed.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Mixes each sample with a partner of the same batch. `step` names the random stream: one a batch.
    ///
    /// # Errors
    /// [`Error::Parameter`]; [`Error::Shape`] for images that do not have `shape` (channels, height,
    /// width) or another number of labels; [`Error::Label`].
    pub fn apply(
        &self,
        images: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        shape: [usize; 3],
        step: u64,
    ) -> Result<Mixed> {
        let operation = "mixing";
        for alpha in [self.mixup, self.cutmix] {
            within("mixing: alpha", "a positive number", alpha, f64::MIN_POSITIVE, 1e6)?;
        }
        for p in [self.probability, self.switch] {
            within("mixing: probability", "in [0, 1]", p, 0.0, 1.0)?;
        }
        let (n, d) = images.dim();
        if d != shape.iter().product::<usize>() || labels.len() != n {
            let expected = vec![n, shape.iter().product()];
            return Err(Error::Shape { operation, expected, got: vec![labels.len(), d] });
        }
        if let Some((sample, &label)) = labels.iter().enumerate().find(|(_, l)| **l >= classes) {
            return Err(Error::Label { operation, sample, label, classes });
        }
        let mut rng = stream(self.seed, "mixing", step);
        let mut order: Vec<usize> = (0..n).collect();
        let (mix, cut) = (uniform(&mut rng) < self.probability, uniform(&mut rng) < self.switch);
        let mut out = images.to_owned();
        let mut lambda = 1.0;
        if mix {
            shuffle(&mut rng, &mut order);
            lambda = symmetric_beta(if cut { self.cutmix } else { self.mixup }, &mut rng);
            if cut {
                let [channels, height, width] = shape;
                // A box of the given part of the area around any pixel, clipped at the edge.
                let side = |n: usize| ((1.0 - lambda).sqrt() * n as f64) as usize;
                let (h, w) = (side(height), side(width));
                let (y, x) = (below(&mut rng, height), below(&mut rng, width));
                let rows = y.saturating_sub(h / 2)..(y + h.div_ceil(2)).min(height);
                let columns = x.saturating_sub(w / 2)..(x + w.div_ceil(2)).min(width);
                for (i, &j) in order.iter().enumerate() {
                    for c in 0..channels {
                        for y in rows.clone() {
                            for x in columns.clone() {
                                let at = (c * height + y) * width + x;
                                out[[i, at]] = images[[j, at]];
                            }
                        }
                    }
                }
                // The label's weight is the area that was really left.
                let area = (rows.len() * columns.len()) as f64;
                lambda = 1.0 - area / (height * width).max(1) as f64;
            } else {
                let keep = lambda as f32;
                for (mut row, &j) in out.outer_iter_mut().zip(&order) {
                    row.zip_mut_with(&images.row(j), |a, b| *a = keep * *a + (1.0 - keep) * b);
                }
            }
        }
        let mut targets = Array2::zeros((n, classes));
        for (i, &j) in order.iter().enumerate() {
            targets[[i, labels[i]]] += lambda as f32;
            targets[[i, labels[j]]] += 1.0 - lambda as f32;
        }
        Ok(Mixed { images: out, targets, lambda })
    }
}
