//! The program for CIFAR-10's robust transformers on a few made-up images.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assay_array::io::safetensors::SafeTensors;

/// Six files of eight records each, whose brightness tells the class.
fn data(folder: &Path) {
    let names = (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".to_owned()]);
    for (file, name) in names.enumerate() {
        let mut bytes = vec![];
        for record in 0..8 {
            let class = (file + record) % 10;
            bytes.push(class as u8);
            bytes.extend((0..3072).map(|i| (25 * class + (i * 7 + record) % 20) as u8));
        }
        std::fs::write(folder.join(name), bytes).expect("the folder can be written");
    }
}

fn command(data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_robust_cifar10"));
    command.arg("--data").arg(data).arg("--out").arg(out);
    let small = [
        ["--width", "8"],
        ["--depth", "1"],
        ["--heads", "2"],
        ["--batch", "4"],
        ["--images", "8"],
        ["--attacked", "2"],
    ];
    for setting in small.iter().filter(|setting| !more.contains(&setting[0])) {
        command.args(setting);
    }
    command.args(more);
    command
}

fn run(data: &Path, out: &Path, more: &[&str]) -> Output {
    command(data, out, more).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_method_trains_and_is_attacked() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    for (method, attack) in
        [("clean", "FGSM"), ("adversarial", "PGD-100"), ("trades", "PGD-20"), ("mart", "margin")]
    {
        let out = dir.path().join(method);
        let told = said(&run(dir.path(), &out, &["--method", method, "--passes", "1"]));
        assert!(told.contains("0 passes done") && told.contains("pass   1 of 1"), "{told}");
        let report = std::fs::read_to_string(out.join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let names = report["attacks"].to_string();
        assert!(names.contains(attack), "{names}");
        assert!(report["violations"].as_array().unwrap().is_empty());
        for file in ["report.md", "index.html", "penalty-1.safetensors", "net-1.safetensors"] {
            assert!(out.join(file).exists(), "{method}: {file}");
        }
    }
}

#[test]
fn a_run_that_was_stopped_ends_as_one_that_was_not() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let settings = ["--method", "adversarial", "--passes", "4"];
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut"));
    said(&run(dir.path(), &whole, &settings));

    let mut child =
        command(dir.path(), &cut, &settings).stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reached = lines.map_while(Result::ok).find(|line| line.starts_with("pass   2"));
    assert!(reached.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = said(&run(dir.path(), &cut, &settings));
    assert!(!rest.contains("pass   2 of"), "{rest}");

    let report = |folder: &Path| std::fs::read_to_string(folder.join("report.json")).unwrap();
    assert_eq!(report(&whole), report(&cut));
    // Tensors may stand in another order.
    for file in ["net-4.safetensors", "penalty-4.safetensors"] {
        let [a, b] = [&whole, &cut].map(|f| SafeTensors::open(f.join(file)).unwrap());
        assert!(!a.infos().is_empty() && a.infos().len() == b.infos().len());
        for info in a.infos() {
            assert_eq!(a.bytes(&info.name).unwrap().1, b.bytes(&info.name).unwrap().1, "{info:?}");
        }
    }
    assert!(!cut.join("penalty-3.safetensors").exists());
    // Another training does not go on from there.
    let other = run(dir.path(), &cut, &["--method", "trades", "--passes", "4"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("another training"));
}

#[test]
fn what_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let empty = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let junk = dir.path().join("junk.safetensors");
    std::fs::write(&junk, b"no tensors").unwrap();
    let junk = junk.to_str().unwrap();
    let good = dir.path();
    for (data, more, wanted) in [
        (empty.path(), &[][..], "data_batch_1.bin"),
        (good, &["--device", "abacus"], "abacus"),
        (good, &["--heads", "3"], "3"),
        (good, &["--width", "0"], "feature"),
        (good, &["--passes", "1", "--lambdas", "-1", "0", "0"], "-1"),
        (good, &["--passes", "1", "--method", "trades", "--epsilon=-1"], "epsilon"),
        (good, &["--passes", "1", "--epsilon", "NaN"], "epsilon"),
        (good, &["--passes", "1", "--learning-rate", "inf"], "--learning-rate"),
        (good, &["--passes", "1", "--attacked", "0"], "--attacked"),
        (good, &["--images", "0"], "--images"),
        (good, &["--batch", "0"], "--batch"),
        (good, &["--weights", "/nowhere.safetensors"], "/nowhere.safetensors"),
        (good, &["--weights", junk], "junk.safetensors"),
        (good, &["--method", "prayer"], "prayer"),
    ] {
        let output = run(data, &out, more);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{more:?}: {message}");
        assert!(message.contains(wanted), "{more:?}: {wanted} is not in: {message}");
        assert!(!message.contains("panicked"), "{more:?}: {message}");
    }
}
