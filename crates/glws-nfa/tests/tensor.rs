//! The tensor layer: equal to the host on every device, gradients checked, losses as the golden file
//! has them.

use std::sync::Arc;

use assay_array::testing::{assert_close, cases, golden, gradcheck};
use assay_tensor::burn::module::Param;
use assay_tensor::burn::prelude::{Device, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::computes_in;
use glws_nfa::tensor::{
    ArcWeights, NoiseMatrix, NoiseMatrixConfig, WeakLossConfig, class_balance, neg_log_z,
    neg_log_z_of_arcs,
};
use glws_nfa::{
    Bags, Constraint, DistributionAlignment, Error, Infeasible, Nfa, NfaBuilder, Ordinal, Outcome,
    WeakLabels, marginals,
};
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
            if !computes_in(device, dtype) {
                continue;
            }
            let leaf = tensor(&logits, &device.clone().autodiff(), dtype).require_grad();
            let result = neg_log_z(leaf.clone(), &lengths, &constraints).unwrap();
            assert_close(&flat(result.values.clone()), &expected, tolerance, tolerance);
            assert_close(&flat(result.posterior.clone()), &posterior, tolerance, tolerance);
            assert!(!result.outcomes[4].is_feasible());
            // The infeasible bag's value is +∞; the others' gradients must not notice.
            let grads = result.feasible_values().sum().backward();
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
        if !computes_in(device, DType::F64) {
            return;
        }
        // The square weighs the bags differently.
        let squares = |x| {
            let feasible = neg_log_z(x, &lengths, &constraints).unwrap().feasible_values();
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

/// Every setting of the file as a loss: labels stated in a line, both views, and the parts of the loss.
#[test]
fn losses_are_the_golden_files() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "glws");
    for case in cases(&file) {
        let expected = &case["expected_losses"];
        for Stated { labels, weak, strong, supervised, unsupervised } in stated(case) {
            let number = |name: &&str| {
                let value = expected[*name].as_f64();
                value.unwrap_or_else(|| panic!("{}: no {name}", case["id"]))
            };
            let sum = |names: &[&str]| names.iter().map(number).sum::<f64>();
            let loss = WeakLossConfig::new().init().unwrap();
            for_each_device(|device| {
                for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-10)] {
                    if !computes_in(device, dtype) {
                        continue;
                    }
                    let strong = strong.as_ref().map(|rows| tensor(rows, device, dtype));
                    let weak = tensor(&weak, device, dtype);
                    let got = loss.forward(weak, strong, &labels).unwrap();
                    let parts =
                        [(&supervised, Some(got.supervised)), (&unsupervised, got.unsupervised)];
                    for (names, part) in parts {
                        if !names.is_empty() {
                            let part = flat(part.unwrap());
                            assert_close(&part, &[sum(names)], tolerance, tolerance);
                        }
                    }
                    if !supervised.is_empty() && !unsupervised.is_empty() {
                        let total = sum(&supervised) + sum(&unsupervised);
                        assert_close(&flat(got.total), &[total], tolerance, tolerance);
                    }
                }
            });
        }
    }
}

/// A case as a call, and the names of its losses in the file; no name, nothing to compare.
struct Stated {
    labels: WeakLabels,
    weak: Array2<f64>,
    strong: Option<Array2<f64>>,
    supervised: Vec<&'static str>,
    unsupervised: Vec<&'static str>,
}

#[allow(clippy::too_many_lines)] // an arm for each setting
fn stated(case: &Value) -> Vec<Stated> {
    let inputs = &case["inputs"];
    let present = |name: &str| (!inputs[name].is_null()).then(|| rows(&inputs[name]));
    let numbers = |name: &str| -> Vec<f64> {
        inputs[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let integers = |name: &str| numbers(name).into_iter().map(|n| n as usize).collect::<Vec<_>>();
    let flags = |name: &str| integers(name).into_iter().map(|n| n == 1).collect::<Vec<_>>();
    let (weak, strong) = (present("logits_weak"), present("logits_strong"));
    let weak = || weak.clone().unwrap();
    let one = |labels: WeakLabels, supervised: &[&'static str], unsupervised: &[&'static str]| {
        let (supervised, unsupervised) = (supervised.to_vec(), unsupervised.to_vec());
        vec![Stated { labels, weak: weak(), strong: strong.clone(), supervised, unsupervised }]
    };
    let row = |values: Vec<usize>| Array2::from_shape_vec((1, values.len()), values).unwrap();
    match case["setting"].as_str().unwrap() {
        "partial labels" => {
            let mut candidates = Array2::from_elem(weak().dim(), false);
            for (mut row, set) in
                candidates.rows_mut().into_iter().zip(inputs["candidates"].as_array().unwrap())
            {
                for class in set.as_array().unwrap() {
                    row[class.as_u64().unwrap() as usize] = true;
                }
            }
            let labels = WeakLabels::partial(candidates.view()).unwrap();
            one(labels, &["sup_neg_log_z_mean"], &["unsup_ce_mean"])
        }
        "multiple instance" if inputs["bag_labels"].is_array() => {
            let labels =
                WeakLabels::multiple_instances(1, &integers("lengths"), &flags("bag_labels"));
            one(labels.unwrap(), &["sup_bce_mean"], &["unsup_ce_mean_all_instances"])
        }
        "multiple instance" => {
            let present = row(integers("presence")).mapv(|p| p == 1);
            let joint = WeakLabels::class_presence(&[weak().nrows()], present.view()).unwrap();
            let each = joint.clone().one_vs_rest().unwrap();
            let mut stated = one(joint, &["sup_joint"], &[]);
            stated.extend(one(each, &["sup_one_vs_rest_mean"], &[]));
            stated
        }
        // The long bags have no logits in the file, and no loss.
        "label proportion" if inputs["logit_diff"].is_array() => vec![],
        "label proportion" if inputs["lengths"].is_array() => {
            let labels =
                WeakLabels::label_proportions(1, &integers("lengths"), &integers("counts"));
            one(labels.unwrap(), &["sup_neg_log_z_mean"], &["unsup_ce_mean_all_instances"])
        }
        "label proportion" => {
            let counts = row(integers("counts"));
            let joint = WeakLabels::class_counts(&[weak().nrows()], counts.view()).unwrap();
            let each = joint.clone().one_vs_rest().unwrap();
            let mut stated = one(joint, &["sup_joint"], &[]);
            stated.extend(one(each, &["sup_one_vs_rest_mean"], &[]));
            stated
        }
        "pairwise similarity" => {
            let labels = WeakLabels::pairwise_similarity(&flags("similar"));
            one(labels, &["sup_bce_mean"], &["unsup_ce_mean"])
        }
        "pairwise comparison" => {
            let labels = WeakLabels::pairwise_comparison(2, weak().nrows() / 2).unwrap();
            one(labels, &["sup_neg_log_z_mean"], &["unsup_ce_mean"])
        }
        "similarity confidence" => {
            let labels = WeakLabels::similarity_confidence(2, &numbers("confidence")).unwrap();
            one(labels, &[], &["unsup_ce_mean"])
        }
        "confidence difference" => {
            let labels = WeakLabels::confidence_difference(&numbers("diff")).unwrap();
            one(labels, &["sup_neg_log_z_mean"], &["unsup_ce_mean"])
        }
        "positive confidence" => {
            let labels = WeakLabels::positive_confidence(&numbers("confidence")).unwrap();
            one(labels, &[], &["unsup_ce_mean"])
        }
        "single-class confidence" => {
            let confidence = rows(&inputs["confidence"]);
            one(WeakLabels::class_confidence(confidence.view()).unwrap(), &[], &[])
        }
        "positive-unlabelled" => {
            let bag = |n, m| WeakLabels::label_proportions(1, &[n], &[m]).unwrap();
            let unlabelled = bag(weak().nrows(), inputs["count"].as_u64().unwrap() as usize);
            let labelled = WeakLabels::labelled(2, &integers("labels")).unwrap();
            // All there is, and the form of the published code: no likelihood of the count.
            let both = |labelled: WeakLabels, unlabelled: WeakLabels, supervised, unsupervised| {
                let first = rows(&inputs["logits_labelled"]);
                Stated {
                    labels: labelled.and(unlabelled),
                    weak: stack(&[&first, &weak()]),
                    strong: Some(stack(&[&first, strong.as_ref().unwrap()])),
                    supervised,
                    unsupervised,
                }
            };
            vec![
                both(
                    labelled.clone().weighted(1.0, 0.0).unwrap(),
                    unlabelled.clone(),
                    vec!["labelled_ce_mean", "sup_neg_log_z"],
                    vec!["unsup_ce_mean"],
                ),
                both(
                    labelled.weighted(0.0, 1.0).unwrap(),
                    unlabelled.weighted(0.0, 1.0).unwrap(),
                    vec![],
                    vec!["total_original_form"],
                ),
            ]
        }
        "unlabelled-unlabelled" => {
            let length = inputs["logits_weak"][0].as_array().unwrap().len();
            let counts = integers("counts");
            let bag =
                |b: usize| WeakLabels::label_proportions(1, &[length], &counts[b..=b]).unwrap();
            one(bag(0).and(bag(1)), &["sup_neg_log_z_sum"], &["total_original_form"])
        }
        "similar-dissimilar-unlabelled" => {
            let unlabelled = rows(&inputs["unl_logits_weak"]);
            let count = inputs["count"].as_u64().unwrap() as usize;
            let unlabelled_labels =
                WeakLabels::label_proportions(1, &[unlabelled.nrows()], &[count]).unwrap();
            let pairs = WeakLabels::pairwise_similarity(&flags("similar"));
            let strong = [rows(&inputs["pair_logits_strong"]), rows(&inputs["unl_logits_strong"])];
            vec![Stated {
                labels: pairs.and(unlabelled_labels.weighted(0.0, 1.0).unwrap()),
                weak: stack(&[&rows(&inputs["pair_logits_weak"]), &unlabelled]),
                strong: Some(stack(&[&strong[0], &strong[1]])),
                supervised: vec!["pair_sup_bce"],
                unsupervised: vec!["pair_unsup_ce", "unl_unsup_ce"],
            }]
        }
        "semi-supervised" => {
            let before = numbers("p_hat_before");
            let alignment = DistributionAlignment::new(before.len()).unwrap().with_top(3);
            let mut alignment = alignment.with_average(ndarray::aview1(&before)).unwrap();
            one(alignment.labels(weak().view()).unwrap(), &[], &["unsup_ce_mean"])
        }
        "noisy labels" => {
            let transition = rows(&case["expected_losses"]["softmax_over_dim1"]);
            one(WeakLabels::noisy(transition.view(), &integers("observed")).unwrap(), &[], &[])
        }
        "generic automata" => {
            let block = Nfa::from_regex("0*1+0*", 2).unwrap();
            one(WeakLabels::each(&[weak().nrows()], block), &[], &[])
        }
        other => panic!("unknown setting {other}"),
    }
}

fn stack(parts: &[&Array2<f64>]) -> Array2<f64> {
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    ndarray::concatenate(ndarray::Axis(0), &views).unwrap()
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

/// Every setting there is, small: the labels, and how many instances they are of.
fn every_setting() -> Vec<(&'static str, WeakLabels)> {
    let candidates = ndarray::array![[true, true, false], [false, true, true]];
    let transition = ndarray::array![[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]];
    let present = ndarray::array![[true, false, true], [false, true, true]];
    let counts = ndarray::array![[1, 2, 0], [0, 1, 1]];
    let confidence = ndarray::array![[0.2, 0.5, 0.3], [0.0, 0.1, 2.5]];
    let three = vec![
        ("labelled", WeakLabels::labelled(3, &[0, 2])),
        ("unlabelled", Ok(WeakLabels::unlabelled(3))),
        ("partial", WeakLabels::partial(candidates.view())),
        ("complementary", WeakLabels::complementary(3, &[1, 0])),
        ("ordinal", WeakLabels::ordinal(3, &[Ordinal::AtMost(1), Ordinal::AtLeast(1)])),
        ("class confidence", WeakLabels::class_confidence(confidence.view())),
        ("noisy", WeakLabels::noisy(transition.view(), &[1, 2])),
        ("noisy partial", WeakLabels::noisy_partial(transition.view(), candidates.view())),
        ("similarity", Ok(WeakLabels::pairwise_similarity(&[true, false]))),
        ("comparison", WeakLabels::pairwise_comparison(3, 2)),
        ("similarity confidence", WeakLabels::similarity_confidence(3, &[0.9, 0.2])),
        ("proportions", WeakLabels::label_proportions(1, &[3, 2], &[2, 0])),
        ("ranges", WeakLabels::count_ranges(1, &[4, 3], &[(1, 2), (0, 9)])),
        ("population", WeakLabels::population_proportions(2, &[4, 3], &[0.3, 0.8])),
        ("class counts", WeakLabels::class_counts(&[3, 2], counts.view())),
        ("counts, one against rest", {
            WeakLabels::class_counts(&[3, 2], counts.view()).and_then(WeakLabels::one_vs_rest)
        }),
        ("presence", WeakLabels::class_presence(&[3, 2], present.view())),
        ("presence, one against rest", {
            WeakLabels::class_presence(&[3, 2], present.view()).and_then(WeakLabels::one_vs_rest)
        }),
        ("instances", WeakLabels::multiple_instances(0, &[3, 2], &[true, false])),
        ("semi-supervised", WeakLabels::semi_supervised(3, &[0, 1], 2)),
        ("contiguous", Ok(WeakLabels::each(&[4, 2], Nfa::contiguous(3, 1).unwrap()))),
        ("regex", Ok(WeakLabels::each(&[3], Nfa::from_regex("0*1[^0]", 3).unwrap()))),
    ];
    three.into_iter().map(|(name, labels)| (name, labels.unwrap())).collect()
}

fn binary_settings() -> Vec<(&'static str, WeakLabels)> {
    let settings = vec![
        ("positive confidence", WeakLabels::positive_confidence(&[0.9, 0.1, 1.0])),
        ("confidence difference", WeakLabels::confidence_difference(&[0.4, -0.7, 0.0])),
        ("positive unlabelled", WeakLabels::positive_unlabelled(2, 4, 0.4)),
        ("unlabelled unlabelled", WeakLabels::unlabelled_unlabelled((3, 0.2), (4, 0.7))),
        ("similar", WeakLabels::similar_dissimilar_unlabelled(&[true, true], 3, 0.6)),
        ("dissimilar", WeakLabels::similar_dissimilar_unlabelled(&[false], 3, 0.6)),
    ];
    settings.into_iter().map(|(name, labels)| (name, labels.unwrap())).collect()
}

#[test]
fn every_setting_has_the_gradient_of_its_loss() {
    let loss = WeakLossConfig::new().init().unwrap();
    let of = |classes: usize, settings: Vec<(&str, WeakLabels)>| {
        for (seed, (name, labels)) in settings.into_iter().enumerate() {
            let rows = labels.num_instances();
            let at = logits(seed as u64, rows, classes, 1.5);
            for_each_device(|device| {
                if !computes_in(device, DType::F64) {
                    return;
                }
                let output = loss.forward(tensor(&at, device, DType::F64), None, &labels).unwrap();
                assert_eq!(output.posterior.dims(), [rows, classes], "{name}");
                assert!(output.outcomes.iter().all(|outcome| outcome.is_feasible()), "{name}");
                // Value and gradient of both parts; γ is a constant, so that the second view is another.
                check_gradient(device, &at, |x| loss.forward(x, None, &labels).unwrap().total);
                let weak = tensor(&(&at * 0.3), device, DType::F64);
                check_gradient(device, &at, |x| {
                    let output = loss.forward(weak.clone(), Some(x), &labels).unwrap();
                    output.unsupervised.unwrap()
                });
            });
        }
    };
    of(3, every_setting());
    of(2, binary_settings());
}

/// The parts of a loss are the losses of the parts.
#[test]
fn parts_add_up() {
    let loss = WeakLossConfig::new().init().unwrap();
    let settings = every_setting();
    for_each_device(|device| {
        for pair in settings.windows(2) {
            let [(_, first), (_, second)] = pair else { unreachable!() };
            let rows = [first.num_instances(), second.num_instances()];
            let weak = logits(3, rows[0] + rows[1], 3, 1.0);
            let strong = logits(4, rows[0] + rows[1], 3, 1.0);
            let run = |labels: &WeakLabels, from: usize, to: usize| {
                let cut = |all: &Array2<f64>| all.slice(ndarray::s![from..to, ..]).to_owned();
                let view = |all| tensor(&cut(all), device, DType::F32);
                let output = loss.forward(view(&weak), Some(view(&strong)), labels).unwrap();
                let posterior = flat(output.posterior);
                (flat(output.supervised)[0], flat(output.unsupervised.unwrap())[0], posterior)
            };
            let a = run(first, 0, rows[0]);
            let b = run(second, rows[0], rows[0] + rows[1]);
            let both = first.clone().and(second.clone().weighted(3.0, 0.5).unwrap());
            let both = run(&both, 0, rows[0] + rows[1]);
            assert_close(&[both.0], &[a.0 + 3.0 * b.0], 1e-5, 1e-6);
            assert_close(&[both.1], &[a.1 + 0.5 * b.1], 1e-5, 1e-6);
            assert_close(&both.2, &[a.2, b.2].concat(), 0.0, 0.0);
        }
    });
}

/// One class against the rest is what the host's kernels for one class say, averaged.
#[test]
fn one_class_against_the_rest_is_the_mean_over_classes() {
    let loss = WeakLossConfig::new().init().unwrap();
    let (rows, lengths) = (logits(6, 7, 4, 2.0), [4, 3]);
    let counts = ndarray::array![[1, 2, 0, 1], [0, 0, 3, 0]];
    let labels = WeakLabels::class_counts(&lengths, counts.view()).unwrap().one_vs_rest().unwrap();
    let bags = Bags::new(rows.view(), &lengths).unwrap();
    let mut want = 0.0;
    let mut posterior = Array2::<f64>::zeros((7, 4));
    for class in 0..4 {
        let constraints = [0, 1].map(|b| Constraint::Count { class, count: counts[[b, class]] });
        let result = marginals(&bags, &constraints).unwrap();
        want -= result.log_z().iter().sum::<f64>() / 8.0;
        posterior.column_mut(class).assign(&result.posterior.column(class));
    }
    for_each_device(|device| {
        let got = loss.forward(tensor(&rows, device, DType::F32), None, &labels).unwrap();
        assert_close(&flat(got.total), &[want], 2e-5, 2e-5);
        assert_eq!(got.outcomes.len(), 8);
        let want: Vec<f64> = posterior.iter().copied().collect();
        assert_close(&flat(got.posterior), &want, 2e-5, 2e-5);
    });
    let mixed = WeakLabels::pairwise_similarity(&[true]);
    assert_eq!(mixed.one_vs_rest().unwrap_err(), Error::NotOneVsRest { bag: 0 });
}

/// Evidence as a tensor is evidence as a constraint, and both it and the logits learn.
#[test]
fn tensor_evidence_is_the_constraint() {
    let loss = WeakLossConfig::new().init().unwrap();
    let evidence =
        ndarray::array![[0.2, 0.7, 0.1], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.5, 1.0]];
    let labels = WeakLabels::class_confidence(evidence.view()).unwrap();
    let (weak, strong) = (logits(1, 4, 3, 2.0), logits(2, 4, 3, 2.0));
    for_each_device(|device| {
        for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
            if !computes_in(device, dtype) {
                continue;
            }
            let log_evidence = tensor(&evidence.mapv(f64::ln), device, dtype);
            let view = |rows| tensor(rows, device, dtype);
            let host = loss.forward(view(&weak), Some(view(&strong)), &labels).unwrap();
            let got =
                loss.forward_evidence(view(&weak), Some(view(&strong)), log_evidence).unwrap();
            assert_close(&flat(got.supervised), &flat(host.supervised), tolerance, tolerance);
            let unsupervised = [got.unsupervised.unwrap(), host.unsupervised.unwrap()].map(flat);
            assert_close(&unsupervised[0], &unsupervised[1], tolerance, tolerance);
            assert_close(&flat(got.posterior), &flat(host.posterior), tolerance, tolerance);
            assert_eq!(got.outcomes[2], Outcome::Infeasible(Infeasible::RuledOut));
        }
        let rows = tensor(&weak, device, DType::F32);
        let nan = rows.clone().slice_fill([0..1, 0..1], f32::NAN);
        let infinite = rows.clone().slice_fill([0..1, 0..1], f32::INFINITY);
        for wrong in [nan, infinite] {
            let error = loss.forward_evidence(rows.clone(), None, wrong.clone()).unwrap_err();
            assert_eq!(error, Error::NotFinite { operation: "log evidence" });
            let error = loss.forward_evidence(wrong.clone(), None, rows.clone()).unwrap_err();
            assert_eq!(error, Error::NotFinite { operation: "weak view" });
            let labels = WeakLabels::unlabelled(4);
            let error = loss.forward(rows.clone(), Some(wrong), &labels).unwrap_err();
            assert_eq!(error, Error::NotFinite { operation: "strong view" });
        }
    });
}

/// The noise matrix: its start, its gradient, and that it finds the noise when the classifier is right.
#[test]
fn the_noise_matrix_learns() {
    let loss = WeakLossConfig::new().init().unwrap();
    let observed: Vec<usize> = vec![0, 2, 1, 1];
    let at = logits(8, 3, 3, 1.0);
    let weak = logits(9, 4, 3, 1.0);
    for_each_device(|device| {
        let autodiff = device.clone().autodiff();
        let config = NoiseMatrixConfig::new(3).with_stay(0.8).with_speed(5.0);
        let mut noise = config.init(&autodiff).unwrap();
        let want = [0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8];
        assert_close(&flat(noise.transition()), &want, 1e-6, 1e-6);
        if computes_in(device, DType::F64) {
            let candidates = ndarray::array![[true, true, false], [false, false, true]];
            let with = |x: Tensor<2>| NoiseMatrix { logits: Param::from_tensor(x), speed: 1.0 };
            let view = |rows: &Array2<f64>| tensor(rows, device, DType::F64);
            let value =
                |evidence| loss.forward_evidence(view(&weak), None, evidence).unwrap().total;
            check_gradient(device, &at, |x| value(with(x).observed(&observed).unwrap()));
            let rows = weak.slice(ndarray::s![..2, ..]).to_owned();
            check_gradient(device, &at, |x| {
                let evidence = with(x).candidates(candidates.view()).unwrap();
                loss.forward_evidence(view(&rows), None, evidence).unwrap().total
            });
            // The same evidence as the host's statement of a known matrix.
            let matrix = with(view(&at)).transition();
            let transition = Array2::from_shape_vec((3, 3), flat(matrix)).unwrap();
            let known = WeakLabels::noisy(transition.view(), &observed).unwrap();
            let host = loss.forward(view(&weak), None, &known).unwrap();
            let got = value(with(view(&at)).observed(&observed).unwrap());
            assert_close(&flat(got), &flat(host.total), 1e-12, 1e-12);
        }
        // Confident predictions of 0, 1, 2 in turn; class 0 is seen as 1 in one of four cases.
        let truth: Vec<usize> = (0..240).map(|i| i % 3).collect();
        let seen: Vec<usize> = truth
            .iter()
            .enumerate()
            .map(|(i, &c)| if c == 0 && i / 3 % 4 == 0 { 1 } else { c })
            .collect();
        let certain =
            Array2::from_shape_fn((240, 3), |(i, c)| if truth[i] == c { 9.0 } else { 0.0 });
        let certain = tensor(&certain, &autodiff, DType::F32);
        for _ in 0..400 {
            let evidence = noise.observed(&seen).unwrap();
            let total = loss.forward_evidence(certain.clone(), None, evidence).unwrap().total;
            let gradients = total.backward();
            let step =
                noise.logits.val().grad(&gradients).unwrap() * 3.0 / (noise.speed * noise.speed);
            let moved = Tensor::from_inner(noise.logits.val().inner() - step).require_grad();
            noise = NoiseMatrix { logits: Param::from_tensor(moved), speed: noise.speed };
        }
        let transition = flat(noise.transition());
        assert_close(&transition[..2], &[0.75, 0.25], 0.0, 0.02);
        assert!(transition[4] > 0.97 && transition[8] > 0.97, "{transition:?}");
        assert!(noise.observed(&[3]).is_err());
        assert!(noise.candidates(Array2::from_elem((2, 4), true).view()).is_err());
    });
    let device = assay_tensor::device(&assay_tensor::available()[0]).unwrap();
    for stay in [0.0, 1.0, f64::NAN, -2.0] {
        assert!(NoiseMatrixConfig::new(3).with_stay(stay).init(&device).is_err());
    }
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(NoiseMatrixConfig::new(3).with_speed(speed).init(&device).is_err());
    }
    assert!(NoiseMatrixConfig::new(0).init(&device).is_err());
    assert!(NoiseMatrixConfig::new(usize::MAX).init(&device).is_err());
}

#[test]
fn class_balance_is_the_divergence_from_uniform() {
    let rows = logits(5, 6, 4, 2.0);
    let mean =
        crate::common::log_softmax(&rows).mapv(f64::exp).mean_axis(ndarray::Axis(0)).unwrap();
    let want: f64 = mean.iter().map(|p| 0.25 * (0.25 / p).ln()).sum();
    for_each_device(|device| {
        if computes_in(device, DType::F64) {
            let got = class_balance(tensor(&rows, device, DType::F64)).unwrap();
            assert_close(&flat(got), &[want], 1e-12, 1e-12);
            check_gradient(device, &rows, |x| class_balance(x).unwrap());
        }
        let certain = Tensor::<2>::from_floats([[0.0, -1e6], [0.0, -1e6]], device);
        let got = flat(class_balance(certain).unwrap());
        assert_close(&got, &[5e5 - std::f64::consts::LN_2], 1e-5, 0.0);
        let none = Tensor::<2>::zeros([0, 3], device);
        assert_eq!(flat(class_balance(none).unwrap()), [0.0]);
    });
}

/// Weights of a user's automaton: the gradient with respect to them and to the logits, parallel and
/// ambiguous arcs and an infeasible bag among them.
#[test]
fn arc_weights_have_the_gradient_of_the_likelihood() {
    let nfa = NfaBuilder::new(3, 2)
        .initial(0)
        .weighted_initial(1, -0.5)
        .weighted_arc(0, 0, 0, 0.3)
        .weighted_arc(0, 1, 1, -0.2)
        .weighted_arc(0, 1, 2, -1.0)
        .weighted_arc(1, 0, 2, 0.1)
        .weighted_arc(1, 0, 2, -0.4)
        .weighted_arc(2, 1, 2, 0.0)
        .weighted_accepting(2, 0.7)
        .build()
        .unwrap();
    let lengths = [3, 0, 4, 1];
    let own: Vec<f64> = nfa.arcs().iter().map(|arc| arc.log_weight).collect();
    let at = logits(6, 8, 2, 1.2);
    let weights = Array2::from_shape_vec((own.len(), 1), own.clone()).unwrap();
    let column = |x: Tensor<2>| x.reshape([own.len()]);
    for_each_device(|device| {
        if !computes_in(device, DType::F64) {
            return;
        }
        let rows = tensor(&at, device, DType::F64);
        let result = neg_log_z_of_arcs(
            rows.clone(),
            &lengths,
            &nfa,
            column(tensor(&weights, device, DType::F64)),
        )
        .unwrap();
        let bags = Bags::new(at.view(), &lengths).unwrap();
        let host = marginals(&bags, &vec![Constraint::Paths(Arc::new(nfa.clone())); 4]).unwrap();
        let want: Vec<f64> = host.log_z().iter().map(|log_z| -log_z).collect();
        assert_close(&flat(result.values), &want, 1e-12, 1e-12);
        assert_close(
            &flat(result.posterior),
            &host.posterior.into_raw_vec_and_offset().0,
            0.0,
            1e-12,
        );
        assert!(!result.outcomes[1].is_feasible());
        let squares = |logits: Tensor<2>, weights: Tensor<2>| {
            let found = neg_log_z_of_arcs(logits, &lengths, &nfa, column(weights)).unwrap();
            let feasible = found.feasible_values();
            (feasible.clone() * feasible).sum()
        };
        check_gradient(device, &weights, |w| squares(rows.clone(), w));
        check_gradient(device, &at, |x| squares(x, tensor(&weights, device, DType::F64)));

        let short = Tensor::<1>::zeros([2], (device, DType::F64));
        let error = neg_log_z_of_arcs(rows.clone(), &lengths, &nfa, short).unwrap_err();
        assert!(matches!(error, Error::Shape { operation: "arc weights [arcs]", .. }), "{error}");
        let nan = column(tensor(&(&weights * f64::NAN), device, DType::F64));
        let error = neg_log_z_of_arcs(rows, &lengths, &nfa, nan).unwrap_err();
        assert!(matches!(error, Error::LogWeight { .. }), "{error}");
        let module = ArcWeights::new(&nfa, device).unwrap();
        let again = module.automaton(&nfa).unwrap();
        let again: Vec<f64> = again.arcs().iter().map(|arc| arc.log_weight).collect();
        assert_close(&again, &own, 1e-6, 1e-7);
        assert!(module.automaton(&Nfa::any(2).unwrap()).is_err());
        let never = NfaBuilder::new(1, 1).weighted_arc(0, 0, 0, f64::NEG_INFINITY).build().unwrap();
        assert!(matches!(ArcWeights::new(&never, device), Err(Error::LogWeight { .. })));
    });
}
