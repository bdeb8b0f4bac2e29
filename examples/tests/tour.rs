//! The short tour from end to end, and what the tour says when it cannot run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

fn tour(data: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tour"));
    command.arg("--quick").arg("--data").arg(data).arg("--out").arg(out).args(more);
    command.output().expect("the tour starts")
}

/// The images that the repository holds.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist")
}

/// Exit code 1, every wanted word in the message, and nothing written.
fn assert_refused(output: &Output, out: &Path, wanted: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for word in wanted {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
    assert!(output.stdout.is_empty());
    assert!(!out.exists());
}

/// Copies the four files, so that one can be spoilt.
fn copy_data(to: &Path) {
    let from = committed();
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file)).expect("the committed data is there");
    }
}

#[test]
fn the_short_tour_writes_its_report() {
    let dir = tempfile::tempdir().unwrap();
    let report = |name: &str, more: &[&str]| -> serde_json::Value {
        let out = dir.path().join(name);
        let output = tour(&committed(), &out, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page = std::fs::read_to_string(out.join("index.html")).unwrap();
        assert!(page.contains("</html>") && !page.contains("NaN"));
        serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap()
    };
    let whole = report("whole", &[]);
    assert_eq!(whole["manifest"]["whole"], true);
    let chapters = whole["chapters"].as_object().unwrap();
    assert_eq!(chapters.len(), whole["manifest"]["chapters"].as_array().unwrap().len());

    // A chapter alone gives the numbers that it gives in the whole, whatever ran before it.
    let alone = report("alone", &["--chapter", "4"]);
    assert_eq!(alone["manifest"]["whole"], false);
    assert_eq!(alone["chapters"]["chapter 4"], whole["chapters"]["chapter 4"]);
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = tour(&dir.path().join("nowhere"), &out, &[]);
    assert_refused(
        &output,
        &out,
        &["train-images-idx3-ubyte", "does not exist", "git checkout", "--data"],
    );

    copy_data(dir.path());
    std::fs::remove_file(dir.path().join(FILES[3])).unwrap();
    let output = tour(dir.path(), &out, &[]);
    assert_refused(&output, &out, &["t10k-labels-idx1-ubyte", "does not exist"]);
}

#[test]
fn a_corrupt_file_is_named() {
    for (file, spoil, wanted) in [
        (FILES[0], truncate as fn(&mut Vec<u8>), "ends too early"),
        (FILES[1], |bytes: &mut Vec<u8>| bytes[0] = b'x', "gzip stream is damaged"),
        (
            FILES[2],
            |bytes: &mut Vec<u8>| *bytes = b"<html>not found</html>".to_vec(),
            "gzip stream is damaged",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        copy_data(dir.path());
        let path = dir.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        spoil(&mut bytes);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let out = dir.path().join("out");
        assert_refused(&tour(dir.path(), &out, &[]), &out, &[file, wanted, "git checkout"]);
    }
}

fn truncate(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

#[test]
fn a_missing_device_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = committed();
    let out = dir.path().join("out");
    assert_refused(&tour(&data, &out, &["--device", "abacus"]), &out, &["abacus"]);
}

#[test]
fn an_unknown_chapter_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = committed();
    let out = dir.path().join("out");
    assert_refused(
        &tour(&data, &out, &["--chapter", "1,99"]),
        &out,
        &["no chapter 99", "there are 1"],
    );
}

#[test]
fn a_report_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = committed();
    let out = dir.path().join("file/out");
    std::fs::write(dir.path().join("file"), "in the way").unwrap();
    // Noticed before any training.
    assert_refused(&tour(&data, &out, &[]), &out, &["cannot write", "file"]);
}
