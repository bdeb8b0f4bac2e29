//! Attacks on softmax regression.

use ndarray::Array2;
use serde_json::Value;
use specformer_msvp::attack::{
    Attack, Batch, Fgsm, MiFgsm, Norm, Objective, Pgd, Start, Threat, apgd_checkpoints, ascend,
};
use specformer_msvp::{Classifier, LinearClassifier};

use super::Close;
use super::certificates::{accuracy, softmax_regression};
use crate::common::{indices, matrix, number, numbers};

struct Setting {
    model: LinearClassifier<f64>,
    x: Array2<f64>,
    labels: Vec<usize>,
    targets: Option<Vec<usize>>,
    threat: Threat,
}

fn setting(input: &Value, norm: Norm) -> Setting {
    let (model, x, labels) = softmax_regression(input);
    let bounds = numbers(&input["bounds"]);
    let epsilon = input.get("eps").map_or(0.0, number);
    let threat = Threat::new(norm, epsilon).with_bounds(bounds[0], bounds[1]);
    let targets = input.get("target").map(indices);
    Setting { model, x, labels, targets, threat }
}

impl Setting {
    fn objective(&self, x: &Array2<f64>, objective: Objective, targeted: bool) -> Vec<f64> {
        let z = self.model.logits(x.view()).unwrap();
        z.outer_iter()
            .enumerate()
            .map(|(i, z)| {
                let target = self.targets.as_ref().filter(|_| targeted).map(|t| t[i]);
                objective.evaluate(&z.to_vec(), self.labels[i], target).unwrap().0
            })
            .collect()
    }

    fn cross_entropy(&self, x: &Array2<f64>) -> Vec<f64> {
        self.objective(x, Objective::CrossEntropy, false)
    }

    fn accuracy(&self, x: &Array2<f64>) -> f64 {
        accuracy(self.model.logits(x.view()).unwrap().view(), &self.labels)
    }
}

pub(super) fn input_gradient(input: &Value, expect: &Value, close: &Close) {
    let s = setting(input, Norm::Linf);
    let (z, g) = s
        .model
        .gradient(s.x.view(), &mut |z| {
            let mut c = Array2::zeros(z.dim());
            for ((z, mut c), y) in z.outer_iter().zip(c.outer_iter_mut()).zip(&s.labels) {
                let (_, g) = Objective::CrossEntropy.evaluate(&z.to_vec(), *y, None)?;
                c.iter_mut().zip(g).for_each(|(c, g)| *c = g);
            }
            Ok(c)
        })
        .unwrap();
    close.numbers(z.iter().copied(), &expect["logits"]);
    close.numbers(g.iter().copied(), &expect["grad"]);
    close.numbers(s.cross_entropy(&s.x), &expect["loss"]);
    close.number(s.accuracy(&s.x), &expect["clean_accuracy"]);
}

pub(super) fn fgsm(input: &Value, expect: &Value, close: &Close) {
    let s = setting(input, Norm::Linf);
    let found =
        Fgsm::new().attack(&s.model, &Batch::new(s.x.view(), &s.labels), &s.threat).unwrap();
    close.numbers(found.x.iter().copied(), &expect["x_adv"]);
    close.numbers(s.cross_entropy(&found.x), &expect["loss_adv"]);
    close.number(found.robust_accuracy(), &expect["robust_accuracy"]);
}

pub(super) fn pgd(input: &Value, expect: &Value, close: &Close, norm: Norm) {
    let s = setting(input, norm);
    let (alpha, steps) = (number(&input["alpha"]), input["steps"].as_u64().unwrap() as usize);
    let started = input["init_delta"] != "zero";
    let run = |steps: usize| {
        if started {
            // A start of the file's: one that `Start` cannot name, so the loop is entered from there.
            return from_delta(&s, &matrix(&input["init_delta"]), alpha, steps);
        }
        let pgd = Pgd::new(steps).with_alpha(alpha).with_start(Start::Clean);
        let mut batch = Batch::new(s.x.view(), &s.labels);
        if let Some(targets) = &s.targets {
            batch = batch.with_targets(targets);
        }
        let found = pgd.attack(&s.model, &batch, &s.threat).unwrap();
        assert!(found.distance.iter().all(|d| *d <= s.threat.epsilon * (1.0 + 1e-12)));
        let whole = steps == input["steps"].as_u64().unwrap() as usize;
        if let Some(want) = expect.get("target_success").filter(|_| whole) {
            close.number(1.0 - found.robust_accuracy(), want);
            let to_target = s.objective(&found.x, Objective::CrossEntropy, true);
            close.numbers(to_target.into_iter().map(|l| -l), &expect["target_loss"]);
        }
        found.x
    };
    for (name, steps) in [("x_step1", 1), ("x_step3", 3), ("x_adv", steps)] {
        if let Some(want) = expect.get(name) {
            close.numbers(run(steps).iter().copied(), want);
        }
    }
    let x = run(steps);
    if let Some(want) = expect.get("loss_adv") {
        close.numbers(s.cross_entropy(&x), want);
        close.number(s.accuracy(&x), &expect["robust_accuracy"]);
    }
    if let Some(want) = expect.get("delta_l2") {
        let rows = x.outer_iter().zip(s.x.outer_iter());
        close.numbers(rows.map(|(a, b)| Norm::L2.length(&(&a - &b).to_vec())), want);
    }
}

/// Steps from `clean + delta`: one step at a time, each from where the last one ended. The ball stays
/// around the clean sample, so the steps are taken by hand, by the definition.
fn from_delta(s: &Setting, delta: &Array2<f64>, alpha: f64, steps: usize) -> Array2<f64> {
    assert_eq!(s.threat.norm, Norm::Linf);
    let (low, high, epsilon) = (s.threat.low, s.threat.high, s.threat.epsilon);
    let mut x = (&s.x + delta).mapv(|x| x.clamp(low, high));
    for _ in 0..steps {
        // One step of the library from here, in a ball that does not bind.
        let ids: Vec<u64> = (0..x.nrows() as u64).collect();
        let free = Threat { epsilon: 1.0, ..s.threat };
        let next =
            ascend(&s.model, x.view(), &ids, &free, Start::Clean, 0, 1, alpha, &|i, z, g| {
                let (value, gradient) =
                    Objective::CrossEntropy.evaluate(z, s.labels[i], None).unwrap();
                g.copy_from_slice(&gradient);
                value
            });
        x = next.unwrap();
        for (x, c) in x.iter_mut().zip(&s.x) {
            *x = x.clamp(c - epsilon, c + epsilon);
        }
    }
    x
}

pub(super) fn mi_fgsm(input: &Value, expect: &Value, close: &Close) {
    let s = setting(input, Norm::Linf);
    let attack = MiFgsm::new(input["steps"].as_u64().unwrap() as usize)
        .with_alpha(number(&input["alpha"]))
        .with_decay(number(&input["decay"]));
    let batch = Batch::new(s.x.view(), &s.labels);
    let (found, momentum) = attack.perturb_with_momentum(&s.model, &batch, &s.threat).unwrap();
    close.numbers(found.x.iter().copied(), &expect["x_adv"]);
    close.numbers(momentum.iter().copied(), &expect["momentum"]);
    close.numbers(s.cross_entropy(&found.x), &expect["loss_adv"]);
}

pub(super) fn losses(input: &Value, expect: &Value, close: &Close) {
    let s = setting(input, Norm::Linf);
    let kappa = number(&input["cw_threshold"]);
    close.numbers(s.objective(&s.x, Objective::Margin { kappa }, false), &expect["cw_margin"]);
    close.numbers(s.objective(&s.x, Objective::Dlr, false), &expect["dlr"]);
    close.numbers(s.objective(&s.x, Objective::Dlr, true), &expect["dlr_targeted"]);
    close.numbers(s.cross_entropy(&s.x), &expect["ce"]);
}

pub(super) fn projection(input: &Value, expect: &Value, close: &Close) {
    let (v, radius) = (numbers(&input["v"]), number(&input["radius"]));
    for (norm, name) in [(Norm::Linf, "linf"), (Norm::L2, "l2"), (Norm::L1, "l1")] {
        let mut x = v.clone();
        norm.project(&mut x, radius).unwrap();
        close.numbers(x, &expect[name]);
        let mut zero = vec![0.0; 3];
        norm.project(&mut zero, radius).unwrap();
        assert_eq!(zero, [0.0; 3]);
    }
}

pub(super) fn checkpoints(input: &Value, expect: &Value) {
    for n in indices(&input["n_iter"]) {
        assert_eq!(apgd_checkpoints(n), indices(&expect["checkpoints"][n.to_string()]));
    }
}
