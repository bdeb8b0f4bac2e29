use assay_array::Scalar;
use assay_array::random::{normal, stream, uniform};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::found::Candidates;
use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::classifier::{Classifier, gradient, logits};
use crate::error::within;
use crate::{Error, Result};

/// Where an attack starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Start {
    /// At the sample.
    Clean,
    /// `L∞`: uniform in the ball. `L2`: a uniform direction and a uniform *length*, as torchattacks;
    /// uniform in the ball almost all starts would be on its surface. `L1`: the same with a random
    /// point of the simplex.
    #[default]
    Random,
}

/// Projected gradient descent (Madry et al. 2018), in the steepest direction of the norm.
///
/// Each step is `x ← clip(x₀ + project(x + α · direction − x₀))`; the direction is the gradient's sign
/// (`L∞`), the normalised gradient (`L2`) or the sign on the largest twentieth of the coordinates
/// (`L1`). Carlini and Wagner's attack within a ball is this with [`Objective::Margin`].
///
/// ```
/// use ndarray::array;
/// use specformer_msvp::attack::{Attack, Batch, Norm, Pgd, Threat};
/// use specformer_msvp::LinearClassifier;
/// let model = LinearClassifier::new(array![[1.0_f64, 0.0], [0.0, 1.0]], array![0.0, 0.0])?;
/// let (x, labels) = (array![[0.6, 0.5], [0.9, 0.1]], [0, 0]);
/// let threat = Threat::new(Norm::Linf, 0.1);
/// let found = Pgd::new(10).attack(&model, &Batch::new(x.view(), &labels), &threat)?;
/// assert_eq!(found.success, [true, false]);
/// # Ok::<(), specformer_msvp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pgd {
    steps: usize,
    alpha: Option<f64>,
    objective: Objective,
    start: Start,
    restarts: usize,
    stop_when_fooled: bool,
    seed: u64,
}

impl Pgd {
    /// `steps` steps of `2.5 ε/steps` on the cross-entropy from one random start.
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            alpha: None,
            objective: Objective::CrossEntropy,
            start: Start::Random,
            restarts: 1,
            stop_when_fooled: false,
            seed: 0,
        }
    }

    /// The size of a step.
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha: Some(alpha), ..self }
    }

    /// What is maximised.
    pub fn with_objective(self, objective: Objective) -> Self {
        Self { objective, ..self }
    }

    /// Where it starts.
    pub fn with_start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// Starts; of several results the successful one, else the one of the largest loss is kept, for
    /// which each but a lone one is looked at with a forward pass.
    pub fn with_restarts(self, restarts: usize) -> Self {
        Self { restarts, ..self }
    }

    /// Leaves a sample where it is as soon as it is misclassified, as SpecFormer's evaluation does.
    pub fn with_stop_when_fooled(self, stop: bool) -> Self {
        Self { stop_when_fooled: stop, ..self }
    }

    /// The seed of random starts.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn alpha(&self, threat: &Threat) -> f64 {
        self.alpha.unwrap_or(2.5 * threat.epsilon / self.steps.max(1) as f64)
    }
}

impl<T: Scalar> Attack<T> for Pgd {
    fn name(&self) -> String {
        let restarts =
            if self.restarts > 1 { format!("x{}", self.restarts) } else { String::new() };
        format!("PGD-{}{restarts} {}", self.steps, self.objective.name())
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let operation = "PGD";
        let needed = self.objective.needs(batch.targets.is_some());
        let clean = batch.begin(operation, model, threat, &Norm::ALL, needed)?;
        within("steps", "0 to 1000000", self.steps as f64, 0.0, 1e6)?;
        within("restarts", "1 to 1000000", self.restarts as f64, 1.0, 1e6)?;
        within("alpha", "a finite number, 0 or more", self.alpha(threat), 0.0, f64::MAX)?;
        let mut best: Option<Candidates<T>> = None;
        for restart in 0..self.restarts {
            let mut x = starts(self.start, &clean, batch, threat, self.seed, restart);
            let value = batch.loss(self.objective);
            let fooled = |i: usize, z: &[f64]| self.stop_when_fooled && batch.fooled(i, z);
            let alpha = self.alpha(threat);
            for _ in 0..self.steps {
                step(model, &clean, &mut x, threat, alpha, &value, &fooled)?;
            }
            let mut found = Perturbed { queries: vec![self.steps as u64; x.nrows()], x };
            if self.restarts == 1 {
                return Ok(found);
            }
            found.queries.iter_mut().for_each(|q| *q += 1);
            let z = logits(model, found.x.view())?;
            let rows: Vec<Vec<f64>> = z.outer_iter().map(|z| z.to_vec()).collect();
            let mut scratch = vec![0.0; model.classes()];
            let found = Candidates {
                success: rows.iter().enumerate().map(|(i, z)| batch.fooled(i, z)).collect(),
                loss: rows.iter().enumerate().map(|(i, z)| value(i, z, &mut scratch)).collect(),
                found,
            };
            best = Some(match best {
                None => found,
                Some(best) => best.better_at(0..clean.nrows(), &found),
            });
        }
        best.map(|best| best.found).ok_or(Error::Empty { operation, what: "restart" })
    }
}

/// A loss to ascend: the value of sample `i` at these logits; writes its gradient by the logits.
pub type Loss<'a> = dyn Fn(usize, &[f64], &mut [f64]) -> f64 + Sync + 'a;

/// Projected gradient ascent on a loss of the caller's: `loss(i, logits, gradient)` returns the value
/// of sample `i` and writes its gradient by the logits. What adversarial training and TRADES use.
///
/// # Errors
/// [`Error::Parameter`], [`Error::Shape`], and the model's own.
#[allow(clippy::too_many_arguments)] // a loop's parts; who wants fewer takes `Pgd`
pub fn ascend<T: Scalar>(
    model: &dyn Classifier<T>,
    clean: ArrayView2<'_, T>,
    ids: &[u64],
    threat: &Threat,
    start: Start,
    seed: u64,
    steps: usize,
    alpha: f64,
    loss: &Loss<'_>,
) -> Result<Array2<T>> {
    within("alpha", "a finite number, 0 or more", alpha, 0.0, f64::MAX)?;
    within("steps", "0 to 1000000", steps as f64, 0.0, 1e6)?;
    let labels = vec![0; clean.nrows()];
    let batch = Batch::new(clean, &labels).with_ids(ids);
    let clean = batch.check("gradient ascent", model, threat)?;
    let mut x = starts(start, &clean, &batch, threat, seed, 0);
    for _ in 0..steps {
        step(model, &clean, &mut x, threat, alpha, loss, &|_, _| false)?;
    }
    Ok(x)
}

/// One step of all samples that `frozen` does not hold.
pub(super) fn step<T: Scalar>(
    model: &dyn Classifier<T>,
    clean: &Array2<T>,
    x: &mut Array2<T>,
    threat: &Threat,
    alpha: f64,
    loss: &Loss<'_>,
    frozen: &(dyn Fn(usize, &[f64]) -> bool + Sync),
) -> Result<()> {
    let mut held = vec![];
    let (_, g) = gradient(model, x.view(), &mut |z| {
        held = z.outer_iter().enumerate().map(|(i, z)| frozen(i, &z.to_vec())).collect();
        Ok(cotangents(z, loss))
    })?;
    // A twentieth of the coordinates, as in SLIDE.
    let spread = x.ncols().div_ceil(20);
    let rows: Vec<_> =
        x.outer_iter_mut().zip(g.outer_iter()).zip(clean.outer_iter()).zip(held).collect();
    rows.into_par_iter().for_each(|(((x, g), clean), held)| {
        if held {
            return;
        }
        let mut delta: Vec<f64> = g.iter().map(|g| g.to_f64()).collect();
        threat.norm.steepest(&mut delta, spread);
        for ((d, x), c) in delta.iter_mut().zip(&x).zip(&clean) {
            *d = x.to_f64() + alpha * *d - c.to_f64();
        }
        threat.apply(clean, &mut delta, x);
    });
    Ok(())
}

/// Each sample's gradient of the loss by its logits.
pub(super) fn cotangents(z: ArrayView2<'_, f64>, loss: &Loss<'_>) -> Array2<f64> {
    let mut c = Array2::zeros(z.dim());
    let mut gradient = vec![0.0; z.ncols()];
    for (i, (z, mut c)) in z.outer_iter().zip(c.outer_iter_mut()).enumerate() {
        loss(i, &z.to_vec(), &mut gradient);
        c.iter_mut().zip(&gradient).for_each(|(c, g)| *c = *g);
    }
    c
}

/// The samples moved to where the attack starts.
pub(super) fn starts<T: Scalar>(
    start: Start,
    clean: &Array2<T>,
    batch: &Batch<'_, T>,
    threat: &Threat,
    seed: u64,
    restart: usize,
) -> Array2<T> {
    let mut x = clean.clone();
    if start == Start::Clean {
        return x;
    }
    for (i, row) in x.outer_iter_mut().enumerate() {
        // Each restart has streams of its own.
        let mut rng = stream(seed, &format!("start {restart}"), batch.ids[i]);
        let d = row.len();
        let mut delta: Vec<f64> = match threat.norm {
            Norm::Linf => {
                (0..d).map(|_| threat.epsilon * (2.0 * uniform(&mut rng) - 1.0)).collect()
            }
            Norm::L2 => (0..d).map(|_| normal(&mut rng)).collect(),
            // Laplace numbers: their direction is uniform on the sphere of this norm.
            Norm::L1 => (0..d)
                .map(|_| {
                    let sign = if uniform(&mut rng) < 0.5 { -1.0 } else { 1.0 };
                    -sign * (1.0 - uniform(&mut rng)).ln()
                })
                .collect(),
        };
        if threat.norm != Norm::Linf {
            let length = threat.norm.length(&delta);
            let factor =
                if length > 0.0 { threat.epsilon * uniform(&mut rng) / length } else { 0.0 };
            for d in &mut delta {
                *d *= factor;
            }
        }
        threat.apply(clean.row(i), &mut delta, row);
    }
    x
}
