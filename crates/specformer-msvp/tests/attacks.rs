//! Every attack against a model whose robustness is known, and against a nonlinear one.

use assay_array::random::{normal, stream, uniform};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use proptest::prelude::*;
use specformer_msvp::attack::{
    Adversarial, Apgd, Attack, AutoAttack, Batch, CarliniWagner, DeepFool, Fab, Fgsm, MiFgsm, Norm,
    Objective, Perturbed, Pgd, Square, Start, Threat, Warning,
};
use specformer_msvp::{Classifier, Error, LinearClassifier, Normalized, Result, Weigh};

/// Two layers with tanh, by hand.
#[derive(Clone)]
pub(crate) struct Perceptron {
    a: Array2<f64>,
    b: Array2<f64>,
    shape: Vec<usize>,
}

impl Perceptron {
    pub(crate) fn new(seed: u64, shape: Vec<usize>, hidden: usize, classes: usize) -> Self {
        let mut rng = stream(seed, "perceptron", 0);
        let d: usize = shape.iter().product();
        let mut draw = |m: usize, n: usize| {
            Array2::from_shape_simple_fn((m, n), || normal(&mut rng) / (n as f64).sqrt())
        };
        Self { a: draw(hidden, d) * 3.0, b: draw(classes, hidden) * 3.0, shape }
    }
}

impl Classifier<f64> for Perceptron {
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }
    fn classes(&self) -> usize {
        self.b.nrows()
    }
    fn logits(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        Ok(x.dot(&self.a.t()).mapv(f64::tanh).dot(&self.b.t()))
    }
    fn gradient(
        &self,
        x: ArrayView2<'_, f64>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<f64>)> {
        let h = x.dot(&self.a.t()).mapv(f64::tanh);
        let z = h.dot(&self.b.t());
        let c = weigh(z.view())?;
        let g = (c.dot(&self.b) * h.mapv(|h| 1.0 - h * h)).dot(&self.a);
        Ok((z, g))
    }
}

/// Samples that the model classifies right.
fn data(model: &dyn Classifier<f64>, n: usize, seed: u64) -> (Array2<f64>, Vec<usize>) {
    let mut rng = stream(seed, "samples", 0);
    let d: usize = model.input_shape().iter().product();
    let x = Array2::from_shape_simple_fn((n, d), || 0.2 + 0.6 * uniform(&mut rng));
    let z = model.logits(x.view()).unwrap();
    let labels =
        z.outer_iter().map(|z| (0..z.len()).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap());
    let labels = labels.collect();
    (x, labels)
}

fn attacks(norm: Norm) -> Vec<Box<dyn Attack<f64>>> {
    let mut all: Vec<Box<dyn Attack<f64>>> = vec![
        Box::new(Fgsm::new()),
        Box::new(Pgd::new(20)),
        Box::new(Pgd::new(20).with_objective(Objective::Margin { kappa: 10.0 }).with_restarts(2)),
        Box::new(Fab::new().with_steps(20).with_target_classes(3)),
    ];
    all.push(Box::new(Fab::new().with_steps(20).with_target_classes(3).with_final_search(0)));
    all.push(Box::new(Apgd::ce().with_steps(25)));
    all.push(Box::new(Apgd::dlr().with_steps(25)));
    all.push(Box::new(Apgd::targeted().with_steps(25).with_target_classes(3)));
    all.push(Box::new(Square::new().with_queries(100)));
    if norm != Norm::L1 {
        all.push(Box::new(DeepFool::new()));
    }
    if norm == Norm::L2 {
        all.push(Box::new(CarliniWagner::new().with_steps(100).with_searches(5)));
    }
    if norm == Norm::Linf {
        all.push(Box::new(MiFgsm::new(10)));
        all.push(Box::new(Fgsm::new().with_random_step(0.5)));
    }
    all
}

fn inside(found: &Adversarial<f64>, x: &Array2<f64>, threat: &Threat) {
    for (i, (a, c)) in found.x.outer_iter().zip(x.outer_iter()).enumerate() {
        let delta = (&a - &c).to_vec();
        assert!(threat.norm.length(&delta) <= threat.epsilon * (1.0 + 1e-9), "sample {i}");
        assert!((threat.norm.length(&delta) - found.distance[i]).abs() < 1e-12);
        assert!(a.iter().all(|a| (threat.low..=threat.high).contains(a)));
    }
}

#[test]
fn no_attack_beats_the_exact_radius_and_the_strong_ones_reach_it() {
    let mut rng = stream(0, "linear", 0);
    let w = Array2::from_shape_simple_fn((5, 12), || normal(&mut rng));
    let model = LinearClassifier::new(w, Array1::zeros(5)).unwrap();
    let (x, labels) = data(&model, 40, 1);
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        let radii: Vec<f64> = x
            .axis_iter(Axis(0))
            .zip(&labels)
            .map(|(x, &y)| model.exact_radius(x, y, norm).unwrap())
            .collect();
        let mut sorted = radii.clone();
        sorted.sort_by(f64::total_cmp);
        let epsilon = sorted[20]; // half of the samples can be broken, were it not for the box
        let threat = Threat::new(norm, epsilon);
        for attack in attacks(norm) {
            let found = attack.attack(&model, &Batch::new(x.view(), &labels), &threat).unwrap();
            inside(&found, &x, &threat);
            let z = model.logits(found.x.view()).unwrap();
            for i in 0..40 {
                let right = (0..5).all(|j| j == labels[i] || z[[i, j]] < z[[i, labels[i]]]);
                assert_eq!(found.success[i], !right, "{} {norm}", attack.name());
                assert!(
                    !found.success[i] || radii[i] <= epsilon * (1.0 + 1e-9),
                    "{}",
                    attack.name()
                );
            }
        }
        // In a box that does not bind, what minimises distance or tries all targets finds all.
        let threat = threat.with_bounds(-100.0, 100.0);
        let strong: [&dyn Attack<f64>; 2] = [
            &Fab::new().with_steps(30),
            &Pgd::new(100)
                .with_objective(Objective::Margin { kappa: 100.0 })
                .with_start(Start::Clean),
        ];
        for attack in strong {
            // A little more than the radius, because the boundary itself is reached by no finite search.
            let wide = Threat { epsilon: epsilon * 1.05, ..threat };
            let found = attack.attack(&model, &Batch::new(x.view(), &labels), &wide).unwrap();
            for i in 0..40 {
                // Margin ascent may follow another class than the nearest; FAB tries them all.
                if radii[i] < epsilon && attack.name() == "FAB-T" {
                    assert!(found.success[i], "{norm}: {i}");
                }
            }
            let broken = found.success.iter().filter(|s| **s).count();
            assert!(broken >= 15, "{} {norm}: {broken}", attack.name());
        }
    }
}

#[test]
fn what_looks_for_the_nearest_comes_to_the_exact_radius() {
    let mut rng = stream(1, "linear", 0);
    let w = Array2::from_shape_simple_fn((5, 12), || normal(&mut rng));
    let model = LinearClassifier::new(w, Array1::zeros(5)).unwrap();
    let (x, labels) = data(&model, 20, 2);
    let batch = Batch::new(x.view(), &labels);
    for norm in Norm::ALL {
        let threat = Threat::new(norm, 1e3).with_bounds(-100.0, 100.0);
        let plain = Fab::new().with_steps(10).with_final_search(0);
        let searched = Fab::new().with_steps(10);
        // How far above the radius, relative to it.
        let excess = |attack: &dyn Attack<f64>| -> Vec<f64> {
            let found = attack.attack(&model, &batch, &threat).unwrap();
            assert!(found.success.iter().all(|s| *s), "{} {norm}", attack.name());
            x.outer_iter()
                .zip(&labels)
                .zip(found.distance)
                .map(|((x, &y), d)| d / model.exact_radius(x, y, norm).unwrap() - 1.0)
                .collect()
        };
        let worst = |e: &[f64]| e.iter().fold(0.0_f64, |m, e| m.max(*e));
        let (without, with) = (excess(&plain), excess(&searched));
        assert!(with.iter().zip(&without).all(|(w, o)| (-1e-9..=*o).contains(w)), "{norm}");
        // The margin of a linear model is a straight line on the segment: only the hundredth of a step
        // beyond it remains.
        assert!(worst(&with) < 1e-3 && worst(&with) < 0.1 * worst(&without), "{norm}: {with:?}");
    }
    // CW follows the class that is nearest on its way, which need not be the nearest of all; and Adam
    // crosses the boundary in steps of 0.0125 in each of 12 coordinates.
    let threat = Threat::new(Norm::L2, 1e3).with_bounds(-2.0, 3.0);
    let cw = CarliniWagner::new().with_steps(400).with_rate(0.005);
    let found = cw.attack(&model, &batch, &threat).unwrap();
    let mut near = 0;
    for (i, distance) in found.distance.iter().enumerate() {
        let radius = model.exact_radius(x.row(i), labels[i], Norm::L2).unwrap();
        assert!(found.success[i] && *distance >= radius * (1.0 - 1e-9));
        near += usize::from(*distance <= 1.01 * radius);
    }
    assert!(near >= 14, "{near}");
}

#[test]
fn the_ensemble_reaches_what_is_exact_and_no_part_goes_beyond_it() {
    let mut rng = stream(2, "linear", 0);
    let w = Array2::from_shape_simple_fn((6, 10), || normal(&mut rng));
    let model = LinearClassifier::new(w, Array1::zeros(6)).unwrap();
    let (x, labels) = data(&model, 40, 3);
    let batch = Batch::new(x.view(), &labels);
    for norm in Norm::ALL {
        let mut radii: Vec<f64> = x
            .outer_iter()
            .zip(&labels)
            .map(|(x, &y)| model.exact_radius(x, y, norm).unwrap())
            .collect();
        radii.sort_by(f64::total_cmp);
        // Between two samples' radii, so that it is clear which can be broken.
        let epsilon = f64::midpoint(radii[19], radii[20]);
        let threat = Threat::new(norm, epsilon).with_bounds(-10.0, 10.0);
        let parts: [&dyn Attack<f64>; 4] = [
            &Apgd::ce(),
            &Apgd::targeted(),
            &Fab::new().with_final_search(0),
            &Square::new().with_queries(500),
        ];
        let mut alone = vec![];
        for part in parts {
            alone.push(part.attack(&model, &batch, &threat).unwrap().robust_accuracy());
        }
        assert!(alone.iter().all(|a| *a >= 0.5), "{norm}: {alone:?}");
        assert!(alone[1] <= 0.525, "{norm}: targeted APGD leaves {}", alone[1]);
        let auto = AutoAttack::standard().with_queries(500);
        let found = auto.run(&model, &batch, &threat, &mut |_| {}).unwrap();
        assert_eq!(found.accuracy.last().unwrap().1, 0.5, "{norm}: {:?}", found.accuracy);
    }
}

#[test]
fn attacks_break_a_nonlinear_model_and_stay_inside() {
    let model = Perceptron::new(3, vec![1, 5, 5], 16, 6);
    let (x, labels) = data(&model, 24, 2);
    for (norm, epsilon) in [(Norm::Linf, 0.15), (Norm::L2, 0.7), (Norm::L1, 2.5)] {
        let threat = Threat::new(norm, epsilon);
        let batch = Batch::new(x.view(), &labels);
        let mut best = 1.0_f64;
        for attack in attacks(norm) {
            let found = attack.attack(&model, &batch, &threat).unwrap();
            inside(&found, &x, &threat);
            best = best.min(found.robust_accuracy());
        }
        assert!(best < 0.6, "{norm}: {best}");
        // More room never helps the defender: with the same start, what a smaller ball holds, a larger
        // one does.
        let at = |e: f64| {
            Fab::new().with_steps(40).attack(&model, &batch, &Threat::new(norm, e)).unwrap()
        };
        let (small, large) = (at(epsilon / 2.0), at(epsilon));
        assert!(small.success.iter().zip(&large.success).all(|(s, l)| !s || *l));
    }
}

#[test]
fn nothing_depends_on_the_batch() {
    let model = Perceptron::new(4, vec![1, 4, 4], 8, 5);
    let (x, labels) = data(&model, 10, 5);
    for norm in [Norm::Linf, Norm::L2] {
        let threat = Threat::new(norm, 0.15);
        for attack in attacks(norm) {
            let whole = attack.attack(&model, &Batch::new(x.view(), &labels), &threat).unwrap();
            for i in [0, 3, 9] {
                let ids = [i as u64];
                let one = x.select(Axis(0), &[i]);
                let label = [labels[i]];
                let batch = Batch::new(one.view(), &label).with_ids(&ids);
                let alone = attack.attack(&model, &batch, &threat).unwrap();
                let difference = (&alone.x.row(0) - &whole.x.row(i))
                    .iter()
                    .fold(0.0, |m: f64, d| m.max(d.abs()));
                // Products of other shapes round otherwise; signs of near zeros may flip, nothing more.
                assert!(difference < 1e-9, "{} {norm}: {difference}", attack.name());
            }
        }
    }
}

#[test]
fn epsilon_zero_changes_nothing() {
    let model = Perceptron::new(6, vec![1, 4, 4], 8, 5);
    let (x, mut labels) = data(&model, 6, 7);
    labels[0] = (labels[0] + 1) % 5; // one that is wrong from the start
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        for attack in attacks(norm) {
            let threat = Threat::new(norm, 0.0);
            let found = attack.attack(&model, &Batch::new(x.view(), &labels), &threat).unwrap();
            assert!((&found.x - &x).iter().all(|d| d.abs() < 1e-12), "{}", attack.name());
            assert_eq!(
                found.success,
                [true, false, false, false, false, false],
                "{}",
                attack.name()
            );
        }
    }
}

#[test]
fn targets_are_reached() {
    let model = Perceptron::new(8, vec![1, 4, 4], 12, 4);
    let (x, labels) = data(&model, 12, 9);
    let targets: Vec<usize> = labels.iter().map(|y| (y + 1) % 4).collect();
    let batch = Batch::new(x.view(), &labels).with_targets(&targets);
    let threat = Threat::new(Norm::Linf, 0.5);
    let all: [&dyn Attack<f64>; 3] =
        [&Pgd::new(40), &Apgd::dlr().with_steps(40), &Square::new().with_queries(300)];
    for attack in all {
        let found = attack.attack(&model, &batch, &threat).unwrap();
        let z = model.logits(found.x.view()).unwrap();
        for (i, z) in z.outer_iter().enumerate() {
            let hit = z.iter().all(|v| *v <= z[targets[i]]);
            assert_eq!(hit, found.success[i], "{}", attack.name());
        }
        assert!(found.robust_accuracy() < 0.7, "{}", attack.name());
    }
    assert!(DeepFool::new().attack(&model, &batch, &Threat::new(Norm::L2, 1.0)).is_err());
}

#[test]
fn the_ensemble_goes_on_where_it_was_cut_off() {
    let model = Perceptron::new(10, vec![1, 5, 5], 16, 6);
    let (x, labels) = data(&model, 20, 11);
    let threat = Threat::new(Norm::Linf, 0.04);
    let auto = AutoAttack::standard().with_steps(20).with_queries(60).with_target_classes(3);
    let batch = Batch::new(x.view(), &labels);
    let mut states = vec![auto.begin(&model, &batch, &threat).unwrap()];
    let whole = auto.run(&model, &batch, &threat, &mut |s| states.push(s.clone())).unwrap();
    assert_eq!(states.len(), 5);
    let names: Vec<&str> = whole.accuracy.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["clean", "APGD-CE", "APGD-T", "FAB-T", "Square-60"]);
    assert!(whole.accuracy.windows(2).all(|w| w[1].1 <= w[0].1));
    assert!(whole.warnings.is_empty(), "{:?}", whole.warnings);
    for state in states {
        let rest = auto.resume(state, &model, &batch, &threat, &mut |_| {}).unwrap();
        assert_eq!(rest, whole);
    }
    let state = auto.begin(&model, &batch, &threat).unwrap();
    let other =
        auto.clone().with_seed(1).resume(state.clone(), &model, &batch, &threat, &mut |_| {});
    assert!(other.unwrap_err().to_string().contains("settings"));
    let fewer = x.select(Axis(0), &[0, 1]);
    let batch = Batch::new(fewer.view(), &labels[..2]);
    assert!(auto.resume(state, &model, &batch, &threat, &mut |_| {}).is_err());
}

/// Counts forward passes, and those of them with a backward pass.
struct Counting {
    inner: Perceptron,
    calls: std::cell::Cell<[usize; 2]>,
}

impl Counting {
    fn count(&self, kind: usize) {
        let mut calls = self.calls.get();
        calls[kind] += 1;
        self.calls.set(calls);
    }
}

impl Classifier<f64> for Counting {
    fn input_shape(&self) -> &[usize] {
        self.inner.input_shape()
    }
    fn classes(&self) -> usize {
        self.inner.classes()
    }
    fn logits(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.count(0);
        self.inner.logits(x)
    }
    fn gradient(
        &self,
        x: ArrayView2<'_, f64>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<f64>)> {
        self.count(1);
        self.inner.gradient(x, weigh)
    }
}

#[test]
fn a_step_costs_one_gradient_and_nothing_more() {
    let inner = Perceptron::new(18, vec![1, 4, 4], 12, 5);
    let (x, labels) = data(&inner, 6, 19);
    let batch = Batch::new(x.view(), &labels);
    let threat = Threat::new(Norm::Linf, 0.06);
    let attacks: [(&dyn Attack<f64>, usize); 4] = [
        (&Fgsm::new(), 1),
        (&Fgsm::new().with_random_step(0.5), 1),
        (&Pgd::new(10), 10),
        (&MiFgsm::new(7), 7),
    ];
    for (attack, steps) in attacks {
        let model = Counting { inner: inner.clone(), calls: [0, 0].into() };
        let moved = attack.perturb(&model, &batch, &threat).unwrap();
        assert_eq!(model.calls.get(), [0, steps], "{}", attack.name());
        assert_eq!(moved.queries, [steps as u64; 6]);
        let found = attack.attack(&model, &batch, &threat).unwrap();
        assert_eq!(model.calls.get(), [1, 2 * steps], "{}", attack.name());
        assert_eq!((&found.x, found.queries[5]), (&moved.x, steps as u64 + 1));
    }
}

/// Says that it is done with whatever samples it is given.
struct Claims(Array2<f64>);

impl Attack<f64> for Claims {
    fn name(&self) -> String {
        "claims".to_owned()
    }
    fn perturb(
        &self,
        _: &dyn Classifier<f64>,
        _: &Batch<'_, f64>,
        _: &Threat,
    ) -> Result<Perturbed<f64>> {
        Ok(Perturbed { queries: vec![0; self.0.nrows()], x: self.0.clone() })
    }
}

#[test]
fn an_attack_that_leaves_its_ball_is_not_believed() {
    let model = Perceptron::new(20, vec![1, 4, 4], 12, 5);
    let (x, labels) = data(&model, 6, 21);
    let batch = Batch::new(x.view(), &labels);
    let with = |value: f64| {
        let mut x = x.clone();
        x[[4, 7]] = value;
        x
    };
    let at = x[[4, 7]];
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        let threat = Threat::new(norm, 0.05);
        let run = |x: Array2<f64>| Claims(x).attack(&model, &batch, &threat);
        let near = run(with(at + 0.05 * if at > 0.5 { -1.0 } else { 1.0 })).unwrap();
        assert!((near.distance[4] - 0.05).abs() < 1e-12);
        // The margin is that of the logits, and says whom the model takes it for.
        let z = model.logits(near.x.view()).unwrap();
        for (i, &y) in labels.iter().enumerate() {
            let rival = (0..5).filter(|&j| j != y).map(|j| z[[i, j]]).fold(f64::MIN, f64::max);
            assert_eq!(near.margin[i], rival - z[[i, y]]);
            assert_eq!(near.success[i], near.margin[i] >= 0.0);
        }
        let far = with(at + 0.06 * if at > 0.5 { -1.0 } else { 1.0 });
        let told = run(far).unwrap_err().to_string();
        assert!(told.contains("sample 4") && told.contains("0.06"), "{told}");
        assert!(matches!(run(with(1.5)), Err(Error::OutOfBounds { sample: 4, .. })));
        assert!(matches!(run(with(f64::NAN)), Err(Error::NotFinite { .. })));
        assert!(matches!(run(Array2::zeros((5, 16))), Err(Error::Shape { .. })));
        assert!(matches!(run(Array2::zeros((6, 15))), Err(Error::Shape { .. })));
    }
    let lost = Perturbed { x: x.clone(), queries: vec![1; 5] };
    let told = lost.judge(&model, &batch, &Threat::new(Norm::L2, 0.1));
    assert!(matches!(told, Err(Error::Shape { .. })));
}

/// Hides its gradient, or its certainty, or its determinism.
struct Strange {
    inner: Perceptron,
    kind: &'static str,
    calls: std::cell::Cell<u64>,
}

impl Classifier<f64> for Strange {
    fn input_shape(&self) -> &[usize] {
        self.inner.input_shape()
    }
    fn classes(&self) -> usize {
        self.inner.classes()
    }
    fn logits(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.calls.set(self.calls.get() + 1);
        let mut z = self.inner.logits(x)?;
        if self.kind == "random" {
            z[[0, 0]] += self.calls.get() as f64;
        }
        if self.kind == "probabilities" {
            for mut row in z.rows_mut() {
                row.mapv_inplace(f64::exp);
                let sum = row.sum();
                row /= sum;
            }
        }
        Ok(z)
    }
    fn gradient(
        &self,
        x: ArrayView2<'_, f64>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<f64>)> {
        let z = self.logits(x)?;
        weigh(z.view())?;
        let (_, g) = self.inner.gradient(x, weigh)?;
        Ok((z, if self.kind == "masked" { g * 0.0 } else { g }))
    }
}

#[test]
fn hidden_gradients_and_other_oddities_are_told() {
    let warnings = |kind| {
        let inner = Perceptron::new(12, vec![1, 4, 4], 12, 4);
        let (x, labels) = data(&inner, 16, 13);
        let model = Strange { inner, kind, calls: 0.into() };
        let auto = AutoAttack::standard().with_steps(10).with_queries(400).with_target_classes(2);
        let threat = Threat::new(Norm::Linf, 0.2);
        auto.run(&model, &Batch::new(x.view(), &labels), &threat, &mut |_| {}).unwrap().warnings
    };
    let has = |kind, test: fn(&Warning) -> bool| {
        let all = warnings(kind);
        assert!(all.iter().any(test), "{kind}: {all:?}");
    };
    has("random", |w| matches!(w, Warning::Randomised { .. }));
    has("probabilities", |w| matches!(w, Warning::Probabilities));
    has("masked", |w| matches!(w, Warning::ZeroGradients { fraction } if *fraction == 1.0));
    has("masked", |w| matches!(w, Warning::GradientMasking { .. }));
    let two = Perceptron::new(1, vec![4], 4, 2);
    let (x, labels) = data(&two, 4, 1);
    let auto = AutoAttack::standard().with_steps(3).with_queries(5);
    let report = auto
        .run(&two, &Batch::new(x.view(), &labels), &Threat::new(Norm::L2, 0.1), &mut |_| {})
        .unwrap();
    assert!(report.warnings.contains(&Warning::FewClasses { classes: 2 }));
    assert_eq!(report.accuracy.len(), 4);
}

#[test]
fn normalisation_belongs_to_the_model() {
    let inner = Perceptron::new(14, vec![2, 3, 3], 8, 4);
    let model = Normalized::new(inner, vec![0.4, 0.5], vec![0.2, 0.3]).unwrap();
    let (x, labels) = data(&model, 8, 15);
    // Against central differences through the normalisation.
    let (_, g) = model
        .gradient(x.view(), &mut |z| {
            let mut c = Array2::zeros(z.dim());
            c.column_mut(1).fill(1.0);
            Ok(c)
        })
        .unwrap();
    let value = |flat: &[f64]| {
        let x = Array2::from_shape_vec(x.dim(), flat.to_vec()).unwrap();
        model.logits(x.view()).unwrap().column(1).sum()
    };
    let (g, flat): (Vec<f64>, Vec<f64>) =
        (g.iter().copied().collect(), x.iter().copied().collect());
    assay_array::testing::gradcheck(value, &g, &flat, 1e-6, 1e-8);
    let threat = Threat::new(Norm::Linf, 8.0 / 255.0);
    let found = Pgd::new(5).attack(&model, &Batch::new(x.view(), &labels), &threat).unwrap();
    inside(&found, &x, &threat);
}

#[test]
fn frozen_samples_do_not_move_and_restarts_do_not_lose() {
    let model = Perceptron::new(16, vec![1, 4, 4], 12, 5);
    let (x, mut labels) = data(&model, 12, 17);
    labels[3] = (labels[3] + 2) % 5;
    let threat = Threat::new(Norm::Linf, 0.06);
    let batch = Batch::new(x.view(), &labels);
    let pgd = Pgd::new(8).with_start(Start::Clean).with_stop_when_fooled(true);
    let found = pgd.attack(&model, &batch, &threat).unwrap();
    assert_eq!(found.x.row(3), x.row(3));
    assert!(found.success[3]);
    let one = Pgd::new(8).attack(&model, &batch, &threat).unwrap();
    let many = Pgd::new(8).with_restarts(5).attack(&model, &batch, &threat).unwrap();
    assert!(one.success.iter().zip(&many.success).all(|(o, m)| !o || *m));
    assert!(many.queries.iter().all(|q| *q == 46));
}

proptest! {
    #[test]
    fn objectives_have_their_gradients(
        z in proptest::collection::vec(-5.0_f64..5.0, 5), y in 0_usize..5, t in 0_usize..5,
    ) {
        // Away from ties, where the formulas have kinks.
        let mut sorted = z.clone();
        sorted.sort_by(f64::total_cmp);
        prop_assume!(sorted.windows(2).all(|w| w[1] - w[0] > 1e-3));
        for objective in [Objective::CrossEntropy, Objective::Margin { kappa: 20.0 }, Objective::Dlr] {
            for target in [None, Some(t)] {
                let (_, g) = objective.evaluate(&z, y, target).unwrap();
                let value = |z: &[f64]| objective.evaluate(z, y, target).unwrap().0;
                assay_array::testing::gradcheck(value, &g, &z, 1e-5, 1e-5);
            }
        }
    }

    #[test]
    fn projections_are_nearest(x in proptest::collection::vec(-3.0_f64..3.0, 1..8), radius in 0.0_f64..4.0) {
        for norm in [Norm::Linf, Norm::L2, Norm::L1] {
            let mut p = x.clone();
            norm.project(&mut p, radius).unwrap();
            prop_assert!(norm.length(&p) <= radius * (1.0 + 1e-12) + 1e-12);
            let mut again = p.clone();
            norm.project(&mut again, radius).unwrap();
            prop_assert!(p.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-12));
            // The variational inequality: no corner of the ball is nearer.
            for i in 0..x.len() {
                for sign in [-1.0, 1.0] {
                    let mut corner = vec![0.0; x.len()];
                    corner[i] = sign * radius;
                    let inner: f64 = (0..x.len()).map(|k| (x[k] - p[k]) * (corner[k] - p[k])).sum();
                    prop_assert!(inner <= 1e-9);
                }
            }
        }
    }
}
