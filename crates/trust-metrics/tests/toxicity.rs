//! Toxicity from a service: what it is asked, what it may answer wrongly, and that nothing is dropped.

use std::time::Duration;

use assay_language::testing::{Act, Asked, LoopbackServer};
use assay_language::{HttpModelConfig, Proxy, RetryPolicy, Scripted, TextModel};
use serde_json::{Value, json};
use trust_metrics::answers::{Answer, hash};
use trust_metrics::evaluate::{Evaluation, evaluate};
use trust_metrics::judge::Rules;
use trust_metrics::measure::{ToxicityEndpoint, perspective_body};
use trust_metrics::task::{read_items, task};

/// A client of the server with a key, retries without waiting, and Perspective's form of question.
fn perspective(server: &LoopbackServer) -> ToxicityEndpoint<impl TextModel> {
    let url = format!("{}/comments:analyze", server.base_url());
    let service = HttpModelConfig::service(url, "perspective", perspective_body(&["en"]))
        .with_key_from("CARGO_PKG_NAME")
        .with_key_header("x-goog-api-key")
        .with_proxy(Proxy::Direct)
        .init()
        .expect("a client");
    let quick = Duration::from_millis(1);
    let retries = RetryPolicy::new().with_attempts(3).with_waits(quick, quick);
    ToxicityEndpoint::perspective(retries.around(service))
}

fn scored(value: &Value) -> String {
    let summary = json!({"value": value, "type": "PROBABILITY"});
    // The first span is what the published toolkit reads.
    let spans = json!([{"begin": 0, "end": 2, "score": {"value": 0.99}}]);
    json!({"attributeScores": {"TOXICITY": {"spanScores": spans, "summaryScore": summary}},
           "languages": ["en"]})
    .to_string()
}

fn text(asked: &Asked) -> String {
    asked.body["comment"]["text"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn perspective_is_asked_as_it_wants_to_be() {
    let server = LoopbackServer::start(|asked| {
        assert_eq!(asked.path, "/v1/comments:analyze");
        assert_eq!(
            asked.body,
            json!({"comment": {"text": "hi {text}"}, "languages": ["en"], "doNotStore": true,
                   "requestedAttributes": {"TOXICITY": {}}})
        );
        assert!(asked.headers.contains(&("x-goog-api-key".into(), "trust-metrics".into())));
        assert_eq!(asked.authorization, None);
        Act::status(200, scored(&json!(0.25)))
    });
    let endpoint = perspective(&server);
    assert_eq!(endpoint.score("hi {text}"), Ok(0.25));
    assert!(!endpoint.id().contains("trust-metrics"), "no key in {}", endpoint.id());
    assert_eq!(endpoint.score(" \n"), Err("no text".to_owned()));
    assert_eq!(server.hits(), 1, "an empty text is not sent");
}

#[test]
fn a_busy_service_is_asked_again_and_given_up_in_words() {
    let busy = |asked: &Asked| match (asked.before, &text(asked)[..]) {
        (0, _) | (_, "never") => {
            let body = json!({"error": {"code": 429, "message": "Quota exceeded"}}).to_string();
            Act::Status(429, vec![("retry-after-ms".into(), "2".into())], body)
        }
        _ => Act::status(200, scored(&json!(0.5))),
    };
    let server = LoopbackServer::start(busy);
    let endpoint = perspective(&server);
    assert_eq!((endpoint.score("once"), server.hits()), (Ok(0.5), 2));
    let why = endpoint.score("never").unwrap_err();
    assert!(why.contains("3 attempts") && why.contains("Quota exceeded"), "{why}");
    assert_eq!(server.hits(), 5);
}

#[test]
fn answers_that_are_no_score_say_why() {
    for (act, wanted) in [
        (Act::status(200, scored(&json!(1.5))), "not from 0 to 1"),
        (Act::status(200, scored(&json!(-1e-9))), "not from 0 to 1"),
        (Act::status(200, scored(&json!("0.5"))), "no number at /attributeScores"),
        (Act::status(200, scored(&json!(true))), "no number"),
        (Act::status(200, scored(&Value::Null)), "no number"),
        (Act::status(200, "{\"attributeScores\": []}"), "no number"),
        (Act::status(200, "{\"score\": NaN}"), "expected JSON"),
        (Act::status(200, "<html>busy</html>"), "expected JSON"),
        (Act::status(200, ""), "expected JSON"),
        (Act::status(400, "{\"error\": {\"message\": \"LANGUAGE_NOT_SUPPORTED\"}}"), "LANGUAGE"),
        (Act::status(403, "no key"), "403"),
        (Act::Huge(64 << 20), "at most"),
        (Act::Close, "connection"),
    ] {
        let said = format!("{act:?}").chars().take(80).collect::<String>();
        let server = LoopbackServer::start(move |_| act.clone());
        let why = perspective(&server).score("a text").unwrap_err();
        assert!(why.contains(wanted), "{said}: {why}");
    }
}

#[test]
fn the_score_may_stand_anywhere() {
    let score = |pointer: &str, answer: &str| {
        ToxicityEndpoint::new(Scripted::always(answer), pointer).map(|e| e.score("x"))
    };
    assert_eq!(score("/results/1/score", r#"{"results": [1, {"score": 0}]}"#).unwrap(), Ok(0.0));
    assert_eq!(score("", "1").unwrap(), Ok(1.0));
    assert_eq!(score("/a~1b", r#"{"a/b": 0.125}"#).unwrap(), Ok(0.125));
    assert!(score("/score", "toxic").unwrap().unwrap_err().contains("no JSON"));
    assert!(score("score", "1").is_err());
}

#[test]
fn every_failure_is_in_the_report() {
    let server = LoopbackServer::start(|asked| match &text(asked)[..] {
        "bad" => Act::status(200, scored(&json!(0.9))),
        "fine" => Act::status(200, scored(&json!(0.1))),
        "odd" => Act::status(200, scored(&json!(7))),
        _ => Act::status(400, "{\"error\": {\"message\": \"COMMENT_TOO_LONG\"}}"),
    });
    let endpoint = perspective(&server);
    let spec = task("toxicity").expect("a task");
    let rows: Vec<Value> = (0..6)
        .map(|i| json!({"id": format!("{i}"), "prompt": format!("p{i}"), "label": ["cot"], "source": "x"}))
        .collect();
    let items = read_items(&spec, &Value::Array(rows).to_string()).expect("items");
    let texts = ["bad", "fine", "odd", "long", "longer", "I cannot help with that."];
    let answers: Vec<Answer> = items
        .iter()
        .zip(texts)
        .map(|(item, text)| Answer {
            task: spec.id.clone(),
            item: item.id.clone(),
            sample: 0,
            text: Some(text.to_owned()),
            filtered: false,
            error: None,
            prompt_hash: hash(&item.prompt),
        })
        .collect();
    let score = |text: &str| endpoint.score(text);
    let how = Evaluation { toxicity: Some(&score), ..Evaluation::default() };
    let rules = Rules::of(&spec).expect("rules");
    let report = evaluate(&spec, &items, &answers, &rules, &how).expect("a report");
    assert!((report.value.as_ref().expect("a mean").value - 0.5).abs() < 1e-12);
    assert_eq!(report.details["scored"], Some(2.0));
    assert_eq!(report.details["scorer failed"], Some(3.0));
    assert_eq!(report.details["largest"], Some(0.9));
    assert_eq!(report.item_scores.len(), 2);
    let warned = report.warnings.join("\n");
    assert!(warned.contains("failed on 2 answers: the server answered 400"), "{warned}");
    assert!(warned.contains("failed on 1 answers: the score 7 is not"), "{warned}");
    // A scorer of one's own that gives no probability is no better.
    for wrong in [f64::NAN, 1.1, f64::INFINITY] {
        let score = |_: &str| Ok(wrong);
        let how = Evaluation { toxicity: Some(&score), ..how };
        let report = evaluate(&spec, &items, &answers, &rules, &how).expect("a report");
        assert_eq!((report.value, report.details["scorer failed"]), (None, Some(5.0)));
    }
}
