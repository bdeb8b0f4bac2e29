//! Every case of `testdata/golden/score.json`, dispatched on its operation.

mod classification;
mod statistics;
mod text;

use assay_array::testing::{SplitMix64, cases, golden};
use assay_score::{
    BootstrapConfig, BootstrapMethod, BootstrapReport, Clusters, ConfusionConfig, ConfusionMatrix,
    ConfusionReport, Interval, Labels, Mergeable, Moments, UNPARSED, Unparsed, interval,
};
use serde_json::Value;

#[test]
fn every_case_is_matched() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "score");
    let mut checked = 0;
    for case in cases(&file) {
        let case = Case(case);
        let op = text(&case.0["op"]);
        match op {
            "accuracy" => accuracy(&case),
            "f1" => f1(&case),
            "classification" => classification(&case),
            "classification_with_invalid" => classification_with_invalid(&case),
            "classification_pitfall" => classification_pitfall(&case),
            "mcc" => mcc(&case),
            "anls" => text::anls_case(&case),
            "bertscore_greedy" => text::bertscore_greedy(&case),
            "bertscore_rescale" => text::bertscore_rescale(&case),
            "bleu_corpus" | "bleu_sentence" => text::bleu(&case),
            "bleu_sentence_mean" => text::bleu_sentence_mean(&case),
            "chrf_corpus" => text::chrf(&case),
            "cosine_similarity" => text::cosine_case(&case),
            "levenshtein_words_sum" => text::levenshtein_words_sum(&case),
            "meteor_no_wordnet" => text::meteor_no_wordnet(&case),
            "meteor_with_wordnet" => text::meteor_with_wordnet(&case),
            "porter_stem" => text::porter(&case),
            "rouge" | "rouge_multi" => text::rouge(&case),
            "rouge_mean" => text::rouge_mean(&case),
            "rouge_tokenize" => text::rouge_tokenize(&case),
            "squad_em_f1" => text::squad(&case),
            "synthetic_corpus" => text::synthetic_corpus(&case),
            "ter_corpus" => text::ter(&case),
            "tokenize_13a" => text::tokenize_13a(&case),
            "wer_cer" => text::wer_cer(&case),
            "pearson" => statistics::pearson_case(&case),
            "spearman" => statistics::spearman_case(&case),
            "kendall" => statistics::kendall_case(&case),
            "chi2_independence" => statistics::chi2_independence(&case),
            "fisher_exact" => statistics::fisher_exact(&case),
            "mcnemar" => statistics::mcnemar_case(&case),
            "multiple_testing" => statistics::multiple_testing(&case),
            "two_proportion_test" => statistics::two_proportion_test(&case),
            "paired_permutation" => statistics::paired_permutation_case(&case),
            "wilcoxon" => statistics::wilcoxon_case(&case),
            "detector_calibration" => statistics::detector_calibration(&case),
            "rank" => statistics::rank_case(&case),
            "clustered_standard_error" => statistics::clustered_standard_error_case(&case),
            "clustered_stderr" => statistics::clustered_stderr(&case),
            "stderr_clustered_conventions" => statistics::stderr_clustered_conventions(&case),
            "pass_at_k" => statistics::pass_at_k_case(&case),
            "auroc" => classification::auroc(&case),
            "average_precision_scores" => classification::average_precision_scores(&case),
            "brier" => classification::brier(&case),
            "cohen_kappa" => classification::cohen_kappa(&case),
            "detector_scores" => classification::detector_scores(&case),
            "map" => classification::map(&case),
            "multilabel" => classification::multilabel(&case),
            "ndcg" => classification::ndcg(&case),
            "ndcg_scores" => classification::ndcg_scores(&case),
            "ranking" => classification::ranking(&case),
            "merge" => merge(&case),
            "merge_moments" => merge_moments(&case),
            "binomial_ci" => binomial_ci(&case),
            "wilson" => wilson(&case),
            "bootstrap" => bootstrap(&case),
            "bootstrap_stream" => bootstrap_stream(&case),
            "cluster_bootstrap" => cluster_bootstrap(&case),
            "bootstrap_cluster_stream" => bootstrap_cluster_stream(&case),
            "splitmix64" => splitmix64(&case),
            other => panic!("{}: no test knows the operation {other}", case.id()),
        }
        checked += 1;
    }
    assert!(checked > 0, "the golden file has no operation of this crate");
}

struct Case<'a>(&'a Value);

impl Case<'_> {
    fn id(&self) -> &str {
        text(&self.0["id"])
    }

    fn input(&self, name: &str) -> &Value {
        &self.0["input"][name]
    }

    fn param(&self, name: &str) -> &Value {
        &self.0["params"][name]
    }

    /// Compares one number with the expected value of that name, to the case's tolerance.
    fn close(&self, name: &str, got: impl Into<Option<f64>>) {
        self.near(name, got.into(), &self.0["expected"][name]);
    }

    fn near(&self, name: &str, got: Option<f64>, want: &Value) {
        let id = self.id();
        let (Some(got), Some(want)) = (got, want.as_f64()) else {
            assert!(got.is_none() && want.is_null(), "{id}: {name}: got {got:?}, want {want}");
            return;
        };
        let [abs, rel] = ["abs", "rel"].map(|key| number(&self.0["tol"][key]));
        let error = (got - want).abs();
        assert!(error <= abs.max(rel * want.abs()), "{id}: {name}: got {got}, want {want}");
    }

    fn all_close(&self, name: &str, got: &[f64]) {
        let want = list(&self.0["expected"][name]);
        assert_eq!(got.len(), want.len(), "{}: {name}", self.id());
        for (&got, want) in got.iter().zip(want) {
            self.near(name, Some(got), want);
        }
    }

    /// The expected names that a test must have an answer for, so that none is passed over.
    fn expects(&self, known: &[&str]) {
        if let Some(expected) = self.0["expected"].as_object() {
            for name in expected.keys() {
                assert!(known.contains(&name.as_str()), "{}: nothing checks {name}", self.id());
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("not a whole number: {value}")) as usize
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

fn rows(value: &Value) -> Vec<Vec<usize>> {
    list(value).iter().map(|row| list(row).iter().map(whole).collect()).collect()
}

/// The classes a case declares, or all labels that occur, sorted.
fn classes(declared: &Value, truth: &Value, predicted: &Value) -> Vec<Value> {
    if let Some(declared) = declared.as_array() {
        return declared.clone();
    }
    let mut all: Vec<Value> = list(truth).iter().chain(list(predicted)).cloned().collect();
    all.retain(|label| !label.is_null());
    all.sort_by_key(|label| (label.as_i64(), label.as_str().map(str::to_owned)));
    all.dedup();
    all
}

fn matrix(truth: &Value, predicted: &Value, classes: &[Value], invalid: &Value) -> ConfusionMatrix {
    let index = |label: &Value| {
        if label.is_null() || label == invalid {
            return UNPARSED;
        }
        classes.iter().position(|class| class == label).unwrap_or_else(|| panic!("label {label}"))
    };
    let truth: Vec<usize> = list(truth).iter().map(index).collect();
    let predicted: Vec<usize> = list(predicted).iter().map(index).collect();
    let config = ConfusionConfig::new(classes.len()).with_unparsed(Unparsed::Count);
    let mut matrix = config.init().expect("classes");
    matrix.update(Labels { truth: &truth, predicted: &predicted }).expect("labels");
    matrix
}

fn report(matrix: &ConfusionMatrix) -> ConfusionReport {
    matrix.finish().expect("labels were counted")
}

fn labelled(case: &Case<'_>, truth: &str, predicted: &str) -> (ConfusionMatrix, usize) {
    let (truth, predicted) = (case.input(truth), case.input(predicted));
    let classes = classes(case.param("labels"), truth, predicted);
    (matrix(truth, predicted, &classes, case.param("invalid")), classes.len())
}

fn accuracy(case: &Case<'_>) {
    case.expects(&["n", "parsed", "correct", "strict", "parsed_only", "coverage"]);
    let (matrix, _) = labelled(case, "gold", "pred");
    let all = report(&matrix);
    case.close("n", all.count as f64);
    case.close("parsed", (all.count - all.unparsed) as f64);
    case.close("correct", all.correct as f64);
    case.close("strict", all.accuracy);
    case.close("coverage", all.coverage);
    case.close("parsed_only", report(&matrix.parsed_only()).accuracy);
}

fn confusion(case: &Case<'_>, matrix: &ConfusionMatrix, classes: usize) {
    for (truth, row) in list(&case.0["expected"]["confusion"]).iter().enumerate() {
        assert_eq!(list(row).len(), classes);
        for (predicted, want) in list(row).iter().enumerate() {
            assert_eq!(matrix.count(truth, predicted), want.as_u64(), "{}", case.id());
        }
    }
}

fn f1(case: &Case<'_>) {
    let (matrix, classes) = labelled(case, "gold", "pred");
    let all = report(&matrix);
    let expected = &case.0["expected"];
    if expected.get("strict_macro").is_some() {
        case.expects(&["drop_macro", "strict_macro", "coverage"]);
        case.close("strict_macro", all.macro_average.f1);
        case.close("drop_macro", report(&matrix.parsed_only()).macro_average.f1);
        case.close("coverage", all.coverage);
        return;
    }
    let known = ["macro", "micro", "weighted", "per_class", "accuracy", "balanced_accuracy"];
    case.expects(&[&known[..], &["confusion"]].concat());
    case.close("macro", all.macro_average.f1);
    case.close("micro", all.micro_average.f1);
    case.close("weighted", all.weighted_average.f1);
    if expected.get("accuracy").is_some() {
        case.close("accuracy", all.accuracy);
        case.close("balanced_accuracy", all.balanced_accuracy);
        confusion(case, &matrix, classes);
        for (name, want) in expected["per_class"].as_object().expect("scores by name") {
            assert_eq!(list(want).len(), classes);
            for (class, want) in all.classes.iter().zip(list(want)) {
                let got = match name.as_str() {
                    "precision" => class.scores.precision,
                    "recall" => class.scores.recall,
                    "f1" => class.scores.f1,
                    "support" => Some(class.support as f64),
                    other => panic!("{}: nothing checks {other}", case.id()),
                };
                case.near(name, got, want);
            }
        }
    }
}

fn classification(case: &Case<'_>) {
    case.expects(&["accuracy", "macro_f1", "micro_f1", "weighted_f1", "per_class_f1", "confusion"]);
    let (matrix, classes) = labelled(case, "y_true", "y_pred");
    let all = report(&matrix);
    case.close("accuracy", all.accuracy);
    case.close("macro_f1", all.macro_average.f1);
    case.close("micro_f1", all.micro_average.f1);
    case.close("weighted_f1", all.weighted_average.f1);
    let scores: Vec<f64> = all.classes.iter().map(|class| class.scores.f1.expect("f1")).collect();
    case.all_close("per_class_f1", &scores);
    confusion(case, &matrix, classes);
}

fn classification_with_invalid(case: &Case<'_>) {
    case.expects(&["accuracy", "macro_f1", "coverage", "accuracy_valid", "macro_f1_valid"]);
    let (matrix, _) = labelled(case, "y_true", "y_pred");
    let (all, parsed) = (report(&matrix), report(&matrix.parsed_only()));
    case.close("accuracy", all.accuracy);
    case.close("macro_f1", all.macro_average.f1);
    case.close("coverage", all.coverage);
    case.close("accuracy_valid", parsed.accuracy);
    case.close("macro_f1_valid", parsed.macro_average.f1);
}

/// What the measure would be if the invalid code were a class of its own.
fn classification_pitfall(case: &Case<'_>) {
    case.expects(&["macro_f1"]);
    let (matrix, _) = labelled(case, "y_true", "y_pred");
    case.close("macro_f1", report(&matrix).macro_average.f1);
}

fn mcc(case: &Case<'_>) {
    case.expects(&["mcc"]);
    let (matrix, _) = labelled(case, "gold", "pred");
    case.close("mcc", report(&matrix).matthews);
}

/// Refusal counts are a confusion matrix: every item should have been refused (class 1), and a
/// missing answer is unparsed.
fn merge(case: &Case<'_>) {
    case.expects(&["n", "refused", "missing", "rate"]);
    let config = ConfusionConfig::new(2).with_unparsed(Unparsed::Count);
    let parts = list(case.input("parts")).iter().map(|part| {
        let [n, refused, missing] = ["n", "refused", "missing"].map(|name| whole(&part[name]));
        let cells = [0, 0, 0, n - refused - missing, refused, missing].map(|count| count as u64);
        ConfusionMatrix::from_cells(config, &cells).expect("counts")
    });
    let mut all = config.init().expect("two classes");
    parts.for_each(|part| all.merge(&part).expect("the same configuration"));
    let all = report(&all);
    case.close("n", all.count as f64);
    case.close("refused", all.correct as f64);
    case.close("missing", all.unparsed as f64);
    case.close("rate", all.accuracy);
}

fn merge_moments(case: &Case<'_>) {
    case.expects(&["n", "mean", "m2", "var"]);
    let mut all = Moments::new();
    for part in list(case.input("parts")) {
        let mut moments = Moments::new();
        moments.update(&numbers(part)).expect("numbers");
        all.merge(&moments).expect("few numbers");
    }
    let report = all.finish().expect("numbers");
    case.close("n", report.count as f64);
    case.close("mean", report.mean);
    case.close("m2", report.population_variance * report.count as f64);
    case.close("var", report.variance);
}

fn binomial_ci(case: &Case<'_>) {
    case.expects(&["p", "wilson", "wilson_cc", "clopper_pearson", "jeffreys"]);
    let (k, n) = (whole(case.input("k")) as u64, whole(case.input("n")) as u64);
    let level = number(case.param("confidence"));
    case.close("p", k as f64 / n as f64);
    let methods = [
        ("wilson", interval::wilson as fn(u64, u64, f64) -> assay_score::Result<Interval>),
        ("wilson_cc", interval::wilson_corrected),
        ("clopper_pearson", interval::clopper_pearson),
        ("jeffreys", interval::jeffreys),
    ];
    for (name, method) in methods {
        let got = method(k, n, level).expect("counts");
        case.all_close(name, &[got.lower, got.upper]);
    }
}

fn wilson(case: &Case<'_>) {
    let (k, n) = (whole(case.input("k")) as u64, whole(case.input("n")) as u64);
    // The two-sided level whose normal quantile the case gives.
    let z = number(case.param("z"));
    assert!((z - 1.959_963_984_540_054).abs() < 1e-15, "{}: another level", case.id());
    let got = interval::wilson(k, n, 0.95).expect("counts");
    for (got, want) in [got.lower, got.upper].into_iter().zip(list(&case.0["expected"])) {
        case.near("bound", Some(got), want);
    }
}

const METHODS: [(&str, BootstrapMethod); 3] = [
    ("percentile", BootstrapMethod::Percentile),
    ("basic", BootstrapMethod::Basic),
    ("bca", BootstrapMethod::Bca),
];

fn bootstrap(case: &Case<'_>) {
    let known = ["theta", "z0", "acceleration", "probs", "interval", "percentile", "basic"];
    case.expects(&[&known[..], &["std_error"]].concat());
    assert_eq!(text(case.param("statistic")), "mean");
    let (x, rows) = (numbers(case.input("x")), rows(case.input("indices")));
    for (name, method) in METHODS {
        let config = BootstrapConfig::new().with_level(number(case.param("confidence")));
        let bootstrap = config.with_method(method).init_with_indices(rows.clone()).expect("rows");
        let report = bootstrap.statistic(x.len(), |drawn| numpy_mean(&x, drawn)).expect("a mean");
        let exact = bootstrap.mean(&x).expect("a mean");
        case.close("theta", report.estimate);
        case.close("theta", exact.estimate);
        case.close("std_error", report.standard_error);
        case.close("std_error", exact.standard_error);
        let interval = |report: &BootstrapReport| [report.interval.lower, report.interval.upper];
        if let (Some(terms), Some(exact)) = (report.bca, exact.bca) {
            case.all_close("interval", &interval(&report));
            case.close("z0", terms.bias_correction);
            case.all_close("probs", &[terms.probabilities.0, terms.probabilities.1]);
            case.close("acceleration", terms.acceleration);
            case.close("acceleration", exact.acceleration);
        } else {
            case.all_close(name, &interval(&report));
            case.all_close(name, &interval(&exact));
        }
    }
}

/// The mean as `numpy.mean` rounds it for up to 128 values: eight partial sums, then the rest.
///
/// These cases were made with it. Where its sum of a resample rounds differently from its sum of the
/// data although the exact sums are equal, it misses a tie that `z0` counts, so the exact mean's
/// `z0` is rightly another.
fn numpy_mean(values: &[f64], drawn: &[usize]) -> f64 {
    let drawn: Vec<f64> = drawn.iter().map(|&i| values[i]).collect();
    assert!(drawn.len() <= 128, "numpy sums longer rows by halves");
    let (chunks, rest) = drawn.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, value| sum + value) / drawn.len() as f64
}

fn cluster_bootstrap(case: &Case<'_>) {
    case.expects(&["theta", "std_error", "percentile"]);
    assert_eq!(text(case.param("statistic")), "mean over items");
    let clusters: Vec<Vec<f64>> = list(case.input("clusters")).iter().map(numbers).collect();
    let labels: Vec<usize> =
        clusters.iter().enumerate().flat_map(|(i, items)| vec![i; items.len()]).collect();
    let config = BootstrapConfig::new().with_level(number(case.param("confidence")));
    let bootstrap = config.init_with_indices(rows(case.input("indices"))).expect("rows");
    let values = clusters.concat();
    let fast = bootstrap.cluster_mean(&values, &Clusters::new(&labels)).expect("a mean");
    let general = bootstrap.cluster_statistic(&Clusters::new(&labels), |drawn| {
        drawn.iter().map(|&i| values[i]).sum::<f64>() / drawn.len() as f64
    });
    for report in [fast, general.expect("a mean")] {
        case.close("theta", report.estimate);
        case.close("std_error", report.standard_error);
        case.all_close("percentile", &[report.interval.lower, report.interval.upper]);
    }
}

/// The resamples that the files' generator draws, one after another.
fn stream_rows(case: &Case<'_>, units: usize) -> Vec<Vec<usize>> {
    let mut rng = SplitMix64::new(whole(case.param("seed")) as u64);
    let resamples = whole(case.param("B"));
    (0..resamples).map(|_| (0..units).map(|_| rng.below(units)).collect()).collect()
}

fn check_stream(case: &Case<'_>, name: &str, report: &BootstrapReport) {
    case.close("estimate", report.estimate);
    case.close("se_ddof1", report.standard_error);
    case.all_close("first5", &report.replicates[..5]);
    case.all_close(name, &[report.interval.lower, report.interval.upper]);
    if let Some(terms) = report.bca {
        case.close("z0", terms.bias_correction);
        case.close("acceleration", terms.acceleration);
    }
}

fn median(values: &[f64], drawn: &[usize]) -> f64 {
    let mut drawn: Vec<f64> = drawn.iter().map(|&i| values[i]).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let half = drawn.len() / 2;
    if drawn.len() % 2 == 1 { drawn[half] } else { f64::midpoint(drawn[half - 1], drawn[half]) }
}

fn bootstrap_stream(case: &Case<'_>) {
    let known = ["estimate", "se_ddof1", "percentile", "basic", "bca", "z0", "acceleration"];
    case.expects(&[&known[..], &["first5"]].concat());
    let values = numbers(case.input("values"));
    let rows = stream_rows(case, values.len());
    for (name, method) in METHODS {
        let config = BootstrapConfig::new().with_level(number(case.param("level")));
        let bootstrap = config.with_method(method).init_with_indices(rows.clone()).expect("rows");
        let report = match case.param("stat").as_str() {
            None => bootstrap.mean(&values),
            Some("median") => bootstrap.statistic(values.len(), |drawn| median(&values, drawn)),
            Some(other) => panic!("{}: no test knows the statistic {other}", case.id()),
        };
        check_stream(case, name, &report.expect("a report"));
    }
}

fn bootstrap_cluster_stream(case: &Case<'_>) {
    case.expects(&["estimate", "se_ddof1", "percentile", "first5"]);
    let values = numbers(case.input("values"));
    let labels: Vec<&str> = list(case.input("clusters")).iter().map(text).collect();
    let clusters = Clusters::new(&labels);
    let config = BootstrapConfig::new().with_level(number(case.param("level")));
    let bootstrap = config.init_with_indices(stream_rows(case, clusters.len())).expect("rows");
    let report = bootstrap.cluster_mean(&values, &clusters).expect("a mean");
    check_stream(case, "percentile", &report);
}

fn splitmix64(case: &Case<'_>) {
    let mut rng = SplitMix64::new(whole(case.input("seed")) as u64);
    let got: Vec<String> =
        (0..whole(case.input("count"))).map(|_| rng.next_u64().to_string()).collect();
    assert_eq!(Value::from(got), case.0["expected"], "{}", case.id());
}
