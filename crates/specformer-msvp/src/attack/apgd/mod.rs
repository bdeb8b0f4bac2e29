mod search;

use assay_array::Scalar;
use ndarray::{Array2, Axis};

use search::Search;

use super::found::Candidates;
use super::objective::descending;
use super::pgd::{Start, cotangents, starts};
use super::{Attack, Batch, Norm, Objective, Perturbed, Threat};
use crate::classifier::{Classifier, gradient, logits};
use crate::error::within;
use crate::{Error, Result};

/// Auto-PGD (Croce and Hein 2020): PGD with momentum whose step halves itself, sample by sample, when
/// the loss stops growing; no step size to choose.
///
/// From `x⁰`, with `η = 2ε` and `P` the projection onto ball and box: `x¹ = P(x⁰ + η d)`, then
/// `x ← P(x + ¾ (P(x + η d) − x) + ¼ (x − x_before))`. At the checkpoints of [`apgd_checkpoints`] `η`
/// halves, and the search returns to the best point, if the loss grew in at most `ρ = ¾` of the steps
/// since the last one, or if neither `η` nor the best loss changed since. The point of the highest loss
/// is returned, or the first that fools the model.
///
/// In `L1` (Croce and Hein 2021) a step goes along the signs of the gradient's largest coordinates,
/// without momentum, to the nearest point of ball and box *together*. A fifth of the coordinates at
/// first, then, every 25th part of the run, two thirds of as many as the best point has changed; where
/// that number fell, `η` is `ε` again and the search returns to the best point, else `η` falls by a third,
/// to no less than `ε/10`. Runs begin in balls of `3ε` and `2ε`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Apgd {
    steps: usize,
    objective: Objective,
    restarts: usize,
    targets: usize,
    seed: u64,
}

impl Apgd {
    /// 100 steps on the cross-entropy.
    pub fn ce() -> Self {
        let objective = Objective::CrossEntropy;
        Self { steps: 100, objective, restarts: 1, targets: 0, seed: 0 }
    }

    /// 100 steps on the difference of logits ratio.
    pub fn dlr() -> Self {
        Self { objective: Objective::Dlr, ..Self::ce() }
    }

    /// 100 steps on the targeted difference of logits ratio for each of the 9 likeliest wrong classes
    /// (APGD-T).
    pub fn targeted() -> Self {
        Self { targets: 9, ..Self::dlr() }
    }

    /// Steps a restart.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Random starts.
    pub fn with_restarts(self, restarts: usize) -> Self {
        Self { restarts, ..self }
    }

    /// The number of classes that are tried as targets; 0 for none.
    pub fn with_target_classes(self, targets: usize) -> Self {
        Self { targets, ..self }
    }

    /// The seed of the starts.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// The step numbers, from 1, at which Auto-PGD looks at its step size: `0.22 n` after the start, each
/// interval shorter by `0.03 n` down to `0.06 n`.
pub fn apgd_checkpoints(steps: usize) -> Vec<usize> {
    let part = |percent: usize| (percent * steps / 100).max(1);
    let (mut interval, mut at, mut all) = (part(22), 0, vec![]);
    while at + interval <= steps {
        at += interval;
        all.push(at);
        interval = interval.saturating_sub(part(3)).max(part(6));
    }
    all
}

impl<T: Scalar> Attack<T> for Apgd {
    fn name(&self) -> String {
        match (self.targets, self.objective) {
            (0, objective) => format!("APGD-{}", objective.name()),
            _ => "APGD-T".to_owned(),
        }
    }

    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>> {
        let operation = "APGD";
        let targeted = self.targets > 0 || batch.targets.is_some();
        let needed = self.objective.needs(targeted);
        let clean = batch.begin(operation, model, threat, &Norm::ALL, needed)?;
        within("steps", "1 to 1000000", self.steps as f64, 1.0, 1e6)?;
        within("restarts", "1 to 1000000", self.restarts as f64, 1.0, 1e6)?;
        let n = clean.nrows();
        // The wrong classes of each sample from the likeliest on, once.
        let ranks: Vec<Vec<usize>> = if self.targets > 0 && batch.targets.is_none() {
            logits(model, clean.view())?
                .outer_iter()
                .zip(batch.labels)
                .map(|(z, y)| descending(&z.to_vec()).into_iter().filter(|c| c != y).collect())
                .collect()
        } else {
            vec![]
        };
        let rounds = if ranks.is_empty() { 1 } else { self.targets.min(model.classes() - 1) };
        let mut best: Option<Candidates<T>> = None;
        for round in 0..rounds {
            for restart in 0..self.restarts {
                // Only what still stands is attacked again.
                let standing: Vec<usize> = match &best {
                    None => (0..n).collect(),
                    Some(best) => (0..n).filter(|&i| !best.success[i]).collect(),
                };
                if standing.is_empty() && best.is_some() {
                    break;
                }
                let selection = batch.select(&standing);
                let part = selection.batch();
                let aims: Vec<Option<usize>> = (0..standing.len())
                    .map(|i| {
                        ranks.get(standing[i]).map_or(part.target(i), |r| r.get(round).copied())
                    })
                    .collect();
                let clean = clean.select(Axis(0), &standing);
                let number = round * self.restarts + restart;
                let found = self.run(model, &clean, &part, &aims, threat, number)?;
                best = Some(match best {
                    None => found,
                    Some(best) => best.better_at(standing, &found),
                });
            }
        }
        best.map(|best| best.found).ok_or(Error::Empty { operation, what: "restart" })
    }
}

impl Apgd {
    /// One run from one random start. In `L1` a third of the steps each is spent in balls of `3ε` and
    /// `2ε`, whose last point is where the next begins.
    fn run<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        aims: &[Option<usize>],
        threat: &Threat,
        number: usize,
    ) -> Result<Candidates<T>> {
        let wider = |factor: f64| Threat { epsilon: factor * threat.epsilon, ..*threat };
        if threat.norm != Norm::L1 {
            let x = self.start(clean, batch, threat, number);
            return self.ascend(model, clean, batch, aims, threat, x, self.steps);
        }
        let third = (3 * self.steps).div_ceil(10).min(self.steps / 3);
        let mut x = self.start(clean, batch, &wider(3.0), number);
        let mut queries = 0;
        for (factor, steps) in [(3.0, third), (2.0, third)] {
            let threat = wider(factor);
            x = self.ascend(model, clean, batch, aims, &threat, x, steps)?.found.x;
            queries += steps as u64 + 1;
        }
        let mut found =
            self.ascend(model, clean, batch, aims, threat, x, self.steps - 2 * third)?;
        found.found.queries.iter_mut().for_each(|q| *q += queries);
        Ok(found)
    }

    /// A random direction, on the sphere of radius `ε`; in `L1` the point of ball and box that is
    /// nearest to normal numbers.
    fn start<T: Scalar>(
        &self,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
        number: usize,
    ) -> Array2<T> {
        // Normal numbers have about this length.
        let (norm, radius) = match threat.norm {
            Norm::L1 => (Norm::L2, (clean.ncols() as f64).sqrt()),
            norm => (norm, threat.epsilon),
        };
        let wide = Threat { norm, epsilon: radius, low: f64::MIN, high: f64::MAX };
        let mut x = starts(Start::Random, clean, batch, &wide, self.seed, number);
        for (row, c) in x.outer_iter_mut().zip(clean.outer_iter()) {
            let mut delta: Vec<f64> =
                row.iter().zip(c).map(|(x, c)| x.to_f64() - c.to_f64()).collect();
            let length = norm.length(&delta);
            if length > 0.0 {
                for d in &mut delta {
                    *d *= radius / length;
                }
            }
            threat.apply_exactly(c, &mut delta, row);
        }
        x
    }

    #[allow(clippy::too_many_arguments)] // the parts of a search
    fn ascend<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        aims: &[Option<usize>],
        threat: &Threat,
        mut x: Array2<T>,
        steps: usize,
    ) -> Result<Candidates<T>> {
        let (n, d) = clean.dim();
        // What was last given back lies in a larger ball.
        for (row, c) in x.outer_iter_mut().zip(clean.outer_iter()) {
            let mut delta: Vec<f64> =
                row.iter().zip(c).map(|(x, c)| x.to_f64() - c.to_f64()).collect();
            threat.apply_exactly(c, &mut delta, row);
        }
        let value = |i: usize, z: &[f64], g: &mut [f64]| {
            self.objective.evaluate_into(z, batch.labels[i], aims[i], g)
        };
        let mut searches: Vec<Search<T>> = vec![];
        let checkpoints = match threat.norm {
            Norm::L1 => (1..=steps).filter(|s| s.is_multiple_of((steps / 25).max(1))).collect(),
            _ => apgd_checkpoints(steps),
        };
        let mut last_checkpoint = 0;
        for step in 0..=steps {
            let mut losses = vec![];
            let mut fooled = vec![];
            let (_, g) = gradient(model, x.view(), &mut |z| {
                let mut scratch = vec![0.0; z.ncols()];
                for (i, z) in z.outer_iter().enumerate() {
                    let z = z.to_vec();
                    losses.push(value(i, &z, &mut scratch));
                    fooled.push(batch.fooled(i, &z));
                }
                Ok(cotangents(z, &value))
            })?;
            for i in 0..n {
                let (at, grad) = (x.row(i).to_owned(), g.row(i).to_owned());
                if step == 0 {
                    searches.push(Search::new(
                        at,
                        losses[i],
                        grad,
                        fooled[i],
                        clean.row(i),
                        threat,
                    ));
                    continue;
                }
                searches[i].visit(at, losses[i], grad, fooled[i]);
                if checkpoints.contains(&step) {
                    searches[i].look(step - last_checkpoint, clean.row(i), threat);
                }
            }
            if checkpoints.contains(&step) {
                last_checkpoint = step;
            }
            if step == steps || searches.iter().all(|s| s.fooling.is_some()) {
                break;
            }
            for (i, search) in searches.iter_mut().enumerate() {
                search.go(clean.row(i), threat, step == 0);
                x.row_mut(i).assign(&search.x);
            }
        }
        let mut out = Array2::from_elem((n, d), T::ZERO);
        for (mut row, s) in out.outer_iter_mut().zip(&searches) {
            row.assign(s.fooling.as_ref().unwrap_or(&s.best));
        }
        Ok(Candidates {
            found: Perturbed { x: out, queries: vec![steps as u64 + 1; n] },
            success: searches.iter().map(|s| s.fooling.is_some()).collect(),
            loss: searches.iter().map(|s| s.best_loss).collect(),
        })
    }
}
