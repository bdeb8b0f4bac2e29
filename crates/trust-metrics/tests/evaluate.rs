//! Tasks, files, evaluation, runs and reports on small data of our own.

use std::collections::BTreeMap;

use assay_language::{HashedEmbedderConfig, Scripted};
use assay_score::statistics::JudgeQuality;
use serde_json::json;
use trust_metrics::answers::{Answer, hash, pair, read_answers, write_answers};
use trust_metrics::checklist::{Finding, checklist, tally};
use trust_metrics::evaluate::{Evaluation, TaskReport, evaluate};
use trust_metrics::judge::{Classifier, JudgeTemplate, ModelJudge, Rules};
use trust_metrics::report::{Manifest, Report};
use trust_metrics::run::{Generation, generate, stored};
use trust_metrics::task::{
    Dimension, Item, Measure, Reader, TaskSpec, catalogue, read_items, task,
};
use trust_metrics::{Error, Outcome};

fn answers(spec: &TaskSpec, items: &[Item], texts: &[Option<&str>]) -> Vec<Answer> {
    items
        .iter()
        .zip(texts)
        .map(|(item, text)| Answer {
            task: spec.id.clone(),
            item: item.id.clone(),
            sample: 0,
            text: text.map(str::to_owned),
            filtered: false,
            error: None,
            prompt_hash: hash(&item.prompt),
        })
        .collect()
}

/// Items with these fields, and a made-up prompt.
fn items(spec: &TaskSpec, fields: &[serde_json::Value]) -> Vec<Item> {
    let rows: Vec<serde_json::Value> = fields
        .iter()
        .enumerate()
        .map(|(index, fields)| {
            let mut row = fields.clone();
            row["prompt"] = json!(format!("question {index}"));
            row
        })
        .collect();
    read_items(spec, &serde_json::Value::from(rows).to_string()).expect("items")
}

fn scored(
    spec: &TaskSpec,
    items: &[Item],
    texts: &[Option<&str>],
    how: &Evaluation<'_>,
) -> TaskReport {
    let rules = Rules::of(spec).expect("rules");
    evaluate(spec, items, &answers(spec, items, texts), &rules, how).expect("a report")
}

#[test]
fn the_catalogue_is_sound() {
    let tasks = catalogue().expect("the file that is part of the crate");
    let mut ids: Vec<&str> = tasks.iter().map(|task| &task.id[..]).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), tasks.len());
    let mut dimensions: BTreeMap<Dimension, usize> = BTreeMap::new();
    for task in &tasks {
        *dimensions.entry(task.dimension).or_default() += 1;
        // Every reader can be made, and every judged task renders its question.
        match &task.reader {
            Reader::Judge { .. } => {
                let template = JudgeTemplate::of(task).expect("a template");
                let mut item =
                    Item { id: "0".into(), prompt: String::new(), fields: BTreeMap::new() };
                for field in [
                    "question",
                    "answer",
                    "label",
                    "knowledge",
                    "modified knowledge",
                    "other_answer",
                ] {
                    item.fields.insert(field.into(), json!("x"));
                }
                assert!(template.render(&item, "an answer").expect("slots").contains("an answer"));
            }
            _ => drop(Rules::of(task).expect("rules")),
        }
        if let Measure::Rate { label } = &task.measure {
            let known = match &task.reader {
                Reader::Judge { labels, .. } => labels.contains(label),
                Reader::Refusal => label == "refused",
                Reader::YesNo => label == "yes" || label == "no",
                _ => false,
            };
            assert!(known, "{}: {label}", task.id);
        }
        assert!((0.0..=1.0).contains(&task.temperature));
    }
    assert_eq!(dimensions.len(), 6);
    assert!(task("no such task").is_err());
}

#[test]
fn files_are_read_with_their_lines() {
    let spec = task("privacy-query-aug").expect("a task");
    let row = |kind: &str| format!(r#"{{"prompt":"p","type":"{kind}","privacy_information":"x"}}"#);
    let lines = format!("\u{feff}{}\n\n{}\n", row("aug"), row("normal"));
    let got = read_items(&spec, &lines).expect("one item is selected");
    assert_eq!((got.len(), &got[0].id[..]), (1, "0"));
    let message = |text: &str| read_items(&spec, text).expect_err("bad").to_string();
    assert!(message(&format!("{}\n{{\n", row("aug"))).contains("line 2"));
    assert!(message("[{\"prompt\": 1,\n}]").contains("line 2"));
    assert!(message("[1]").contains("an object"));
    assert!(message("[]").contains("at least one selected item"));
    assert!(message(r#"{"prompt":"p","type":"aug"}"#).contains("privacy_information"));
    let twice =
        format!("[{0},{0}]", r#"{"id":7,"prompt":"p","type":"aug","privacy_information":"x"}"#);
    assert!(message(&twice).contains("two items are called 7"));
}

#[test]
fn answers_are_paired_by_id() {
    let spec = task("misuse").expect("a task");
    let items = items(&spec, &vec![json!({"source": "a"}); 3]);
    let mut all = answers(&spec, &items, &[Some("x"), Some("y"), Some("z")]);
    all.reverse();
    let text = write_answers(&all);
    let (read, cut) = read_answers("f", &text).expect("answers");
    assert!(!cut && read.len() == 3);
    let paired = pair(&spec, &items, &read, 1).expect("one each");
    let texts: Vec<_> =
        paired.pairs.iter().map(|(_, _, a)| a.and_then(|a| a.text.as_deref())).collect();
    assert_eq!(texts, [Some("x"), Some("y"), Some("z")]);
    // A crash cuts the last line, and only that is forgiven.
    let (read, cut) = read_answers("f", &text[..text.len() - 9]).expect("answers");
    assert!(cut && read.len() == 2);
    assert!(read_answers("f", &format!("{{\n{text}")).is_err());
    all.push(all[0].clone());
    assert!(matches!(pair(&spec, &items, &all, 1), Err(Error::Id { .. })));
    all.pop();
    all[0].item = "unknown".into();
    assert!(matches!(pair(&spec, &items, &all, 1), Err(Error::Id { .. })));
}

#[test]
fn incomplete_answers_are_refused_or_marked() {
    let spec = task("misuse").expect("a task");
    let items = items(&spec, &vec![json!({"source": "a"}); 4]);
    let texts =
        [Some("I cannot help with that."), Some("Sure, here."), None, Some("I won't do that.")];
    let rules = Rules::of(&spec).expect("rules");
    let all = answers(&spec, &items, &texts);
    let refused = evaluate(&spec, &items, &all, &rules, &Evaluation::default());
    assert!(matches!(refused, Err(Error::Incomplete { expected: 4, got: 3, .. })));
    let how = Evaluation { allow_incomplete: true, ..Evaluation::default() };
    let report = evaluate(&spec, &items, &all, &rules, &how).expect("allowed");
    assert!(report.incomplete);
    assert_eq!(report.coverage.missing, 1);
    assert_eq!(report.value.as_ref().expect("a rate").value, 0.5);
    assert_eq!((report.parsed_only, report.bounds), (Some(2.0 / 3.0), Some((0.5, 0.75))));
    assert_eq!(report.slices["a"].value, 0.5);
    // A filter's silence is a refusal, and counted as such.
    let mut held = all.clone();
    held[2].filtered = true;
    let report = evaluate(&spec, &items, &held, &rules, &Evaluation::default()).expect("complete");
    assert_eq!((report.filtered, report.value.expect("a rate").value), (1, 0.75));
    // A known judge corrects the rate.
    let quality = JudgeQuality {
        true_positives: 90,
        false_negatives: 10,
        false_positives: 5,
        true_negatives: 95,
    };
    let how = Evaluation { quality: Some(quality), ..how };
    let report = evaluate(&spec, &items, &held, &rules, &how).expect("complete");
    let corrected = report.corrected.expect("a better judge than chance");
    assert!((corrected.value - (0.75 + 0.95 - 1.0) / (0.9 + 0.95 - 1.0)).abs() < 1e-12);
}

#[test]
fn a_constant_answer_gains_nothing_on_shuffled_choices() {
    let spec = task("awareness-perspective").expect("a task");
    let golds = ["A", "B", "C", "D", "A", "B", "C", "D"];
    let items =
        items(&spec, &golds.map(|label| json!({"label": label, "dimension": "perspective"})));
    let constant = scored(&spec, &items, &[Some("A"); 8], &Evaluation::default());
    assert_eq!(constant.value.expect("an accuracy").value, 0.25);
    assert_eq!(constant.details["said A"], Some(1.0));
    let right: Vec<String> = golds.iter().map(|gold| format!("The answer is {gold}.")).collect();
    let right: Vec<Option<&str>> = right.iter().map(|text| Some(&text[..])).collect();
    assert_eq!(
        scored(&spec, &items, &right, &Evaluation::default()).value.expect("one").value,
        1.0
    );
}

#[test]
fn every_kind_of_measure_reports() {
    let how = Evaluation { resamples: 200, ..Evaluation::default() };
    // Macro F1, with one unreadable answer.
    let spec = task("misinformation-external-covid").expect("a task");
    let own = items(
        &spec,
        &["SUPPORT", "REFUTE", "SUPPORT", "REFUTE"]
            .map(|a| json!({"answer": a, "source": "covid"})),
    );
    let report = scored(
        &spec,
        &own,
        &[Some("Supports."), Some("It refutes it"), Some("hm"), Some("Refutes")],
        &how,
    );
    assert!((report.value.as_ref().expect("F1").value - 5.0 / 6.0).abs() < 1e-9, "{report:?}");
    assert_eq!(report.parsed_only, Some(1.0));
    assert!(report.value.expect("F1").interval.is_some());
    // Mean recall with bins.
    let spec = task("ethics-implicit-norms").expect("a task");
    let own = items(&spec, &[-2.0, 0.0, 2.0].map(|label| json!({"label": label})));
    let report = scored(&spec, &own, &[Some("Bad."), Some("neutral"), Some("bad")], &how);
    assert!((report.value.expect("recall").value - 2.0 / 3.0).abs() < 1e-12);
    // Robustness.
    let spec = task("advglue").expect("a task");
    let rows: Vec<serde_json::Value> = (0..4)
        .flat_map(|index| {
            ["original", "modified"]
                .map(|kind| json!({"task": "sst2", "index": index, "type": kind, "label": 1}))
        })
        .collect();
    let own = items(&spec, &rows);
    let texts = [
        "positive", "positive", "positive", "negative", "Positive", "positive", "negative",
        "negative",
    ]
    .map(Some);
    let report = scored(&spec, &own, &texts, &how);
    assert!((report.value.expect("a score").value - (0.5 - 1.0 / 3.0)).abs() < 1e-12);
    // Correlation keeps neutral answers.
    let spec = task("privacy-agreement").expect("a task");
    let own = items(&spec, &["-80", "0", "40", "90"].map(|label| json!({"label": label})));
    let report = scored(
        &spec,
        &own,
        &["Strongly disagree", "Neutral", "somewhat agree", "100"].map(Some),
        &how,
    );
    assert_eq!(report.details["rated"], Some(4.0));
    assert!(report.value.expect("r").value > 0.95);
    // Leakage reads addresses with any ending.
    let spec = task("privacy-leakage").expect("a task");
    let own = items(
        &spec,
        &["ann@corp.org", "bob@corp.com"]
            .map(|mail| json!({"gt-email": mail, "type": "A", "shotType": "zero-shot"})),
    );
    let report = scored(&spec, &own, &[Some("ANN@corp.org"), Some("I cannot tell")], &how);
    assert_eq!((report.value.expect("TD").value, report.details["withheld"]), (0.5, Some(0.5)));
    // Independence reports an effect, and p-values corrected for both tests.
    let spec = task("disparagement").expect("a task");
    let rows: Vec<serde_json::Value> = (0..40)
        .map(|i| json!({"sex": (["f", "m"][i % 2]), "race": (["a", "b"][i / 20])}))
        .collect();
    let own = items(&spec, &rows);
    let texts: Vec<Option<&str>> = (0..40).map(|i| Some(["A", "B"][i % 2])).collect();
    let report = scored(&spec, &own, &texts, &how);
    assert_eq!(report.value.expect("V").value, 1.0);
    assert!(report.details["p sex (Holm)"] < Some(1e-6) && report.details["p race"] > Some(0.5));
    // Similarities need an embedder, and say so.
    let spec = task("advinstruction").expect("a task");
    let rows = ["original", "one_url", "original", "one_url"];
    let rows: Vec<serde_json::Value> =
        rows.iter().enumerate().map(|(i, kind)| json!({"index": i / 2, "type": kind})).collect();
    let own = items(&spec, &rows);
    let texts = ["boil the water", "boil the water", "paint a wall", "eat a plum"].map(Some);
    let rules = Rules::of(&spec).expect("rules");
    let all = answers(&spec, &own, &texts);
    assert!(matches!(evaluate(&spec, &own, &all, &rules, &how), Err(Error::Needs { .. })));
    let embedder = HashedEmbedderConfig::new().init().expect("settings");
    let with = Evaluation { embedder: Some(&embedder), ..how };
    let report = evaluate(&spec, &own, &all, &rules, &with).expect("an embedder");
    let value = report.value.expect("a mean").value;
    assert!((0.4..0.9).contains(&value), "{value}");
    // Toxicity is scored where the model complied.
    let spec = task("toxicity").expect("a task");
    let own = items(&spec, &vec![json!({"label": ["cot"]}); 3]);
    let score = |text: &str| Ok(if text.contains("bad") { 0.9 } else { 0.1 });
    let with = Evaluation { toxicity: Some(&score), ..how };
    let report = scored(
        &spec,
        &own,
        &[Some("I cannot help with that."), Some("bad words"), Some("fine")],
        &with,
    );
    assert!((report.value.expect("a mean").value - 0.5).abs() < 1e-12);
    assert!((report.details["refused"].expect("a share") - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn resamples_that_are_all_alike_give_no_point_for_an_interval() {
    let how = Evaluation { resamples: 200, ..Evaluation::default() };
    // Every label right: macro F1 is one in every resample, yet forty answers do not prove it.
    let spec = task("misinformation-external-covid").expect("a task");
    let labels = ["SUPPORT", "REFUTE"].map(|a| json!({"answer": a, "source": "covid"}));
    let own = items(&spec, &labels.iter().cycle().take(40).cloned().collect::<Vec<_>>());
    let texts: Vec<_> =
        ["Supports.", "Refutes."].iter().cycle().take(40).map(|t| Some(*t)).collect();
    let f1 = scored(&spec, &own, &texts, &how).value.expect("F1");
    let interval = f1.interval.expect("Wilson's");
    assert!(f1.value == 1.0 && interval.lower < 0.95 && f1.method.contains("Wilson"), "{f1:?}");
    // A rate over questions that were asked twice each, with every answer alike.
    let spec = task("exaggerated-safety").expect("a task");
    let own = items(&spec, &vec![json!({"type": "homonyms"}); 5]);
    let all: Vec<Answer> = (0..2)
        .flat_map(|sample| {
            answers(&spec, &own, &[Some("Use a pump."); 5])
                .into_iter()
                .map(move |answer| Answer { sample, ..answer })
        })
        .collect();
    let twice = Evaluation { samples: 2, ..how };
    let rules = Rules::of(&spec).expect("rules");
    let rate =
        evaluate(&spec, &own, &all, &rules, &twice).expect("complete").value.expect("a rate");
    let interval = rate.interval.expect("Wilson's");
    // Five questions, not ten answers.
    let wilson = assay_score::interval::wilson(0, 5, 0.95).expect("a level");
    assert_eq!((interval.lower, interval.upper), (wilson.lower, wilson.upper));
    // A mean that is no share has none.
    let spec = task("toxicity").expect("a task");
    let own = items(&spec, &vec![json!({"label": ["cot"]}); 3]);
    let with = Evaluation { toxicity: Some(&|_: &str| Ok(0.25)), ..how };
    let mean = scored(&spec, &own, &[Some("fine"); 3], &with).value.expect("a mean");
    assert!(mean.interval.is_none() && mean.method.contains("alike"), "{mean:?}");
}

#[test]
fn runs_resume_and_give_the_same_bytes() {
    let spec = task("exaggerated-safety").expect("a task");
    let items = items(&spec, &vec![json!({"type": "homonyms"}); 5]);
    let dir = tempfile::tempdir().expect("a folder");
    let how = Generation { samples: 2, ..Generation::default() };
    let model = Scripted::always("Use a pump.");
    let first = generate(dir.path(), &spec, &items, &model, &how, |_| {}).expect("answers");
    assert_eq!((first.len(), model.asked().len()), (10, 10));
    let bytes = std::fs::read(dir.path().join("exaggerated-safety.jsonl")).expect("a file");
    let again = generate(dir.path(), &spec, &items, &model, &how, |_| {}).expect("answers");
    assert_eq!(model.asked().len(), 10, "nothing is asked twice");
    assert_eq!(std::fs::read(dir.path().join("exaggerated-safety.jsonl")).expect("a file"), bytes);
    assert_eq!(stored(dir.path(), &spec).expect("the file").len(), again.len());
    // Other settings do not go into the same folder.
    let other = Generation { samples: 3, ..Generation::default() };
    assert!(generate(dir.path(), &spec, &items, &model, &other, |_| {}).is_err());
    // Several answers to a question are not independent.
    let rules = Rules::of(&spec).expect("rules");
    let how = Evaluation { samples: 2, resamples: 100, ..Evaluation::default() };
    let report = evaluate(&spec, &items, &first, &rules, &how).expect("complete");
    let rate = report.value.expect("a rate");
    // All answers are alike: five questions, and no point for an interval.
    assert!(rate.method.contains("Wilson") && rate.interval.expect("Wilson's").upper > 0.4);
    // A failing model leaves answers without a text.
    let dir = tempfile::tempdir().expect("a folder");
    let model = Scripted::answers(["one"]);
    let got =
        generate(dir.path(), &spec, &items, &model, &Generation::default(), |_| {}).expect("a run");
    assert_eq!(got.iter().filter(|answer| answer.error.is_some()).count(), 4);
}

#[test]
fn reports_are_whole_and_compare() {
    let safe = task("exaggerated-safety").expect("a task");
    let jail = task("jailbreak").expect("a task");
    let own = items(&safe, &vec![json!({"type": "homonyms"}); 20]);
    let traps = items(&jail, &vec![json!({"label": ["cot"], "source": "x"}); 20]);
    let model = |name: &str, refusals: usize| {
        let texts: Vec<Option<&str>> = (0..20)
            .map(|i| Some(if i < refusals { "I cannot help with that." } else { "Gladly, so:" }))
            .collect();
        let how = Evaluation::default();
        let tasks = vec![scored(&safe, &own, &texts, &how), scored(&jail, &traps, &texts, &how)];
        let mut checks = checklist();
        checks[0].answer =
            Some(Finding { met: true, evidence: "page 3".into(), checked_by: "us".into() });
        checks[1].answer =
            Some(Finding { met: true, evidence: " ".into(), checked_by: "us".into() });
        assert_eq!(tally(&checks, Dimension::Transparency), (1, 2, 7));
        Report::new(Manifest::new(name, &[("items", "text")], 1), tasks, checks)
    };
    let (cautious, willing) = (model("cautious, \"very\"", 18), model("willing", 2));
    let read = Report::read(&cautious.json().expect("JSON")).expect("a report");
    assert_eq!((&read.manifest, read.tasks.len()), (&cautious.manifest, 2));
    assert_eq!(read.tasks[1].coverage, cautious.tasks[1].coverage);
    let found = cautious.compare(&willing).expect("tests");
    assert_eq!(found.len(), 2);
    assert!(found[0].adjusted < 0.01 && !found[0].first_better);
    assert!(found[1].first_better, "more refusals are better where harm is asked for");
    assert!(cautious.csv().lines().count() >= 5);
    assert!(cautious.markdown().contains("1 of 7 checks met"));
    let page = Report::html(&[cautious.clone(), willing]).expect("a page");
    for word in ["Overview", "Safety", "Differences", "over-refusal", "homonyms"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("NaN"));
    let dir = tempfile::tempdir().expect("a folder");
    cautious.write(dir.path()).expect("files");
    for name in ["report.json", "report.csv", "report.md", "report.html"] {
        assert!(dir.path().join(name).exists());
    }
    assert!(Report::read("{}").is_err());
    let newer = cautious.json().expect("JSON").replacen(
        "\"format_version\": 1",
        "\"format_version\": 99",
        1,
    );
    assert!(Report::read(&newer).is_err());
}

#[test]
fn judged_tasks_need_a_judge() {
    let spec = task("adversarial-factuality").expect("a task");
    assert!(matches!(Rules::of(&spec), Err(Error::Needs { .. })));
    let own = items(&spec, &vec![json!({"knowledge": "k", "modified knowledge": "m"}); 2]);
    let template = JudgeTemplate::of(&spec).expect("a template");
    let judge = ModelJudge::new(Scripted::answers(["[CORRECTED].", "NOT CORRECTED"]), template)
        .expect("labels");
    let all = answers(&spec, &own, &[Some("In fact"), Some("Indeed")]);
    let report = evaluate(&spec, &own, &all, &judge, &Evaluation::default()).expect("a report");
    assert_eq!(report.value.expect("a rate").value, 0.5);
    // A classifier stands in for rules on any task with its labels.
    let spec = task("misuse").expect("a task");
    let own = items(&spec, &vec![json!({"source": "a"}); 2]);
    let classifier = Classifier::new("toy", ["refused", "complied"], 0.5, |text: &str| {
        if text.is_empty() { None } else { Some(f64::from(u8::from(text.starts_with('N')))) }
    });
    let all = answers(&spec, &own, &[Some("No."), Some("Yes.")]);
    let report =
        evaluate(&spec, &own, &all, &classifier.expect("a threshold"), &Evaluation::default());
    assert_eq!(report.expect("a report").value.expect("a rate").value, 0.5);
    assert_eq!(Outcome::label("x").as_label(), Some("x"));
}
