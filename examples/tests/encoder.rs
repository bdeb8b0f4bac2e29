//! The program `encoder` on the tiny model of random weights.

use std::path::Path;
use std::process::{Command, Output};

fn encoder(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_encoder")).args(arguments).output().expect("it starts")
}

#[test]
fn a_text_becomes_a_page_and_numbers() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/encoder");
    let model = model.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let text =
        "The cats drink green tea\n\nOld people like tea in the morning!\nThe tea, the cat\n";
    std::fs::write(at("text.txt"), text).unwrap();
    let untrained = format!("{model}=5");
    let output = encoder(&[model, &at("text.txt"), "--out", &at("out"), "--untrained", &untrained]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read_to_string(dir.path().join("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let layers = report["measures"]["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    for layer in layers {
        let entropy = layer["sentences"]["entropy"]["mean"].as_f64().unwrap();
        assert!(entropy > 0.0 && entropy <= layer["sentences"]["cap"]["mean"].as_f64().unwrap());
        // The model against itself: training changed nothing.
        let changed = layer["diff_erank"]["geometric"]["estimate"].as_f64().unwrap();
        assert!(changed.abs() < 1e-9, "{changed}");
    }
    assert_eq!(report["measures"]["cka"]["cells"].as_array().unwrap().len(), 3);
    assert!(report["notes"][0].as_str().unwrap().starts_with("3 sentences of"));
    let page = std::fs::read_to_string(dir.path().join("out/index.html")).unwrap();
    assert!(page.contains("2 layers of 16 numbers and 4 heads"));
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.txt");
    std::fs::write(&text, "\n \n").unwrap();
    let text = text.to_str().unwrap();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = encoder(&["nowhere", text]);
    assert!(!output.status.success() && said(&output).contains("no sentence"), "{}", said(&output));
    std::fs::write(dir.path().join("text.txt"), "tea\n").unwrap();
    let output = encoder(&["nowhere", text]);
    assert!(said(&output).contains("nowhere/config.json"), "{}", said(&output));
    let output = encoder(&["nowhere", "/nowhere.txt"]);
    assert!(said(&output).contains("/nowhere.txt"), "{}", said(&output));
    let output = encoder(&["nowhere", text, "--device", "abacus"]);
    assert!(said(&output).contains("abacus"), "{}", said(&output));
}
