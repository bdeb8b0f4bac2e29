//! The cache against crashes, damage, other processes and other versions.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use assay_language::{
    Cache, CacheConfig, Cached, Error, Key, OfflineModel, Replay, Request, Response, Run,
    RunConfig, Scripted, TextModel,
};
use proptest::prelude::*;
use serde_json::json;

fn request(i: usize) -> Request {
    Request::new(format!("question {i}"))
}

fn filled(path: &std::path::Path, count: usize) {
    let cache = Cache::open(path).unwrap();
    for i in 0..count {
        cache.put("m", &request(i), &Response::new(format!("answer {i}\n\"é\""))).unwrap();
    }
}

fn answer(cache: &Cache, i: usize) -> Option<String> {
    cache.get(&Key::of("m", &request(i))).unwrap().map(|r| r.text().to_owned())
}

#[test]
fn answers_come_back_in_another_process_life() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.jsonl");
    filled(&path, 20);
    let cache = Cache::open(&path).unwrap();
    assert_eq!(cache.report().answers, 20);
    assert_eq!(answer(&cache, 7).unwrap(), "answer 7\n\"é\"");
    assert_eq!(answer(&cache, 20), None);
    // Every line is JSON that other programs can read.
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_file_cut_anywhere_keeps_all_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.jsonl");
    filled(&path, 4);
    let bytes = std::fs::read(&path).unwrap();
    let header = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
    for end in header..=bytes.len() {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let whole = bytes[header..end].split(|&b| b == b'\n').count() - 1;
        let cache = Cache::open(&path).unwrap();
        assert_eq!(cache.report().answers, whole, "cut at {end}");
        // The next answer is safe whatever stood before it.
        cache.put("m", &request(9), &Response::new("new")).unwrap();
        assert_eq!(answer(&cache, 9).unwrap(), "new");
        drop(cache);
        let cache = Cache::open(&path).unwrap();
        // A line that lacked nothing but its end is found again.
        let saved = usize::from(end < bytes.len() && bytes[end] == b'\n');
        assert_eq!(cache.report().answers, whole + 1 + saved, "cut at {end}");
        for i in 0..whole {
            assert!(answer(&cache, i).is_some());
        }
    }
}

#[test]
fn damage_costs_only_the_damaged_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.jsonl");
    filled(&path, 3);
    let mut text = std::fs::read_to_string(&path).unwrap();
    text = text.replacen("answer 1", "answer 8", 1);
    std::fs::write(&path, text).unwrap();
    let cache = Cache::open(&path).unwrap();
    assert_eq!((cache.report().answers, cache.report().skipped), (2, 1));
    assert_eq!(answer(&cache, 1), None);
}

#[test]
fn other_files_and_newer_versions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.jsonl");
    std::fs::write(&path, "{\"format\":\"assay cache\",\"version\":2}\n").unwrap();
    let error = Cache::open(&path).unwrap_err();
    assert!(matches!(error, Error::Version { known: 1, .. }), "{error}");
    std::fs::write(&path, "name,age\nAda,36\n").unwrap();
    assert!(matches!(Cache::open(&path), Err(Error::Format { line: 1, .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "name,age\nAda,36\n", "left alone");
    assert!(matches!(Cache::open(dir.path()), Err(Error::File { .. })));
    assert!(matches!(Replay::open(dir.path().join("none"), "m"), Err(Error::File { .. })));
}

#[test]
fn two_openers_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.jsonl");
    let (a, b) = (Cache::open(&path).unwrap(), Cache::open(&path).unwrap());
    std::thread::scope(|scope| {
        for (cache, offset) in [(&a, 0), (&b, 100)] {
            scope.spawn(move || {
                for i in 0..100 {
                    let text = "x".repeat(i * 7);
                    cache.put("m", &request(offset + i), &Response::new(text)).unwrap();
                }
            });
        }
    });
    for i in 0..200 {
        assert_eq!(answer(&a, i).unwrap().len(), i % 100 * 7);
        assert_eq!(answer(&b, i), answer(&a, i));
    }
    assert_eq!(Cache::open(&path).unwrap().report().skipped, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_nothing_breaks() {
    // Opening succeeds or fails as the header is written; no panic either way.
    let error = CacheConfig::new().open("/dev/full").unwrap_err();
    assert!(matches!(error, Error::File { .. } | Error::Format { .. }), "{error}");
}

#[test]
fn the_same_question_is_asked_once_even_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::open(dir.path().join("c.jsonl")).unwrap());
    let model = Arc::new(Scripted::new(|request, _| {
        std::thread::sleep(Duration::from_millis(1));
        Ok(Response::new(request.prompt()))
    }));
    let cached = Cached::new(Arc::clone(&model), cache);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let requests = (0..100).map(|i| request(i % 10));
                RunConfig::new().with_concurrency(30).collect(&cached, requests, |_| ()).unwrap();
            });
        }
    });
    assert_eq!(model.asked().len(), 10);
}

#[test]
fn errors_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::open(dir.path().join("c.jsonl")).unwrap());
    let model = Scripted::new(|_, turn| match turn {
        0 => Err(Error::Connection { problem: "reset".into() }),
        _ => Ok(Response::new("now")),
    });
    let cached = Cached::new(model, cache);
    assert!(cached.ask(&request(0)).is_err());
    assert_eq!(cached.ask(&request(0)).unwrap().text(), "now");
}

#[test]
fn manifests_tell_runs_apart() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::open(dir.path(), &json!({"seed": 1})).unwrap();
    assert!(run.manifest().unwrap().is_none());
    let requests = || (0..5).map(request);
    run.each(&RunConfig::new(), &OfflineModel::new(), requests(), |_, _, _| Ok(())).unwrap();
    let manifest = run.manifest().unwrap().unwrap();
    assert!(manifest.finished && manifest.done == 5 && manifest.failed == 0);
    let error = Run::open(dir.path(), &json!({"seed": 2})).unwrap_err();
    assert!(matches!(error, Error::OtherRun { .. }), "{error}");

    let path = dir.path().join("run.json");
    for (text, newer) in [("{\"version\": 9}", true), ("{", false), ("[1]", true), ("", false)] {
        std::fs::write(&path, text).unwrap();
        let error = Run::open(dir.path(), &json!({"seed": 1})).unwrap_err();
        assert_eq!(matches!(error, Error::Version { .. }), newer, "{text}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_round_trips(prompt: String, text: String, model: String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.jsonl");
        let request = Request::new(prompt);
        Cache::open(&path).unwrap().put(&model, &request, &Response::new(&text)).unwrap();
        let found = Cache::open(&path).unwrap().get(&Key::of(&model, &request)).unwrap();
        let found = found.unwrap();
        prop_assert_eq!(found.text(), text);
    }

    #[test]
    fn any_bytes_open_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.jsonl");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"{\"format\":\"assay cache\",\"version\":1}\n").unwrap();
        file.write_all(&bytes).unwrap();
        prop_assert_eq!(Cache::open(&path).unwrap().report().answers, 0);
        std::fs::write(&path, &bytes).unwrap();
        let _ = Cache::open(&path);
    }
}
