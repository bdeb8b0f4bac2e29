//! Text measures on any two texts: no panic, and every score within its range.
#![no_main]

use assay_score::Mergeable;
use assay_score::text::{
    BleuConfig, ChrfConfig, ErrorRate, MeteorConfig, RougeConfig, Segment, Synonyms, TerConfig,
    Tokenizer, Transcript, Unit, WordClass, squad_f1,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let (hypothesis, reference) = texts;
    let references = [reference];
    let segments = [Segment { hypothesis, references: &references }];
    for tokenizer in [Tokenizer::V13a, Tokenizer::International, Tokenizer::Characters] {
        let mut bleu = BleuConfig::new().with_tokenizer(tokenizer).init().expect("defaults");
        bleu.update(&segments).expect("one reference");
        assert!((0.0..=100.1).contains(&bleu.finish().expect("a segment").score));
    }
    let mut chrf = ChrfConfig::chrf_plus_plus().init().expect("defaults");
    chrf.update(&segments).expect("one reference");
    assert!((0.0..=100.1).contains(&chrf.finish().expect("a segment").score));
    let mut ter = TerConfig::new().with_normalized(true).with_asian_support(true).init();
    ter.update(&segments).expect("one reference");
    let rouge = RougeConfig::new().with_lsum(true).init().expect("defaults");
    for scores in &rouge.segment_scores(&segments).expect("one reference")[0] {
        assert!((0.0..=1.0).contains(&scores.f1));
    }
    let meteor = MeteorConfig::default().init().expect("defaults");
    assert!((0.0..=1.0).contains(&meteor.scores(&segments, None).expect("one reference")[0]));
    for unit in [Unit::Words, Unit::Characters] {
        let mut rate = ErrorRate::new(unit);
        rate.update(&[Transcript { hypothesis, reference }]).expect("few units");
    }
    assert!((0.0..=1.0).contains(&squad_f1(hypothesis, &references).expect("one reference")));
    let mut synonyms = Synonyms::default();
    let _ = synonyms.read_wordnet(WordClass::Noun, hypothesis, reference);
    let score = meteor.scores(&segments, Some(&synonyms)).expect("one reference")[0];
    assert!((0.0..=1.0).contains(&score));
});
