use std::borrow::Cow;

use assay_array::Scalar;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, Axis};

use super::objective::{argmax, largest_but};
use super::{Loss, Norm, Objective};
use crate::classifier::{Classifier, finite, logits};
use crate::error::within;
use crate::{Error, Result};

/// What the adversary may do: move a sample by at most `epsilon` in a norm, within the bounds that
/// every sample obeys. `epsilon` and the bounds are in the units of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Threat {
    /// The norm.
    pub norm: Norm,
    /// The largest distance; 0 leaves samples as they are.
    pub epsilon: f64,
    /// The smallest value of a coordinate.
    pub low: f64,
    /// The largest value of a coordinate.
    pub high: f64,
}

impl Threat {
    /// Within `epsilon` and `[0, 1]`.
    pub fn new(norm: Norm, epsilon: f64) -> Self {
        Self { norm, epsilon, low: 0.0, high: 1.0 }
    }

    /// Other bounds.
    pub fn with_bounds(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// Refuses an `epsilon` that is negative or not finite, and bounds in the wrong order.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(&self) -> Result<()> {
        within("epsilon", "a finite number, 0 or more", self.epsilon, 0.0, f64::MAX)?;
        within("lower bound", "a finite number", self.low, f64::MIN, f64::MAX)?;
        let expected = "a finite number above the lower bound";
        within("upper bound", expected, self.high, self.low, f64::MAX)
    }
}

/// Samples to attack.
#[derive(Debug, Clone)]
pub struct Batch<'a, T: Scalar> {
    pub(super) x: ArrayView2<'a, T>,
    pub(super) labels: &'a [usize],
    pub(super) targets: Option<&'a [usize]>,
    pub(super) ids: Cow<'a, [u64]>,
}

/// Images come as quotients by 255 and such: the last digit may stick out.
const TOLERANCE: f64 = 1e-6;

impl<'a, T: Scalar> Batch<'a, T> {
    /// Samples `[n, d]` with their true labels, numbered from 0.
    pub fn new(x: ArrayView2<'a, T>, labels: &'a [usize]) -> Self {
        let ids = (0..x.nrows() as u64).collect();
        Self { x, labels, targets: None, ids }
    }

    /// The class that each sample is to be taken for.
    pub fn with_targets(self, targets: &'a [usize]) -> Self {
        Self { targets: Some(targets), ..self }
    }

    /// The samples' own numbers, which name their random streams: give a sample the same number in
    /// whatever batch it comes.
    pub fn with_ids(self, ids: &'a [u64]) -> Self {
        Self { ids: ids.into(), ..self }
    }

    pub(super) fn target(&self, i: usize) -> Option<usize> {
        self.targets.and_then(|t| t.get(i)).copied()
    }

    /// Whether the logits are what the attack wants: another class than the label, or the target.
    pub(super) fn fooled(&self, i: usize, z: &[f64]) -> bool {
        match self.target(i) {
            Some(t) => argmax(z.iter().copied()) == t,
            // A tie for the first place is not robust.
            None => z.len() > 1 && z[largest_but(z, self.labels[i])] >= z[self.labels[i]],
        }
    }

    /// Checks everything that can be, and gives the samples clipped to the bounds they are in but
    /// for rounding.
    pub(crate) fn check(
        &self,
        operation: &'static str,
        model: &dyn Classifier<T>,
        threat: &Threat,
    ) -> Result<Array2<T>> {
        threat.check()?;
        let (n, d) = self.x.dim();
        let expected = vec![n, model.input_shape().iter().product()];
        if d != expected[1] {
            return Err(Error::Shape { operation, expected, got: vec![n, d] });
        }
        if d == 0 {
            return Err(Error::Empty { operation, what: "coordinate of a sample" });
        }
        let classes = model.classes();
        for (given, what) in [
            (Some(self.labels.len()), "attack: labels [n]"),
            (self.targets.map(<[_]>::len), "attack: targets [n]"),
            (Some(self.ids.len()), "attack: ids [n]"),
        ] {
            if let Some(got) = given.filter(|&g| g != n) {
                return Err(Error::Shape { operation: what, expected: vec![n], got: vec![got] });
            }
        }
        for labels in [Some(self.labels), self.targets].into_iter().flatten() {
            if let Some((sample, &label)) = labels.iter().enumerate().find(|(_, l)| **l >= classes)
            {
                return Err(Error::Label { operation, sample, label, classes });
            }
        }
        finite(operation, self.x)?;
        let (low, high) = (threat.low, threat.high);
        let mut x = self.x.to_owned();
        for ((sample, _), x) in x.indexed_iter_mut() {
            let value = x.to_f64();
            if value < low - TOLERANCE || value > high + TOLERANCE {
                return Err(Error::OutOfBounds { operation, sample, value, low, high });
            }
            *x = T::from_f64(value.clamp(low, high));
        }
        Ok(x)
    }

    /// How every attack begins: refuses norms that it does not know and models of too few classes for
    /// it, checks the rest, and gives the samples to start from.
    pub(super) fn begin(
        &self,
        operation: &'static str,
        model: &dyn Classifier<T>,
        threat: &Threat,
        norms: &[Norm],
        needed: usize,
    ) -> Result<Array2<T>> {
        let clean = self.check(operation, model, threat)?;
        if !norms.contains(&threat.norm) {
            return Err(Error::Norm { operation, norm: threat.norm.name() });
        }
        let classes = model.classes();
        if classes < needed {
            return Err(Error::Classes { operation, needed, classes });
        }
        Ok(clean)
    }

    /// The objective of each sample, with its label and target.
    pub(super) fn loss(
        &self,
        objective: Objective,
    ) -> impl Fn(usize, &[f64], &mut [f64]) -> f64 + Sync {
        move |i, z, g| objective.evaluate_into(z, self.labels[i], self.target(i), g)
    }

    /// The samples at these rows.
    pub(super) fn select(&self, rows: &[usize]) -> Selection<T> {
        Selection {
            x: self.x.select(Axis(0), rows),
            labels: rows.iter().map(|&i| self.labels[i]).collect(),
            targets: self.targets.map(|t| rows.iter().map(|&i| t[i]).collect()),
            ids: rows.iter().map(|&i| self.ids[i]).collect(),
        }
    }
}

/// Some samples of a batch, owned.
pub(super) struct Selection<T> {
    x: Array2<T>,
    labels: Vec<usize>,
    targets: Option<Vec<usize>>,
    ids: Vec<u64>,
}

impl<T: Scalar> Selection<T> {
    pub(super) fn batch(&self) -> Batch<'_, T> {
        Batch {
            x: self.x.view(),
            labels: &self.labels,
            targets: self.targets.as_deref(),
            ids: Cow::Borrowed(&self.ids),
        }
    }
}

/// What an attack found, one entry a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Adversarial<T> {
    /// The samples `[n, d]`, within the threat model: `distance ≤ epsilon` but for the rounding of one
    /// addition in `T`.
    pub x: Array2<T>,
    /// Whether the model is fooled by it: it no longer gives the label alone the largest logit, or it
    /// gives it to the target.
    pub success: Vec<bool>,
    /// The objective's value at `x`.
    pub loss: Vec<f64>,
    /// How far `x` is from the sample, in the threat's norm.
    pub distance: Vec<f64>,
    /// Forward passes spent, those with a backward pass included.
    pub queries: Vec<u64>,
}

impl<T: Scalar> Adversarial<T> {
    /// The fraction of samples that still get their label; 1 for an empty batch.
    pub fn robust_accuracy(&self) -> f64 {
        let robust = self.success.iter().filter(|s| !**s).count();
        if self.success.is_empty() { 1.0 } else { robust as f64 / self.success.len() as f64 }
    }

    /// With what another search found for these rows, in their order, where it is better: it succeeded
    /// and this did not, or both or neither did and its loss is larger. Queries add up.
    pub(super) fn better_at(mut self, rows: impl IntoIterator<Item = usize>, other: &Self) -> Self {
        for (k, i) in rows.into_iter().enumerate() {
            self.queries[i] += other.queries[k];
            let rank = |of: &Self, i: usize| (of.success[i], of.loss[i]);
            if rank(other, k) > rank(&self, i) {
                self.x.row_mut(i).assign(&other.x.row(k));
                self.success[i] = other.success[k];
                self.loss[i] = other.loss[k];
                self.distance[i] = other.distance[k];
            }
        }
        self
    }

    /// Evaluates the samples as they are now.
    pub(super) fn judge(
        x: Array2<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        model: &dyn Classifier<T>,
        threat: &Threat,
        queries: Vec<u64>,
        loss: &Loss<'_>,
    ) -> Result<Self> {
        let z = logits(model, x.view())?;
        let rows: Vec<Vec<f64>> = z.outer_iter().map(|z| z.to_vec()).collect();
        let mut scratch = vec![0.0; model.classes()];
        Ok(Self {
            success: rows.iter().enumerate().map(|(i, z)| batch.fooled(i, z)).collect(),
            loss: rows.iter().enumerate().map(|(i, z)| loss(i, z, &mut scratch)).collect(),
            distance: distances(&x, clean, threat.norm),
            queries: queries.into_iter().map(|q| q + 1).collect(),
            x,
        })
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

impl Threat {
    /// `clip(clean + project(delta))`; clipping after projecting keeps the distance, because the clean
    /// sample is within the bounds.
    pub(super) fn apply<T: Scalar>(
        &self,
        clean: ArrayView1<'_, T>,
        delta: &mut [f64],
        out: ArrayViewMut1<'_, T>,
    ) {
        self.norm.project_unchecked(delta, self.epsilon);
        for ((out, c), delta) in out.into_iter().zip(clean).zip(delta) {
            *out = T::from_f64((c.to_f64() + *delta).clamp(self.low, self.high));
        }
    }
}

impl Threat {
    /// As [`Threat::apply`], but the point of ball and box together that is nearest to `clean + delta`:
    /// for `L1` projecting and then clipping ends far from it (Croce and Hein 2021).
    ///
    /// In `L1` it is `sign(δ_i) · clamp(|δ_i| − λ, 0, room_i)`, with `room_i` what the box leaves in that
    /// direction, for the smallest `λ ≥ 0` that fits the ball: the sum falls in straight pieces as `λ`
    /// grows, so the kinks are passed in order.
    pub(super) fn apply_exactly<T: Scalar>(
        &self,
        clean: ArrayView1<'_, T>,
        delta: &mut [f64],
        out: ArrayViewMut1<'_, T>,
    ) {
        if self.norm == Norm::L1 {
            let room = |c: T, d: f64| {
                if d > 0.0 { self.high - c.to_f64() } else { c.to_f64() - self.low }.max(0.0)
            };
            let sizes: Vec<(f64, f64)> =
                clean.iter().zip(&*delta).map(|(&c, d)| (d.abs(), room(c, *d))).collect();
            let lambda = self.shrinkage(&sizes);
            for (d, (size, room)) in delta.iter_mut().zip(sizes) {
                *d = d.signum() * (size - lambda).clamp(0.0, room);
            }
        }
        self.apply(clean, delta, out);
    }

    /// The smallest `λ ≥ 0` with `Σ clamp(size − λ, 0, room) ≤ ε`.
    fn shrinkage(&self, sizes: &[(f64, f64)]) -> f64 {
        let mut sum: f64 = sizes.iter().map(|(size, room)| size.min(*room)).sum();
        // A coordinate begins to shrink where the box no longer holds it, and ends at zero.
        let mut kinks: Vec<(f64, f64)> = sizes
            .iter()
            .flat_map(|(size, room)| [((size - room).max(0.0), 1.0), (*size, -1.0)])
            .collect();
        kinks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut lambda, mut shrinking) = (0.0, 0.0);
        for (kink, change) in kinks {
            let after = sum - shrinking * (kink - lambda);
            if sum <= self.epsilon {
                break;
            }
            if after <= self.epsilon {
                return lambda + (sum - self.epsilon) / shrinking;
            }
            (sum, lambda, shrinking) = (after, kink, shrinking + change);
        }
        lambda
    }
}

impl<T: Scalar> Adversarial<T> {
    /// What attacks give that look for the nearest sample that fools the model: beyond `ε` is no
    /// success, and the clean sample is as good an answer as any.
    pub(super) fn nearest(
        mut x: Array2<T>,
        clean: &Array2<T>,
        batch: &Batch<'_, T>,
        model: &dyn Classifier<T>,
        threat: &Threat,
        queries: Vec<u64>,
    ) -> Result<Self> {
        // A rounding in T may put what is on the sphere beyond it.
        let slack = threat.epsilon * T::EPSILON.to_f64();
        for (i, distance) in distances(&x, clean, threat.norm).into_iter().enumerate() {
            if distance > threat.epsilon + slack {
                x.row_mut(i).assign(&clean.row(i));
            }
        }
        let margin = batch.loss(Objective::Margin { kappa: f64::MAX });
        Self::judge(x, clean, batch, model, threat, queries, &margin)
    }
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream, uniform};
    use ndarray::Array1;

    use super::*;

    #[test]
    fn no_point_of_ball_and_box_is_nearer() {
        let mut rng = stream(0, "ball and box", 0);
        for round in 0..300 {
            let d = 1 + round % 6;
            let clean = Array1::from_shape_simple_fn(d, || uniform(&mut rng));
            let wanted: Vec<f64> = (0..d).map(|_| normal(&mut rng)).collect();
            let threat = Threat::new(Norm::L1, 1.5 * uniform(&mut rng));
            let (mut delta, mut out) = (wanted.clone(), clean.clone());
            threat.apply_exactly(clean.view(), &mut delta, out.view_mut());
            let step = |x: &Array1<f64>| -> Vec<f64> { (x - &clean).to_vec() };
            let far = |x: &Array1<f64>| {
                step(x).iter().zip(&wanted).map(|(s, w)| (s - w).powi(2)).sum::<f64>()
            };
            assert!(Norm::L1.length(&step(&out)) <= threat.epsilon + 1e-12);
            assert!(out.iter().all(|x| (0.0..=1.0).contains(x)));
            for _ in 0..100 {
                // Any other allowed point, near by and far away.
                let mut other: Vec<f64> = step(&out);
                let size = [1.0, 0.1, 0.01, 0.001][round % 4];
                for o in &mut other {
                    *o += size * normal(&mut rng);
                }
                let mut point = clean.clone();
                threat.apply(clean.view(), &mut other, point.view_mut());
                assert!(far(&out) <= far(&point) + 1e-9, "{clean} {wanted:?} {threat:?}");
            }
        }
    }
}
