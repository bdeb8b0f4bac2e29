//! The program `augment` stopped in the middle, by Ctrl-C and by the system, and started again.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Enough questions that asking takes a while.
const QUESTIONS: usize = 120;

/// Writes seed questions and a survey that asked them.
fn write_input(folder: &Path) {
    let (mut seeds, mut head, mut row) = (String::new(), String::new(), String::new());
    for i in 0..QUESTIONS {
        let content = format!("The goal of every parent in village {i} is a happy child.");
        let option = "1. Agree strongly 2. Agree 3. Disagree 4. Disagree strongly";
        let seed = serde_json::json!({
            "topic": "VALUES", "q_id": format!("Q{i}"), "q_content": content, "option": option,
        });
        let _ = writeln!(seeds, "{seed}");
        let _ = write!(head, ",Q{i}");
        let _ = write!(row, ",{}", 1 + i % 4);
    }
    std::fs::write(folder.join("seeds.jsonl"), seeds).unwrap();
    let table = format!("B_COUNTRY_ALPHA{head}\nNOR{row}\n");
    std::fs::write(folder.join("survey.csv"), table).unwrap();
}

fn augment(folder: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_augment"));
    command
        .arg("--seeds")
        .arg(folder.join("seeds.jsonl"))
        .arg("--survey")
        .arg(folder.join("survey.csv"))
        .args(["--culture", "North=NOR", "--rewrites", "2", "--samples", "2", "--concurrency", "2"])
        .arg("--out")
        .arg(out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Every answer kept so far, by what was asked; asserts that nothing was kept twice.
fn kept(out: &Path) -> HashSet<String> {
    let mut keys = HashSet::new();
    let file = std::fs::read_to_string(out.join("run/answers.jsonl")).unwrap_or_default();
    for line in file.lines().skip(1) {
        // A line that a kill has cut off is no JSON; it is asked again.
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        assert!(keys.insert(line["key"].to_string()), "asked twice: {line}");
    }
    keys
}

/// Stops a fresh start of the program by `stop` once it has some answers; `None` if it was faster.
fn stopped(folder: &Path, out: &Path, stop: impl Fn(&mut Child)) -> Option<(usize, bool, String)> {
    let _ = std::fs::remove_dir_all(out);
    let mut child = augment(folder, out).spawn().unwrap();
    let answers = out.join("run/answers.jsonl");
    let size = || std::fs::metadata(&answers).map_or(0, |file| file.len());
    while size() < 1_500 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it had answers");
        std::thread::sleep(Duration::from_millis(1));
    }
    stop(&mut child);
    let output = child.wait_with_output().unwrap();
    let found = kept(out).len();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (found < QUESTIONS).then_some((found, output.status.success(), said))
}

fn result(out: &Path) -> Vec<String> {
    let files = ["all.jsonl", "North.train.jsonl", "North.test.provenance.jsonl", "report.json"];
    files.iter().map(|name| std::fs::read_to_string(out.join(name)).unwrap()).collect()
}

/// Starts again after a stop, and compares with a run that nothing stopped.
fn goes_on(folder: &Path, out: &Path, before: usize) {
    let known = kept(out);
    let output = augment(folder, out).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("Going on with {before} answers")), "{said}");
    assert!(kept(out).is_superset(&known));
    assert_eq!(kept(out).len(), kept(&folder.join("whole")).len());
    assert_eq!(result(out), result(&folder.join("whole")));
    // Once more asks nothing and says the same.
    let asked = kept(out);
    assert!(augment(folder, out).output().unwrap().status.success());
    assert_eq!(kept(out), asked);
}

#[cfg(unix)]
#[test]
fn stopped_runs_end_as_whole_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, out) = (dir.path(), dir.path().join("stopped"));
    write_input(folder);
    let whole = augment(folder, &folder.join("whole")).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));

    let interrupt = |child: &mut Child| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    };
    // A busy machine may let the program end before it is stopped: then once more.
    let (answers, success, said) =
        (0..20).find_map(|_| stopped(folder, &out, interrupt)).expect("it can be stopped");
    assert!(success, "an interrupt is no failure");
    let told = said.split("Interrupted with ").nth(1).and_then(|rest| rest.split(' ').next());
    let told: usize = told.and_then(|number| number.parse().ok()).expect(&said);
    // The two that were being answered meanwhile may have been kept as well.
    assert!((told..=told + 2).contains(&answers), "{told} of {answers}");
    assert!(!out.join("all.jsonl").exists());
    goes_on(folder, &out, answers);

    let kill = |child: &mut Child| child.kill().unwrap();
    let (answers, success, _) =
        (0..20).find_map(|_| stopped(folder, &out, kill)).expect("it can be killed");
    assert!(!success && !out.join("all.jsonl").exists());
    goes_on(folder, &out, answers);
}
