//! Retries, limits, caps, runs, cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay_language::{
    BoxFuture, Cancel, CostCap, Error, OfflineModel, RateLimit, Request, Response, Result,
    RetryPolicy, RunConfig, Scripted, TextModel, Usage, batch,
};
use futures_timer::Delay;
use serde_json::json;

fn overloaded(retry_after: Option<Duration>) -> Error {
    Error::Status { status: 429, body: "slow down".into(), retry_after, transient: true }
}

fn quick() -> RetryPolicy {
    RetryPolicy::new().with_waits(Duration::from_millis(1), Duration::from_millis(4))
}

#[test]
fn transient_errors_are_tried_again_and_others_not() {
    let model = Scripted::new(|_, turn| match turn {
        0 => Err(overloaded(None)),
        1 => Err(Error::Connection { problem: "reset".into() }),
        _ => Ok(Response::new("there")),
    });
    let model = quick().around(model);
    assert_eq!(model.ask(&Request::new("x")).unwrap().text(), "there");

    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let refused = quick().around(Scripted::new(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        let body = "bad key".into();
        Err(Error::Status { status: 401, body, retry_after: None, transient: false })
    }));
    assert!(matches!(refused.ask(&Request::new("x")), Err(Error::Status { status: 401, .. })));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn attempts_end() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let model = quick().with_attempts(3).around(Scripted::new(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        Err(overloaded(None))
    }));
    let error = model.ask(&Request::new("x")).unwrap_err();
    assert!(matches!(error, Error::Exhausted { attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("429"));
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[test]
fn the_server_is_waited_for_but_not_for_ever() {
    let asked = Duration::from_millis(60);
    let model = quick().around(Scripted::new(move |_, turn| match turn {
        0 => Err(overloaded(Some(asked))),
        _ => Ok(Response::new("ok")),
    }));
    let start = Instant::now();
    model.ask(&Request::new("x")).unwrap();
    assert!(start.elapsed() >= asked);

    let patient = quick().with_longest_retry_after(Duration::from_secs(5));
    let model =
        patient.around(Scripted::new(|_, _| Err(overloaded(Some(Duration::from_hours(1))))));
    assert!(matches!(model.ask(&Request::new("x")), Err(Error::Status { .. })));
}

/// Waits, counts how many wait at once, and answers.
struct Slow {
    time: Duration,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Slow {
    fn new(time: Duration) -> Self {
        Self { time, now: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }
}

impl TextModel for Slow {
    fn id(&self) -> String {
        "slow".into()
    }

    fn generate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            Delay::new(self.time).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            Ok(Response::new(request.prompt()))
        })
    }
}

#[test]
fn a_slow_answer_is_a_timeout() {
    let limit = Duration::from_millis(5);
    let model = RetryPolicy::new().with_attempts(1).with_timeout(limit);
    let model = model.around(Slow::new(Duration::from_mins(1)));
    let error = model.ask(&Request::new("x")).unwrap_err();
    assert!(matches!(error, Error::Exhausted { attempts: 1, ref last }
        if matches!(**last, Error::Timeout { .. })));
}

#[test]
fn runs_are_bounded_and_keep_their_order() {
    let model = Slow::new(Duration::from_millis(2));
    let requests = (0..200).map(|i| Request::new(i.to_string()));
    let run = RunConfig::new().with_concurrency(7);
    let mut last = 0;
    let answers = run.collect(&model, requests, |p| last = p.done).unwrap();
    for (i, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_ref().unwrap().text(), i.to_string());
    }
    assert_eq!(model.most.load(Ordering::SeqCst), 7);
    assert_eq!(last, 200);
}

#[test]
fn bad_requests_fail_alone() {
    let requests = vec![
        Request::new("a"),
        Request::new("a").with_temperature(f64::NAN),
        Request::new("a").with_top_p(0.0),
        Request::new("a").with_count(0),
        Request::new("a").with_max_tokens(0),
        Request::conversation(Vec::new()),
        Request::new("\u{0}{}{{%s}} \u{1b}[31m\n\r \u{202e} braces"),
    ];
    let answers = RunConfig::new().collect(&OfflineModel::new(), requests, |_| ()).unwrap();
    let failed: Vec<bool> = answers.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, true, true, true, true, true, false]);
}

#[test]
fn cancelling_drops_what_is_under_way() {
    let model = Slow::new(Duration::from_hours(1));
    let cancel = Cancel::new();
    let switch = cancel.clone();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let requests = (0..).map(move |i: u64| {
        counter.fetch_add(1, Ordering::SeqCst);
        Request::new(i.to_string())
    });
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        switch.cancel();
    });
    let run = RunConfig::new().with_concurrency(5).with_cancel(&cancel);
    let mut cancelled = 0;
    run.each(&model, requests, |_, answer, _| {
        assert!(matches!(answer, Err(Error::Cancelled)));
        cancelled += 1;
        Ok(())
    })
    .unwrap();
    thread.join().unwrap();
    assert_eq!((cancelled, taken.load(Ordering::SeqCst)), (5, 5));
    assert!(run.collect(&model, [Request::new("x")], |_| ()).is_err());
}

#[test]
fn an_error_of_the_callback_ends_the_run() {
    let requests = (0..).map(|i: u64| Request::new(i.to_string()));
    let run = RunConfig::new().each(&OfflineModel::new(), requests, |_, _, p| {
        if p.done == 10 { Err(Error::Cancelled) } else { Ok(()) }
    });
    assert!(matches!(run, Err(Error::Cancelled)));
}

#[test]
fn rates_hold_back() {
    let limit = RateLimit::new().with_requests_per_minute(6000.0).with_burst(Duration::ZERO);
    let model = limit.around(OfflineModel::new()).unwrap();
    let start = Instant::now();
    let requests = (0..11).map(|i| Request::new(i.to_string()));
    RunConfig::new().with_concurrency(11).collect(&model, requests, |_| ()).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(RateLimit::new().with_tokens_per_minute(bad).around(OfflineModel::new()).is_err());
    }
}

#[test]
fn the_cap_holds_at_any_concurrency() {
    // Each answer costs 3 + 2·4 = 11 where the worst case is more.
    let model = Scripted::new(|_, _| {
        let usage = Some(Usage { prompt_tokens: 3, completion_tokens: 4 });
        Ok(Response { usage, ..Response::new("ok") })
    });
    let cap = CostCap::new(1.0, 2.0, 1000.0).around(model).unwrap();
    let requests = (0..500).map(|i| Request::new(i.to_string()).with_max_tokens(20));
    let answers = RunConfig::new().with_concurrency(50).collect(&cap, requests, |_| ()).unwrap();
    let good = answers.iter().filter(|a| a.is_ok()).count() as f64;
    let spent = cap.spent();
    assert!(spent.cost <= 1000.0 && (spent.cost - 11.0 * good).abs() < 1e-9);
    // All but the last worst case is used.
    assert!(spent.cost > 1000.0 - 60.0 - 11.0, "{spent:?}");
    assert_eq!(spent.uncounted, 0);
    let refused = answers.iter().find_map(|a| a.as_ref().err());
    assert!(matches!(refused, Some(Error::CostCap { .. })));
    assert!(CostCap::new(-1.0, 0.0, 1.0).around(OfflineModel::new()).is_err());
    assert!(CostCap::new(1.0, 0.0, f64::NAN).around(OfflineModel::new()).is_err());
}

#[test]
fn failures_stay_counted_at_their_worst() {
    let model = CostCap::new(1.0, 1.0, 1e6).around(Scripted::new(|_, _| Err(overloaded(None))));
    let model = model.unwrap();
    assert!(model.ask(&Request::new("abc").with_max_tokens(10)).is_err());
    assert_eq!(model.spent().cost, 3.0 + 16.0 + 10.0);
    assert_eq!(model.spent().uncounted, 1);
}

#[test]
fn the_offline_model_depends_on_seed_and_request_alone() {
    let texts = |seed: u64| -> Vec<String> {
        let model = OfflineModel::new().with_seed(seed);
        let requests = (0..50).map(|i| Request::new("from 1 to 1000000").with_sample(i));
        let answers = RunConfig::new().with_concurrency(9).collect(&model, requests, |_| ());
        answers.unwrap().into_iter().map(|a| a.unwrap().text().to_owned()).collect()
    };
    assert_eq!(texts(1), texts(1));
    assert_ne!(texts(1), texts(2));
    let model = OfflineModel::new();
    let several = model.ask(&Request::new("from 1 to 1000000").with_count(5)).unwrap();
    assert_eq!(several.choices.len(), 5);
    assert_ne!(several.choices[0].text, several.choices[1].text);
    let cut = model.ask(&Request::new("say: one two three four").with_max_tokens(2)).unwrap();
    assert_eq!(cut.text(), "one two");
}

#[test]
fn batches_go_and_come_back() {
    let requests: Vec<Request> = (0..4).map(|i| Request::new(format!("q{i}"))).collect();
    let mut file = Vec::new();
    batch::write(&mut file, assay_language::Api::Chat, "m", &requests).unwrap();
    let text = String::from_utf8(file).unwrap();
    let ids: Vec<String> = text
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["url"], "/v1/chat/completions");
            line["custom_id"].as_str().unwrap().to_owned()
        })
        .collect();
    let good = json!({"choices": [{"message": {"content": "a0"}, "finish_reason": "stop"}]});
    let answers = [
        json!({"custom_id": ids[2], "response": {"status_code": 429, "body": {"error": "slow"}}}),
        json!({"custom_id": ids[0], "response": {"status_code": 200, "body": good}, "error": null}),
        json!({"custom_id": ids[1], "response": null, "error": {"message": "expired"}}),
        json!({"custom_id": "of somebody else", "response": {}}),
    ];
    let mut lines: Vec<String> = answers.iter().map(ToString::to_string).collect();
    lines.push("\n{ torn".into());
    let output = lines.join("\n");
    let answers = batch::read(output.as_bytes()).unwrap();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers.get("m", &requests[0]).unwrap().as_ref().unwrap().text(), "a0");
    assert!(answers.get("m", &requests[1]).unwrap().is_err());
    assert!(matches!(answers.get("m", &requests[2]), Some(Err(Error::Status { status: 429, .. }))));
    assert!(answers.get("m", &requests[3]).is_none());
    assert_eq!(answers.unread.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn models_are_objects() {
    fn check<T: Send + Sync>(_: &T) {}
    let models: Vec<Arc<dyn TextModel>> =
        vec![Arc::new(OfflineModel::new()), Arc::new(Scripted::always("x"))];
    for model in &models {
        check(model);
        let layered = RetryPolicy::new().around(Arc::clone(model));
        assert!(layered.ask(&Request::new("hello")).is_ok());
    }
}
