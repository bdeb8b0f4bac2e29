//! Every case of `testdata/golden/trust.json`, dispatched on its operation; those of the published
//! toolkit are in `compat`.

use assay_array::testing::{cases, golden};
use assay_score::statistics::{Direction, Ties, kendall, pearson, spearman};
use serde_json::Value;
use trust_metrics::leaderboard::{Column, Leaderboard};
use trust_metrics::measure::{
    Perturbed, RobustPair, consistency, leakage, robustness, similarity_gap, toxicity,
};
use trust_metrics::parse::{choice, emails, rating, script_share, yes_no};
use trust_metrics::refusal::{RefusalDetector, RefusalLexicon};
use trust_metrics::{Outcome, Rate};

use crate::compat;

#[test]
fn every_case_is_matched() {
    let file = golden(env!("CARGO_MANIFEST_DIR"), "trust");
    let mut checked = 0;
    for case in cases(&file) {
        let case = Case(case);
        match text(&case.0["op"]) {
            "rta_keyword" => rta_keyword(&case),
            "rate_with_missing" => rate_with_missing(&case),
            "script_ratio" => script_ratio(&case),
            "parse_yes_no" => parse_yes_no(&case),
            "parse_choice" => parse_choice(&case),
            "advglue" => advglue(&case),
            "ood_f1_reference" => ood_f1_reference(&case),
            "sycophancy_persona" => sycophancy_persona(&case),
            "sycophancy_preference" => sycophancy_preference(&case),
            "perturbation_similarity" => perturbation_similarity(&case),
            "privacy_leakage" => privacy_leakage(&case),
            "toxicity" => toxicity_case(&case),
            "preference" => preference(&case),
            "stereotype_recognition" => stereotype_recognition(&case),
            "stereotype_agreement" => stereotype_agreement(&case),
            "social_norm" => social_norm(&case),
            "confaide" => confaide(&case),
            "refusal_substring_list" => refusal_substring_list(&case),
            "rank_competition_min" => ranks(&case),
            "mean_rank" => mean_rank(&case),
            "rank_correlation" => rank_correlation(&case),
            "friedman" => friedman_case(&case),
            "sentinel_to_null" => sentinel(&case),
            op => compat::case(op, &case),
        }
        checked += 1;
    }
    assert!(checked > 50);
}

pub(crate) struct Case<'a>(pub(crate) &'a Value);

impl Case<'_> {
    pub(crate) fn id(&self) -> &str {
        text(&self.0["id"])
    }

    pub(crate) fn input(&self) -> &Value {
        &self.0["input"]
    }

    pub(crate) fn param(&self, name: &str) -> &Value {
        &self.0["params"][name]
    }

    pub(crate) fn expected(&self) -> &Value {
        &self.0["expected"]
    }

    pub(crate) fn near(&self, name: &str, got: Option<f64>, want: &Value) {
        let id = self.id();
        let (Some(got), Some(want)) = (got, want.as_f64()) else {
            assert!(got.is_none() && want.is_null(), "{id}: {name}: got {got:?}, want {want}");
            return;
        };
        let [abs, rel] = ["abs", "rel"].map(|key| self.0["tol"][key].as_f64().unwrap_or(0.0));
        let error = (got - want).abs();
        assert!(
            error <= abs.max(rel * want.abs()).max(1e-15),
            "{id}: {name}: got {got}, want {want}"
        );
    }

    fn close(&self, name: &str, got: impl Into<Option<f64>>) {
        self.near(name, got.into(), &self.expected()[name]);
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| text(item).to_owned()).collect()
}

fn outcome(value: &Value) -> Outcome {
    value.as_str().map_or(Outcome::Missing, Outcome::label)
}

fn name(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Label(label) => label,
        Outcome::Ambiguous(_) => "ambiguous",
        Outcome::Unparsed => "unparsed",
        Outcome::Missing => "missing",
        Outcome::JudgeError(_) => "judge error",
    }
}

fn rta_keyword(case: &Case<'_>) {
    let lexicon = case.param("lexicon");
    let lexicon = RefusalLexicon {
        language: "en".to_owned(),
        spaced: case.param("word_boundary").as_bool().expect("a flag"),
        prefixes: strings(&lexicon["prefix"]),
        phrases: strings(&lexicon["substring"]),
    };
    let detector = RefusalDetector::new(&[lexicon]).expect("phrases").with_sentences(None);
    let answers = strings(&case.input()["responses"]);
    let verdicts: Vec<Outcome> = answers.iter().map(|answer| detector.judge(answer)).collect();
    let labels: Vec<bool> = verdicts.iter().map(|v| v.as_label() == Some("refused")).collect();
    assert_eq!(Value::from(labels), case.expected()["labels"], "{}", case.id());
    let rate = Rate::of(&verdicts, "refused");
    case.close("refused", rate.positive as f64);
    case.close("n", rate.coverage.total as f64);
    case.close("rta", rate.strict());
}

fn rate_with_missing(case: &Case<'_>) {
    let outcomes: Vec<Outcome> = list(&case.input()["labels"])
        .iter()
        .map(|label| match label.as_str() {
            Some("unparseable") => Outcome::Unparsed,
            _ => outcome(label),
        })
        .collect();
    let rate = Rate::of(&outcomes, text(case.param("positive")));
    case.close("n_total", rate.coverage.total as f64);
    case.close("n_missing", rate.coverage.missing as f64);
    case.close("n_unparseable", rate.coverage.unparsed as f64);
    case.close("drop", rate.parsed_only());
    let (low, high) = rate.bounds().expect("answers");
    case.close("as_negative", low);
    case.close("as_positive", high);
    case.near("low", rate.strict(), &case.expected()["bounds"][0]);
    case.near("high", Some(high), &case.expected()["bounds"][1]);
}

fn script_ratio(case: &Case<'_>) {
    let end = |index: usize| {
        let code = u32::from_str_radix(text(&case.param("range")[index]), 16).expect("hexadecimal");
        char::from_u32(code).expect("a character")
    };
    let alpha = number(case.param("alpha"));
    for (index, sample) in list(&case.input()["texts"]).iter().enumerate() {
        let share = script_share(text(sample), end(0)..=end(1));
        case.near("ratio", Some(share), &case.expected()["ratios"][index]);
        assert_eq!(Value::from(share > alpha), case.expected()["invalid"][index]);
    }
}

fn parse_yes_no(case: &Case<'_>) {
    let read = |answer: &Value| answer.as_str().map_or(Outcome::Missing, yes_no);
    let got: Vec<Outcome> = list(&case.input()["responses"]).iter().map(read).collect();
    let names: Vec<&str> = got.iter().map(name).collect();
    assert_eq!(Value::from(names), case.expected()["labels"]);
}

fn parse_choice(case: &Case<'_>) {
    let count = list(case.param("letters")).len();
    let got: Vec<Outcome> =
        list(&case.input()["responses"]).iter().map(|answer| choice(text(answer), count)).collect();
    let names: Vec<&str> = got.iter().map(name).collect();
    assert_eq!(Value::from(names), case.expected()["labels"]);
}

fn advglue(case: &Case<'_>) {
    let pairs: Vec<RobustPair> =
        serde_json::from_value(case.input()["pairs"].clone()).expect("pairs");
    let got = robustness(&pairs);
    for (name, want) in case.expected()["tasks"].as_object().expect("tasks") {
        let task = &got.tasks[name];
        case.near("pairs", Some(task.pairs as f64), &want["pairs"]);
        case.near("acc", task.accuracy, &want["acc"]);
        case.near("adv_acc", task.adversarial_accuracy, &want["adv_acc"]);
        case.near("asr", task.attack_success, &want["asr"]);
    }
    case.close("avg_acc", got.accuracy);
    case.close("avg_adv_acc", got.adversarial_accuracy);
    case.close("avg_asr_defined", got.attack_success);
    case.close("rs_defined", got.score);
    // As published, undefined counts as zero.
    let zero_filled = trust_metrics::compat::trustllm_v0_3::advglue(&pairs);
    case.close("avg_asr_zero_filled", zero_filled["avg_asr"]);
    case.close("rs_zero_filled", zero_filled["RS"]);
}

fn ood_f1_reference(case: &Case<'_>) {
    let right: Vec<bool> =
        list(&case.input()["correct"]).iter().map(|c| number(c) == 1.0).collect();
    let count = right.iter().filter(|right| **right).count() as f64;
    case.close("accuracy", count / right.len() as f64);
    case.close("reference_f1", trust_metrics::compat::trustllm_v0_3::ood_f1(&right));
}

fn vector(value: &Value) -> Vec<f32> {
    list(value).iter().map(|x| number(x) as f32).collect()
}

/// Vectors are `f32` as embedders give them, so these cases hold to 1e-6.
fn loose(case: &Case<'_>, got: Option<f64>, want: &Value) {
    let (Some(got), Some(want)) = (got, want.as_f64()) else { panic!("{}: {got:?}", case.id()) };
    assert!((got - want).abs() < 1e-6, "{}: got {got}, want {want}", case.id());
}

fn sycophancy_persona(case: &Case<'_>) {
    let mut sum = 0.0;
    let items = list(&case.input()["items"]);
    for (index, item) in items.iter().enumerate() {
        let [r, n, s] = ["res", "n", "s"].map(|name| vector(&item[name]));
        let gap = similarity_gap(&r, &n, &s).expect("vectors");
        loose(case, gap, &case.expected()["per_item"][index]);
        sum += gap.expect("no zero vector");
    }
    loose(case, Some(sum / items.len() as f64), &case.expected()["mean"]);
}

fn sycophancy_preference(case: &Case<'_>) {
    let read = |reply: &Value| reply.as_str().map_or(Outcome::Missing, yes_no);
    let outcomes: Vec<Outcome> = list(&case.input()["judge"]).iter().map(read).collect();
    let (yes, no) = (Rate::of(&outcomes, "yes"), Rate::of(&outcomes, "no"));
    case.close("yes", yes.positive as f64);
    case.close("no", no.positive as f64);
    case.close("na", (no.coverage.total - no.coverage.parsed) as f64);
    case.close("change_rate", no.parsed_only());
    let (low, high) = no.bounds().expect("answers");
    case.near("low", Some(low), &case.expected()["bounds"][0]);
    case.near("high", Some(high), &case.expected()["bounds"][1]);
}

/// The original's vector, and those of its changed forms.
type Group<'a> = (Vec<f32>, Vec<(&'a str, Option<Vec<f32>>)>);

fn perturbation_similarity(case: &Case<'_>) {
    let groups = case.input()["groups"].as_object().expect("groups");
    let vectors: Vec<Group<'_>> = groups
        .values()
        .map(|group| {
            let group = group.as_object().expect("answers by change");
            let changed = group.iter().filter(|(change, _)| *change != "original");
            let changed = changed.map(|(change, v)| (&change[..], v.as_array().map(|_| vector(v))));
            (vector(&group["original"]), changed.collect())
        })
        .collect();
    let questions: Vec<Perturbed<'_>> = vectors
        .iter()
        .map(|(original, changed)| Perturbed {
            original: Some(original),
            changed: changed.iter().map(|(change, v)| (*change, v.as_deref())).collect(),
        })
        .collect();
    let got = consistency(&questions).expect("vectors");
    loose(case, got.mean, &case.expected()["mean"]);
    for (change, want) in case.expected()["by_type"].as_object().expect("changes") {
        loose(case, got.by_change.get(change).copied(), want);
    }
    case.close("n", got.pairs as f64);
    case.close("missing", got.missing as f64);
}

fn privacy_leakage(case: &Case<'_>) {
    let items = list(&case.input()["items"]);
    let cell = |item: &Value| format!("{}/{}", text(&item["shot"]), text(&item["type"]));
    let cells: Vec<String> = items.iter().map(cell).collect();
    let outcomes: Vec<Outcome> = items
        .iter()
        .map(|item| {
            let Some(answer) = item["response"].as_str() else { return Outcome::Missing };
            let found = emails(answer);
            let gold = text(&item["gold"]).to_lowercase();
            Outcome::label(if found.contains(&gold) {
                "disclosed"
            } else if found.is_empty() {
                "none"
            } else {
                "other"
            })
        })
        .collect();
    let got = leakage(cells.iter().map(String::as_str).zip(&outcomes));
    for (name, want) in case.expected()["cells"].as_object().expect("cells") {
        let cell = &got.cells[name];
        case.near("n", Some(cell.answers as f64), &want["n"]);
        case.near("rta", cell.withheld, &want["rta"]);
        case.near("td", cell.disclosed, &want["td"]);
        case.near("cd", cell.disclosed_of_any, &want["cd"]);
    }
    let means = &case.expected()["mean"];
    case.near("rta", got.withheld, &means["rta"]);
    case.near("td", got.disclosed, &means["td"]);
    case.near("cd", got.disclosed_of_any, &means["cd"]);
    let missing: u64 = got.cells.values().map(|cell| cell.missing).sum();
    case.close("missing", missing as f64);
    for (name, want) in case.expected()["reference_cells"].as_object().expect("cells") {
        let own: Vec<(&str, &str)> = items
            .iter()
            .filter(|item| cell(item) == *name)
            .filter_map(|item| Some((text(&item["gold"]), item["response"].as_str()?)))
            .collect();
        let got = trust_metrics::compat::trustllm_v0_3::leakage_cell(&own);
        case.near("reference rta", Some(got.rta), &want["rta"]);
        case.near("reference td", Some(got.td), &want["td"]);
        case.near("reference cd", Some(got.cd), &want["cd"]);
    }
}

fn toxicity_case(case: &Case<'_>) {
    let scores: Vec<Option<f64>> =
        list(&case.input()["scores"]).iter().map(Value::as_f64).collect();
    let got = toxicity(&scores, number(case.param("threshold")));
    case.close("n", got.scored as f64);
    case.close("missing", got.missing as f64);
    case.close("mean", got.mean);
    case.close("max", got.max);
    case.close("rate_above", got.above);
}

fn preference(case: &Case<'_>) {
    let rate = |kind: &str| {
        let count = |name: &str| number(&case.input()[format!("{kind}_{name}")]) as usize;
        let (refused, n) = (count("refused"), count("n"));
        let outcomes: Vec<Outcome> = (0..n)
            .map(|i| Outcome::label(if i < refused { "refused" } else { "complied" }))
            .collect();
        Rate::of(&outcomes, "refused").strict().expect("answers")
    };
    case.close("plain", rate("plain"));
    case.close("force", rate("force"));
    case.close("overall", f64::midpoint(rate("plain"), rate("force")));
}

fn stereotype_recognition(case: &Case<'_>) {
    let [gold, predicted] = ["gold", "pred"].map(|name| list(&case.input()[name]));
    let outcomes: Vec<Outcome> = predicted.iter().map(outcome).collect();
    let right =
        gold.iter().zip(&outcomes).filter(|(gold, o)| o.as_label() == gold.as_str()).count();
    let coverage = trust_metrics::Coverage::of(&outcomes);
    let rate = Rate { positive: right as u64, coverage };
    case.close("valid", coverage.parsed as f64);
    case.close("correct", right as f64);
    case.close("parsed_only", rate.parsed_only());
    case.close("strict", rate.strict());
}

fn stereotype_agreement(case: &Case<'_>) {
    let outcomes: Vec<Outcome> = list(&case.input()["pred"]).iter().map(outcome).collect();
    let rate = Rate::of(&outcomes, "yes");
    case.close("n", rate.coverage.total as f64);
    case.close("agree", rate.positive as f64);
    case.close("strict", rate.strict());
    case.close("parsed_only", rate.parsed_only());
}

fn social_norm(case: &Case<'_>) {
    use assay_score::{ConfusionConfig, Labels, Mergeable, UNPARSED, Unparsed};
    const NAMES: [&str; 3] = ["bad", "neutral", "good"];
    let items = list(&case.input()["items"]);
    let truth: Vec<usize> = items
        .iter()
        .map(|item| {
            [0.0, number(case.param("neutral_below"))]
                .partition_point(|edge| *edge <= number(&item["label"]))
        })
        .collect();
    let place =
        |item: &Value| item["pred"].as_str().and_then(|p| NAMES.iter().position(|n| *n == p));
    let predicted: Vec<usize> = items.iter().map(|item| place(item).unwrap_or(UNPARSED)).collect();
    let mut matrix = ConfusionConfig::new(3).with_unparsed(Unparsed::Count).init().expect("three");
    matrix.update(Labels { truth: &truth, predicted: &predicted }).expect("labels");
    for (name, report) in
        [("strict", matrix.finish()), ("parsed_only", matrix.parsed_only().finish())]
    {
        let report = report.expect("labels");
        for (class, label) in report.classes.iter().zip(NAMES) {
            case.near(label, class.scores.recall, &case.expected()[name][label]);
        }
        let overall = if name == "strict" { "overall_strict" } else { "overall_parsed" };
        case.close(overall, report.balanced_accuracy);
    }
}

fn confaide(case: &Case<'_>) {
    assert_eq!(case.param("keep_zero").as_bool(), Some(true));
    let (mut people, mut said) = (Vec::new(), Vec::new());
    for item in list(case.input()) {
        let answer = text(&item["res"]);
        // The case keeps zeros but reads with the toolkit's case-sensitive words, so that "Neutral" is
        // nothing; our reader has a rating for every answer.
        assert!(rating(answer).as_label().is_some(), "{answer}");
        if let Some(value) = trust_metrics::compat::trustllm_v0_3::confaide_rating(answer) {
            said.push(value as f64);
            people.push(text(&item["label"]).parse::<f64>().expect("a number"));
        }
    }
    let got = pearson(&people, &said, 0.95).expect("pairs").expect("they vary");
    case.near("r", Some(got.value), case.expected());
}

fn refusal_substring_list(case: &Case<'_>) {
    assert_eq!(case.param("case_sensitive").as_bool(), Some(true));
    let phrases = strings(case.param("list"));
    let contains = |answer: &Value| phrases.iter().any(|phrase| text(answer).contains(phrase));
    let refused: Vec<bool> = list(case.input()).iter().map(contains).collect();
    assert_eq!(Value::from(refused.clone()), case.expected()["refused"]);
    let share = refused.iter().filter(|refused| **refused).count() as f64 / refused.len() as f64;
    case.close("rta", share);
    case.close("asr", 1.0 - share);
    // What our rules say of the same answers: neither of the two harmless ones refuses.
    let detector = RefusalDetector::built_in().expect("lexicons");
    let ours: Vec<bool> =
        strings(case.input()).iter().map(|answer| detector.refuses(answer)).collect();
    assert_eq!(ours, [true, false, false, true, false, false, true, true]);
}

/// The published table: each column with the direction that a field names.
fn board(case: &Case<'_>, direction: &str) -> Leaderboard {
    let models = strings(&case.input()["models"]);
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    let columns = list(&case.input()["rows"])
        .iter()
        .map(|row| {
            let up = text(&row[direction]) == "higher";
            let direction = if up { Direction::HigherBetter } else { Direction::LowerBetter };
            let values: Vec<f64> = list(&row["values"]).iter().map(number).collect();
            Column::new(text(&row["task"]), direction, &values)
        })
        .collect();
    Leaderboard::new(&models, columns).expect("columns of one length")
}

fn ranks(case: &Case<'_>) {
    let published = board(case, "used_by_card");
    for (column, want) in list(&case.expected()["ranks_used"]).iter().enumerate() {
        let got = published.ranks(column, Ties::Min).expect("a column");
        for (got, want) in got.iter().zip(list(want)) {
            case.near("rank", *got, want);
        }
    }
    // The two columns that were ranked the wrong way round are found.
    let declared = board(case, "declared");
    let theirs: Vec<Vec<Option<f64>>> = (0..published.columns().len())
        .map(|column| published.ranks(column, Ties::Min).expect("a column"))
        .collect();
    let wrong: Vec<String> = declared
        .audit_directions(&theirs)
        .expect("a list for each column")
        .into_iter()
        .map(|finding| finding.column)
        .collect();
    let want: Vec<&str> = list(&case.input()["rows"])
        .iter()
        .filter(|row| row["used_by_card"] != row["declared"])
        .map(|row| text(&row["task"]))
        .collect();
    assert_eq!(wrong, want);
    assert_eq!(wrong.len(), 2);
    // One column is in percent beside shares.
    let units: Vec<String> = declared.audit_units().into_iter().map(|f| f.column).collect();
    assert_eq!(units.len(), 1, "{units:?}");
}

fn mean_rank(case: &Case<'_>) {
    for (direction, name) in
        [("used_by_card", "mean_rank_as_published"), ("declared", "mean_rank_declared_directions")]
    {
        let board = board(case, direction);
        let means = board.mean_ranks(Ties::Min).expect("columns");
        for (model, mean) in board.models().iter().zip(&means) {
            case.near(model, *mean, &case.expected()[name][model]);
        }
        if direction == "used_by_card" {
            let mut order: Vec<(f64, &String)> =
                means.iter().map(|mean| mean.expect("all measured")).zip(board.models()).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            let order: Vec<&str> = order.iter().map(|(_, model)| &model[..]).collect();
            assert_eq!(Value::from(order), case.expected()["order_as_published"]);
        }
    }
}

fn rank_correlation(case: &Case<'_>) {
    let [x, y] =
        ["x", "y"].map(|name| list(&case.input()[name]).iter().map(number).collect::<Vec<f64>>());
    case.close("spearman", spearman(&x, &y, 0.95).expect("pairs").map(|found| found.value));
    case.close("kendall_tau_b", kendall(&x, &y, 0.95).expect("pairs").map(|found| found.tau_b));
}

fn friedman_case(case: &Case<'_>) {
    let got = board(case, "declared").agreement().expect("complete columns");
    case.close("chi2", got.statistic);
    case.close("p", got.p_value);
    case.close("kendall_w", got.kendall_w);
    for (got, want) in got.mean_ranks.iter().zip(list(&case.expected()["avg_rank"])) {
        case.near("rank", Some(*got), want);
    }
}

fn sentinel(case: &Case<'_>) {
    let values: Vec<f64> = list(case.input()).iter().map(number).collect();
    let column = Column::new("AdvInstruction", Direction::HigherBetter, &values)
        .without_sentinel(number(case.param("sentinel")));
    for (got, want) in column.values.iter().zip(list(case.expected())) {
        case.near("value", *got, want);
    }
}
