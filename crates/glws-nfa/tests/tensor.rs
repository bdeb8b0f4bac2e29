//! The tensor layer: equal to the host on every device, gradients checked, losses as the golden file
//! has them.

use std::sync::Arc;

use assay_array::testing::{assert_close, cases, golden, gradcheck};
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use glws_nfa::tensor::{WeakLossConfig, neg_log_z};
use glws_nfa::{Bags, Constraint, Error, Nfa, WeakLabels, marginals};
use ndarray::Array2;
use serde_json::Value;

use crate::common::logits;

/// Rows of three classes, and one constraint of each kind; bag 4 is infeasible.
fn everything() -> (Array2<f64>, Vec<usize>, Vec<Constraint>) {
    let constraints = vec![
        Constraint::Count { class: 1, count: 2 },
        Constraint::CountVector(vec![1, 2, 1]),
        Constraint::Present { class: 0 },
        Constraint::Absent { class: 2 },
        Constraint::Count { class: 0, count: 9 },
        Constraint::Similar,
        Constraint::Dissimilar,
        Constraint::PresenceVector(vec![true, false, true]),
        Constraint::Automaton(Arc::new(Nfa::present(3, 2).unwrap())),
    ];
    let lengths = vec![5, 4, 3, 2, 2, 2, 2, 4, 6];
    (logits(7, lengths.iter().sum(), 3, 2.0), lengths, constraints)
}

fn tensor(array: &Array2<f64>, device: &Device, dtype: DType) -> Tensor<2> {
    let data = TensorData::new(array.iter().copied().collect(), [array.nrows(), array.ncols()]);
    Tensor::from_data(data, (device, dtype))
}

/// Every device that is compiled in and works.
///
/// `assay_tensor::testing` has this too; taking it as a dev-dependency would build burn for the tests
/// of the kernels, which need none.
fn for_each_device(test: impl Fn(&Device)) {
    let names = assay_tensor::available();
    assert!(!names.is_empty(), "no backend is compiled in");
    for name in names {
        test(&assay_tensor::device(&name).unwrap());
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_to_vec_as().unwrap()
}

/// The host's answers, with which any device must agree.
#[test]
fn every_device_gives_the_hosts_numbers() {
    let (logits, lengths, constraints) = everything();
    let bags = Bags::new(logits.view(), &lengths).unwrap();
    let host = marginals(&bags, &constraints).unwrap();
    let expected: Vec<f64> = host.log_z().iter().map(|log_z| -log_z).collect();
    let posterior = host.posterior.iter().copied().collect::<Vec<_>>();
    let gradient = host.gradient(&bags).unwrap().iter().copied().collect::<Vec<_>>();
    for_each_device(|device| {
        for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
            if !device.supports_dtype(dtype) {
                continue;
            }
            let leaf = tensor(&logits, &device.clone().autodiff(), dtype).require_grad();
            let result = neg_log_z(leaf.clone(), &lengths, &constraints).unwrap();
            assert_close(&flat(result.values.clone()), &expected, tolerance, tolerance);
            assert_close(&flat(result.posterior), &posterior, tolerance, tolerance);
            assert!(!result.outcomes[4].is_feasible());
            // The infeasible bag's value is +∞; the others' gradients must not notice.
            let feasible = result.values.clone().mask_fill(result.values.is_inf(), 0.0);
            let grads = feasible.sum().backward();
            assert_close(&flat(leaf.grad(&grads).unwrap()), &gradient, tolerance, tolerance);
        }
    });
}

#[test]
fn gradients_pass_the_check_under_any_function() {
    let (logits, lengths, constraints) = everything();
    let labels = WeakLabels::new(lengths.clone(), constraints.clone()).unwrap();
    let loss = WeakLossConfig::new().init().unwrap();
    for_each_device(|device| {
        if !device.supports_dtype(DType::F64) {
            return;
        }
        // The square weighs the bags differently.
        let squares = |x| {
            let values = neg_log_z(x, &lengths, &constraints).unwrap().values;
            let feasible = values.clone().mask_fill(values.is_inf(), 0.0);
            (feasible.clone() * feasible).sum()
        };
        let weak = tensor(&logits, device, DType::F64);
        let views = |x| loss.forward(weak.clone(), Some(x), &labels).unwrap().total;
        check_gradient(device, &logits, squares);
        check_gradient(device, &(&logits * 0.5), views);
    });
}

fn check_gradient(device: &Device, at: &Array2<f64>, loss: impl Fn(Tensor<2>) -> Tensor<1>) {
    let leaf = tensor(at, &device.clone().autodiff(), DType::F64).require_grad();
    let gradient = flat(leaf.grad(&loss(leaf.clone()).backward()).unwrap());
    let value = |x: &[f64]| {
        let point = Array2::from_shape_vec(at.dim(), x.to_vec()).unwrap();
        flat(loss(tensor(&point, device, DType::F64)))[0]
    };
    let point: Vec<f64> = at.iter().copied().collect();
    gradcheck(value, &gradient, &point, 1e-6, 1e-7);
}

#[test]
fn without_autodiff_only_the_value_is_computed() {
    let (logits, lengths, constraints) = everything();
    for_each_device(|device| {
        let result =
            neg_log_z(tensor(&logits, device, DType::F32), &lengths, &constraints).unwrap();
        assert_eq!(result.outcomes.len(), lengths.len());
        assert_eq!(result.posterior.dims(), [logits.nrows(), 3]);
    });
}

#[test]
fn infeasible_bags_count_in_no_mean_and_move_no_weight() {
    for_each_device(|device| {
        let autodiff = device.clone().autodiff();
        let rows = logits(1, 5, 2, 1.0);
        let loss = WeakLossConfig::new().init().unwrap();
        let leaf = tensor(&rows, &autodiff, DType::F32).require_grad();
        let labels = WeakLabels::label_proportions(1, &[3, 2], &[1, 7]).unwrap();
        let with = loss.forward(leaf.clone(), Some(leaf.clone()), &labels).unwrap();
        let gradient = flat(leaf.grad(&with.total.clone().backward()).unwrap());
        assert!(gradient[6..].iter().all(|&g| g == 0.0), "{gradient:?}");

        let first = tensor(&rows.slice(ndarray::s![..3, ..]).to_owned(), &autodiff, DType::F32);
        let labels = WeakLabels::label_proportions(1, &[3], &[1]).unwrap();
        let without = loss.forward(first.clone(), Some(first), &labels).unwrap();
        assert_close(&flat(with.total), &flat(without.total), 1e-6, 1e-6);

        let none = WeakLabels::label_proportions(1, &[5], &[7]).unwrap();
        let none = loss.forward(leaf.clone(), Some(leaf.clone()), &none).unwrap();
        assert_eq!(flat(none.total.clone()), [0.0]);
        assert!(!none.outcomes[0].is_feasible());
        let moved = leaf.grad(&none.total.backward()).map(flat).unwrap_or_default();
        assert!(moved.iter().all(|&g| g == 0.0), "{moved:?}");
    });
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    for_each_device(|device| {
        let rows = tensor(&logits(2, 4, 3, 1.0), device, DType::F32);
        let loss = WeakLossConfig::new().init().unwrap();
        let pairs = WeakLabels::pairwise_similarity(&[true, false]);
        let narrow = tensor(&logits(2, 4, 2, 1.0), device, DType::F32);
        assert!(matches!(
            loss.forward(rows.clone(), Some(narrow), &pairs),
            Err(Error::Shape { operation: "strong view [N, C]", .. })
        ));
        let one = WeakLabels::pairwise_similarity(&[true]);
        assert!(matches!(
            loss.forward(rows.clone(), None, &one),
            Err(Error::LengthSum { .. } | Error::Tensor(_))
        ));
        let nan = rows.clone().slice_fill([0..1, 0..1], f32::NAN);
        assert!(matches!(loss.forward(nan, None, &pairs), Err(Error::NonFiniteLogit { .. })));
        let missing = WeakLabels::multiple_instances(3, &[4], &[true]).unwrap();
        assert!(matches!(loss.forward(rows, None, &missing), Err(Error::ClassOutOfRange { .. })));
    });
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(WeakLossConfig::new().with_supervised_weight(weight).init().is_err());
        assert!(WeakLossConfig::new().with_unsupervised_weight(weight).init().is_err());
    }
    assert!(WeakLabels::label_proportions(0, &[3], &[1, 1]).is_err());
    assert!(WeakLabels::multiple_instances(0, &[3], &[]).is_err());
    assert!(WeakLabels::class_counts(&[3], Array2::zeros((2, 2)).view()).is_err());
    assert!(WeakLabels::new([3], []).is_err());
}

/// The three settings that have a loss, with the golden file's parts of it. The other settings'
/// numbers are checked on the host, in `golden.rs`.
#[test]
fn losses_are_the_golden_files() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "glws");
    let mut seen = 0;
    for case in cases(&file) {
        let (inputs, expected) = (&case["inputs"], &case["expected_losses"]);
        let Some(labels) = weak_labels(inputs) else { continue };
        seen += 1;
        let loss = WeakLossConfig::new().init().unwrap();
        let weak = rows(&inputs["logits_weak"]);
        let strong = (!inputs["logits_strong"].is_null()).then(|| rows(&inputs["logits_strong"]));
        for_each_device(|device| {
            for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-10)] {
                if !device.supports_dtype(dtype) {
                    continue;
                }
                let strong = strong.as_ref().map(|rows| tensor(rows, device, dtype));
                let got = loss.forward(tensor(&weak, device, dtype), strong, &labels).unwrap();
                let supervised = ["sup_bce_mean", "sup_neg_log_z_mean", "sup_joint"];
                let supervised =
                    supervised.iter().find_map(|name| expected[name].as_f64()).unwrap();
                assert_close(&flat(got.supervised), &[supervised], tolerance, tolerance);
                if let Some(unsupervised) = got.unsupervised {
                    let names = ["unsup_ce_mean", "unsup_ce_mean_all_instances"];
                    let want = names.iter().find_map(|name| expected[name].as_f64()).unwrap();
                    assert_close(&flat(unsupervised), &[want], tolerance, tolerance);
                    assert_close(&flat(got.total), &[supervised + want], tolerance, tolerance);
                }
            }
        });
    }
    assert!(seen >= 5, "only {seen} cases have one of the three losses");
}

/// The labels of a case of label proportions, multiple instances or pairwise similarity.
fn weak_labels(inputs: &Value) -> Option<WeakLabels> {
    let numbers = |name: &str| -> Option<Vec<usize>> {
        inputs[name].as_array()?.iter().map(|v| Some(v.as_u64()? as usize)).collect()
    };
    let instances = || inputs["logits_weak"].as_array().map_or(0, Vec::len);
    if let (Some(lengths), Some(counts)) = (numbers("lengths"), numbers("counts")) {
        Some(WeakLabels::label_proportions(1, &lengths, &counts).unwrap())
    } else if let (Some(lengths), Some(present)) = (numbers("lengths"), numbers("bag_labels")) {
        let present: Vec<bool> = present.iter().map(|&p| p == 1).collect();
        Some(WeakLabels::multiple_instances(1, &lengths, &present).unwrap())
    } else if let (Some(similar), false) = (numbers("similar"), inputs["logits_weak"].is_null()) {
        let similar: Vec<bool> = similar.iter().map(|&s| s == 1).collect();
        Some(WeakLabels::pairwise_similarity(&similar))
    } else if let (Some(counts), true) = (numbers("counts"), inputs["priors"].is_null()) {
        let counts = Array2::from_shape_vec((1, counts.len()), counts).unwrap();
        Some(WeakLabels::class_counts(&[instances()], counts.view()).unwrap())
    } else {
        None
    }
}

/// `[N, C]` rows from `[N][C]`, or from the bags of `[B][L][C]` one after another.
fn rows(value: &Value) -> Array2<f64> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let numbers = |row: &Value| -> Vec<f64> {
        row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    for outer in value.as_array().unwrap() {
        if outer[0].is_array() {
            rows.extend(outer.as_array().unwrap().iter().map(numbers));
        } else {
            rows.push(numbers(outer));
        }
    }
    let classes = rows[0].len();
    Array2::from_shape_vec((rows.len(), classes), rows.concat()).unwrap()
}
