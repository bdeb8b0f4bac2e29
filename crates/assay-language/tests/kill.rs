//! A run killed in the middle by the system, by a real child process, and taken up again.

use std::process::{Command, Stdio};
use std::time::Duration;

use assay_language::testing::{Act, LoopbackServer};
use assay_language::{HttpModelConfig, Proxy, Request, Run, RunConfig};
use serde_json::json;

const QUESTIONS: usize = 300;
const AT_ONCE: usize = 8;
const FOLDER: &str = "ASSAY_KILL_FOLDER";
const SERVER: &str = "ASSAY_KILL_SERVER";

/// The child: does nothing unless the parent below has named a folder and a server.
#[test]
fn child() {
    let (Ok(folder), Ok(server)) = (std::env::var(FOLDER), std::env::var(SERVER)) else { return };
    let model = HttpModelConfig::new(server, "m").with_proxy(Proxy::Direct).init().unwrap();
    let run = Run::open(folder, &json!({"questions": QUESTIONS})).unwrap();
    let config = RunConfig::new().with_concurrency(AT_ONCE);
    let requests = (0..QUESTIONS).map(|i| Request::new(format!("q{i}")));
    let progress = run.each(&config, &model, requests, |_, answer, _| answer.map(|_| ()));
    assert_eq!(progress.unwrap().done as usize, QUESTIONS);
}

fn start(folder: &std::path::Path, server: &LoopbackServer) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact"])
        .env(FOLDER, folder)
        .env(SERVER, server.base_url())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn nothing_is_lost_or_asked_twice() {
    let dir = tempfile::tempdir().unwrap();
    let server = LoopbackServer::start(|asked| {
        Act::Slow(Duration::from_millis(3), Box::new(Act::Answer(asked.prompt.to_uppercase())))
    });
    let mut killed = 0;
    // Kill (SIGKILL) after more and more questions.
    for limit in [40, 120, 200] {
        let mut child = start(dir.path(), &server);
        while server.hits() < limit {
            assert!(child.try_wait().unwrap().is_none(), "the child ended before it was killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(start(dir.path(), &server).wait().unwrap().success());

    // All answers are there, and each is the answer to its question.
    let run = Run::open(dir.path(), &json!({"questions": QUESTIONS})).unwrap();
    assert_eq!(run.cache().report().answers, QUESTIONS);
    assert!(run.manifest().unwrap().unwrap().finished);
    // Only what was under way at a kill can have been asked again: its answer never arrived.
    let prompts = server.prompts();
    assert_eq!(prompts.len(), QUESTIONS);
    let again: usize = prompts.values().map(|count| count - 1).sum();
    assert!(again <= killed * AT_ONCE, "{again} questions asked again after {killed} kills");
    // Once more asks nothing.
    let hits = server.hits();
    assert!(start(dir.path(), &server).wait().unwrap().success());
    assert_eq!(server.hits(), hits);
}
