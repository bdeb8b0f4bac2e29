//! The GPU kernels, equal to the host's in `f32`; on any GPU there is, Mesa's software Vulkan included.

use std::sync::Arc;

use assay_array::random::{Stream, below, stream};
use assay_array::testing::assert_close;
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use glws_nfa::tensor::{neg_log_z, neg_log_z_on_gpu};
use glws_nfa::{
    Bags, Constraint, Error, Infeasible, Marginals, Nfa, NfaBuilder, Outcome, marginals,
};
use ndarray::Array2;

use crate::common::logits;

/// Every GPU that is compiled in and works; at least those that `ASSAY_TEST_DEVICES` promises, so that
/// where there should be one these tests do not pass for want of it.
fn for_each_gpu(test: impl Fn(&Device)) {
    let is_gpu = |name: &str| name.starts_with("wgpu") || name.starts_with("cuda");
    let promised = std::env::var("ASSAY_TEST_DEVICES").unwrap_or_default();
    for name in promised.split(',').filter(|name| is_gpu(name)) {
        assay_tensor::device(name).unwrap();
    }
    for name in assay_tensor::available().iter().filter(|name| is_gpu(name)) {
        test(&assay_tensor::device(name).unwrap());
    }
}

fn tensor(array: &Array2<f32>, device: &Device) -> Tensor<2> {
    let data = TensorData::new(array.iter().copied().collect(), [array.nrows(), array.ncols()]);
    Tensor::from_data(data, (device, DType::F32))
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_to_vec_as().unwrap()
}

fn single(array: &Array2<f64>) -> Array2<f32> {
    array.mapv(|x| x as f32)
}

/// The host's answers in `f32`, and its gradient of the sum over feasible bags.
fn host(
    rows: &Array2<f32>,
    lengths: &[usize],
    constraints: &[Constraint],
) -> (Marginals<f32>, Vec<f64>) {
    let bags = Bags::new(rows.view(), lengths).unwrap();
    let result = marginals(&bags, constraints).unwrap();
    let gradient = result.gradient(&bags).unwrap().iter().map(|&g| f64::from(g)).collect();
    (result, gradient)
}

/// Holds the kernels against the host. They must not have passed the batch on.
fn compare(
    device: &Device,
    rows: &Array2<f32>,
    lengths: &[usize],
    constraints: &[Constraint],
    tolerance: f64,
) {
    let (expected, gradient) = host(rows, lengths, constraints);
    let leaf = tensor(rows, &device.clone().autodiff()).require_grad();
    let got = neg_log_z_on_gpu(leaf.clone(), lengths, constraints).unwrap().unwrap();
    for (bag, (got, expected)) in got.outcomes.iter().zip(&expected.outcomes).enumerate() {
        match (*got, *expected) {
            (Outcome::Feasible { log_z: got }, Outcome::Feasible { log_z: expected }) => {
                let off = (got - expected).abs();
                let allowed = tolerance * (1.0 + expected.abs());
                let what = &constraints[bag];
                assert!(off <= allowed, "bag {bag}, {what:?}: {got}, the host has {expected}");
            }
            (got, expected) => assert_eq!(got, expected),
        }
    }
    let posterior: Vec<f64> = expected.posterior.iter().map(|&g| f64::from(g)).collect();
    assert_close(&flat(got.posterior.clone()), &posterior, 0.0, tolerance);
    let grads = got.feasible_values().sum().backward();
    assert_close(&flat(leaf.grad(&grads).unwrap()), &gradient, 0.0, tolerance);
    // The losses take this way unasked.
    let unasked = neg_log_z(leaf, lengths, constraints).unwrap();
    assert_eq!(unasked.outcomes, got.outcomes);
}

/// A constraint of any kind for a bag of a length; one in ten cannot be met.
fn constraint(rng: &mut Stream, length: usize, classes: usize) -> Constraint {
    let mut below = |n: usize| below(rng, n);
    let class = below(classes);
    let automaton = |nfa: glws_nfa::Result<Nfa>| Constraint::Automaton(Arc::new(nfa.unwrap()));
    match below(if length == 2 { 14 } else { 11 }) {
        0..3 => Constraint::Count { class, count: below(length + 1) },
        3 => Constraint::Count { class, count: length + below(2) },
        4 => Constraint::Present { class },
        5 => Constraint::Absent { class },
        6 => Constraint::Unknown,
        7 => {
            let mut evidence: Vec<f64> = (0..classes).map(|_| below(4) as f64 / 3.0).collect();
            evidence[class] = 1e-3;
            Constraint::Evidence(evidence)
        }
        8 => {
            let log_weights = (0..=below(length + 1)).map(|k| -(k as f64) * 0.7).collect();
            Constraint::SoftCount { class, log_weights }
        }
        9 if length <= 8 => {
            let mut counts = vec![0; classes];
            for _ in 0..length {
                counts[below(classes)] += 1;
            }
            Constraint::CountVector(counts)
        }
        9 => automaton(Nfa::between(classes, class, length / 4, length / 2)),
        10 => {
            // Ambiguous, with weights at the ends and arcs in parallel.
            let other = (class + 1) % classes;
            let nfa = NfaBuilder::new(2, classes)
                .initial(0)
                .weighted_initial(1, -3.0)
                .weighted_arc(0, class, 1, -0.5)
                .arc(0, other, 1)
                .arc(0, other, 0)
                .weighted_arc(1, other, 0, 0.3)
                .weighted_arc(1, class, 0, -200.0)
                .weighted_accepting(0, -1.0)
                .accepting(1);
            Constraint::Paths(Arc::new(nfa.build().unwrap()))
        }
        11 => Constraint::Similar,
        12 => Constraint::Dissimilar,
        _ => Constraint::Pair(Arc::new(Array2::from_shape_simple_fn((classes, classes), || {
            below(3) as f64
        }))),
    }
}

#[test]
fn random_ragged_batches_are_the_hosts() {
    for_each_gpu(|device| {
        for seed in 0..12_u64 {
            let mut rng = stream(seed, "glws gpu tests", 0);
            let classes = [2, 2, 3, 10][seed as usize % 4];
            let scale = [0.5, 3.0, 20.0][seed as usize % 3];
            let lengths: Vec<usize> =
                (0..40).map(|bag| [2, 1, below(&mut rng, 40)][bag % 3]).collect();
            let constraints: Vec<Constraint> =
                lengths.iter().map(|&length| constraint(&mut rng, length, classes)).collect();
            let rows = single(&logits(seed, lengths.iter().sum(), classes, scale));
            compare(device, &rows, &lengths, &constraints, 2e-5);
        }
    });
}

/// Where a recursion in plain `f32` fails: rare counts of long bags, by either kernel.
#[test]
fn rare_counts_of_long_bags_are_the_hosts() {
    for_each_gpu(|device| {
        for (length, count, scale, shift) in [
            (1000, 100, 2.0, 0.0),
            (1000, 500, 2.0, -4.0),
            (700, 3, 5.0, 1.0),
            (300, 299, 1.0, -2.0),
        ] {
            let mut rows = logits(3, 2 * length, 2, scale);
            rows.column_mut(1).mapv_inplace(|z| z + shift);
            let rows = single(&rows);
            let exact = Constraint::Count { class: 1, count };
            compare(device, &rows, &[length, length], &[exact.clone(), exact.clone()], 2e-5);
            let nfa = Constraint::Automaton(exact.automaton(2).unwrap());
            compare(device, &rows, &[length, length], &[nfa.clone(), nfa], 4e-5);
        }
    });
}

/// Where the closed forms lose digits when they are written down naively.
#[test]
fn closed_forms_at_their_limits_are_the_hosts() {
    for_each_gpu(|device| {
        // Presence of what is rare, all but rare, and certain; in a long bag and a short one.
        for shift in [-120.0, -70.0, -50.0, -15.0, -3.0, 0.0, 40.0] {
            let mut rows = logits(21, 403, 3, 2.0);
            rows.column_mut(1).mapv_inplace(|z| z + shift);
            let present = Constraint::Present { class: 1 };
            let absent = Constraint::Absent { class: 1 };
            let constraints = [present.clone(), absent.clone(), present, absent];
            compare(device, &single(&rows), &[200, 200, 1, 2], &constraints, 2e-5);
        }
        // Pairs that agree or differ as good as never, and ties.
        for (one, two) in [(80.0, 80.0), (80.0, -80.0), (0.0, 0.0), (-30.0, 12.0)] {
            let rows = Array2::from_shape_fn((4, 2), |(i, c)| match (i % 2, c) {
                (0, 1) => one,
                (1, 1) => two,
                _ => 0.0_f32,
            });
            compare(device, &rows, &[2, 2], &[Constraint::Similar, Constraint::Dissimilar], 2e-5);
        }
        // Evidence that leaves only what is unlikely, and evidence of any size.
        let rows = single(&logits(22, 9, 4, 20.0));
        let evidence = [vec![0.0, 1.0, 0.0, 0.0], vec![1e-300, 0.0, 1e-280, 0.0], vec![1e200; 4]];
        let constraints = evidence.map(Constraint::Evidence);
        compare(device, &rows, &[3, 3, 3], &constraints, 2e-5);
    });
}

/// More bags than a launch has cubes, and more cells than its scratch has.
#[test]
fn large_batches_go_in_parts() {
    for_each_gpu(|device| {
        let many = 66_000;
        let rows = single(&logits(5, many, 2, 1.0));
        let exact = vec![Constraint::Count { class: 1, count: 1 }; many];
        compare(device, &rows, &vec![1; many], &exact, 2e-5);
        let rows = single(&logits(7, 2 * many, 2, 1.0));
        let pairs: Vec<Constraint> = (0..many)
            .map(|pair| if pair % 3 == 0 { Constraint::Similar } else { Constraint::Dissimilar })
            .collect();
        compare(device, &rows, &vec![2; many], &pairs, 2e-5);
        let rows = single(&logits(6, 40 * 1400, 2, 1.0));
        let half = vec![Constraint::Count { class: 0, count: 700 }; 40];
        compare(device, &rows, &[1400; 40], &half, 2e-5);
    });
}

#[test]
fn what_no_sequence_satisfies_is_an_outcome() {
    for_each_gpu(|device| {
        // Pairs of classes only: three labels are not a string of it.
        let pairs = Nfa::similar(3).unwrap();
        let constraints = [
            Constraint::from(pairs),
            Constraint::Count { class: 0, count: 9 },
            Constraint::Count { class: 0, count: 1 },
            Constraint::Evidence(vec![0.0; 3]),
        ];
        let rows = single(&logits(8, 9, 3, 1.0));
        let lengths = [3, 2, 3, 1];
        compare(device, &rows, &lengths, &constraints, 2e-5);
        let result = neg_log_z_on_gpu(tensor(&rows, device), &lengths, &constraints);
        let result = result.unwrap().unwrap();
        let no_path = Outcome::Infeasible(Infeasible::NoPath { length: 3 });
        assert_eq!(result.outcomes[0], no_path);
        assert!(flat(result.posterior).iter().all(|g| g.is_finite()));
    });
}

#[test]
fn the_host_does_what_the_kernels_cannot() {
    for_each_gpu(|device| {
        let counts =
            [Constraint::Count { class: 1, count: 1 }, Constraint::Count { class: 1, count: 2 }];
        let present = [Constraint::Present { class: 1 }, Constraint::Present { class: 0 }];
        for constraints in [counts, present] {
            // Further apart than the kernels take: the host's numbers.
            let mut rows = single(&logits(9, 6, 2, 1.0));
            rows[[1, 0]] = 5e4;
            rows[[4, 1]] = -3e4;
            let on_gpu = neg_log_z_on_gpu(tensor(&rows, device), &[3, 3], &constraints);
            assert!(on_gpu.unwrap().is_none());
            let result = neg_log_z(tensor(&rows, device), &[3, 3], &constraints).unwrap();
            let (expected, _) = host(&rows, &[3, 3], &constraints);
            assert_eq!(result.outcomes, expected.outcomes);
            // Not numbers: the host's refusal, which names the place.
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                rows[[4, 1]] = bad;
                let refused = neg_log_z(tensor(&rows, device), &[3, 3], &constraints);
                let place =
                    Error::NonFiniteLogit { bag: 1, instance: 1, class: 1, value: bad.into() };
                match refused.unwrap_err() {
                    Error::NonFiniteLogit { bag: 1, instance: 1, class: 1, .. } => {}
                    other => panic!("{other}, expected {place}"),
                }
            }
        }
        // A table that does not fit, a single class, nothing at all.
        let rows = single(&logits(9, 20_000, 2, 1.0));
        let half = [Constraint::Count { class: 1, count: 10_000 }];
        assert!(neg_log_z_on_gpu(tensor(&rows, device), &[20_000], &half).unwrap().is_none());
        let one = single(&logits(9, 3, 1, 1.0));
        let all = [Constraint::Count { class: 0, count: 3 }];
        assert!(neg_log_z_on_gpu(tensor(&one, device), &[3], &all).unwrap().is_none());
        assert!(neg_log_z(tensor(&one, device), &[3], &all).unwrap().outcomes[0].is_feasible());
    });
}

#[cfg(feature = "flex")]
#[test]
fn tensors_of_the_cpu_are_the_hosts() {
    let device = assay_tensor::device("flex").unwrap();
    let rows = tensor(&single(&logits(9, 3, 2, 1.0)), &device);
    let exact = [Constraint::Count { class: 1, count: 1 }];
    assert!(neg_log_z_on_gpu(rows, &[3], &exact).unwrap().is_none());
}
