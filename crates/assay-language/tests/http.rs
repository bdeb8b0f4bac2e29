//! The client against a server that misbehaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_language::testing::{Act, Asked, LoopbackServer};
use assay_language::{
    Api, Cancel, Error, HttpModel, HttpModelConfig, Proxy, Request, Result, RetryPolicy, RunConfig,
    TextModel,
};
use serde_json::json;

fn client(server: &LoopbackServer) -> HttpModelConfig {
    HttpModelConfig::new(server.base_url(), "m").with_proxy(Proxy::Direct)
}

/// The answer to one question of a server that always acts like this.
fn ask(act: Act) -> Result<String> {
    let server = LoopbackServer::start(move |_| act.clone());
    let model = client(&server).with_max_body(1 << 16).init().unwrap();
    model.ask(&Request::new("hello")).map(|r| r.text().to_owned())
}

#[test]
fn a_good_server_is_asked_in_its_protocol() {
    let server = LoopbackServer::start(|asked: &Asked| {
        assert_eq!(asked.body["temperature"], 0.5);
        assert_eq!(asked.body["extra"], "field");
        Act::Answer(format!("{} {}", asked.path, asked.prompt))
    });
    let request = Request::new("hi \u{0} {braces}").with_temperature(0.5);
    for (api, path) in [(Api::Chat, "/v1/chat/completions"), (Api::Completions, "/v1/completions")]
    {
        let model =
            client(&server).with_api(api).with_extra("extra", json!("field")).init().unwrap();
        let answer = model.ask(&request).unwrap();
        assert_eq!(answer.text(), format!("{path} hi \u{0} {{braces}}"));
        assert_eq!(answer.usage.unwrap().prompt_tokens, 5);
        assert!(model.id().starts_with("m at 127.0.0.1:"));
    }
}

#[test]
fn every_misbehaviour_is_its_error() {
    let retried = |result: Result<String>| match result {
        Err(error) => error.retry() != assay_language::Retry::No,
        Ok(text) => panic!("answered {text}"),
    };
    assert!(retried(ask(Act::Close)));
    assert!(retried(ask(Act::CutOff("{\"choices\":[{\"message\":{\"content\":\"x\"}}]}".into()))));
    assert!(retried(ask(Act::status(200, "{not json"))));
    assert!(retried(ask(Act::status(200, "{\"choices\":[]}"))));
    assert!(retried(ask(Act::status(429, ""))));
    assert!(retried(ask(Act::status(500, "oops"))));
    assert!(retried(ask(Act::status(400, "{\"detail\":\"server overloaded\"}"))));
    assert!(retried(ask(Act::Raw(b"HTTP/9.9 what\r\n\r\n".to_vec()))));
    assert!(!retried(ask(Act::status(401, "no"))));
    assert!(matches!(ask(Act::Huge(1 << 20)), Err(Error::TooLarge { limit: 65536 })));
    let large = format!("{{\"pad\":\"{}\"}}", "x".repeat(1 << 17));
    assert!(matches!(ask(Act::status(200, large)), Err(Error::TooLarge { .. })));

    let to = vec![("location".to_owned(), "http://example.org/v1".to_owned())];
    for status in [301, 302, 307, 308] {
        match ask(Act::Status(status, to.clone(), String::new())) {
            Err(Error::Status { status: got, body, transient: false, .. }) => {
                assert_eq!(got, status);
                assert!(body.contains("http://example.org/v1"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn odd_but_readable_answers_are_read() {
    let body = json!({
        "object": "oracle", "service_tier": "on_demand", "choices": [
            {"index": "zero", "message": {"content": "yes", "mood": 3}, "finish_reason": ""}],
        "usage": null,
    });
    assert_eq!(ask(Act::status(200, body.to_string())).unwrap(), "yes");
    assert_eq!(ask(Act::Answer(String::new())).unwrap(), "");
}

#[test]
fn retries_reach_the_answer_and_wait_as_told() {
    let server = LoopbackServer::start(|asked| match asked.before {
        0 => Act::Status(429, vec![("retry-after".into(), "0.05".into())], "{}".into()),
        1 => Act::status(503, "overloaded"),
        2 => Act::CutOff("{\"choices\":[]}".into()),
        3 => Act::Close,
        _ => Act::Answer("at last".into()),
    });
    let policy = RetryPolicy::new().with_waits(Duration::from_millis(1), Duration::from_millis(2));
    let model = policy.around(client(&server).init().unwrap());
    let start = Instant::now();
    assert_eq!(model.ask(&Request::new("x")).unwrap().text(), "at last");
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(server.hits(), 5);
}

#[test]
fn timeouts_and_cancellation_end_a_slow_answer() {
    let server =
        LoopbackServer::start(|_| Act::Slow(Duration::from_hours(1), Box::new(Act::Close)));
    let model = client(&server).init().unwrap();
    let policy = RetryPolicy::new().with_attempts(1).with_timeout(Duration::from_millis(20));
    let error = policy.around(&model).ask(&Request::new("x")).unwrap_err();
    assert!(error.to_string().contains("20ms"), "{error}");

    let cancel = Cancel::new();
    let switch = cancel.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        switch.cancel();
    });
    let run = RunConfig::new().with_cancel(&cancel);
    let answers = run.collect(&model, [Request::new("x")], |_| ());
    assert!(matches!(answers, Err(Error::Cancelled)));
    thread.join().unwrap();
}

#[test]
fn many_requests_share_the_client() {
    let server = LoopbackServer::start(|asked| {
        Act::Slow(Duration::from_millis(200), Box::new(Act::Answer(asked.prompt.clone())))
    });
    let model = client(&server).init().unwrap();
    let requests = (0..300).map(|i| Request::new(i.to_string()));
    let run = RunConfig::new().with_concurrency(150);
    let answers = run.collect(&model, requests, |_| ()).unwrap();
    for (i, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_ref().unwrap().text(), i.to_string());
    }
    let most = server.most_at_once();
    assert!(most > 100 && most <= 150, "{most} at once");
}

#[test]
fn the_key_is_sent_and_shown_nowhere() {
    // The only test that touches this variable.
    let name = "ASSAY_TEST_KEY_5e2a";
    let missing = HttpModelConfig::new("https://localhost/v1", "m").with_key_from(name).init();
    assert!(matches!(missing, Err(Error::Setting { name: "API key", .. })));

    // A key that the environment of cargo always has: nothing needs to be set, which would be unsafe.
    let key = std::env::var("CARGO_PKG_NAME").unwrap();
    let server = LoopbackServer::start(|asked: &Asked| {
        Act::status(401, format!("wrong: {}", asked.authorization.clone().unwrap_or_default()))
    });
    let config = client(&server).with_key_from("CARGO_PKG_NAME");
    let model: HttpModel = config.clone().init().unwrap();
    let error = model.ask(&Request::new("x")).unwrap_err();
    assert!(error.to_string().contains("wrong: Bearer [key]"), "{error}");
    for text in [format!("{model:?}"), format!("{config:?}"), format!("{error:?}"), model.id()] {
        assert!(!text.replace("CARGO_PKG_NAME", "").contains(&key), "{text}");
    }

    let plain = HttpModelConfig::new("http://example.org/v1", "m").with_key_from("CARGO_PKG_NAME");
    assert!(matches!(plain.clone().init(), Err(Error::Setting { name: "base URL", .. })));
    assert!(plain.with_key_over_plain_http().init().is_ok());
}

#[test]
fn a_service_of_another_form_is_a_model() {
    let server = LoopbackServer::start(|asked: &Asked| {
        let key = asked.headers.iter().find(|(name, _)| name == "x-goog-api-key");
        let reply = json!({"path": asked.path, "body": asked.body, "key": key.is_some()});
        match asked.before {
            0 => Act::Status(429, vec![("retry-after-ms".into(), "1".into())], "slow down".into()),
            1 => Act::status(200, "<html>"),
            _ => Act::status(200, reply.to_string()),
        }
    });
    let url = format!("{}/score:it?v=1", server.base_url());
    let body = json!({"doc": [{"text": "{text}"}, "{text} not"], "n": 1});
    let config = HttpModelConfig::service(&url, "scorer", body.clone())
        .with_key_from("CARGO_PKG_NAME")
        .with_key_header("X-Goog-Api-Key")
        .with_proxy(Proxy::Direct);
    let quick = Duration::from_millis(1);
    let model = RetryPolicy::new().with_waits(quick, quick).around(config.clone().init().unwrap());
    let answer = model.ask(&Request::new("\"hi\" {text}")).unwrap();
    assert_eq!(answer.raw["path"], "/v1/score:it?v=1");
    assert_eq!(
        answer.raw["body"],
        json!({"doc": [{"text": "\"hi\" {text}"}, "{text} not"], "n": 1})
    );
    assert_eq!(answer.raw["key"], true);
    assert_eq!(server.hits(), 3);
    // The body is part of what the service is.
    let other = HttpModelConfig::service(&url, "scorer", json!({"x": "{text}"}));
    assert_ne!(model.id(), other.with_proxy(Proxy::Direct).init().unwrap().id());
    let bad = config.with_key_header("no name").init();
    assert!(matches!(bad, Err(Error::Setting { name: "key header", .. })));
}

#[test]
fn bad_settings_are_refused() {
    for url in ["", "not a url", "ftp://x/v1", "file:///etc/passwd"] {
        assert!(HttpModelConfig::new(url, "m").init().is_err(), "{url}");
    }
    let proxy = Proxy::Url("::".into());
    assert!(HttpModelConfig::new("http://localhost", "m").with_proxy(proxy).init().is_err());
    // Nobody listens: an error that may be tried again.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let model = HttpModelConfig::new(format!("http://{address}/v1"), "m").with_proxy(Proxy::Direct);
    let error = model.init().unwrap().ask(&Request::new("x")).unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
}

#[test]
fn a_proxy_is_used() {
    // The loopback server stands in for a proxy: it sees the whole URL as the path.
    let server = LoopbackServer::start(|asked| Act::Answer(asked.path.clone()));
    let proxy = Proxy::Url(server.base_url().trim_end_matches("/v1").to_owned());
    let model = HttpModelConfig::new("http://models.example/v1", "m").with_proxy(proxy);
    let answer = model.init().unwrap().ask(&Request::new("x")).unwrap();
    assert_eq!(answer.text(), "http://models.example/v1/chat/completions");
}

#[test]
fn models_can_be_dropped_inside_another_runtime() {
    let server = LoopbackServer::start(|_| Act::Answer("ok".into()));
    let model = Arc::new(client(&server).init().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let text = runtime.block_on(async move {
        let answer = model.generate(&Request::new("x")).await.unwrap();
        drop(model);
        answer.text().to_owned()
    });
    assert_eq!(text, "ok");
}
