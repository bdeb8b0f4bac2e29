//! Cases of multi-label, agreement, score and ranking measures.

use assay_score::Mergeable;
use assay_score::classification::{
    Forecasts, Gain, KappaWeights, LabelSets, MultiLabelConfig, ProbabilityRows, RankedList,
    RankingMeans, average_precision, expected_calibration_error, ndcg_of_scores, roc,
};
use serde_json::Value;

use super::{Case, labelled, list, number, numbers, text, whole};

fn flags(value: &Value) -> Vec<bool> {
    list(value).iter().map(|flag| whole(flag) == 1).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().map(text).collect()
}

pub(super) fn cohen_kappa(case: &Case<'_>) {
    case.expects(&["none", "linear", "quadratic"]);
    let (matrix, _) = labelled(case, "a", "b");
    case.close("none", matrix.kappa(KappaWeights::None));
    case.close("linear", matrix.kappa(KappaWeights::Linear));
    case.close("quadratic", matrix.kappa(KappaWeights::Quadratic));
}

pub(super) fn multilabel(case: &Case<'_>) {
    case.expects(&["micro", "macro", "samples", "weighted", "subset_accuracy", "hamming_loss"]);
    let sets = |name| -> Vec<Vec<usize>> {
        let rows = list(case.input(name)).iter().map(flags);
        rows.map(|row| (0..row.len()).filter(|&label| row[label]).collect()).collect()
    };
    let labels = list(&list(case.input("y_true"))[0]).len();
    let absent = match case.param("zero_division").as_u64() {
        Some(0) => assay_score::Absent::Zero,
        Some(1) => assay_score::Absent::One,
        other => panic!("{}: zero_division {other:?}", case.id()),
    };
    let config = MultiLabelConfig::new(labels).with_absent(absent).with_empty_rows(absent);
    let truth = config.pack(&sets("y_true")).expect("labels");
    let predicted = config.pack(&sets("y_pred")).expect("labels");
    let mut counts = config.init().expect("labels");
    counts.update(LabelSets { truth: &truth, predicted: &predicted }).expect("rows");
    let report = counts.finish().expect("rows");
    for (name, got) in [
        ("micro", report.micro_average),
        ("macro", report.macro_average),
        ("samples", report.samples_average),
        ("weighted", report.weighted_average),
    ] {
        let want = &case.0["expected"][name];
        case.near(name, got.precision, &want["p"]);
        case.near(name, got.recall, &want["r"]);
        case.near(name, got.f1, &want["f"]);
    }
    case.close("subset_accuracy", report.subset_accuracy);
    case.close("hamming_loss", report.hamming_loss);
}

pub(super) fn brier(case: &Case<'_>) {
    case.expects(&["brier", "log_loss"]);
    let truth: Vec<usize> = list(case.input("outcome")).iter().map(whole).collect();
    let probabilities = numbers(case.input("prob"));
    let mut forecasts = Forecasts::binary();
    forecasts.update(ProbabilityRows { truth: &truth, probabilities: &probabilities }).expect("p");
    let binary = forecasts.finish().expect("forecasts");
    case.close("brier", binary.brier.mean);
    case.close("log_loss", binary.log_loss.mean);
    // As rows of two classes the Brier score doubles and the log loss stays.
    let rows: Vec<f64> = probabilities.iter().flat_map(|p| [1.0 - p, *p]).collect();
    let mut forecasts = Forecasts::of_classes(2).expect("two");
    forecasts.update(ProbabilityRows { truth: &truth, probabilities: &rows }).expect("p");
    let rows = forecasts.finish().expect("forecasts");
    case.close("brier", rows.brier.mean / 2.0);
    case.close("log_loss", rows.log_loss.mean);
}

pub(super) fn auroc(case: &Case<'_>) {
    let scores = numbers(case.input("scores"));
    let report = roc(&flags(case.input("y_true")), &scores).expect("two classes");
    case.near("auc", Some(report.auc), &case.0["expected"]);
}

pub(super) fn detector_scores(case: &Case<'_>) {
    case.expects(&["auroc", "average_precision", "ece"]);
    let (labels, scores) = (flags(case.input("label")), numbers(case.input("score")));
    case.close("auroc", roc(&labels, &scores).expect("two classes").auc);
    case.close("average_precision", average_precision(&labels, &scores).expect("positives"));
    let bins = whole(case.param("bins"));
    case.close("ece", expected_calibration_error(&labels, &scores, bins).expect("bins"));
}

pub(super) fn average_precision_scores(case: &Case<'_>) {
    let got = average_precision(&flags(case.input("y_true")), &numbers(case.input("scores")));
    case.near("ap", Some(got.expect("positives")), &case.0["expected"]);
}

pub(super) fn ranking(case: &Case<'_>) {
    let list = RankedList::new(&texts(case.input("ranked")), &texts(case.input("relevant")));
    for (name, want) in case.0["expected"].as_object().expect("measures by name") {
        let (measure, k) = name.split_once('@').map_or((name.as_str(), None), |(measure, k)| {
            (measure, Some(k.parse::<usize>().expect("a number after @")))
        });
        let got = match (measure, k) {
            ("p", Some(k)) => list.precision_at(k),
            ("r", Some(k)) => list.recall_at(k),
            ("ap", Some(k)) => list.average_precision_at(k),
            ("ap", None) => list.average_precision(),
            ("ndcg", Some(k)) => list.ndcg_at(k, Gain::Linear),
            _ => panic!("{}: nothing checks {name}", case.id()),
        };
        case.near(name, got, want);
    }
}

pub(super) fn ndcg(case: &Case<'_>) {
    case.expects(&["linear", "exponential", "dcg_linear"]);
    let gains = case.input("gains").as_object().expect("gains by item");
    let judged: Vec<(&str, f64)> =
        gains.iter().map(|(item, gain)| (item.as_str(), number(gain))).collect();
    let list = RankedList::graded(&texts(case.input("ranked")), &judged).expect("gains");
    let k = whole(case.param("k"));
    case.close("linear", list.ndcg_at(k, Gain::Linear));
    case.close("exponential", list.ndcg_at(k, Gain::Exponential));
    case.close("dcg_linear", list.dcg_at(k, Gain::Linear));
}

pub(super) fn ndcg_scores(case: &Case<'_>) {
    case.expects(&["averaged", "ignore_ties_note"]);
    assert_eq!(text(case.param("ties")), "average");
    let (relevance, scores) = (numbers(case.input("relevance")), numbers(case.input("scores")));
    let got = ndcg_of_scores(&relevance, &scores, whole(case.param("k")), Gain::Linear);
    case.close("averaged", got.expect("a gain"));
}

pub(super) fn map(case: &Case<'_>) {
    case.expects(&["map", "skipped"]);
    assert_eq!(text(case.param("empty_relevant")), "skip");
    let queries: Vec<RankedList> = list(case.input("queries"))
        .iter()
        .map(|query| RankedList::new(&texts(&query["ranked"]), &texts(&query["relevant"])))
        .collect();
    let mut means = RankingMeans::new(10, Gain::Linear).expect("k");
    means.update(&queries).expect("queries");
    let report = means.finish().expect("queries");
    case.close("map", report.average_precision.map(|moments| moments.mean));
    case.close("skipped", report.without_relevant as f64);
}
