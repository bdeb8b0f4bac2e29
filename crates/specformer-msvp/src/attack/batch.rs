use std::borrow::Cow;

use assay_array::Scalar;
use ndarray::{Array2, ArrayView2, Axis};

use super::objective::{argmax, largest_but};
use super::{Norm, Objective, Threat};
use crate::classifier::{Classifier, finite};
use crate::{Error, Result};

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
