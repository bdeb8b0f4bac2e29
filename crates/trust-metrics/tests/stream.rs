//! Scoring answer by answer: the same report as from all at once, and memory that does not grow.

use std::io::{BufReader, Read};

use serde_json::{Value, json};
use trust_metrics::Error;
use trust_metrics::answers::{Answer, hash, read_each};
use trust_metrics::evaluate::{Evaluation, Stream, TaskReport, evaluate, evaluate_lines};
use trust_metrics::judge::Rules;
use trust_metrics::task::{Item, TaskSpec, catalogue, read_items, task};

fn answer(spec: &TaskSpec, item: &Item, text: Option<&str>) -> Answer {
    Answer {
        task: spec.id.clone(),
        item: item.id.clone(),
        sample: 0,
        text: text.map(str::to_owned),
        filtered: false,
        error: None,
        prompt_hash: hash(&item.prompt),
    }
}

/// Items with these fields in turn and answers to them in turn, `n` of them; every seventh has none.
fn data(spec: &TaskSpec, n: usize, fields: &[Value], texts: &[&str]) -> (Vec<Item>, Vec<Answer>) {
    let rows: Vec<Value> = (0..n)
        .map(|i| {
            let mut row = fields[i % fields.len()].clone();
            row["id"] = json!(format!("q{i}"));
            row["prompt"] = json!(format!("question {i}"));
            row
        })
        .collect();
    let items = read_items(spec, &Value::from(rows).to_string()).expect("items");
    let text = |i: usize| (i % 7 != 3).then(|| texts[(i * i + i / 3) % texts.len()]);
    let answers = items.iter().enumerate().map(|(i, item)| answer(spec, item, text(i))).collect();
    (items, answers)
}

fn lines<'v, T: serde::Serialize + 'v>(values: impl IntoIterator<Item = &'v T>) -> String {
    values.into_iter().map(|v| serde_json::to_string(v).expect("JSON") + "\n").collect()
}

/// A file of items as the benchmark has them.
fn item_lines(items: &[Item]) -> String {
    let rows: Vec<Value> = items.iter().map(|item| json!(item.fields)).collect();
    lines(&rows)
}

const HOW: Evaluation<'_> = Evaluation {
    samples: 1,
    level: 0.95,
    resamples: 200,
    seed: 3,
    allow_incomplete: true,
    quality: None,
    embedder: None,
    toxicity: None,
};

fn same(whole: &TaskReport, streamed: &TaskReport, intervals: bool) {
    assert!(streamed.item_scores.is_empty());
    let (mut a, mut b) = (whole.clone(), streamed.clone());
    a.item_scores.clear();
    if !intervals {
        // Resampled from counts: another stream of draws about the same value.
        let (one, other) = (a.value.take().expect("a value"), b.value.take().expect("a value"));
        assert!((one.value - other.value).abs() < 1e-12);
        let (one, other) = (one.interval.expect("one"), other.interval.expect("one"));
        assert!((one.lower - other.lower).abs() < 0.03 && (one.upper - other.upper).abs() < 0.03);
    }
    for (name, value) in &a.details {
        let other = b.details.remove(name).unwrap_or_else(|| panic!("no {name}"));
        let close = value
            .zip(other)
            .map_or(value.is_none() && other.is_none(), |(x, y)| (x - y).abs() < 1e-12);
        assert!(close, "{name}: {value:?} {other:?}");
    }
    assert!(b.details.is_empty(), "{:?}", b.details);
    a.details.clear();
    assert_eq!(a, b);
}

#[test]
fn counts_give_the_report_of_all_answers() {
    let refusals = &["I cannot help with that.", "Sure, here it is.", " "][..];
    let leaks = &["a@b.org", "It is c@d.net", "no address", "I cannot say"][..];
    let cells: Vec<Value> = ["A", "B"]
        .iter()
        .flat_map(|kind| {
            ["zero-shot", "five-shot"].map(|shot| {
            json!({"gt-email": "a@b.org", "gt-name": "N", "type": kind, "shotType": shot})
        })
        })
        .collect();
    let people: Vec<Value> = ["male", "female"]
        .iter()
        .flat_map(|sex| ["black", "white", "asian"].map(|race| json!({"sex": sex, "race": race})))
        .collect();
    let facts: Vec<Value> =
        ["SUPPORT", "REFUTE"].map(|a| json!({"answer": a, "source": "covid"})).to_vec();
    let norms: Vec<Value> = [-1.0, 0.0, 1.0].map(|label| json!({"label": label})).to_vec();
    let choices: Vec<Value> =
        ["A", "B"].map(|label| json!({"label": label, "type": "low"})).to_vec();
    for (id, fields, texts, intervals) in [
        (
            "exaggerated-safety",
            vec![json!({"type": "homonyms"}), json!({"type": "x"})],
            refusals,
            true,
        ),
        ("misinformation-external-covid", facts, &["Supports.", "Refutes.", "maybe"][..], true),
        ("ethics-implicit-norms", norms, &["good", "bad", "neutral", "who knows"][..], true),
        ("ethics-explicit-low", choices, &["A", "B)", "both"][..], true),
        ("privacy-leakage", cells, leaks, false),
        ("disparagement", people, &["A", "B", "C", "I am not sure"][..], true),
    ] {
        let spec = task(id).expect("a task");
        let (items, answers) = data(&spec, 600, &fields, texts);
        let rules = Rules::of(&spec).expect("rules");
        let whole = evaluate(&spec, &items, &answers, &rules, &HOW).expect("a report");
        let mut stream = Stream::new(&spec, &rules, HOW).expect("it streams");
        for (item, answer) in items.iter().zip(&answers) {
            stream.push(item, Some(answer)).expect("an answer");
        }
        same(&whole, &stream.finish().expect("a report"), intervals);
        // From files, where an answer that is not there is simply missing.
        let (item_file, answer_file) =
            (item_lines(&items), lines(answers.iter().filter(|a| a.text.is_some())));
        let streamed =
            evaluate_lines(&spec, item_file.as_bytes(), answer_file.as_bytes(), &rules, HOW);
        same(&whole, &streamed.expect("a report"), intervals);
        let strict = Evaluation { allow_incomplete: false, ..HOW };
        let error =
            evaluate_lines(&spec, item_file.as_bytes(), answer_file.as_bytes(), &rules, strict);
        assert!(matches!(error, Err(Error::Incomplete { expected: 600, .. })));
    }
}

#[test]
fn what_cannot_stream_says_why() {
    let mut refused = 0;
    for spec in catalogue().expect("tasks") {
        let Ok(rules) = Rules::of(&spec) else { continue };
        match Stream::new(&spec, &rules, HOW) {
            Ok(_) => {}
            Err(Error::Needs { what, .. }) => {
                assert!(what.contains("all answers at once: "), "{what}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        let several = Evaluation { samples: 2, ..HOW };
        assert!(matches!(Stream::new(&spec, &rules, several), Err(Error::Needs { .. })));
    }
    assert!(refused >= 4, "{refused}");
}

#[test]
fn files_out_of_order_cut_or_damaged_are_errors() {
    let spec = task("exaggerated-safety").expect("a task");
    let rules = Rules::of(&spec).expect("rules");
    let (items, answers) =
        data(&spec, 20, &[json!({"type": "x"})], &["Sure.", "I cannot help with that."]);
    let run =
        |items: &str, answers: &[u8]| evaluate_lines(&spec, items.as_bytes(), answers, &rules, HOW);
    let (good, said) = (item_lines(&items), lines(&answers));
    assert_eq!(run(&good, said.as_bytes()).expect("a report").coverage.total, 20);
    // A last line that a crash cut counts as missing.
    let cut = run(&good, &said.as_bytes()[..said.len() - 9]).expect("a report");
    assert_eq!((cut.coverage.total, cut.coverage.missing), (20, 4));
    // The same with its end is damage, and so is one in the middle.
    let damaged = format!("{}\n{said}", &said[..20]);
    assert!(matches!(run(&good, damaged.as_bytes()), Err(Error::Line { line: 1, .. })));
    assert!(matches!(run(&good, b"\xff\xfe\n"), Err(Error::Line { line: 1, .. })));
    let backwards = said.lines().rev().collect::<Vec<_>>().join("\n");
    assert!(matches!(run(&good, backwards.as_bytes()), Err(Error::Id { .. })));
    let twice = good.lines().next().map(|line| format!("{line}\n{line}\n")).expect("a line");
    assert!(matches!(run(&twice, b""), Err(Error::Id { .. })));
    let odd = format!("{good}{{\"prompt\": 3\n");
    assert!(matches!(run(&odd, said.as_bytes()), Err(Error::Line { line: 21, .. })));
    let unnamed = "{\"prompt\": \"p\", \"type\": \"x\"}\n";
    assert!(matches!(run(unnamed, b""), Err(Error::Line { line: 1, .. })));
    assert_eq!(read_each("answers", said.as_bytes()).count(), 20);
    // An answer to something else.
    let mut stream = Stream::new(&spec, &rules, HOW).expect("it streams");
    assert!(matches!(stream.push(&items[0], Some(&answers[1])), Err(Error::Id { .. })));
    stream.push(&items[0], Some(&answers[0])).expect("its own");
}

/// Lines that are made when they are read.
struct Made<F> {
    line: F,
    next: usize,
    count: usize,
    rest: Vec<u8>,
}

impl<F: Fn(usize) -> String> Read for Made<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && self.next < self.count {
            self.rest = (self.line)(self.next).into_bytes();
            self.next += 1;
        }
        let n = self.rest.len().min(into.len());
        into[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        Ok(n)
    }
}

/// `ASSAY_STREAM` sets the number of answers, to measure the process's memory from outside.
#[test]
fn many_answers_are_scored_from_readers() {
    let count = std::env::var("ASSAY_STREAM").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let spec = task("exaggerated-safety").expect("a task");
    let rules = Rules::of(&spec).expect("rules");
    let prompt = |i: usize| format!("How do I do number {i}?");
    let items = |i: usize| {
        format!("{{\"id\":\"{i}\",\"type\":\"t{}\",\"prompt\":\"{}\"}}\n", i % 10, prompt(i))
    };
    let answers = |i: usize| {
        let text = if i.is_multiple_of(3) {
            "I cannot help with that."
        } else {
            "Like this: first, turn it off."
        };
        format!(
            "{{\"task\":\"{}\",\"item\":\"{i}\",\"text\":\"{text}\",\"prompt_hash\":\"{}\"}}\n",
            spec.id,
            hash(&prompt(i))
        )
    };
    let report = evaluate_lines(
        &spec,
        BufReader::new(Made { line: items, next: 0, count, rest: Vec::new() }),
        BufReader::new(Made { line: answers, next: 0, count, rest: Vec::new() }),
        &rules,
        Evaluation { allow_incomplete: false, ..HOW },
    )
    .expect("a report");
    let rate = report.value.expect("a rate").value;
    assert_eq!((report.coverage.total, report.slices.len(), report.stale), (count as u64, 10, 0));
    assert!((rate - count.div_ceil(3) as f64 / count as f64).abs() < 1e-12, "{rate}");
}
