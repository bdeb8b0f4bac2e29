//! Cases of tests, associations, ranks and standard errors.

use assay_score::statistics::{
    Alternative, ClusterCorrection, Direction, JudgeQuality, Method, PermutationConfig, Ties,
    Yates, benjamini_hochberg, benjamini_yekutieli, chi_square, clustered_standard_error,
    corrected_rate, fisher, holm, kendall, mcnemar, paired_permutation, pass_at_k, pass_every_k,
    pearson, rank, spearman, standard_error, two_proportions, wilcoxon,
};
use assay_score::{Clusters, ConfusionConfig, ConfusionMatrix, classification::KappaWeights};
use serde_json::Value;

use super::{Case, list, number, numbers, report, text, whole};

fn counts(value: &Value) -> Vec<u64> {
    list(value).iter().map(|count| whole(count) as u64).collect()
}

fn xy(case: &Case<'_>) -> (Vec<f64>, Vec<f64>) {
    (numbers(case.input("x")), numbers(case.input("y")))
}

pub(super) fn pearson_case(case: &Case<'_>) {
    case.expects(&["r", "p", "n", "r_zero_dropped", "n_zero_dropped"]);
    let (x, y) = xy(case);
    let all = pearson(&x, &y, 0.95).expect("pairs").expect("they vary");
    case.close("r", all.value);
    case.close("p", all.p_value);
    case.close("n", all.count as f64);
    // What comes of a neutral answer, zero, taken for a missing one.
    let (x, y): (Vec<f64>, Vec<f64>) = x.into_iter().zip(y).filter(|(_, y)| *y != 0.0).unzip();
    let dropped = pearson(&x, &y, 0.95).expect("pairs").expect("they vary");
    case.close("r_zero_dropped", dropped.value);
    case.close("n_zero_dropped", dropped.count as f64);
}

pub(super) fn spearman_case(case: &Case<'_>) {
    case.expects(&["rho"]);
    let (x, y) = xy(case);
    case.close("rho", spearman(&x, &y, 0.95).expect("pairs").map(|report| report.value));
}

pub(super) fn kendall_case(case: &Case<'_>) {
    case.expects(&["tau", "tau_c"]);
    assert_eq!(text(case.param("variant")), "b");
    let (x, y) = xy(case);
    let report = kendall(&x, &y, 0.95).expect("pairs").expect("they vary");
    case.close("tau", report.tau_b);
    case.close("tau_c", report.tau_c);
}

pub(super) fn chi2_independence(case: &Case<'_>) {
    case.expects(&["chi2", "p", "dof", "expected", "cramers_v"]);
    let rows: Vec<Vec<u64>> = list(case.input("table")).iter().map(counts).collect();
    let yates = match case.param("yates").as_bool() {
        Some(false) => Yates::Never,
        _ => Yates::TwoByTwo,
    };
    let got = chi_square(&rows.concat(), rows[0].len(), yates).expect("counts");
    case.close("chi2", got.statistic);
    case.close("p", got.p_value);
    case.close("dof", got.degrees_of_freedom as f64);
    let expected = &case.0["expected"];
    if let Some(want) = expected["expected"].as_array() {
        let want: Vec<f64> = want.iter().flat_map(numbers).collect();
        for (got, want) in got.expected.iter().zip(want) {
            case.near("expected", Some(*got), &want.into());
        }
    }
    if expected.get("cramers_v").is_some() {
        case.close("cramers_v", got.cramers_v);
    }
}

pub(super) fn fisher_exact(case: &Case<'_>) {
    case.expects(&["two_sided", "less", "greater", "odds_ratio_sample"]);
    let table = list(case.input("table"));
    let [a, b] = [&table[0], &table[1]].map(counts);
    let got = fisher([[a[0], a[1]], [b[0], b[1]]]).expect("counts");
    case.close("two_sided", got.two_sided);
    case.close("less", got.less);
    case.close("greater", got.greater);
    case.close("odds_ratio_sample", got.odds_ratio);
}

pub(super) fn mcnemar_case(case: &Case<'_>) {
    case.expects(&["exact_p", "chi2", "chi2_p", "chi2_cc", "chi2_cc_p", "mid_p"]);
    let [b, c] = ["b", "c"].map(|name| whole(case.input(name)) as u64);
    let got = mcnemar(b, c).expect("counts");
    case.close("exact_p", got.exact_p);
    case.close("mid_p", got.mid_p);
    case.close("chi2", got.chi_square.map(|(statistic, _)| statistic));
    case.close("chi2_p", got.chi_square.map(|(_, p)| p));
    case.close("chi2_cc", got.corrected.map(|(statistic, _)| statistic));
    case.close("chi2_cc_p", got.corrected.map(|(_, p)| p));
}

pub(super) fn multiple_testing(case: &Case<'_>) {
    case.expects(&["bh_adjusted", "by_adjusted", "holm_adjusted", "bh_reject", "holm_reject"]);
    let p = numbers(case.input("p"));
    let alpha = number(case.param("alpha"));
    let (bh, holm) = (benjamini_hochberg(&p).expect("p"), holm(&p).expect("p"));
    case.all_close("bh_adjusted", &bh);
    case.all_close("by_adjusted", &benjamini_yekutieli(&p).expect("p"));
    case.all_close("holm_adjusted", &holm);
    for (name, adjusted) in [("bh_reject", bh), ("holm_reject", holm)] {
        let got: Vec<bool> = adjusted.iter().map(|p| *p <= alpha).collect();
        assert_eq!(Value::from(got), case.0["expected"][name], "{}", case.id());
    }
}

pub(super) fn two_proportion_test(case: &Case<'_>) {
    case.expects(&["diff", "z", "p", "newcombe", "cohen_h"]);
    let [k1, n1, k2, n2] = ["k1", "n1", "k2", "n2"].map(|name| whole(case.input(name)) as u64);
    let level = number(case.param("confidence"));
    let got = two_proportions((k1, n1), (k2, n2), level).expect("counts");
    case.close("diff", got.difference);
    case.close("z", got.z);
    case.close("p", got.p_value);
    case.close("cohen_h", got.cohens_h);
    case.all_close("newcombe", &[got.interval.lower, got.interval.upper]);
}

pub(super) fn paired_permutation_case(case: &Case<'_>) {
    case.expects(&["mean", "p", "count"]);
    assert_eq!(text(case.param("alternative")), "two-sided");
    let differences = numbers(case.input("diffs"));
    let got = paired_permutation(&differences, PermutationConfig::default()).expect("numbers");
    assert_eq!(got.method, Method::Exact);
    case.close("mean", got.difference);
    case.close("p", got.p_value);
    case.close("count", got.extreme as f64);
}

pub(super) fn wilcoxon_case(case: &Case<'_>) {
    case.expects(&["w", "p"]);
    assert_eq!(text(case.param("method")), "exact");
    let got = wilcoxon(&numbers(case.input("diffs")), Alternative::TwoSided).expect("numbers");
    // The case has the smaller of the two rank sums.
    case.close("w", got.statistic.min(got.largest - got.statistic));
    case.close("p", got.p_value);
}

pub(super) fn detector_calibration(case: &Case<'_>) {
    let known = ["sensitivity", "specificity", "precision", "f1", "kappa", "sensitivity_wilson"];
    case.expects(&[&known[..], &["specificity_wilson", "corrected_rate"]].concat());
    let [tp, fne, fp, tn] = ["tp", "fn", "fp", "tn"].map(|name| whole(case.input(name)) as u64);
    let judge = JudgeQuality {
        true_positives: tp,
        false_negatives: fne,
        false_positives: fp,
        true_negatives: tn,
    };
    case.close("sensitivity", judge.sensitivity());
    case.close("specificity", judge.specificity());
    let level = number(case.param("confidence"));
    let (sensitivity, specificity) = judge.intervals(level).expect("labelled items");
    case.all_close("sensitivity_wilson", &[sensitivity.lower, sensitivity.upper]);
    case.all_close("specificity_wilson", &[specificity.lower, specificity.upper]);
    let matrix = ConfusionMatrix::from_cells(ConfusionConfig::new(2), &[tn, fp, 0, fne, tp, 0]);
    let matrix = matrix.expect("counts");
    let scores = report(&matrix).classes[1].scores;
    case.close("precision", scores.precision);
    case.close("f1", scores.f1);
    case.close("kappa", matrix.kappa(KappaWeights::None));
    let apparent = number(case.input("apparent_rate"));
    let called = (apparent * 1000.0).round() as u64;
    let rate = corrected_rate(called, 1000, judge, level).expect("counts").map(|(rate, _)| rate);
    case.close("corrected_rate", rate);
}

pub(super) fn rank_case(case: &Case<'_>) {
    case.expects(&["ranks"]);
    let scores = case.input("scores").as_object().expect("scores by name");
    let values: Vec<f64> = scores.values().map(number).collect();
    let direction = match case.input("higher_is_better").as_bool() {
        Some(true) => Direction::HigherBetter,
        Some(false) => Direction::LowerBetter,
        None => panic!("{}: no direction", case.id()),
    };
    let ties = match text(case.param("ties")) {
        "min" => Ties::Min,
        "average" => Ties::Average,
        "dense" => Ties::Dense,
        other => panic!("{}: ties {other}", case.id()),
    };
    let ranks = rank(&values, direction, ties).expect("numbers");
    for (name, got) in scores.keys().zip(ranks) {
        case.near(name, Some(got), &case.0["expected"]["ranks"][name]);
    }
}

pub(super) fn clustered_standard_error_case(case: &Case<'_>) {
    case.expects(&["mean", "cluster_robust", "cluster_robust_finite", "naive"]);
    let clusters: Vec<Vec<f64>> = list(case.input("clusters")).iter().map(numbers).collect();
    let labels: Vec<usize> =
        clusters.iter().enumerate().flat_map(|(i, items)| vec![i; items.len()]).collect();
    let (values, clusters) = (clusters.concat(), Clusters::new(&labels));
    case.close("mean", values.iter().sum::<f64>() / values.len() as f64);
    let error = |correction| clustered_standard_error(&values, &clusters, correction).expect("c");
    case.close("cluster_robust", error(ClusterCorrection::None));
    case.close("cluster_robust_finite", error(ClusterCorrection::Clusters));
    case.close("naive", standard_error(&values).expect("values"));
}

pub(super) fn clustered_stderr(case: &Case<'_>) {
    case.expects(&["clt", "clustered"]);
    let values = numbers(case.input("scores"));
    let labels: Vec<&str> = list(case.input("clusters")).iter().map(text).collect();
    let clusters = Clusters::new(&labels);
    case.close("clt", standard_error(&values).expect("values"));
    let error = clustered_standard_error(&values, &clusters, ClusterCorrection::Items);
    case.close("clustered", error.expect("clusters"));
}

pub(super) fn stderr_clustered_conventions(case: &Case<'_>) {
    case.expects(&["stderr", "clustered_inspect", "clustered_miller_no_correction"]);
    let values = numbers(case.input("values"));
    let labels: Vec<&str> = list(case.input("clusters")).iter().map(text).collect();
    let clusters = Clusters::new(&labels);
    let error = |correction| clustered_standard_error(&values, &clusters, correction).expect("c");
    case.close("stderr", standard_error(&values).expect("values"));
    case.close("clustered_inspect", error(ClusterCorrection::Clusters));
    case.close("clustered_miller_no_correction", error(ClusterCorrection::None));
}

pub(super) fn pass_at_k_case(case: &Case<'_>) {
    for (input, want) in list(&case.0["input"]).iter().zip(list(&case.0["expected"])) {
        let [n, c, k] = ["n", "c", "k"].map(|name| whole(&input[name]) as u64);
        case.near("pass@k", pass_at_k(n, c, k), &want[0]);
        case.near("pass^k", pass_every_k(n, c, k), &want[1]);
    }
}
