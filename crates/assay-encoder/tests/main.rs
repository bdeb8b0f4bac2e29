//! The encoder against torch on a tiny model of random weights, and on files that do not fit.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

mod families;

use std::path::{Path, PathBuf};

use assay_array::ndarray::Array2;
use assay_array::testing::assert_close;
use assay_encoder::{BertConfig, Encoder, EncoderConfig, Error};
use assay_language::{Embedder, cosine};
use assay_tensor::burn::prelude::Device;
use assay_tensor::device;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/encoder")
}

fn cpu() -> Device {
    device("flex").unwrap()
}

fn encoder() -> Encoder {
    EncoderConfig::new(folder()).init(&cpu()).unwrap()
}

struct Case {
    text: String,
    ids: Vec<u32>,
    /// `[tokens, hidden]`, row after row, after the embeddings and after each layer.
    states: Vec<Vec<f64>>,
    embedding: Vec<f64>,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 4);
    cases
        .iter()
        .map(|case| Case {
            text: case["text"].as_str().unwrap().to_owned(),
            ids: numbers(&case["ids"]).into_iter().map(|x| x as u32).collect(),
            states: case["states"].as_array().unwrap().iter().map(numbers).collect(),
            embedding: numbers(&case["embedding"]),
        })
        .collect()
}

fn wide(states: &Array2<f32>) -> Vec<f64> {
    states.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn every_state_is_torchs() {
    let cases = cases();
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    // All at once, so that the short ones are padded; and one by one.
    for batch in [32, 3, 1] {
        let encoder = EncoderConfig::new(folder()).with_batch(batch).init(&cpu()).unwrap();
        let states = encoder.states(&texts).unwrap();
        let rows = encoder.embed(&texts).unwrap();
        for ((case, found), row) in cases.iter().zip(states).zip(rows.rows()) {
            assert_eq!(found.tokens, case.ids, "{}", case.text);
            assert_eq!(found.layers.len(), encoder.sizes().layers + 1);
            for (layer, wanted) in found.layers.iter().zip(&case.states) {
                assert_eq!(layer.dim(), (case.ids.len(), 16));
                assert_close(&wide(layer), wanted, 2e-5, 2e-5);
            }
            let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            assert_close(&row, &case.embedding, 1e-5, 1e-5);
        }
    }
}

#[test]
fn it_is_an_embedder() {
    let encoder = EncoderConfig::new(folder()).with_threshold(0.9).init(&cpu()).unwrap();
    let dynamic: &dyn Embedder = &encoder;
    assert_eq!((dynamic.dimensions(), dynamic.recommended_threshold()), (16, 0.9));
    assert!(dynamic.id().starts_with("bert 2 layers, 12 tokens, "));
    assert_eq!(dynamic.id(), self::encoder().id());
    assert_eq!(dynamic.embed(&[]).unwrap().dim(), (0, 16));
    let rows = dynamic.embed(&["the cats drink tea", "THE CATS drink tea!", "old people"]).unwrap();
    let cos = |i, j| cosine(&rows.row(i).to_vec(), &rows.row(j).to_vec()).unwrap();
    assert!(cos(0, 1) > cos(0, 2), "{} {}", cos(0, 1), cos(0, 2));
    for row in rows.rows() {
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let short = EncoderConfig::new(folder()).with_max_tokens(5).init(&cpu()).unwrap();
    assert_ne!(short.id(), dynamic.id());
}

#[test]
fn long_texts_are_cut() {
    let long = "tea ".repeat(10_000);
    let found = encoder().states(&[&long]).unwrap();
    assert_eq!(found[0].tokens.len(), 12);
    let short = EncoderConfig::new(folder()).with_max_tokens(3).init(&cpu()).unwrap();
    assert_eq!(short.tokens(&[&long, "\u{0}\u{200b}", ""]).unwrap()[0], [2, 11, 3]);
}

/// A copy of the model's folder with one file replaced.
fn spoilt(name: &str, bytes: Option<&[u8]>) -> Result<Encoder, Error> {
    let dir = tempfile::tempdir().unwrap();
    for file in ["model.safetensors", "config.json", "tokenizer.json"] {
        std::fs::copy(folder().join(file), dir.path().join(file)).unwrap();
    }
    match bytes {
        Some(bytes) => std::fs::write(dir.path().join(name), bytes).unwrap(),
        None => std::fs::remove_file(dir.path().join(name)).unwrap(),
    }
    EncoderConfig::new(dir.path()).init(&cpu())
}

#[test]
fn files_that_do_not_fit_are_named() {
    let config = std::fs::read_to_string(folder().join("config.json")).unwrap();
    for name in ["model.safetensors", "config.json", "tokenizer.json"] {
        assert!(spoilt(name, None).unwrap_err().to_string().contains(name), "{name}");
        assert!(spoilt(name, Some(b"{\"x\": [")).is_err(), "{name}");
    }
    let weights = std::fs::read(folder().join("model.safetensors")).unwrap();
    assert!(matches!(spoilt("model.safetensors", Some(&weights[..9000])), Err(Error::Tensor(_))));
    for (from, to, wanted) in [
        ("\"bert\"", "\"gpt2\"", "model_type"),
        ("\"gelu\"", "\"swish\"", "hidden_act"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "num_attention_heads"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 0", "num_attention_heads"),
        ("\"vocab_size\": 22", "\"vocab_size\": 99999999999", "vocab_size"),
        ("1e-12", "0.0", "layer_norm_eps"),
        ("\"hidden_size\": 16", "\"hidden_size\": -16", "config"),
        // These are configurations, but not the weights'.
        ("\"hidden_size\": 16", "\"hidden_size\": 32", "words.weight"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "missing layers.2."),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "unexpected"),
    ] {
        assert!(config.contains(from), "{from}");
        let error = spoilt("config.json", Some(config.replace(from, to).as_bytes())).unwrap_err();
        assert!(error.to_string().contains(wanted), "{to}: {error}");
    }
    // A tokenizer with a word more than the model.
    let tokenizer = std::fs::read_to_string(folder().join("tokenizer.json")).unwrap();
    let more = tokenizer.replace("\"tea\": 11", "\"tea\": 77");
    assert_ne!(more, tokenizer);
    let encoder = spoilt("tokenizer.json", Some(more.as_bytes())).unwrap();
    let error = encoder.states(&["green tea"]).unwrap_err();
    assert!(matches!(error, Error::Vocabulary { token: 77, vocabulary: 22 }), "{error}");
    assert!(encoder.embed(&["green tea"]).unwrap_err().to_string().contains("77"));
}

#[test]
fn bad_settings() {
    let config = || EncoderConfig::new(folder());
    for bad in [config().with_max_tokens(2), config().with_batch(0), config().with_threshold(1.5)] {
        assert!(matches!(bad.init(&cpu()), Err(Error::Setting { .. })));
    }
    let sizes = BertConfig::read(&folder().join("config.json")).unwrap();
    assert_eq!((sizes.hidden, sizes.heads, sizes.positions), (16, 4, 12));
}

#[test]
fn weights_that_are_not_finite_are_said() {
    // Every number of the file.
    let mut weights = std::fs::read(folder().join("model.safetensors")).unwrap();
    let head = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    for four in weights[head..].chunks_exact_mut(4) {
        four.copy_from_slice(&f32::NAN.to_le_bytes());
    }
    let encoder = spoilt("model.safetensors", Some(&weights)).unwrap();
    assert!(matches!(encoder.states(&["tea"]), Err(Error::NotFinite { text: 0 })));
}
