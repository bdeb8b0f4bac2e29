//! Padded batches, patterns and files.

use assay_array::io::{npy, npz, safetensors};
use matrix_entropy::Error;
use matrix_entropy::input::{
    HiddenStates, LayerPattern, LayerStates, Matched, TokenPolicy, sentences,
};
use ndarray::{Array2, Array3, array};
use proptest::prelude::*;

fn batch() -> Array3<f32> {
    Array3::from_shape_fn((2, 4, 3), |(b, t, j)| (100 * b + 10 * t + j) as f32)
}

#[test]
fn masks_and_policies_choose_tokens() {
    let x = batch();
    // Padding on either side.
    let mask = array![[false, true, true, true], [true, true, false, false]];
    let found = sentences(x.view(), Some(mask.view()), &TokenPolicy::new()).unwrap();
    assert_eq!(found.sentences[0].column(0).to_vec(), [10.0, 20.0, 30.0]);
    assert_eq!(found.sentences[1].column(0).to_vec(), [100.0, 110.0]);
    assert_eq!((found.padding, found.dropped, found.empty), (3, 0, 0));
    let policy = TokenPolicy::new().with_drop_first(1).with_drop_last(1);
    let found = sentences(x.view(), Some(mask.view()), &policy).unwrap();
    assert_eq!(found.sentences[0].column(0).to_vec(), [20.0]);
    assert_eq!(found.sentences[1].dim(), (0, 3));
    assert_eq!((found.padding, found.dropped, found.empty), (3, 4, 1));
    let found = sentences(x.view(), None, &TokenPolicy::new().with_keep(2)).unwrap();
    assert_eq!(found.sentences[1].column(1).to_vec(), [101.0, 111.0]);
    for policy in [TokenPolicy::new().with_drop_first(usize::MAX), TokenPolicy::new().with_keep(0)]
    {
        assert!(matches!(sentences(x.view(), None, &policy), Err(Error::TooFewRows { .. })));
    }
    let none = Array2::from_elem((2, 4), false);
    let all_padding = sentences(x.view(), Some(none.view()), &TokenPolicy::new());
    assert!(matches!(all_padding, Err(Error::TooFewRows { got: 0, .. })));
    let wrong = Array2::from_elem((2, 3), true);
    assert!(matches!(
        sentences(x.view(), Some(wrong.view()), &TokenPolicy::new()),
        Err(Error::Shape { .. })
    ));
}

#[test]
fn patterns_read_numbers() {
    let place = |pattern: &str, name: &str| LayerPattern::new(pattern).unwrap().matches(name);
    let layer = |layer| Some(Matched { layer, sentence: None });
    for (pattern, name, want) in [
        ("layer{layer}", "layer12", layer(12)),
        ("layer{layer}", "layer", None),
        ("layer{layer}", "layer12x", None),
        ("{layer}", "007", layer(7)),
        ("*{layer}", "a1b23", layer(23)),
        ("*{layer}*", "a1b23", layer(1)),
        ("*.{layer}.*", "h.4.out", layer(4)),
        ("?{layer}", "é5", layer(5)),
        ("{layer}", "99999999999999999999999999", None),
        ("{layer}5", "15", None),
    ] {
        assert_eq!(place(pattern, name), want, "{pattern} {name}");
    }
    let both = place("*s{sentence}_l{layer}.*", "x/s3_l12.out");
    assert_eq!(both, Some(Matched { layer: 12, sentence: Some(3) }));
    for bad in ["", "*", "{layer}{layer}", "{layers}", "}{layer}", "{layer"] {
        assert!(matches!(LayerPattern::new(bad), Err(Error::Pattern { .. })), "{bad}");
    }
    // Exponential in a naive matcher.
    let stars = "a*".repeat(40) + "{layer}b";
    assert_eq!(place(&stars, &"a".repeat(2000)), None);
}

#[test]
fn files_of_every_kind_hold_layers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    npy::write(at("layer_3.npy"), batch().view()).unwrap();
    let mut archive = npz::Writer::create(at("more.npz"), npz::Compression::Deflated).unwrap();
    archive.add("layer_1", batch().view()).unwrap();
    archive.add("attention_mask", array![[1_i64, 1, 1, 0], [1, 0, 0, 0]].view()).unwrap();
    archive.finish().unwrap();
    let mut tensors = safetensors::Writer::new();
    tensors.add("layer_2.s0", array![[1.0_f32, 2.0], [3.0, 4.0]].view()).unwrap();
    tensors.add("layer_2.s10", array![[9.0_f32, 8.0]].view()).unwrap();
    tensors.add("layer_2.s9", array![[5.0_f32, 6.0]].view()).unwrap();
    tensors.write(at("ragged.safetensors")).unwrap();
    std::fs::write(at("readme.txt"), "not states").unwrap();

    let states =
        HiddenStates::open(folder.path(), &LayerPattern::new("*layer_{layer}").unwrap()).unwrap();
    let numbers: Vec<usize> = states.layers().iter().map(|layer| layer.layer).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(
        (states.layers()[0].columns, &states.layers()[0].shapes[0][..]),
        (3, &[2, 4, 3][..])
    );
    let read = states.read::<f32>(3).unwrap();
    assert_eq!(read, LayerStates::Padded(batch()));
    assert_eq!(states.read::<f64>(1).unwrap(), LayerStates::Padded(batch().mapv(f64::from)));
    let mask = states.mask("attention_mask").unwrap();
    let found = read.sentences(Some(&mask), &TokenPolicy::new()).unwrap();
    assert_eq!((found.sentences[0].nrows(), found.sentences[1].nrows()), (3, 1));
    let error = states.read::<f32>(7).unwrap_err().to_string();
    assert!(error.contains("no layer 7 among 1, 3"), "{error}");
    assert!(states.mask("nothing").is_err());

    let pattern = LayerPattern::new("layer_{layer}.s{sentence}").unwrap();
    let ragged = HiddenStates::open(at("ragged.safetensors"), &pattern).unwrap();
    let LayerStates::Ragged(read) = ragged.read::<f32>(2).unwrap() else { panic!("ragged") };
    assert_eq!(read.iter().map(|x| x[[0, 0]]).collect::<Vec<_>>(), [1.0, 5.0, 9.0]);
    let cut = ragged.read::<f32>(2).unwrap();
    let found = cut.sentences(None, &TokenPolicy::new().with_drop_first(1)).unwrap();
    assert_eq!((found.empty, found.dropped, found.sentences[0].nrows()), (2, 3, 1));
    assert!(cut.sentences(Some(&mask), &TokenPolicy::new()).is_err());
}

#[test]
fn half_precision_widens() {
    // A file by hand: bf16 1.0 and −2.0 are 0x3f80 and 0xc000, f16 ones 0x3c00 and 0xc000.
    for (dtype, one) in [("BF16", [0x80, 0x3f]), ("F16", [0x00, 0x3c])] {
        let header =
            format!(r#"{{"l.0":{{"dtype":"{dtype}","shape":[1,2],"data_offsets":[0,4]}}}}"#);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(one);
        bytes.extend([0x00, 0xc0]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let states = HiddenStates::open(&path, &LayerPattern::new("l.{layer}").unwrap()).unwrap();
        let LayerStates::Ragged(read) = states.read::<f32>(0).unwrap() else { panic!("ragged") };
        assert_eq!(read[0], array![[1.0, -2.0]]);
    }
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let write = |tensors: &[(&str, &[usize])]| {
        let mut writer = safetensors::Writer::new();
        for (name, shape) in tensors {
            writer.add(name, ndarray::ArrayD::<f32>::zeros(*shape).view()).unwrap();
        }
        writer.write(&path).unwrap();
    };
    let open = |pattern: &str| HiddenStates::open(&path, &LayerPattern::new(pattern).unwrap());
    let message = |pattern: &str| open(pattern).unwrap_err().to_string();
    write(&[("h.0", &[2, 3]), ("h.1", &[2, 3])]);
    let none = message("layer.{layer}");
    assert!(none.contains("matches none of 2 names: `h.0`, `h.1`"), "{none}");
    write(&[("a.0", &[2, 3]), ("b.0", &[2, 3])]);
    assert!(message("*.{layer}").contains("both match layer 0"));
    for shape in [&[2][..], &[2, 3, 4, 5], &[2, 0]] {
        write(&[("h.0", shape)]);
        assert!(message("h.{layer}").contains("a layer is"), "{shape:?}");
    }
    write(&[("h.0.0", &[2, 3]), ("h.0.1", &[2, 4])]);
    assert!(message("h.{layer}.{sentence}").contains("[2, 4]"));
    write(&[("h.0.0", &[2, 2, 3]), ("h.0.1", &[2, 3])]);
    assert!(message("h.{layer}.{sentence}").contains("[2, 2, 3]"));
    // Layers of different widths are fine.
    write(&[("h.0", &[2, 3]), ("h.1", &[2, 5])]);
    assert_eq!(open("h.{layer}").unwrap().layers()[1].columns, 5);
    let other = folder.path().join("x.txt");
    std::fs::write(&other, "").unwrap();
    assert!(HiddenStates::open(&other, &LayerPattern::new("{layer}").unwrap()).is_err());
    assert!(
        HiddenStates::open(folder.path().join("gone"), &LayerPattern::new("{layer}").unwrap())
            .is_err()
    );
    let empty = tempfile::tempdir().unwrap();
    assert!(HiddenStates::open(empty.path(), &LayerPattern::new("{layer}").unwrap()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_pattern_and_name_are_read_or_refused(
        pattern in "[a{}layersnt*?0-9]{0,12}", name in ".{0,20}", layer in 0..1000_usize,
    ) {
        if let Ok(pattern) = LayerPattern::new(&pattern) {
            let _ = pattern.matches(&name);
        }
        let pattern = LayerPattern::new(&format!("{}{{layer}}", name.replace(['{', '}', '*', '?'], "x"))).unwrap();
        let fits = format!("{}{layer}", name.replace(['{', '}', '*', '?'], "x"));
        let digit = name.chars().last().is_some_and(|c| c.is_ascii_digit());
        prop_assert_eq!(pattern.matches(&fits).map(|m| m.layer), (!digit).then_some(layer));
    }
}
