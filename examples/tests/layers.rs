//! The program `layers` on files that the test writes.

use std::path::Path;
use std::process::{Command, Output};

use assay_array::io::safetensors::Writer;
use assay_array::ndarray::{Array3, array};

/// Three layers of two sentences, the second of which is shorter; `wave` is what differs.
fn write(path: &Path, wave: f32) {
    let mut writer = Writer::new();
    for layer in 0..3_u8 {
        let states = Array3::from_shape_fn((2, 9, 6), |(b, t, j)| {
            (wave * ((t + 1) * (j + 1) + b) as f32 + f32::from(layer)).sin()
        });
        writer.add(&format!("hidden.{layer}"), states.view()).expect("it can be written");
    }
    let mask = array![[1_i64, 1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 0, 0, 0]];
    writer.add("attention_mask", mask.view()).expect("it can be written");
    writer.write(path).expect("it can be written");
}

fn layers(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_layers")).args(arguments).output().expect("it starts")
}

#[test]
fn states_become_a_page_and_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    write(Path::new(&at("trained.safetensors")), 0.02);
    write(Path::new(&at("first.safetensors")), 0.9);
    write(Path::new(&at("second.safetensors")), 1.3);
    let (first, second) = (at("first.safetensors=11"), at("second.safetensors=12"));
    let output = layers(&[
        &at("trained.safetensors"),
        "--pattern",
        "hidden.{layer}",
        "--mask",
        "attention_mask",
        "--drop-first",
        "1",
        "--untrained",
        &first,
        "--untrained",
        &second,
        "--out",
        &at("out"),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(at("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = report["measures"]["layers"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    for layer in found {
        assert_eq!(layer["sentences"]["sentences"], 2);
        // 9 + 6 real tokens, less the first of each.
        assert_eq!(layer["sentences"]["tokens"], 13);
        assert!(layer["diff_erank"]["geometric"]["estimate"].as_f64().unwrap() > 0.0);
        assert_eq!(layer["diff_erank"]["untrained"][1]["seed"], 12);
    }
    let cells = report["measures"]["cka"]["cells"].as_array().unwrap();
    assert!((cells[1][1].as_f64().unwrap() - 1.0).abs() < 1e-6);
    let html = std::fs::read_to_string(at("out/index.html")).unwrap();
    assert!(html.contains("Diff-eRank") && !html.contains("NaN"));
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    write(Path::new(&at("states.safetensors")), 0.5);
    for (arguments, wanted) in [
        (vec![at("nowhere")], "nowhere"),
        (vec![at("states.safetensors"), "--pattern".into(), "block{layer}".into()], "`hidden.0`"),
        (vec![at("states.safetensors"), "--pattern".into(), "*".into()], "{layer}"),
        (vec![at("states.safetensors"), "--mask".into(), "mask".into()], "mask"),
        (vec![at("states.safetensors"), "--untrained".into(), "x".into()], "PATH=SEED"),
    ] {
        let out = at("out");
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.extend(["--out", &out]);
        let output = layers(&all);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(wanted), "{wanted} is not in {message}");
        assert!(!Path::new(&out).exists());
    }
}
