//! A task's answers, killed in the middle by the system (SIGKILL of a real child process) and asked for again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assay_language::{Response, Scripted};
use serde_json::{Value, json};
use trust_metrics::answers::Answer;
use trust_metrics::run::{Generation, generate};
use trust_metrics::task::{Item, TaskSpec, read_items, task};

const QUESTIONS: usize = 200;
const FOLDER: &str = "TRUST_KILL_FOLDER";
const FILE: &str = "exaggerated-safety.jsonl";

fn questions() -> (TaskSpec, Vec<Item>) {
    let spec = task("exaggerated-safety").expect("a task");
    let rows: Vec<Value> =
        (0..QUESTIONS).map(|i| json!({"prompt": format!("q{i}"), "type": "t"})).collect();
    let items = read_items(&spec, &json!(rows).to_string()).expect("items");
    (spec, items)
}

/// Each answer is that of its question, so that a mixed-up file is noticed.
fn model(pause: Duration) -> Scripted {
    Scripted::new(move |request, _| {
        std::thread::sleep(pause);
        Ok(Response::new(request.prompt().to_uppercase()))
    })
}

fn ask(folder: &Path, model: &Scripted) -> Vec<Answer> {
    let (spec, items) = questions();
    generate(folder, &spec, &items, model, &Generation::default(), |_| {}).expect("a run")
}

/// The child: does nothing unless the parent below has named a folder.
#[test]
fn child() {
    if let Ok(folder) = std::env::var(FOLDER) {
        ask(Path::new(&folder), &model(Duration::from_millis(3)));
    }
}

#[test]
fn a_killed_run_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().expect("a folder");
    ask(whole.path(), &model(Duration::ZERO));
    let killed = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["resume::child", "--exact"])
        .env(FOLDER, killed.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("a child");
    // As soon as some answers are kept, and long before all are.
    let kept = || {
        let files = std::fs::read_dir(killed.path()).expect("the folder");
        let sizes = files.flatten().filter_map(|file| file.metadata().ok());
        sizes.filter(std::fs::Metadata::is_file).map(|of| of.len()).max().unwrap_or(0)
    };
    while kept() < 4000 {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(!killed.path().join(FILE).exists(), "the task's file is written at the end, whole");
    let again = model(Duration::ZERO);
    let answers = ask(killed.path(), &again);
    assert!((1..QUESTIONS).contains(&again.asked().len()), "{} asked", again.asked().len());
    assert!(answers.iter().all(|a| a.text == Some(format!("Q{}", a.item))));
    let read = |folder: &Path| std::fs::read(folder.join(FILE)).expect("the task's file");
    assert_eq!(read(killed.path()), read(whole.path()));
}
