//! BERT, RoBERTa and Longformer with a classifier's head against formulas written out on torch
//! (`benches/peers/encoder_vectors.py`): files in f32, f16 and bf16.

use std::path::PathBuf;

use assay_array::testing::assert_close;
use assay_encoder::{Classifier, ClassifierConfig, EncoderConfig, Error, Family};
use serde_json::Value;

use super::{cpu, folder, numbers, wide};

const FAMILIES: [(&str, Family); 3] = [
    ("classifier", Family::Bert),
    ("roberta", Family::Roberta),
    ("longformer", Family::Longformer),
];

struct Expected {
    text: String,
    ids: Vec<u32>,
    last: Vec<f64>,
    logits: Vec<f64>,
}

fn expected(name: &str) -> Vec<Expected> {
    let text = std::fs::read_to_string(folder().join(name).join("expected.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 5);
    let read = |case: &Value| Expected {
        text: case["text"].as_str().unwrap().to_owned(),
        ids: numbers(&case["ids"]).into_iter().map(|id| id as u32).collect(),
        last: numbers(&case["last"]),
        logits: numbers(&case["logits"]),
    };
    cases.iter().map(read).collect()
}

#[test]
fn classifiers_give_the_logits_of_their_formulas() {
    for (name, family) in FAMILIES {
        let cases = expected(name);
        let texts: Vec<&str> = cases.iter().map(|case| &case.text[..]).collect();
        for batch in [8, 2, 1] {
            let config = ClassifierConfig::new(folder().join(name)).with_batch(batch);
            let classifier = config.init(&cpu()).unwrap();
            assert_eq!(classifier.sizes().family, family);
            let logits = classifier.logits(&texts).unwrap();
            let probabilities = classifier.probabilities(&texts).unwrap();
            for ((case, found), row) in cases.iter().zip(&logits).zip(&probabilities) {
                assert_close(found, &case.logits, 5e-5, 5e-5);
                let sum: f64 = case.logits.iter().map(|x| x.exp()).sum();
                let wanted: Vec<f64> = case.logits.iter().map(|x| x.exp() / sum).collect();
                assert_close(row, &wanted, 2e-5, 2e-5);
            }
        }
    }
}

#[test]
fn encoders_give_the_states_of_their_formulas() {
    for (name, family) in FAMILIES {
        let encoder = EncoderConfig::new(folder().join(name)).init(&cpu()).unwrap();
        assert_eq!(encoder.sizes().family, family);
        let cases = expected(name);
        let texts: Vec<&str> = cases.iter().map(|case| &case.text[..]).collect();
        for (case, found) in cases.iter().zip(encoder.states(&texts).unwrap()) {
            assert_eq!(found.tokens, case.ids, "{name}: {}", case.text);
            assert_close(&wide(&found.layers[2]), &case.last, 5e-5, 5e-5);
        }
    }
}

/// A copy of a model's folder with its configuration changed.
fn changed(name: &str, changes: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "config.json", "tokenizer.json"] {
        std::fs::copy(folder().join(name).join(file), dir.path().join(file)).unwrap();
    }
    let path = dir.path().join("config.json");
    let mut config = std::fs::read_to_string(&path).unwrap().replace('\n', " ");
    for (from, to) in changes {
        assert!(config.contains(from), "{from} in {config}");
        config = config.replace(from, to);
    }
    std::fs::write(&path, config).unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

fn classifier(name: &str, changes: &[(&str, &str)]) -> Result<Classifier, Error> {
    let (_dir, path) = changed(name, changes);
    ClassifierConfig::new(path).init(&cpu())
}

#[test]
fn a_window_over_the_whole_text_is_dense_attention() {
    let window = "\"attention_window\": [   4,   6  ]";
    let (_one, wide_window) = changed("longformer", &[(window, "\"attention_window\": 512")]);
    // The same weights as a RoBERTa; what the first token would see by is left out.
    let (_two, dense) = changed("longformer", &[("\"longformer\"", "\"roberta\"")]);
    let states = |path: PathBuf| {
        let encoder = EncoderConfig::new(path).init(&cpu()).unwrap();
        encoder.states(&["the old cat , the green tea !", "", "tea"]).unwrap()
    };
    for (a, b) in states(wide_window).into_iter().zip(states(dense)) {
        for (a, b) in a.layers.iter().zip(&b.layers) {
            assert_close(&wide(a), &wide(b), 1e-5, 1e-5);
        }
    }
}

#[test]
fn labels_are_those_of_the_configuration() {
    let bert = classifier("classifier", &[]).unwrap();
    assert_eq!(bert.labels(), ["refused", "complied", "partial"]);
    assert_eq!((bert.label("partial"), bert.label("other")), (Some(2), None));
    assert!(bert.id().starts_with("bert classifier, 2 layers, 40 tokens, "), "{}", bert.id());
    // Two positions of the Longformer's 42 are before the first token.
    assert!(classifier("longformer", &[]).unwrap().id().contains("40 tokens"));
    assert_eq!(bert.probabilities(&[]).unwrap(), Vec::<Vec<f64>>::new());
    // Labels that do not exclude each other have a probability each.
    let many = "\"hidden_act\": \"gelu\", \"problem_type\": \"multi_label_classification\"";
    let each = classifier("classifier", &[("\"hidden_act\": \"gelu\"", many)]).unwrap();
    let logits = each.logits(&["green tea"]).unwrap();
    let wanted: Vec<f64> = logits[0].iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
    assert_close(&each.probabilities(&["green tea"]).unwrap()[0], &wanted, 1e-12, 1e-12);
    // Texts that are too long are cut, not refused.
    let long = "tea ".repeat(50_000);
    let cut = bert.probabilities(&[&long, &"tea ".repeat(38)]).unwrap();
    assert_eq!(cut[0], cut[1]);
}

#[test]
fn files_that_are_no_classifier_are_named() {
    let says = |name: &str, changes: &[(&str, &str)], wanted: &str| {
        let error = classifier(name, changes).unwrap_err().to_string();
        assert!(error.contains(wanted), "{changes:?}: {error}");
    };
    // An encoder's files have no head.
    let error = ClassifierConfig::new(folder()).init(&cpu()).unwrap_err().to_string();
    assert!(error.contains("head."), "{error}");
    let pad = "\"pad_token_id\": 1";
    says("roberta", &[(pad, "\"pad_token_id\": 22")], "pad_token_id");
    says("roberta", &[(pad, "\"pad_token_id\": 18446744073709551615")], "pad_token_id");
    says("roberta", &[("\"1\": \"LABEL_1\"", "\"2\": \"LABEL_2\"")], "id2label");
    says("roberta", &[("\"1\": \"LABEL_1\"", "\"1\": \"x\", \"2\": \"y\"")], "head.out");
    says("roberta", &[("\"roberta\"", "\"longformer\"")], "global");
    let window = "\"attention_window\": [   4,   6  ]";
    for odd in ["3", "0", "[4]", "[4, 6, 8]", "[4, 5]", "-2", "99999999999"] {
        says("longformer", &[(window, &format!("\"attention_window\": {odd}"))], "config.json");
    }
    let config = || ClassifierConfig::new(folder().join("classifier"));
    for bad in [config().with_max_tokens(2), config().with_batch(0)] {
        assert!(matches!(bad.init(&cpu()), Err(Error::Setting { .. })));
    }
}
