//! METEOR with synonyms, and WordNet's files.

use std::path::{Path, PathBuf};

use assay_score::Error;
use assay_score::text::{Lookup, MeteorConfig, Segment, Synonyms, WordClass};
use serde_json::Value;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn score(hypothesis: &str, reference: &str, synonyms: Option<&Synonyms>) -> f64 {
    let meteor = MeteorConfig::default().init().expect("weights");
    let pair = Segment { hypothesis, references: &[reference] };
    meteor.scores(&[pair], synonyms).expect("a reference")[0]
}

/// The cases of a list in `testdata/peers/meteor_wordnet.json`, which `benches/peers/meteor_vectors.py`
/// writes.
fn cases(name: &str) -> Vec<(String, String, f64)> {
    let path = testdata().join("peers/meteor_wordnet.json");
    let text = std::fs::read_to_string(path).expect("a file");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let cases = all[name].as_array().expect("a list").iter();
    cases.map(|case| (text(&case[0]), text(&case[1]), case[2].as_f64().expect("a score"))).collect()
}

fn same_as_nltk(name: &str, synonyms: &Synonyms) {
    let cases = cases(name);
    assert!(cases.len() >= 300);
    for (hypothesis, reference, want) in &cases {
        let got = score(hypothesis, reference, Some(synonyms));
        assert!((got - want).abs() < 1e-9, "{hypothesis} / {reference}: {got}, nltk {want}");
    }
    // The synonyms must have mattered.
    let without = cases.iter().filter(|(h, r, want)| score(h, r, None) < want - 1e-9).count();
    assert!(without > cases.len() / 6, "{without}");
}

#[test]
fn a_small_wordnet_scores_as_in_nltk() {
    same_as_nltk("own", &Synonyms::open_wordnet(testdata().join("wordnet")).expect("files"));
}

#[test]
fn the_published_wordnet_scores_as_in_nltk_where_it_is_installed() {
    let folder = std::env::var_os("WORDNET_DIR").unwrap_or("/usr/share/wordnet".into());
    let Ok(synonyms) = Synonyms::open_wordnet(folder) else { return };
    same_as_nltk("published", &synonyms);
    let found = score("the cat sat on the mat", "the cat was sitting on the mat", Some(&synonyms));
    assert!((found - 0.853_462_157_8).abs() < 1e-9, "{found}");
}

#[test]
fn words_are_found_by_their_base_forms() {
    let wordnet = Synonyms::open_wordnet(testdata().join("wordnet")).expect("files");
    // nltk looks for the stem "parad", which is no word.
    assert!(score("marches", "parade", Some(&wordnet)) == 0.0);
    let wordnet = wordnet.with_lookup(Lookup::Words);
    assert!(score("marches", "parade", Some(&wordnet)) > 0.0);
    let alike =
        |hypothesis: &str, reference: &str| score(hypothesis, reference, Some(&wordnet)) > 0.0;
    // By an ending, by the list of irregular forms, by the ending that nltk adds.
    assert!(alike("automobiles", "car") && alike("children", "kid") && alike("calves", "young"));
    assert!(alike("ran", "go") && alike("better", "right") && alike("best", "good"));
    // What stands in the list has no other base form: "saw" is no past tense of "sawe" or "s".
    assert!(alike("saw", "watch") && !alike("ran", "runner"));
    // The reference is taken as it stands.
    assert!(!alike("kid", "children") && !alike("car", "automobiles"));
    // Terms of several words can be looked up and not be found; names do not match texts in lower case.
    assert!(alike("hot_dog", "frank") && !alike("frank", "hot_dog"));
    assert!(alike("paris", "capital") && !alike("capital", "paris"));
    // Groups of the caller's know no base forms.
    let own = Synonyms::from_groups([&["Car", "auto"][..]]);
    assert!(score("auto", "car", Some(&own)) > 0.0 && score("autos", "car", Some(&own)) == 0.0);
}

#[test]
fn damaged_files_are_named() {
    let mut synonyms = Synonyms::default();
    let mut read = |data| synonyms.read_wordnet(WordClass::Noun, data, "");
    let error = read("02084071 05 n zz dog 0").unwrap_err();
    assert!(matches!(error, Error::Format { line: 1, .. }), "{error}");
    let error = read("\n02084071 05 n 09 dog 0").unwrap_err();
    assert!(matches!(error, Error::Format { line: 2, .. }), "{error}");
    assert!(read("02084071 05 n ffffffffffffffff dog 0").is_err());
    assert!(read("02084071 05 n 00 000").is_ok());
    synonyms.read_wordnet(WordClass::Verb, "", "\n \nsat\nsat sit\n").expect("odd lines");
    let error = Synonyms::open_wordnet("no/such/folder").unwrap_err();
    assert!(error.to_string().contains("data.noun"), "{error}");
}
