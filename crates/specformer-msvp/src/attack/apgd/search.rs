use assay_array::Scalar;
use ndarray::{Array1, ArrayView1};

use crate::attack::{Norm, Threat};

/// What Auto-PGD knows of one sample.
pub(super) struct Search<T> {
    eta: f64,
    pub(super) x: Array1<T>,
    before: Array1<T>,
    loss: f64,
    gradient: Array1<T>,
    pub(super) best: Array1<T>,
    pub(super) best_loss: f64,
    best_gradient: Array1<T>,
    /// The first that fools the model.
    pub(super) fooling: Option<Array1<T>>,
    /// Since the last checkpoint.
    increases: usize,
    eta_then: f64,
    best_then: f64,
    /// Coordinates that the best point changed then, and how many a step moves; for `L1`.
    changed: f64,
    spread: f64,
}

impl<T: Scalar> Search<T> {
    pub(super) fn new(
        x: Array1<T>,
        loss: f64,
        gradient: Array1<T>,
        fooled: bool,
        clean: ArrayView1<'_, T>,
        threat: &Threat,
    ) -> Self {
        let eta = largest_step(threat);
        let (changed, d) = (changes(&x, clean), x.len() as f64);
        // A start that has changed everything says nothing of how many are needed.
        let (changed, spread) = if changed < d { (changed, changed / 1.5) } else { (d, 0.2 * d) };
        Self {
            eta,
            before: x.clone(),
            loss,
            best: x.clone(),
            best_loss: loss,
            best_gradient: gradient.clone(),
            fooling: fooled.then(|| x.clone()),
            gradient,
            x,
            increases: 0,
            eta_then: eta,
            best_then: loss,
            changed,
            spread,
        }
    }

    /// Takes note of the point that was just evaluated.
    pub(super) fn visit(&mut self, x: Array1<T>, loss: f64, gradient: Array1<T>, fooled: bool) {
        if loss > self.loss {
            self.increases += 1;
        }
        self.loss = loss;
        if fooled && self.fooling.is_none() {
            self.fooling = Some(x.clone());
        }
        if loss > self.best_loss {
            self.best_loss = loss;
            self.best.clone_from(&x);
            self.best_gradient.clone_from(&gradient);
        }
        self.gradient = gradient;
    }

    /// At a checkpoint, after `steps` steps: a smaller step if this one no longer pays.
    pub(super) fn look(&mut self, steps: usize, clean: ArrayView1<'_, T>, threat: &Threat) {
        const RHO: f64 = 0.75;
        if threat.norm == Norm::L1 {
            let changed = changes(&self.best, clean);
            let sparser = changed < 0.95 * self.changed;
            (self.changed, self.spread) = (changed, changed / 1.5);
            let most = largest_step(threat);
            self.eta = if sparser { most } else { (self.eta / 1.5).max(most / 10.0) };
            if sparser {
                self.go_back();
            }
            return;
        }
        let oscillates = self.increases as f64 <= RHO * steps as f64;
        let stuck = self.eta_then == self.eta && self.best_then >= self.best_loss;
        (self.eta_then, self.best_then, self.increases) = (self.eta, self.best_loss, 0);
        if oscillates || stuck {
            self.eta /= 2.0;
            self.go_back();
        }
    }

    fn go_back(&mut self) {
        self.x.clone_from(&self.best);
        self.before.clone_from(&self.best);
        self.loss = self.best_loss;
        self.gradient.clone_from(&self.best_gradient);
    }

    /// The next point.
    pub(super) fn go(&mut self, clean: ArrayView1<'_, T>, threat: &Threat, first: bool) {
        let mut direction: Vec<f64> = self.gradient.iter().map(|g| g.to_f64()).collect();
        threat.norm.steepest(&mut direction, self.spread.round() as usize);
        let mut z = self.x.clone();
        let away = |x: &Array1<T>, d: &dyn Fn(usize) -> f64| -> Vec<f64> {
            (0..x.len()).map(|i| x[i].to_f64() + d(i) - clean[i].to_f64()).collect()
        };
        let mut delta = away(&self.x, &|i| self.eta * direction[i]);
        threat.apply_exactly(clean, &mut delta, z.view_mut());
        let next = if first || threat.norm == Norm::L1 {
            z
        } else {
            let mut delta = away(&self.x, &|i| {
                let (x, before) = (self.x[i].to_f64(), self.before[i].to_f64());
                0.75 * (z[i].to_f64() - x) + 0.25 * (x - before)
            });
            let mut next = z.clone();
            threat.apply_exactly(clean, &mut delta, next.view_mut());
            next
        };
        self.before = std::mem::replace(&mut self.x, next);
    }
}

/// The first step, which is the largest.
fn largest_step(threat: &Threat) -> f64 {
    if threat.norm == Norm::L1 { threat.epsilon } else { 2.0 * threat.epsilon }
}

/// How many coordinates differ from the clean sample's.
fn changes<T: Scalar>(x: &Array1<T>, clean: ArrayView1<'_, T>) -> f64 {
    x.iter().zip(clean).filter(|(x, c)| x != c).count() as f64
}
