//! Every case of `testdata/golden/glws.json`: enumeration, or recursions of 50 and 60 digits.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_array::numeric::log_sum_exp;
use assay_array::testing::{assert_close, cases, golden};
use glws_nfa::{
    Bags, Constraint, DistributionAlignment, Nfa, NfaBuilder, Outcome, Posteriors, WeakLabels,
    compat, count_distribution, cross_entropy, marginals,
};
use ndarray::{Array2, Axis, concatenate};
use serde_json::Value;

use crate::common::log_softmax;

type Losses = BTreeMap<&'static str, Vec<f64>>;

struct Tolerance {
    f64: f64,
    f32: f64,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("not a number: {number}"))],
    }
}

fn counts(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|n| n as usize).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows = list(value);
    let columns = list(&rows[0]).len();
    Array2::from_shape_vec((rows.len(), columns), numbers(value)).unwrap()
}

/// One row for a bag of one instance, or a matrix.
fn instances(value: &Value) -> Array2<f64> {
    if list(value)[0].is_array() {
        matrix(value)
    } else {
        matrix(&Value::Array(vec![value.clone()]))
    }
}

fn file_automaton(dict: &Value, classes: usize) -> Nfa {
    let index = |v: &Value| v.as_u64().unwrap() as usize;
    let mut nfa =
        NfaBuilder::new(index(&dict["num_states"]), classes).initial(index(&dict["start"]));
    for state in list(&dict["accept"]) {
        nfa = nfa.accepting(index(state));
    }
    for arc in list(&dict["arcs"]) {
        let weight = arc[3].as_f64().unwrap();
        nfa = nfa.weighted_arc(index(&arc[0]), index(&arc[2]), index(&arc[1]), weight);
    }
    nfa.build().unwrap()
}

/// One symbol with a log weight for each class.
fn one_symbol(log_weights: &[f64]) -> Nfa {
    let nfa = NfaBuilder::new(2, log_weights.len()).initial(0).accepting(1);
    let arc = |nfa: NfaBuilder, (c, &w): (usize, &f64)| nfa.weighted_arc(0, c, 1, w);
    log_weights.iter().enumerate().fold(nfa, arc).build().unwrap()
}

/// A pair with a log weight for each two classes.
fn pair(classes: usize, log_weight: impl Fn(usize, usize) -> f64) -> Nfa {
    let end = classes + 1;
    let mut nfa = NfaBuilder::new(classes + 2, classes).initial(0).accepting(end);
    for a in 0..classes {
        nfa = nfa.arc(0, a, a + 1);
        for b in 0..classes {
            nfa = nfa.weighted_arc(a + 1, b, end, log_weight(a, b));
        }
    }
    nfa.build().unwrap()
}

fn automaton(nfa: Nfa) -> Constraint {
    Constraint::Automaton(Arc::new(nfa))
}

/// How many sequences of `length` an unambiguous automaton accepts: its paths, counted.
fn accepted(nfa: &Nfa, length: usize) -> f64 {
    let one = |w: &f64| if *w > f64::NEG_INFINITY { 1.0 } else { 0.0 };
    let mut paths: Vec<f64> = nfa.initial_log_weights().iter().map(one).collect();
    for _ in 0..length {
        let mut next = vec![0.0; paths.len()];
        for arc in nfa.arcs() {
            next[arc.target] += paths[arc.source] * one(&arc.log_weight);
        }
        paths = next;
    }
    paths.iter().zip(nfa.final_log_weights()).map(|(p, w)| p * one(w)).sum()
}

/// What one bag gives in `f64`, after comparing it with the file in both precisions.
struct Bag {
    log_z: f64,
    posterior: Array2<f64>,
}

impl Tolerance {
    /// Compares one bag under several constraints that say the same.
    fn bag(&self, logits: &Array2<f64>, constraints: &[Constraint], want: &Value) -> Bag {
        self.collapsed(logits, None, constraints, want)
    }

    /// The same; with a class, the file's rows are `[rest, class]`.
    fn collapsed(
        &self,
        logits: &Array2<f64>,
        class: Option<usize>,
        constraints: &[Constraint],
        want: &Value,
    ) -> Bag {
        let collapse = |rows: Array2<f64>| match class {
            None => rows,
            Some(class) => {
                let one = rows.column(class).insert_axis(Axis(1)).to_owned();
                let rest = rows.sum_axis(Axis(1)).insert_axis(Axis(1)) - &one;
                concatenate(Axis(1), &[rest.view(), one.view()]).unwrap()
            }
        };
        let small = logits.mapv(|v| v as f32);
        let bags = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
        let small_bags = Bags::new(small.view(), &[logits.nrows()]).unwrap();
        let mut result = None;
        for constraint in constraints {
            if let (Constraint::Automaton(nfa), Some(n)) =
                (constraint, want["num_accepted"].as_f64())
            {
                assert_eq!(accepted(nfa, logits.nrows()), n);
            }
            let got = marginals(&bags, std::slice::from_ref(constraint)).unwrap();
            let got32 = marginals(&small_bags, std::slice::from_ref(constraint)).unwrap();
            if want["log_z"].is_null() {
                assert!(matches!(got.outcomes[0], Outcome::Infeasible(_)));
                assert!(matches!(got32.outcomes[0], Outcome::Infeasible(_)));
                continue;
            }
            let gradient = collapse(got.gradient(&bags).unwrap());
            let gradient32 = collapse(got32.gradient(&small_bags).unwrap().mapv(f64::from));
            let posterior = collapse(got.posterior.clone());
            let posterior32 = collapse(got32.posterior.mapv(f64::from));
            let close = |got: Array2<f64>, want: &Value, tolerance| {
                let got = got.as_standard_layout().into_owned().into_raw_vec_and_offset().0;
                assert_close(&got, &numbers(want), tolerance, tolerance);
            };
            assert_close(&got.log_z(), &numbers(&want["log_z"]), self.f64, self.f64);
            assert_close(&got32.log_z(), &numbers(&want["log_z"]), self.f32, self.f32);
            close(posterior.clone(), &want["posterior"], self.f64);
            close(posterior32, &want["posterior"], self.f32);
            close(gradient, &want["grad_neg_log_z"], self.f64);
            close(gradient32, &want["grad_neg_log_z"], self.f32);
            self.sequences(&bags, constraint, class, want);
            result = Some(Bag { log_z: got.outcomes[0].log_z(), posterior });
        }
        for key in want.as_object().unwrap().keys() {
            let known = [
                "log_z",
                "num_accepted",
                "posterior",
                "grad_neg_log_z",
                "map_labels",
                "map_logprob",
                "posterior_entropy",
            ];
            assert!(known.contains(&&**key), "unknown quantity {key}");
        }
        result.unwrap_or(Bag { log_z: f64::NEG_INFINITY, posterior: Array2::zeros((0, 0)) })
    }
}

impl Tolerance {
    /// The likeliest sequence and the entropy of all; a bag of the file's one class against the rest
    /// has fewer sequences than ours, and of those only the collapsed problem is compared.
    fn sequences(
        &self,
        bags: &Bags<'_, f64>,
        constraint: &Constraint,
        class: Option<usize>,
        want: &Value,
    ) {
        let Some(class) = class else {
            return self
                .compare(&Posteriors::new(bags, std::slice::from_ref(constraint)).unwrap(), want);
        };
        let mut binary = Array2::zeros((bags.num_instances(), 2));
        for (mut row, logits) in binary.rows_mut().into_iter().zip(bags.logits().rows()) {
            let rest: Vec<f64> =
                logits.iter().enumerate().filter(|(k, _)| *k != class).map(|(_, z)| *z).collect();
            row[0] = log_sum_exp(&rest);
            row[1] = logits[class];
        }
        let collapsed = match constraint {
            Constraint::Count { count, .. } => Constraint::Count { class: 1, count: *count },
            Constraint::Present { .. } => Constraint::Present { class: 1 },
            Constraint::Absent { .. } => Constraint::Absent { class: 1 },
            // The same statements as automata, over all classes.
            _ => return,
        };
        let bags = Bags::new(binary.view(), &[binary.nrows()]).unwrap();
        self.compare(&Posteriors::new(&bags, &[collapsed]).unwrap(), want);
    }

    fn compare(&self, posteriors: &Posteriors<'_, f64>, want: &Value) {
        let best = posteriors.most_probable().unwrap().remove(0).unwrap();
        assert_eq!(best.labels, counts(&want["map_labels"]));
        let close = |got: f64, key: &str| {
            assert_close(&[got], &numbers(&want[key]), self.f64, self.f64);
        };
        close(best.log_weight, "map_logprob");
        close(best.log_weight - best.log_probability, "log_z");
        let entropy = posteriors.entropy().unwrap()[0].unwrap();
        close(entropy, "posterior_entropy");
        assert!(entropy >= 0.0);
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `−mean log Z`.
fn likelihood(bags: &[Bag]) -> f64 {
    -mean(&bags.iter().map(|bag| bag.log_z).collect::<Vec<_>>())
}

/// The consistency loss over all instances of some bags.
fn consistency(bags: &[Bag], strong: &[Array2<f64>]) -> f64 {
    let stack = |rows: Vec<_>| concatenate(Axis(0), &rows).unwrap();
    let posterior = stack(bags.iter().map(|bag| bag.posterior.view()).collect());
    cross_entropy(posterior.view(), stack(strong.iter().map(|s| s.view()).collect()).view())
        .unwrap()
}

fn strong(inputs: &Value, key: &str) -> Vec<Array2<f64>> {
    list(&inputs[key]).iter().map(instances).collect()
}

fn bags_of(inputs: &Value, key: &str) -> Vec<Array2<f64>> {
    strong(inputs, key)
}

#[test]
fn every_case() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "glws");
    let number = |key| file["tolerance"][key].as_f64().unwrap();
    let tolerance = Tolerance { f64: number("f64"), f32: number("f32") };
    for case in cases(&file) {
        let (inputs, want) = (&case["inputs"], &case["expected_bags"]);
        let setting = case["setting"].as_str().unwrap();
        let mut losses = match setting {
            "partial labels" => partial_labels(&tolerance, inputs, want),
            "multiple instance" if inputs["bag_labels"].is_array() => {
                multiple_instance(&tolerance, case)
            }
            "multiple instance" => multiple_instance_classes(&tolerance, inputs, want),
            "label proportion" if inputs["logit_diff"].is_array() => {
                long_bag(&tolerance, inputs, want)
            }
            "label proportion" if inputs["lengths"].is_array() => {
                proportion(&tolerance, inputs, want)
            }
            "label proportion" => proportion_classes(&tolerance, inputs, want),
            "pairwise similarity" => similarity(&tolerance, case),
            "pairwise comparison" => comparison(&tolerance, case),
            "similarity confidence" => similarity_confidence(&tolerance, inputs, want),
            "confidence difference" => confidence_difference(&tolerance, case),
            "positive confidence" => positive_confidence(&tolerance, inputs, want),
            "single-class confidence" => class_confidence(&tolerance, inputs, want),
            "positive-unlabelled" => positive_unlabelled(&tolerance, inputs, want),
            "unlabelled-unlabelled" => unlabelled_unlabelled(&tolerance, inputs, want),
            "similar-dissimilar-unlabelled" => similar_unlabelled(&tolerance, inputs, want),
            "semi-supervised" => semi_supervised(&tolerance, case),
            "noisy labels" => noisy_labels(&tolerance, case),
            "generic automata" => languages(&tolerance, inputs, want),
            other => panic!("unknown setting {other}"),
        };
        published(&tolerance, case);
        for (key, want) in case["expected_losses"].as_object().into_iter().flatten() {
            match losses.remove(&**key) {
                Some(got) => assert_close(&got, &numbers(want), tolerance.f64, tolerance.f64),
                None => panic!("{setting}: nothing computes {key}"),
            }
        }
        assert!(losses.is_empty(), "{setting}: the file lacks {:?}", losses.keys());
    }
}

/// The published code's output on the same input: from `compat` where it is wrong, from the mathematics
/// where it is right.
fn published(tolerance: &Tolerance, case: &Value) {
    let (inputs, output) = (&case["inputs"], &case["original_code_output"]);
    if output.is_null() {
        return;
    }
    let logits = bags_of(inputs, "logits_weak");
    let setting = case["setting"].as_str().unwrap();
    let logits = if setting == "positive-unlabelled" {
        vec![matrix(&inputs["logits_weak"])]
    } else {
        logits
    };
    let lengths: Vec<usize> = logits.iter().map(Array2::nrows).collect();
    let rows = logits.iter().map(|logits| logits.view()).collect::<Vec<_>>();
    let rows = concatenate(Axis(0), &rows).unwrap();
    let bags = Bags::new(rows.view(), &lengths).unwrap();
    let exact = |labels: WeakLabels| marginals(&bags, labels.constraints()).unwrap().posterior;
    let p_similar = || {
        let similar = marginals(&bags, &vec![Constraint::Similar; bags.len()]).unwrap();
        similar.log_z().into_iter().map(f64::exp).collect::<Vec<_>>()
    };
    let (targets, predictions) = match setting {
        "multiple instance" => {
            let present: Vec<bool> =
                counts(&inputs["bag_labels"]).into_iter().map(|label| label == 1).collect();
            let got = compat::multiple_instances(&bags, &present).unwrap();
            (got.targets, got.predictions)
        }
        "label proportion" => {
            let got = compat::label_proportions(&bags, &counts(&inputs["counts"])).unwrap();
            (got.targets, got.predictions)
        }
        "positive-unlabelled" => {
            let prior = inputs["prior"].as_f64().unwrap();
            let count = compat::count_of_prior(prior, rows.nrows()).unwrap();
            assert_eq!(count as u64, inputs["count"].as_u64().unwrap());
            let got = compat::label_proportions(&bags, &[count]).unwrap();
            (got.targets, got.predictions)
        }
        "pairwise similarity" => {
            let similar: Vec<bool> =
                counts(&inputs["similar"]).into_iter().map(|label| label == 1).collect();
            (exact(WeakLabels::pairwise_similarity(&similar)), p_similar())
        }
        // The code has no supervised term here: its prediction is the mass of everything accepted among
        // everything accepted.
        "pairwise comparison" => {
            (exact(WeakLabels::pairwise_comparison(2, bags.len()).unwrap()), vec![1.0; bags.len()])
        }
        "similarity confidence" => {
            let got =
                compat::similarity_confidence(&bags, &numbers(&inputs["confidence"])).unwrap();
            (got.targets, got.predictions)
        }
        "confidence difference" => {
            let (targets, predictions) =
                compat::confidence_difference(&bags, &numbers(&inputs["diff"])).unwrap();
            (targets, predictions.concat())
        }
        "positive confidence" => {
            let confidence = numbers(&inputs["confidence"]);
            (exact(WeakLabels::positive_confidence(&confidence).unwrap()), vec![])
        }
        other => panic!("nothing computes the published code's {other}"),
    };
    for key in output.as_object().unwrap().keys() {
        assert!(["em_targets", "sup_preds"].contains(&&**key), "unknown output {key}");
    }
    let targets: Vec<f64> = targets.iter().copied().collect();
    assert_close(&targets, &numbers(&output["em_targets"]), tolerance.f64, tolerance.f64);
    if !output["sup_preds"].is_null() {
        assert_close(&predictions, &numbers(&output["sup_preds"]), tolerance.f64, tolerance.f64);
    }
}

fn partial_labels(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let (weak, strong) = (matrix(&inputs["logits_weak"]), matrix(&inputs["logits_strong"]));
    let mut candidates = Array2::from_elem(weak.dim(), false);
    for (mut row, set) in candidates.rows_mut().into_iter().zip(list(&inputs["candidates"])) {
        for class in counts(set) {
            row[class] = true;
        }
    }
    let labels = WeakLabels::partial(candidates.view()).unwrap();
    let bags = own_and_automaton(tolerance, inputs, &labels, want, |i| {
        let class = |c: &bool| if *c { 0.0 } else { f64::NEG_INFINITY };
        one_symbol(&candidates.row(i).iter().map(class).collect::<Vec<_>>())
    });
    let views = [strong.view(), strong.view()];
    let (complementary, three_views) =
        compat::partial_label_losses(weak.view(), &views, candidates.view()).unwrap();
    let unsup = consistency(&bags, std::slice::from_ref(&strong));
    BTreeMap::from([
        ("sup_neg_log_z_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean", vec![unsup]),
        ("original_sup_complementary", vec![complementary]),
        ("original_unsup_three_views_mean_if_both_strong_equal", vec![three_views]),
    ])
}

/// Bags whose constraint has a kernel, against the file and against an automaton built here.
fn own_and_automaton(
    tolerance: &Tolerance,
    inputs: &Value,
    labels: &WeakLabels,
    want: &Value,
    nfa: impl Fn(usize) -> Nfa,
) -> Vec<Bag> {
    let logits = bags_of(inputs, "logits_weak");
    assert_eq!(logits.len(), labels.constraints().len());
    let each = logits.iter().zip(labels.constraints()).zip(list(want)).enumerate();
    each.map(|(i, ((logits, own), want))| {
        let equivalent = Constraint::Automaton(own.automaton(logits.ncols()).unwrap());
        tolerance.bag(logits, &[own.clone(), automaton(nfa(i)), equivalent], want)
    })
    .collect()
}

fn multiple_instance(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let logits = bags_of(inputs, "logits_weak");
    let mut bags = vec![];
    let mut positive = vec![];
    for ((logits, label), want) in
        logits.iter().zip(counts(&inputs["bag_labels"])).zip(list(&case["expected_bags"]))
    {
        let (own, nfa, name) = match label {
            1 => (Constraint::Present { class: 1 }, Nfa::present(2, 1), "positive"),
            _ => (Constraint::Absent { class: 1 }, Nfa::absent(2, 1), "negative"),
        };
        let from_file = automaton(file_automaton(&case["nfa"][name], 2));
        bags.push(tolerance.bag(logits, &[own, automaton(nfa.unwrap()), from_file], want));
        let alone = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
        let present = marginals(&alone, &[Constraint::Present { class: 1 }]).unwrap();
        positive.push(present.outcomes[0].log_z().exp());
    }
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("p_positive", positive),
        // For a hard label the binary cross-entropy of P(positive) is −log Z.
        ("sup_bce_mean", vec![likelihood(&bags)]),
        ("sup_neg_log_z_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean_all_instances", vec![unsup]),
    ])
}

fn multiple_instance_classes(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = matrix(&inputs["logits_weak"]);
    let presence: Vec<bool> = counts(&inputs["presence"]).iter().map(|&p| p == 1).collect();
    let classes = presence.len();
    let nfa = automaton(Nfa::presence_vector(&presence).unwrap());
    let joint = [Constraint::PresenceVector(presence.clone()), nfa];
    let joint = tolerance.bag(&logits, &joint, &want["joint"]);
    let each: Vec<Bag> = (0..classes)
        .map(|class| {
            let (own, nfa) = if presence[class] {
                (Constraint::Present { class }, Nfa::present(classes, class))
            } else {
                (Constraint::Absent { class }, Nfa::absent(classes, class))
            };
            one_vs_rest(tolerance, &logits, class, own, nfa.unwrap(), &want["one_vs_rest"][class])
        })
        .collect();
    BTreeMap::from([
        ("sup_joint", vec![-joint.log_z]),
        ("sup_one_vs_rest_mean", vec![likelihood(&each)]),
    ])
}

/// A constraint on one of many classes, whose sequences the file counts in two.
fn one_vs_rest(
    tolerance: &Tolerance,
    logits: &Array2<f64>,
    class: usize,
    own: Constraint,
    nfa: Nfa,
    want: &Value,
) -> Bag {
    let mut want = want.clone();
    want.as_object_mut().unwrap().remove("num_accepted");
    tolerance.collapsed(logits, Some(class), &[own, automaton(nfa)], &want)
}

fn exact(logits: &Array2<f64>, class: usize, count: usize) -> [Constraint; 2] {
    let nfa = Nfa::count(logits.ncols(), class, count).unwrap();
    [Constraint::Count { class, count }, automaton(nfa)]
}

fn proportion(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = bags_of(inputs, "logits_weak");
    let mut distribution = vec![];
    let mut bags = vec![];
    for ((logits, count), want) in logits.iter().zip(counts(&inputs["counts"])).zip(list(want)) {
        bags.push(tolerance.bag(logits, &exact(logits, 1, count), want));
        let alone = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
        distribution.extend(count_distribution(&alone, 1).unwrap().remove(0));
    }
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("sup_neg_log_z_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean_all_instances", vec![unsup]),
        ("count_distribution", distribution),
    ])
}

fn proportion_classes(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = matrix(&inputs["logits_weak"]);
    let counts = counts(&inputs["counts"]);
    let nfa = automaton(Nfa::count_vector(&counts).unwrap());
    let joint = [Constraint::CountVector(counts.clone()), nfa];
    let joint = tolerance.bag(&logits, &joint, &want["joint"]);
    let each: Vec<Bag> = counts
        .iter()
        .enumerate()
        .map(|(class, &count)| {
            let own = Constraint::Count { class, count };
            let nfa = Nfa::count(counts.len(), class, count).unwrap();
            one_vs_rest(tolerance, &logits, class, own, nfa, &want["one_vs_rest"][class])
        })
        .collect();
    BTreeMap::from([
        ("sup_joint", vec![-joint.log_z]),
        ("sup_one_vs_rest_mean", vec![likelihood(&each)]),
    ])
}

/// Hundreds of instances, of which the file has a few posteriors.
fn long_bag(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let difference = numbers(&inputs["logit_diff"]);
    let rows = difference.iter().flat_map(|&z| [0.0, z]).collect();
    let logits = Array2::from_shape_vec((difference.len(), 2), rows).unwrap();
    let count = inputs["count"].as_u64().unwrap() as usize;
    let probes = counts(&inputs["probe_positions"]);
    for key in want.as_object().unwrap().keys() {
        assert!(["log_z", "posterior_of_one_at_probe"].contains(&&**key), "unknown quantity {key}");
    }
    let (log_z, wanted) = (numbers(&want["log_z"]), numbers(&want["posterior_of_one_at_probe"]));
    for constraint in exact(&logits, 1, count) {
        let bags = Bags::new(logits.view(), &[logits.nrows()]).unwrap();
        let got = marginals(&bags, std::slice::from_ref(&constraint)).unwrap();
        let at: Vec<f64> = probes.iter().map(|&i| got.posterior[[i, 1]]).collect();
        assert_close(&got.log_z(), &log_z, tolerance.f64, tolerance.f64);
        assert_close(&at, &wanted, tolerance.f64, tolerance.f64);
        let small = logits.mapv(|v| v as f32);
        let bags = Bags::new(small.view(), &[logits.nrows()]).unwrap();
        let got = marginals(&bags, &[constraint]).unwrap();
        let at: Vec<f64> = probes.iter().map(|&i| f64::from(got.posterior[[i, 1]])).collect();
        // The file asks for 1e-6 of log Z and 1e-5 of a posterior in f32.
        assert_close(&got.log_z(), &log_z, 1e-6, tolerance.f32);
        assert_close(&at, &wanted, 1e-5, 1e-5);
    }
    Losses::new()
}

fn similar_constraint(classes: usize, label: usize) -> [Constraint; 2] {
    match label {
        1 => [Constraint::Similar, automaton(Nfa::similar(classes).unwrap())],
        _ => [Constraint::Dissimilar, automaton(Nfa::dissimilar(classes).unwrap())],
    }
}

fn p_similar(logits: &Array2<f64>) -> (f64, f64) {
    let bags = Bags::new(logits.view(), &[2]).unwrap();
    let log_z = |c| marginals(&bags, &[c]).unwrap().outcomes[0].log_z();
    (log_z(Constraint::Similar), log_z(Constraint::Dissimilar))
}

fn similarity(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let logits = bags_of(inputs, "logits_weak");
    let classes = logits[0].ncols();
    let mut bags = vec![];
    for ((logits, label), want) in
        logits.iter().zip(counts(&inputs["similar"])).zip(list(&case["expected_bags"]))
    {
        let mut constraints = similar_constraint(classes, label).to_vec();
        if case["nfa"].is_object() {
            let name = if label == 1 { "similar" } else { "dissimilar" };
            constraints.push(automaton(file_automaton(&case["nfa"][name], classes)));
        }
        bags.push(tolerance.bag(logits, &constraints, want));
    }
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("p_similar", logits.iter().map(|logits| p_similar(logits).0.exp()).collect()),
        ("sup_bce_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean", vec![unsup]),
    ])
}

fn comparison(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let from_file = file_automaton(&case["nfa"]["more_positive"], 2);
    let want = &case["expected_bags"];
    let labels = WeakLabels::pairwise_comparison(2, list(want).len()).unwrap();
    let bags = own_and_automaton(tolerance, inputs, &labels, want, |_| from_file.clone());
    assert!(Nfa::not_below(2).unwrap().is_equivalent(&from_file, 100).unwrap());
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("sup_neg_log_z_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean", vec![unsup]),
    ])
}

fn similarity_confidence(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let confidence = numbers(&inputs["confidence"]);
    let logits = bags_of(inputs, "logits_weak");
    let labels = WeakLabels::similarity_confidence(2, &confidence).unwrap();
    let bags = own_and_automaton(tolerance, inputs, &labels, want, |i| {
        let c = confidence[i];
        pair(2, |a, b| if a == b { c.ln() } else { (1.0 - c).ln() })
    });
    let soft = |(logits, c): (&Array2<f64>, &f64)| {
        let (similar, dissimilar) = p_similar(logits);
        -c * similar - (1.0 - c) * dissimilar
    };
    let sup: Vec<f64> = logits.iter().zip(&confidence).map(soft).collect();
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("p_similar", logits.iter().map(|logits| p_similar(logits).0.exp()).collect()),
        ("sup_soft_bce_mean", vec![mean(&sup)]),
        ("unsup_ce_mean", vec![unsup]),
    ])
}

fn confidence_difference(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let difference = numbers(&inputs["diff"]);
    let run = |want: &Value, sign: f64| {
        let difference: Vec<f64> = difference.iter().map(|d| d * sign).collect();
        let labels = WeakLabels::confidence_difference(&difference).unwrap();
        own_and_automaton(tolerance, inputs, &labels, want, |i| {
            let d = difference[i];
            pair(2, |a, b| match (a, b) {
                (0, 1) if d >= 0.0 => d.ln(),
                (1, 0) if d < 0.0 => (-d).ln(),
                (a, b) if a == b => (1.0 - d.abs()).ln(),
                _ => f64::NEG_INFINITY,
            })
        })
    };
    // The same mathematics with the published code's sign.
    run(&case["expected_bags_sign_as_original"], -1.0);
    let bags = run(&case["expected_bags"], 1.0);
    let unsup = consistency(&bags, &strong(inputs, "logits_strong"));
    BTreeMap::from([
        ("sup_neg_log_z_mean", vec![likelihood(&bags)]),
        ("unsup_ce_mean", vec![unsup]),
    ])
}

fn logs(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    weights.into_iter().map(f64::ln).collect()
}

fn positive_confidence(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let r = numbers(&inputs["confidence"]);
    let labels = WeakLabels::positive_confidence(&r).unwrap();
    let nfa = |i: usize| one_symbol(&logs([1.0 - r[i], r[i]]));
    let bags = own_and_automaton(tolerance, inputs, &labels, want, nfa);
    BTreeMap::from([("unsup_ce_mean", vec![consistency(&bags, &strong(inputs, "logits_strong"))])])
}

fn class_confidence(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let confidence = matrix(&inputs["confidence"]);
    let labels = WeakLabels::class_confidence(confidence.view()).unwrap();
    let nfa = |i: usize| one_symbol(&logs(confidence.row(i).to_vec()));
    own_and_automaton(tolerance, inputs, &labels, want, nfa);
    Losses::new()
}

fn noisy_labels(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let observed = counts(&inputs["observed"]);
    let weight = matrix(&inputs["noise_layer_weight"]);
    let layer = compat::noise_layer(weight.view(), inputs["scale"].as_f64().unwrap()).unwrap();
    let labels = WeakLabels::noisy(layer.over_rows.view(), &observed).unwrap();
    own_and_automaton(tolerance, inputs, &labels, &case["expected_bags"], |i| {
        one_symbol(&logs(layer.over_rows.column(observed[i]).to_vec()))
    });
    let (weak, strong) = (matrix(&inputs["logits_weak"]), matrix(&inputs["logits_strong"]));
    let losses = layer.losses(weak.view(), strong.view(), &observed).unwrap();
    let flat = |matrix: Array2<f64>| matrix.iter().copied().collect::<Vec<_>>();
    BTreeMap::from([
        ("normalised_matrix", flat(layer.matrix)),
        ("softmax_over_dim1", flat(layer.over_rows)),
        ("softmax_over_dim0", flat(layer.over_columns)),
        ("noise_loss", vec![losses.noise]),
        ("em_loss", vec![losses.em]),
        ("consistency_loss", vec![losses.consistency]),
        ("total", vec![losses.noise + losses.em + losses.consistency]),
    ])
}

fn semi_supervised(tolerance: &Tolerance, case: &Value) -> Losses {
    let inputs = &case["inputs"];
    let (weak, strong) = (matrix(&inputs["logits_weak"]), matrix(&inputs["logits_strong"]));
    let (rows, classes) = weak.dim();
    let labels = WeakLabels::unlabelled(rows);
    let any = |_| Nfa::any(classes).unwrap();
    own_and_automaton(tolerance, inputs, &labels, &case["expected_bags"], any);
    let before = numbers(&inputs["p_hat_before"]);
    let mut alignment = DistributionAlignment::new(classes)
        .unwrap()
        .with_average(ndarray::aview1(&before))
        .unwrap()
        .with_top(3);
    let labels = alignment.labels(weak.view()).unwrap();
    let bags = Bags::new(weak.view(), labels.lengths()).unwrap();
    let target = marginals(&bags, labels.constraints()).unwrap().posterior;
    BTreeMap::from([
        ("p_hat_after", alignment.average().to_vec()),
        ("unsup_ce_mean", vec![cross_entropy(target.view(), strong.view()).unwrap()]),
        ("target_aligned_top3", target.iter().copied().collect()),
    ])
}

fn positive_unlabelled(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = matrix(&inputs["logits_weak"]);
    let count = inputs["count"].as_u64().unwrap() as usize;
    let bags = [tolerance.bag(&logits, &exact(&logits, 1, count), &want[0])];
    let labelled = log_softmax(&matrix(&inputs["logits_labelled"]));
    let labels = counts(&inputs["labels"]);
    let each: Vec<f64> = labels.iter().enumerate().map(|(i, &y)| -labelled[[i, y]]).collect();
    let (labelled, unsup) = (mean(&each), consistency(&bags, &[matrix(&inputs["logits_strong"])]));
    BTreeMap::from([
        ("labelled_ce_mean", vec![labelled]),
        ("sup_neg_log_z", vec![likelihood(&bags)]),
        ("unsup_ce_mean", vec![unsup]),
        ("total_original_form", vec![labelled + unsup]),
    ])
}

fn unlabelled_unlabelled(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = bags_of(inputs, "logits_weak");
    let strong = strong(inputs, "logits_strong");
    let bags: Vec<Bag> = logits
        .iter()
        .zip(counts(&inputs["counts"]))
        .zip(list(want))
        .map(|((logits, count), want)| tolerance.bag(logits, &exact(logits, 1, count), want))
        .collect();
    let one = consistency(&bags[..1], &strong[..1]);
    let two = consistency(&bags[1..], &strong[1..]);
    BTreeMap::from([
        ("unsup_ce_u1", vec![one]),
        ("unsup_ce_u2", vec![two]),
        ("total_original_form", vec![one + two]),
        ("sup_neg_log_z_sum", vec![2.0 * likelihood(&bags)]),
    ])
}

fn similar_unlabelled(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let pairs: Vec<Bag> = bags_of(inputs, "pair_logits_weak")
        .iter()
        .zip(counts(&inputs["similar"]))
        .zip(list(&want["pairs"]))
        .map(|((logits, s), want)| tolerance.bag(logits, &similar_constraint(2, s), want))
        .collect();
    let logits = matrix(&inputs["unl_logits_weak"]);
    let count = inputs["count"].as_u64().unwrap() as usize;
    let unlabelled = [tolerance.bag(&logits, &exact(&logits, 1, count), &want["unlabelled"])];
    let pair_unsup = consistency(&pairs, &strong(inputs, "pair_logits_strong"));
    let unsup = consistency(&unlabelled, &[matrix(&inputs["unl_logits_strong"])]);
    BTreeMap::from([
        ("pair_sup_bce", vec![likelihood(&pairs)]),
        ("pair_unsup_ce", vec![pair_unsup]),
        ("unl_unsup_ce", vec![unsup]),
        ("total", vec![likelihood(&pairs) + pair_unsup + unsup]),
    ])
}

/// Hand-made automata of the named languages.
fn languages(tolerance: &Tolerance, inputs: &Value, want: &Value) -> Losses {
    let logits = matrix(&inputs["logits_weak"]);
    // A counter up to `top`, the last state of which absorbs further ones if `saturating`.
    let counter = |top: usize, saturating: bool, accept: std::ops::RangeInclusive<usize>| {
        let mut nfa = NfaBuilder::new(top + 1, 2).initial(0);
        for state in 0..=top {
            nfa = nfa.arc(state, 0, state);
            nfa = if state < top { nfa.arc(state, 1, state + 1) } else { nfa };
            nfa = if state == top && saturating { nfa.arc(state, 1, state) } else { nfa };
            nfa = if accept.contains(&state) { nfa.accepting(state) } else { nfa };
        }
        nfa.build().unwrap()
    };
    for (name, want) in want.as_object().unwrap() {
        let nfa = match &**name {
            "at_least_3" => counter(3, true, 3..=3),
            "between_2_4" => counter(4, false, 2..=4),
            "at_most_1" => counter(1, false, 0..=1),
            "infeasible_count_9" => counter(9, false, 9..=9),
            "regex_0s1p0s" => NfaBuilder::new(3, 2)
                .initial(0)
                .arc(0, 0, 0)
                .arc(0, 1, 1)
                .arc(1, 1, 1)
                .arc(1, 0, 2)
                .arc(2, 0, 2)
                .accepting(1)
                .accepting(2)
                .build()
                .unwrap(),
            "no_adjacent_ones" => NfaBuilder::new(2, 2)
                .initial(0)
                .arc(0, 0, 0)
                .arc(0, 1, 1)
                .arc(1, 0, 0)
                .accepting(0)
                .accepting(1)
                .build()
                .unwrap(),
            "even_parity" => NfaBuilder::new(2, 2)
                .initial(0)
                .arc(0, 0, 0)
                .arc(1, 0, 1)
                .arc(0, 1, 1)
                .arc(1, 1, 0)
                .accepting(0)
                .build()
                .unwrap(),
            other => panic!("unknown language {other}"),
        };
        tolerance.bag(&logits, &[automaton(nfa)], want);
    }
    Losses::new()
}

/// The collapse of a class against the rest is that of the file: log odds against a log-sum-exp.
#[test]
fn one_class_against_the_rest_is_a_binary_problem() {
    let logits = crate::common::logits(3, 6, 4, 2.0);
    let mut binary = Array2::zeros((6, 2));
    for (mut row, logits) in binary.rows_mut().into_iter().zip(logits.rows()) {
        row[0] = log_sum_exp(&[logits[0], logits[1], logits[3]]);
        row[1] = logits[2];
    }
    let many = Bags::new(logits.view(), &[6]).unwrap();
    let two = Bags::new(binary.view(), &[6]).unwrap();
    for count in 0..=6 {
        let many = marginals(&many, &[Constraint::Count { class: 2, count }]).unwrap();
        let two = marginals(&two, &[Constraint::Count { class: 1, count }]).unwrap();
        assert_close(&many.log_z(), &two.log_z(), 1e-13, 1e-13);
        let (many, two) = (many.posterior.column(2).to_vec(), two.posterior.column(1).to_vec());
        assert_close(&many, &two, 1e-12, 1e-13);
    }
}
