use assay_array::Scalar;
use ndarray::{Array2, Axis};

use super::objective::argmax;
use super::{
    Adversarial, Apgd, Attack, Batch, Fab, Norm, Objective, Perturbed, Schedule, Square, Threat,
};
use crate::classifier::{Classifier, gradient, logits};
use crate::{Error, Result};

/// The standard ensemble of AutoAttack (Croce and Hein 2020): APGD on cross-entropy, targeted APGD,
/// targeted FAB and Square, in this order, each only on the samples that still stand.
///
/// In `L1` (Croce and Hein 2021) APGD on cross-entropy starts five times and targeted APGD tries five
/// classes.
///
/// All four parts are here, written from the papers. They draw their random numbers otherwise than the
/// authors' program, so single samples may differ while accuracies agree to sampling noise, as measured
/// in the book's chapter. With fewer
/// than four classes targeted APGD's loss does not exist: it is left out, and
/// [`Warning::FewClasses`] says so.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AutoAttack {
    steps: usize,
    targets: usize,
    queries: usize,
    seed: u64,
}

impl Default for AutoAttack {
    fn default() -> Self {
        Self { steps: 100, targets: 9, queries: 5000, seed: 0 }
    }
}

/// What makes a result less than it seems.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Warning {
    /// The same input gave other logits: a randomised defence needs expectations over its randomness,
    /// which these attacks do not take.
    Randomised {
        /// The largest difference of a logit.
        difference: f64,
    },
    /// Every row of the logits is non-negative and sums to one: probabilities. Attack the logits before
    /// the softmax, whose saturation hides gradients.
    Probabilities,
    /// Samples that are classified right and whose gradient is exactly zero.
    ZeroGradients {
        /// Their fraction.
        fraction: f64,
    },
    /// Square, which sees no gradients, broke samples that all gradient attacks left standing: the model
    /// masks its gradients.
    GradientMasking {
        /// The fraction of all samples that it broke.
        fraction: f64,
    },
    /// Too few classes for targeted APGD.
    FewClasses {
        /// How many there are.
        classes: usize,
    },
}

/// Beyond this fraction, what Square breaks alone is masking, not luck.
const MASKING: f64 = 0.002;

/// Where an evaluation stands: keep it, and a run that was cut off goes on.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AutoState {
    attack: AutoAttack,
    threat: Threat,
    samples: usize,
    /// How many of the four attacks are done.
    done: usize,
    standing: Vec<bool>,
    queries: Vec<u64>,
    /// The adversarial samples found, by row; `f64`, exact for either element type.
    found: Vec<Option<Vec<f64>>>,
    accuracy: Vec<(String, f64)>,
    warnings: Vec<Warning>,
}

impl AutoState {
    /// Accuracy on clean samples and after each attack so far, with names.
    pub fn accuracy(&self) -> &[(String, f64)] {
        &self.accuracy
    }
}

/// What [`AutoAttack`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AutoReport<T> {
    /// Accuracy on clean samples and after each attack, with names; the last is the robust accuracy.
    pub accuracy: Vec<(String, f64)>,
    /// The examples; for samples that stand, the clean sample.
    pub adversarial: Adversarial<T>,
    /// What to think about before quoting the number.
    pub warnings: Vec<Warning>,
}

impl AutoAttack {
    /// 100 steps, 9 targets, 5000 queries.
    pub fn standard() -> Self {
        Self::default()
    }

    /// Fewer or more steps of the gradient attacks; no longer the standard then.
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Fewer or more target classes; targeted APGD tries at most five of them in `L1`.
    pub fn with_target_classes(self, targets: usize) -> Self {
        Self { targets, ..self }
    }

    /// Fewer or more queries of Square.
    pub fn with_queries(self, queries: usize) -> Self {
        Self { queries, ..self }
    }

    /// The seed; the authors' program takes the time.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Runs all of it. `progress` gets the state after each attack, to save it or to show it.
    ///
    /// # Errors
    /// As the attacks'; [`Error::Norm`] for a batch with targets.
    pub fn run<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
        progress: &mut dyn FnMut(&AutoState),
    ) -> Result<AutoReport<T>> {
        let state = self.begin(model, batch, threat)?;
        self.resume(state, model, batch, threat, progress)
    }

    /// The state before the first attack: the clean accuracy and the checks of the model.
    ///
    /// # Errors
    /// As [`AutoAttack::run`].
    pub fn begin<T: Scalar>(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<AutoState> {
        let operation = "AutoAttack";
        let x = batch.check(operation, model, threat)?;
        if batch.targets.is_some() {
            return Err(Error::Norm { operation: "targeted AutoAttack", norm: threat.norm.name() });
        }
        let n = x.nrows();
        let z = logits(model, x.view())?;
        let standing: Vec<bool> =
            z.outer_iter().enumerate().map(|(i, z)| !batch.fooled(i, &z.to_vec())).collect();
        let mut state = AutoState {
            attack: self.clone(),
            threat: *threat,
            samples: n,
            done: 0,
            queries: vec![1; n],
            found: standing.iter().enumerate().map(|(i, s)| (!s).then(|| wide(&x, i))).collect(),
            accuracy: vec![("clean".to_owned(), fraction(&standing))],
            standing,
            warnings: check_model(model, &x, &z, batch)?,
        };
        if model.classes() < Objective::Dlr.needs(true) {
            state.warnings.push(Warning::FewClasses { classes: model.classes() });
        }
        Ok(state)
    }

    /// Goes on from a saved state, with the same model, samples and settings.
    ///
    /// # Errors
    /// [`Error::Resume`] when the settings or the number of samples differ, and as [`AutoAttack::run`].
    pub fn resume<T: Scalar>(
        &self,
        mut state: AutoState,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
        progress: &mut dyn FnMut(&AutoState),
    ) -> Result<AutoReport<T>> {
        let x = batch.check("AutoAttack", model, threat)?;
        self.belongs(&state, &x, threat)?;
        let (restarts, targets) = match threat.norm {
            Norm::L1 => (5, self.targets.min(5)),
            Norm::Linf | Norm::L2 => (1, self.targets),
        };
        let apgd = Apgd::ce().with_steps(self.steps).with_restarts(restarts).with_seed(self.seed);
        let targeted = Apgd::targeted().with_steps(self.steps).with_seed(self.seed);
        let fab = Fab::new().with_steps(self.steps).with_target_classes(self.targets);
        let fab = fab.with_final_search(0); // as the authors' program
        let square = Square::new().with_queries(self.queries).with_seed(self.seed);
        let square = square.with_schedule(Schedule::OfTenThousand);
        let targeted = targeted.with_target_classes(targets);
        let attacks: [&dyn Attack<T>; 4] = [&apgd, &targeted, &fab, &square];
        for (index, attack) in attacks.into_iter().enumerate().skip(state.done) {
            let few = index == 1 && model.classes() < Objective::Dlr.needs(true);
            let rows: Vec<usize> = (0..state.samples).filter(|&i| state.standing[i]).collect();
            let before = fraction(&state.standing);
            if !rows.is_empty() && !few {
                let selection = batch.select(&rows);
                let found = attack.attack(model, &selection.batch(), threat)?;
                for (k, &i) in rows.iter().enumerate() {
                    state.queries[i] += found.queries[k];
                    if found.success[k] {
                        state.standing[i] = false;
                        state.found[i] = Some(wide(&found.x, k));
                    }
                }
            }
            let after = fraction(&state.standing);
            if !few {
                state.accuracy.push((attack.name(), after));
            }
            if index == 3 && before - after > MASKING {
                state.warnings.push(Warning::GradientMasking { fraction: before - after });
            }
            state.done = index + 1;
            progress(&state);
        }
        report(state, model, &x, batch, threat)
    }

    fn belongs<T: Scalar>(&self, state: &AutoState, x: &Array2<T>, threat: &Threat) -> Result<()> {
        let differ = |what, saved: String, now: String| Err(Error::Resume { what, saved, now });
        if state.attack != *self {
            return differ("settings", format!("{:?}", state.attack), format!("{self:?}"));
        }
        if state.threat != *threat {
            return differ("threat", format!("{:?}", state.threat), format!("{threat:?}"));
        }
        let n = x.nrows();
        let lengths = [state.samples, state.standing.len(), state.queries.len(), state.found.len()];
        let wide = state.found.iter().flatten().any(|f| f.len() != x.ncols());
        if lengths != [n; 4] || wide {
            return differ("samples", format!("{lengths:?}"), n.to_string());
        }
        Ok(())
    }
}

fn report<T: Scalar>(
    state: AutoState,
    model: &dyn Classifier<T>,
    clean: &Array2<T>,
    batch: &Batch<'_, T>,
    threat: &Threat,
) -> Result<AutoReport<T>> {
    let mut x = clean.clone();
    for (mut row, found) in x.outer_iter_mut().zip(&state.found) {
        for (x, found) in row.iter_mut().zip(found.iter().flatten()) {
            *x = T::from_f64(*found);
        }
    }
    let mut adversarial = Perturbed { x, queries: state.queries }.judge(model, batch, threat)?;
    adversarial.success = state.standing.iter().map(|s| !s).collect();
    Ok(AutoReport { accuracy: state.accuracy, adversarial, warnings: state.warnings })
}

fn wide<T: Scalar>(x: &Array2<T>, row: usize) -> Vec<f64> {
    x.row(row).iter().map(|x| x.to_f64()).collect()
}

fn fraction(standing: &[bool]) -> f64 {
    if standing.is_empty() {
        return 1.0;
    }
    standing.iter().filter(|s| **s).count() as f64 / standing.len() as f64
}

/// The checks that need no attack, on at most 64 samples.
fn check_model<T: Scalar>(
    model: &dyn Classifier<T>,
    x: &Array2<T>,
    z: &Array2<f64>,
    batch: &Batch<'_, T>,
) -> Result<Vec<Warning>> {
    let mut warnings = vec![];
    let rows: Vec<usize> = (0..x.nrows().min(64)).collect();
    if rows.is_empty() {
        return Ok(warnings);
    }
    let (part, first) = (x.select(Axis(0), &rows), z.select(Axis(0), &rows));
    let mut zero = 0.0;
    let (again, g) = gradient(model, part.view(), &mut |z| {
        Ok(super::pgd::cotangents(z, &|i, z, g| {
            Objective::CrossEntropy.evaluate_into(z, batch.labels[i], None, g)
        }))
    })?;
    // Another batch size may round otherwise; randomness is larger.
    let scale = first.iter().fold(1.0, |m: f64, z| m.max(z.abs()));
    let difference = (&again - &first).iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    if difference > 1e-4 * scale {
        warnings.push(Warning::Randomised { difference });
    }
    let probabilities = first.outer_iter().all(|z| {
        z.iter().all(|p| (-1e-6..=1.0 + 1e-6).contains(p)) && (z.sum() - 1.0).abs() < 1e-4
    });
    if probabilities {
        warnings.push(Warning::Probabilities);
    }
    for ((g, z), &label) in g.outer_iter().zip(first.outer_iter()).zip(batch.labels) {
        if argmax(z.iter().copied()) == label && g.iter().all(|g| *g == T::ZERO) {
            zero += 1.0;
        }
    }
    if zero > 0.0 {
        warnings.push(Warning::ZeroGradients { fraction: zero / rows.len() as f64 });
    }
    Ok(warnings)
}
