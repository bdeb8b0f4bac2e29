//! Text measures on any Unicode: their laws as accumulators, invariances, and odd input.

use assay_array::testing::assert_close;
use assay_score::text::{
    AnlsConfig, BleuConfig, ChrfConfig, ErrorRate, MeteorConfig, RougeConfig, RougeTokens, Segment,
    Smoothing, TerConfig, Tokenizer, Transcript, Unit, anls, cosine, exact_match, greedy_match,
    levenshtein, squad_f1, squad_normalize, tokenize,
};
use assay_score::{Error, Mergeable, laws};
use proptest::prelude::*;

/// A few words of several scripts and marks, so that texts share some.
fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "the", "The", "cat", "cats", "sat.", "it's", "3,14", "(x)", "你好", "naïve", "e\u{301}",
        "🍕", "\n", "\u{a0}", "don't", "a", "-", "running",
    ]);
    prop_oneof![
        4 => prop::collection::vec(word, 0..10).prop_map(|words| words.join(" ")),
        1 => any::<String>(),
    ]
}

fn segments() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    prop::collection::vec((text(), prop::collection::vec(text(), 1..3)), 0..6)
}

/// Checks the laws of one accumulator on borrowed segments.
macro_rules! check {
    ($empty:expr, $segments:expr, $cut:expr, $same:expr) => {{
        let texts: Vec<Vec<&str>> =
            $segments.iter().map(|(_, refs)| refs.iter().map(String::as_str).collect()).collect();
        let all: Vec<Segment<'_>> = $segments
            .iter()
            .zip(&texts)
            .map(|((hypothesis, _), references)| Segment { hypothesis, references })
            .collect();
        let (left, right) = all.split_at($cut.min(all.len()));
        laws::check(&$empty, &all, &[left, right], $same);
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn accumulators_obey_the_laws(segments in segments(), cut in 0..6_usize) {
        let exact = |a: f64, b: f64| assert_close(&[a], &[b], 1e-12, 1e-12);
        let tokens = [Tokenizer::V13a, Tokenizer::International, Tokenizer::Characters, Tokenizer::None];
        for tokenizer in tokens {
            let bleu = BleuConfig::new().with_tokenizer(tokenizer).with_smoothing(Smoothing::AddK(1.0));
            check!(bleu.init().unwrap(), segments, cut, |a, b| assert_eq!(a, b));
        }
        check!(ChrfConfig::chrf_plus_plus().init().unwrap(), segments, cut, |a, b| assert_eq!(a, b));
        check!(TerConfig::new().with_normalized(true).init(), segments, cut, |a, b| assert_eq!(a, b));
        check!(RougeConfig::new().with_lsum(true).init().unwrap(), segments, cut, |a, b| {
            exact(a.n[0].f1.mean, b.n[0].f1.mean);
            exact(a.lsum.unwrap().recall.mean, b.lsum.unwrap().recall.mean);
        });
        check!(MeteorConfig::default().init().unwrap(), segments, cut, |a, b| {
            exact(a.without_synonyms.mean, b.without_synonyms.mean);
        });
        let transcripts: Vec<Transcript<'_>> = segments.iter()
            .map(|(hypothesis, references)| Transcript { hypothesis, reference: &references[0] }).collect();
        let parts = transcripts.split_at(cut.min(transcripts.len()));
        for unit in [Unit::Words, Unit::Characters] {
            laws::check(&ErrorRate::new(unit), &transcripts, &[parts.0, parts.1], |a, b| assert_eq!(a, b));
        }
    }

    #[test]
    fn any_text_is_scored_within_range(hypothesis in text(), reference in text()) {
        let references = [&reference[..], &hypothesis[..]];
        let segment = [Segment { hypothesis: &hypothesis, references: &references }];
        let single = [Segment { hypothesis: &hypothesis, references: &references[..1] }];
        let mut bleu = BleuConfig::new().init().unwrap();
        bleu.update(&single).unwrap();
        prop_assert!((0.0..=100.0 + 1e-9).contains(&bleu.finish().unwrap().score));
        let mut chrf = ChrfConfig::chrf().init().unwrap();
        chrf.update(&segment).unwrap();
        prop_assert!((0.0..=100.0 + 1e-9).contains(&chrf.finish().unwrap().score));
        let ter = TerConfig::new().init();
        let (edits, words) = ter.segment_edits(&single).unwrap()[0];
        let count = |text: &str| tokenize(text, Tokenizer::None).len() as f64;
        prop_assert!(edits as f64 <= count(&hypothesis).max(words));
        let rouge = RougeConfig::new().with_lsum(true).with_tokens(RougeTokens::Unicode).init().unwrap();
        for scores in &rouge.segment_scores(&single).unwrap()[0] {
            for score in [scores.precision, scores.recall, scores.f1] {
                prop_assert!((0.0..=1.0).contains(&score));
            }
        }
        // Against itself everything that has a token is perfect.
        let own = rouge.segment_scores(&segment).unwrap();
        let tokens = assay_score::text::rouge_tokens(&hypothesis, RougeTokens::Unicode);
        prop_assert!(tokens.is_empty() || own[0][0].f1 == 1.0);
        let meteor = MeteorConfig::default().init().unwrap();
        prop_assert!((0.0..=1.0).contains(&meteor.scores(&single, None).unwrap()[0]));
        prop_assert!((0.0..=1.0).contains(&squad_f1(&hypothesis, &references).unwrap()));
        prop_assert!(exact_match(&hypothesis, &references).unwrap());
        prop_assert!((0.0..=1.0).contains(&anls(&hypothesis, &references, 0.5, AnlsConfig::Strict).unwrap()));
        let normal = squad_normalize(&hypothesis);
        prop_assert_eq!(squad_normalize(&normal), normal);
    }

    #[test]
    fn distances_are_metric(a in text(), b in text(), c in text()) {
        let d = levenshtein;
        prop_assert_eq!(d(&a, &b), d(&b, &a));
        prop_assert_eq!(d(&a, &b) == 0, a == b);
        prop_assert!(d(&a, &c) <= d(&a, &b) + d(&b, &c));
        let (la, lb) = (a.chars().count(), b.chars().count());
        prop_assert!(la.abs_diff(lb) <= d(&a, &b) && d(&a, &b) <= la.max(lb));
    }

    #[test]
    fn greedy_matching_is_symmetric(
        h in prop::collection::vec(-1.0..1.0_f64, 0..30), r in prop::collection::vec(-1.0..1.0_f64, 0..30),
    ) {
        let (h, r) = (&h[..h.len() / 3 * 3], &r[..r.len() / 3 * 3]);
        let (one, other) = (greedy_match(h, r, 3, None).unwrap(), greedy_match(r, h, 3, None).unwrap());
        assert_close(&[one.precision, one.f1], &[other.recall, other.f1], 1e-12, 1e-12);
        let longer: Vec<f64> = h.iter().map(|x| x * 1e60).collect();
        assert_close(&[greedy_match(&longer, r, 3, None).unwrap().recall], &[one.recall], 1e-9, 1e-9);
    }
}

#[test]
fn threads_do_not_change_scores() {
    let texts: Vec<String> =
        (0..3000).map(|i| format!("w{} w{} the cat sat on mat {}", i % 7, i % 11, i % 5)).collect();
    let other: Vec<[&str; 1]> = (0..3000).map(|i| [&texts[(i * 7 + 1) % 3000][..]]).collect();
    let segments: Vec<Segment<'_>> = texts
        .iter()
        .zip(&other)
        .map(|(hypothesis, references)| Segment { hypothesis, references })
        .collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut rouge = RougeConfig::new().init().unwrap();
            rouge.update(&segments).unwrap();
            let mut chrf = ChrfConfig::chrf().init().unwrap();
            chrf.update(&segments).unwrap();
            (rouge.finish().unwrap(), chrf.finish().unwrap())
        })
    };
    assert_eq!(run(1), run(3));
}

/// Answers of megabytes take linear memory, and time for the measures with linear time.
#[test]
fn long_texts_are_scored() {
    let long = "one two three four ".repeat(30_000);
    let other = "one two four three ".repeat(30_000);
    let references = [&other[..]];
    let segment = [Segment { hypothesis: &long, references: &references }];
    let mut bleu = BleuConfig::new().init().unwrap();
    bleu.update(&segment).unwrap();
    assert_eq!(bleu.finish().unwrap().precisions[0], 100.0);
    let mut chrf = ChrfConfig::chrf_plus_plus().init().unwrap();
    chrf.update(&segment).unwrap();
    assert!(chrf.finish().unwrap().score > 50.0);
    let short = [Segment { hypothesis: "one two", references: &references }];
    let mut ter = TerConfig::new().init();
    ter.update(&short).unwrap();
    let rouge = RougeConfig::new().with_lsum(true).init().unwrap();
    assert!(rouge.segment_scores(&short).unwrap()[0][0].precision > 0.99);
    // 20,000 words a side need 2 × 313 × 20,000 words of bit vectors to trace.
    let words = "one two three four ".repeat(5_000);
    let mut rate = ErrorRate::new(Unit::Words);
    let reference = "one two four three ".repeat(5_000);
    rate.update(&[Transcript { hypothesis: &words, reference: &reference }]).unwrap();
    let report = rate.finish().unwrap();
    assert_eq!(report.edits.hits + report.edits.substitutions + report.edits.deletions, 20_000);
}

#[test]
fn odd_input_has_documented_values() {
    let score = |hypothesis, reference: &str| {
        let references = [reference];
        let segment = [Segment { hypothesis, references: &references }];
        let mut bleu = BleuConfig::new().init().unwrap();
        bleu.update(&segment).unwrap();
        let mut chrf = ChrfConfig::chrf().init().unwrap();
        chrf.update(&segment).unwrap();
        let mut ter = TerConfig::new().init();
        ter.update(&segment).unwrap();
        let mut wer = ErrorRate::new(Unit::Words);
        wer.update(&[Transcript { hypothesis, reference }]).unwrap();
        (
            bleu.finish().unwrap().score,
            chrf.finish().unwrap().score,
            ter.finish().unwrap().score,
            wer.finish().unwrap().error_rate,
        )
    };
    assert_eq!(score("", ""), (0.0, 0.0, 0.0, 0.0));
    assert_eq!(score("", "a b"), (0.0, 0.0, 100.0, 1.0));
    assert_eq!(score("a b", ""), (0.0, 0.0, 100.0, 2.0));
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 2.0]).unwrap(), None);
    assert_eq!(greedy_match::<f64>(&[], &[1.0], 1, None).unwrap().f1, 0.0);
    assert_eq!(greedy_match(&[0.0], &[1.0], 1, None).unwrap().precision, 0.0);
    assert_eq!(anls("", &[""], 0.5, AnlsConfig::Strict).unwrap(), 1.0);
}

#[test]
fn bad_settings_are_errors() {
    let is = |got: Error, want: &str| assert!(got.to_string().contains(want), "{got}: no {want}");
    is(BleuConfig::new().with_max_order(0).init().unwrap_err(), "max_order");
    is(
        BleuConfig::new().with_smoothing(Smoothing::Floor(f64::NAN)).init().unwrap_err(),
        "smoothing",
    );
    is(ChrfConfig::chrf().with_char_order(0).init().unwrap_err(), "orders");
    is(
        ChrfConfig::chrf().with_char_order(usize::MAX).with_word_order(2).init().unwrap_err(),
        "orders",
    );
    is(ChrfConfig::chrf().with_beta(-1.0).init().unwrap_err(), "beta");
    is(RougeConfig::new().with_orders(10).init().unwrap_err(), "orders");
    is(MeteorConfig { alpha: 2.0, ..MeteorConfig::default() }.init().unwrap_err(), "alpha");
    let none = [Segment { hypothesis: "a", references: &[] }];
    is(
        BleuConfig::new().init().unwrap().update(&none).unwrap_err(),
        "reference, got none at index 0",
    );
    is(TerConfig::new().init().update(&none).unwrap_err(), "at index 0");
    is(ChrfConfig::chrf().init().unwrap().update(&none).unwrap_err(), "at index 0");
    is(RougeConfig::new().init().unwrap().update(&none).unwrap_err(), "at index 0");
    is(squad_f1("a", &[]).unwrap_err(), "reference");
    is(exact_match("a", &[]).unwrap_err(), "reference");
    is(anls("a", &["a"], 1.5, AnlsConfig::Strict).unwrap_err(), "threshold");
    is(cosine(&[1.0], &[1.0, 2.0]).unwrap_err(), "got 2");
    is(greedy_match(&[1.0], &[1.0], 0, None).unwrap_err(), "dimensions");
    is(greedy_match(&[1.0], &[1.0], 1, Some((&[1.0], &[-1.0]))).unwrap_err(), "at index 0");
    is(greedy_match(&[f64::NAN], &[1.0], 1, None).unwrap_err(), "at index 0");
    is(BleuConfig::new().init().unwrap().finish().unwrap_err(), "at least one segment");
}

#[test]
fn a_million_records_take_no_more_room_than_one() {
    // In batches, as a reader of a long file gives them; what is kept is the stored form.
    let segments = vec![Segment { hypothesis: "a b c d", references: &["a b d e"] }; 1000];
    let transcripts = vec![Transcript { hypothesis: "a b c d", reference: "a b d e" }; 1000];
    macro_rules! kept {
        ($empty:expr, $batch:expr, $batches:expr) => {{
            let mut all = $empty;
            all.update(&$batch[..1]).unwrap();
            let one = all.to_bytes().len();
            (0..$batches).for_each(|_| all.update(&$batch).unwrap());
            assert_eq!(all.to_bytes().len(), one);
            all.finish().unwrap()
        }};
    }
    let bleu = kept!(BleuConfig::new().init().unwrap(), segments, 1000);
    assert_eq!(bleu.hypothesis_length, 4 * 1_000_001);
    kept!(RougeConfig::new().init().unwrap(), segments, 10);
    kept!(ChrfConfig::chrf().init().unwrap(), segments, 10);
    kept!(TerConfig::new().init(), segments, 10);
    kept!(MeteorConfig::default().init().unwrap(), segments, 10);
    assert_eq!(kept!(ErrorRate::new(Unit::Words), transcripts, 1000).transcripts, 1_000_001);
}
