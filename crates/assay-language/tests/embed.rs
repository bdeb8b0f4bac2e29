//! Embedders and cosines.

use assay_array::ndarray::array;
use assay_language::{Embedder, Error, HashedEmbedderConfig, TableEmbedder, cosine, similar};
use proptest::prelude::*;

/// Pairs of sentences written for this test: the same said otherwise, and something else.
const PAIRS: &[(&str, &str, &str)] = &[
    (
        "Making my parents proud is my goal.",
        "My goal is making my parents proud.",
        "Taxes should rise.",
    ),
    (
        "People should help their neighbours.",
        "Neighbours should be helped by people.",
        "It rained on Monday.",
    ),
    (
        "Work is a duty towards society.",
        "Towards society, work is a duty.",
        "Cats sleep most of the day.",
    ),
    (
        "Science makes our lives easier.",
        "Our lives are made easier by science.",
        "He sold his old boat.",
    ),
    ("Elections here are fair.", "The elections here are fair.", "She learned to swim early."),
];

#[test]
fn the_threshold_separates() {
    let embedder = HashedEmbedderConfig::new().init().unwrap();
    for (a, b, other) in PAIRS {
        let rows = embedder.embed(&[a, b, other]).unwrap();
        let cos = |i: usize, j: usize| {
            cosine(rows.row(i).as_slice().unwrap(), rows.row(j).as_slice().unwrap()).unwrap()
        };
        let threshold = embedder.recommended_threshold();
        assert!(cos(0, 1) > threshold, "{a} / {b}: {}", cos(0, 1));
        assert!(cos(0, 2) < threshold - 0.1, "{a} / {other}: {}", cos(0, 2));
    }
}

#[test]
fn idf_weighs_what_is_rare() {
    let corpus = ["the cat", "the dog", "the cow", "the pig"];
    let plain = HashedEmbedderConfig::new().init().unwrap();
    let fitted = plain.clone().fit(&corpus).unwrap();
    let closeness = |e: &dyn Embedder| {
        let rows = e.embed(&["the cat", "the dog"]).unwrap();
        cosine(rows.row(0).as_slice().unwrap(), rows.row(1).as_slice().unwrap()).unwrap()
    };
    assert!(closeness(&fitted) < closeness(&plain));
    assert_ne!(plain.id(), fitted.id());
    assert!(matches!(plain.fit(&[]), Err(Error::Empty { .. })));
    assert!(HashedEmbedderConfig::new().with_dimensions(0).init().is_err());
}

#[test]
fn tables_are_read_and_bad_ones_refused() {
    let table = TableEmbedder::read(&b"2 3\nking 1 0 0\nqueen 0 1 0\n"[..]).unwrap();
    assert_eq!(table.dimensions(), 3);
    let rows = table.embed(&["King and queen", "", "?"]).unwrap();
    let half = std::f32::consts::FRAC_1_SQRT_2;
    assert_eq!(rows.row(0).to_vec(), [half, half, 0.0]);
    assert_eq!(rows.row(1).sum() + rows.row(2).sum(), 0.0);
    for (text, line) in
        [("a 1 2\nb 1\n", 2), ("a 1 x\n", 1), ("a\n", 1), ("a 1 2\n\u{e9} 1 2 3", 2)]
    {
        match TableEmbedder::read(text.as_bytes()) {
            Err(Error::Format { line: got, .. }) => assert_eq!(got, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(TableEmbedder::read(&b""[..]).is_err());
    assert!(TableEmbedder::read(&b"a NaN 1\n"[..]).is_err());
    assert!(TableEmbedder::read(&b"a \xff 1\n"[..]).is_err());
    assert!(TableEmbedder::new(vec!["a".into()], array![[1.0, 2.0], [3.0, 4.0]]).is_err());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.safetensors");
    let mut writer = assay_array::io::safetensors::Writer::new();
    let vectors = array![[1.0_f32, 0.0], [0.0, 2.0]];
    writer.add("embeddings", vectors.view()).unwrap();
    writer.write(&path).unwrap();
    let words = vec!["a".to_owned(), "b".to_owned()];
    let table = TableEmbedder::open(&path, "embeddings", words.clone()).unwrap();
    assert_eq!(table.embed(&["b"]).unwrap().row(0).to_vec(), [0.0, 1.0]);
    assert!(matches!(TableEmbedder::open(&path, "other", words), Err(Error::Array(_))));
}

#[test]
fn cosines_are_of_f64_and_defined_everywhere() {
    // Exactly at the threshold is not above it.
    assert!(!similar(&[1.0_f64, 0.0], &[0.8, 0.6], 0.8).unwrap());
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]).unwrap(), 0.0);
    assert_eq!(cosine::<f64>(&[], &[]).unwrap(), 0.0);
    assert_eq!(cosine(&[1e300, 0.0], &[1e300, 0.0]).unwrap(), 1.0);
    assert_eq!(cosine(&[1e-300, 0.0], &[5e-324, 0.0]).unwrap(), 1.0);
    assert!(cosine(&[1.0], &[1.0, 2.0]).is_err());
    assert!(cosine(&[f64::NAN], &[1.0]).is_err());
}

proptest! {
    #[test]
    fn rows_have_length_one_and_depend_on_their_text_alone(texts in proptest::collection::vec(any::<String>(), 1..5)) {
        let embedder = HashedEmbedderConfig::new().with_dimensions(64).init().unwrap();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let rows = embedder.embed(&texts).unwrap();
        for (text, row) in texts.iter().zip(rows.rows()) {
            let length: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
            prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-5);
            let alone = embedder.embed(&[text]).unwrap();
            prop_assert_eq!(row, alone.row(0));
        }
    }

    #[test]
    fn cosines_keep_their_range(a in proptest::collection::vec(-1e10..1e10_f64, 4), b in proptest::collection::vec(-1e-10..1e-10_f64, 4)) {
        let cos = cosine(&a, &b).unwrap();
        prop_assert!((-1.0..=1.0).contains(&cos));
        prop_assert!((cos - cosine(&b, &a).unwrap()).abs() < 1e-15);
    }
}
