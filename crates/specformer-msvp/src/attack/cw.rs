use assay_array::Scalar;
use ndarray::{Array2, Zip};

use super::found::distances;
use super::objective::largest_but;
use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::Result;
use crate::classifier::{Classifier, gradient};
use crate::error::within;

/// The attack of Carlini and Wagner (2017) for `L2`: the smallest change, not the largest loss.
///
/// Adam minimises `‖x(w) − x₀‖² + c · max(z_y − max_{j≠y} z_j, −κ)` over `w`, where
/// `x(w) = low + (high − low)(1 + tanh w)/2` cannot leave the bounds; a binary search finds the
/// smallest `c`, sample by sample, with which the model is still fooled, and the nearest sample met on
/// the way is kept. What lies within `ε` is a success. The same margin within a given ball is
/// [`Pgd`](super::Pgd) with [`Objective::Margin`], which needs a hundredth of the steps.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CarliniWagner {
    steps: usize,
    searches: usize,
    rate: f64,
    initial: f64,
    kappa: f64,
}

impl Default for CarliniWagner {
    fn default() -> Self {
        Self { steps: 1000, searches: 9, rate: 0.01, initial: 1e-3, kappa: 0.0 }
    }
}

/// Beyond this, `c` is given up: its product with a margin must stay a number in `f32`.
const MOST: f64 = 1e10;

impl CarliniWagner {
    /// 1000 steps of rate 0.01 for each of 9 values of `c`, the first 0.001; `κ` is 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Steps for each `c`.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Values of `c`.
    pub fn with_searches(self, searches: usize) -> Self {
        Self { searches, ..self }
    }

    /// Adam's rate.
    pub fn with_rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// The first `c`.
    pub fn with_initial_weight(self, c: f64) -> Self {
        Self { initial: c, ..self }
    }

    /// The margin by which the model is to be wrong.
    pub fn with_kappa(self, kappa: f64) -> Self {
        Self { kappa, ..self }
    }
}

impl<T: Scalar> Attack<T> for CarliniWagner {
    fn name(&self) -> String {
        format!("CW-{}x{}", self.searches, self.steps)
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let clean = batch.begin("CW", model, threat, &[Norm::L2], 2)?;
        within("steps", "1 to 1000000", self.steps as f64, 1.0, 1e6)?;
        within("values of c", "1 to 1000", self.searches as f64, 1.0, 1e3)?;
        within("rate", "a positive number", self.rate, f64::MIN_POSITIVE, f64::MAX)?;
        within("first c", "in (0, 1e10]", self.initial, f64::MIN_POSITIVE, MOST)?;
        within("kappa", "a finite number, 0 or more", self.kappa, 0.0, f64::MAX)?;
        let n = clean.nrows();
        let (mut best, mut nearest) = (clean.clone(), vec![f64::INFINITY; n]);
        let mut range = vec![(0.0, f64::INFINITY); n];
        let mut weight = vec![self.initial; n];
        for _ in 0..self.searches {
            let met = self.descend(model, &clean, batch, threat, &weight)?;
            for i in 0..n {
                let (low, high) = &mut range[i];
                *(if met.distance[i].is_finite() { &mut *high } else { &mut *low }) = weight[i];
                weight[i] = if high.is_finite() {
                    f64::midpoint(*low, *high)
                } else {
                    (10.0 * *low).min(MOST)
                };
                if met.distance[i] < nearest[i] {
                    nearest[i] = met.distance[i];
                    best.row_mut(i).assign(&met.x.row(i));
                }
            }
        }
        let queries = vec![(self.searches * (self.steps + 1)) as u64; n];
        Ok(Perturbed { x: best, queries }.or_clean(&clean, threat))
    }
}

/// The nearest that fooled the model, and how far it is: infinitely where none did.
struct Met<T> {
    x: Array2<T>,
    distance: Vec<f64>,
}

impl CarliniWagner {
    /// Adam with these weights of the margin.
    fn descend<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
        weight: &[f64],
    ) -> Result<Met<T>> {
        let half = (threat.high - threat.low) / 2.0;
        // On the bounds w would be infinite.
        let inverse = |x: f64| (((x - threat.low) / half - 1.0) * 0.999_999).atanh();
        let mut w = clean.mapv(|x| if half > 0.0 { inverse(x.to_f64()) } else { 0.0 });
        let mut moments = Array2::from_elem(clean.dim(), (0.0, 0.0));
        let mut met = Met { x: clean.clone(), distance: vec![f64::INFINITY; clean.nrows()] };
        let margin = batch.loss(Objective::Margin { kappa: f64::MAX });
        let (mut first, mut second) = (1.0, 1.0);
        for _ in 0..=self.steps {
            let x = w.mapv(|w: f64| T::from_f64(threat.low + half * (1.0 + w.tanh())));
            let mut fooled = vec![];
            let (_, g) = gradient(model, x.view(), &mut |z| {
                let mut c = super::pgd::cotangents(z, &margin);
                for (i, z) in z.outer_iter().enumerate() {
                    let z = z.to_vec();
                    let enough = self.by_kappa(&z, batch, i);
                    fooled.push(enough && batch.fooled(i, &z));
                    let factor = if enough { 0.0 } else { weight[i] };
                    c.row_mut(i).mapv_inplace(|c| c * factor);
                }
                Ok(c)
            })?;
            for (i, distance) in distances(&x, clean, threat.norm).into_iter().enumerate() {
                if fooled[i] && distance < met.distance[i] {
                    met.distance[i] = distance;
                    met.x.row_mut(i).assign(&x.row(i));
                }
            }
            // The powers of Adam's decays, by which it corrects its first averages.
            first *= 0.9;
            second *= 0.999;
            Zip::from(&mut w).and(&mut moments).and(&x).and(clean).and(&g).for_each(
                |w, (m, v), x, clean, g| {
                    let slope = half * (1.0 - w.tanh().powi(2));
                    let g = slope * (2.0 * (x.to_f64() - clean.to_f64()) - g.to_f64());
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    *w -= self.rate * (*m / (1.0 - first)) / ((*v / (1.0 - second)).sqrt() + 1e-8);
                },
            );
        }
        Ok(met)
    }

    /// Whether the model is wrong by the margin asked for.
    fn by_kappa<T: Scalar>(&self, z: &[f64], batch: &Batch<'_, T>, i: usize) -> bool {
        let wanted = batch.target(i);
        let class = wanted.unwrap_or(batch.labels[i]);
        let ahead = z[class] - z[largest_but(z, class)];
        (if wanted.is_some() { ahead } else { -ahead }) >= self.kappa
    }
}
