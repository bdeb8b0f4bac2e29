//! The published toolkit's own outputs, from its unmodified code.

use std::collections::BTreeMap;

use serde_json::Value;
use trust_metrics::compat::trustllm_v0_3 as tl;
use trust_metrics::measure::RobustPair;

use crate::golden::{Case, list, number, text};

fn texts<'a>(items: &'a [Value], name: &str) -> Vec<&'a str> {
    items.iter().map(|item| text(&item[name])).collect()
}

fn two<'a>(items: &'a [Value], a: &str, b: &str) -> Vec<(&'a str, &'a str)> {
    texts(items, a).into_iter().zip(texts(items, b)).collect()
}

fn three<'a>(items: &'a [Value], a: &str, b: &str, c: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    two(items, a, b).into_iter().zip(texts(items, c)).map(|((a, b), c)| (a, b, c)).collect()
}

#[expect(clippy::too_many_lines, reason = "one arm an operation")]
pub(crate) fn case(op: &str, case: &Case<'_>) {
    let input = case.input();
    let value = |got: Option<f64>| case.near(op, got, case.expected());
    match op {
        "tl_rta" => {
            let verdicts: Vec<Option<&str>> =
                list(input).iter().map(|item| item["eval_res"].as_str()).collect();
            value(Some(tl::refuse_to_answer(&verdicts, text(case.param("refusal_label")))));
        }
        "tl_is_chinese_ratio" => {
            let got = tl::is_chinese(text(&input["text"]), number(case.param("ratio")));
            assert_eq!(Some(got), case.expected().as_bool(), "{}", case.id());
        }
        "tl_advglue" => advglue(case),
        "tl_advglue_judge" => {
            for (item, want) in list(input).iter().zip(list(case.expected())) {
                for (label, want) in list(want).iter().enumerate() {
                    let got = tl::advglue_judge(
                        text(&item["task"]),
                        text(&item["res"]),
                        i64::try_from(label).expect("small"),
                    );
                    assert_eq!(got, want.as_bool(), "{item} {label}");
                }
            }
        }
        "tl_ood_generalization" => ood(case),
        "tl_average_cosine" => {
            let rows: Vec<Vec<f64>> = list(input)
                .iter()
                .map(|item| list(&item["embedding"]).iter().map(number).collect())
                .collect();
            value(tl::average_cosine(&rows).expect("vectors"));
        }
        "tl_confaide_extract" => {
            for (answer, want) in list(input).iter().zip(list(case.expected())) {
                assert_eq!(tl::confaide_rating(text(answer)), want.as_i64(), "{answer}");
            }
        }
        "tl_confaide" => {
            let read = |item: &Value| {
                let label = text(&item["label"]).parse::<f64>().expect("a number");
                (label, tl::confaide_rating(text(&item["res"])))
            };
            let items: Vec<(f64, Option<i64>)> = list(input).iter().map(read).collect();
            value(tl::confaide(&items).expect("numbers"));
        }
        "tl_leakage" => leakage(case),
        "tl_hallucination_single" => {
            value(tl::hallucination_single(&two(list(input), "answer", "res")));
        }
        "tl_hallucination_mc" => value(tl::hallucination_choice(&texts(list(input), "res"))),
        "tl_external_single" => {
            value(tl::external(&two(list(input), "answer", "res")).expect("labels"));
        }
        "tl_codah" => {
            let items = list(input).iter();
            let items: Vec<(i64, &str)> = items
                .map(|item| (item["answer"].as_i64().expect("a number"), text(&item["res"])))
                .collect();
            value(tl::codah(&items));
        }
        "tl_count_yes_no" => {
            let replies: Vec<Option<&str>> =
                list(input).iter().map(|item| item["eval_res"].as_str()).collect();
            value(tl::count_yes_no(&replies));
        }
        "tl_sycophancy_sim" => {
            let [r, n, s] = ["res", "n", "s"]
                .map(|name| list(&input[name]).iter().map(number).collect::<Vec<f64>>());
            let cosine = |a: &[f64], b: &[f64]| {
                assay_score::text::cosine(a, b).expect("vectors").expect("no zero")
            };
            value(Some(cosine(&r, &n) - cosine(&r, &s)));
        }
        "tl_sycophancy_preference" => {
            let replies: Vec<&str> = list(&input["judge"]).iter().map(text).collect();
            value(tl::sycophancy_preference(&replies));
        }
        "tl_stereotype_recognition" => {
            value(tl::stereotype_recognition(&three(list(input), "label", "res", "judge")));
        }
        "tl_stereotype_agreement" => {
            value(tl::stereotype_agreement(&two(list(input), "res", "judge")));
        }
        "tl_assign_option" => {
            for (answer, want) in list(input).iter().zip(list(case.expected())) {
                assert_eq!(
                    u64::from(tl::assign_option(text(answer))),
                    want.as_u64().expect("an option"),
                    "{answer}"
                );
            }
        }
        "tl_disparagement" => {
            let items = list(&input["items"]);
            let options: Vec<u8> = texts(items, "res").into_iter().map(tl::assign_option).collect();
            for group in ["sex", "race"] {
                let got = tl::disparagement(&texts(items, group), &options).expect("answers");
                let want = &case.expected()[group];
                case.near("chi2", Some(got.statistic), &want["chi2"]);
                case.near("p", Some(got.p_value), &want["p"]);
                case.near("p", Some(got.p_value), &case.expected()["p"][group]);
                case.near("dof", Some(got.degrees_of_freedom as f64), &want["dof"]);
                case.near("v", got.cramers_v, &want["cramers_v"]);
            }
        }
        "tl_preference" => {
            let items: Vec<(bool, &str)> = two(list(input), "type", "res")
                .into_iter()
                .map(|(kind, res)| (kind == "force", res))
                .collect();
            let got =
                tl::preference(&items, |text| text.starts_with("REFUSE")).expect("both kinds");
            case.near("overall", Some(got.0), &case.expected()["overall"]);
            case.near("plain", Some(got.1), &case.expected()["plain"]);
            case.near("force", Some(got.2), &case.expected()["force"]);
        }
        "tl_explicit_low" => value(tl::explicit_low(&two(list(input), "label", "res"))),
        "tl_social_norm" => {
            let items: Vec<(f64, &str)> = list(input)
                .iter()
                .map(|item| (number(&item["label"]), text(&item["res"])))
                .collect();
            let (overall, [good, neutral, bad]) = tl::social_norm(&items).expect("all three");
            for (name, got) in
                [("overall", overall), ("good", good), ("neutral", neutral), ("bad", bad)]
            {
                case.near(name, Some(got), &case.expected()[name]);
            }
        }
        "tl_ethics" => {
            let (overall, good, bad) =
                tl::ethics(&three(list(input), "label", "res", "judge")).expect("both");
            for (name, got) in [("overall", overall), ("good", good), ("bad", bad)] {
                case.near(name, Some(got), &case.expected()[name]);
            }
        }
        "tl_emotion" => value(tl::emotion(&three(list(input), "label", "prompt", "res"))),
        "tl_awareness_dim" => {
            let got = tl::awareness(&two(list(input), "label", "res"));
            case.near(op, got, &case.expected()[text(case.param("dimension"))]);
        }
        "tl_toxicity" => {
            let scores: Vec<Option<f64>> =
                list(input).iter().map(|item| item["toxicity"].as_f64()).collect();
            let (mean, max) = tl::toxicity(&scores).expect("scores");
            case.near("mean", Some(mean), &case.expected()["average_toxicity"]);
            case.near("max", Some(max), &case.expected()["max_toxicity"]);
        }
        other => panic!("{}: no test knows the operation {other}", case.id()),
    }
}

fn advglue(case: &Case<'_>) {
    let mut pairs: BTreeMap<(String, i64), RobustPair> = BTreeMap::new();
    for (item, want) in list(case.input()).iter().zip(list(&case.expected()["eval_res"])) {
        let task = text(&item["task"]);
        let label = item["label"].as_i64().expect("a label");
        let right = tl::advglue_judge(task, text(&item["res"]), label);
        assert_eq!(right, want.as_bool(), "{item}");
        let index = item["index"].as_i64().expect("an index");
        let pair = pairs.entry((task.to_owned(), index)).or_insert(RobustPair {
            task: task.to_owned(),
            original: None,
            modified: None,
        });
        match text(&item["type"]) {
            "original" => pair.original = right,
            _ => pair.modified = right,
        }
    }
    let got = tl::advglue(&pairs.into_values().collect::<Vec<_>>());
    for (name, want) in case.expected()["metrics"].as_object().expect("numbers by name") {
        case.near(name, got.get(name).copied(), want);
    }
}

fn ood(case: &Case<'_>) {
    let mut by_source: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for item in list(case.input()) {
        let source = text(&item["source"]);
        let right = tl::ood_correct(source, text(&item["label"]), text(&item["res"]));
        by_source.entry(source).or_default().push(right.expect("no judge is needed"));
    }
    let mut sum = 0.0;
    for (source, right) in &by_source {
        let got = tl::ood_f1(right).expect("answers");
        case.near(source, Some(got), &case.expected()[*source]);
        sum += got;
    }
    case.near("overall", Some(sum / by_source.len() as f64), &case.expected()["overall"]);
}

fn leakage(case: &Case<'_>) {
    let mut cells: BTreeMap<(&str, &str), Vec<(&str, &str)>> = BTreeMap::new();
    for item in list(case.input()) {
        let cell = (text(&item["shotType"]), text(&item["type"]));
        cells.entry(cell).or_default().push((text(&item["gt-email"]), text(&item["res"])));
    }
    assert_eq!(cells.len(), 8);
    let all: Vec<tl::Leakage> = cells.values().map(|items| tl::leakage_cell(items)).collect();
    let mean = |of: fn(&tl::Leakage) -> f64| Some(all.iter().map(of).sum::<f64>() / 8.0);
    case.near("RtA", mean(|cell| cell.rta), &case.expected()["RtA"]);
    case.near("TD", mean(|cell| cell.td), &case.expected()["TD"]);
    case.near("CD", mean(|cell| cell.cd), &case.expected()["CD"]);
}
