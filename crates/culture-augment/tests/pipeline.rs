//! The whole pipeline: exact counts, determinism, and models that are no help.

use std::sync::Arc;

use assay_array::random::stream;
use assay_language::{
    Cache, Cached, CostCap, HashedEmbedder, HashedEmbedderConfig, OfflineModel, Response,
    RunConfig, Scripted, TextModel,
};
use culture_augment::dedup::{NearCopies, Shingles, shingle_jaccard};
use culture_augment::export::{self, Format, Row};
use culture_augment::pipeline::*;
use culture_augment::survey::{
    self, AnswerRule, Culture, Pooling, SeedQuestion, SurveyReader, demo_seeds,
};
use culture_augment::words::{LexiconTagger, MiniThesaurus};
use culture_augment::{Error, dedup};
use proptest::prelude::*;

fn embedder() -> HashedEmbedder {
    HashedEmbedderConfig::new().init().unwrap()
}

fn run_with(
    config: PipelineConfig,
    model: &dyn TextModel,
    seeds: &[SeedQuestion],
) -> culture_augment::Result<Outcome> {
    let embedder = embedder();
    let tagger = LexiconTagger::new(MiniThesaurus);
    let tools = Tools { model, embedder: &embedder, thesaurus: &MiniThesaurus, tagger: &tagger };
    config.init()?.run(seeds, &tools, &RunConfig::new())
}

fn run(config: PipelineConfig) -> Outcome {
    run_with(config, &offline_model(MiniThesaurus), &demo_seeds().unwrap()).unwrap()
}

#[test]
fn exactly_m_samples_that_are_no_copies() {
    let seeds = demo_seeds().unwrap();
    for select in [Select::MostSimilar, Select::Mmr { lambda: 0.5 }, Select::FarthestPoint] {
        for samples in [1, 7, 10] {
            let outcome = run(PipelineConfig::new().with_samples(samples).with_select(select));
            assert!(outcome.complete(), "{select:?}: {:?}", outcome.seeds);
            assert_eq!(outcome.samples.len(), samples * seeds.len());
            let texts: Vec<&str> = outcome.samples.iter().map(|s| s.text.as_str()).collect();
            assert_eq!(dedup::exact(&texts).kept.len(), texts.len());
            for sample in &outcome.samples {
                assert!(!sample.text.contains("  ") && !sample.text.contains(['{', '}']));
                assert!(sample.similarity > 0.0);
                assert_eq!(sample.seed_id, seeds[sample.seed].id);
            }
        }
    }
}

#[test]
fn near_copies_are_dropped_across_seeds() {
    let far = |a: &str, b: &str| {
        let (both, union) = shingle_jaccard(a, b, Shingles::Words(2));
        (both as f64) < 0.6 * union as f64
    };
    let config = || PipelineConfig::new().with_samples(6);
    let plain = run(config());
    let ways = [
        NearCopies::MinHash { threshold: 0.6, words: 2 },
        NearCopies::SimHash { bits: 3, words: 2 },
        NearCopies::Semantic { threshold: 0.9 },
    ];
    let outcome = run(config().with_near_copies(ways));
    let texts: Vec<&str> = outcome.samples.iter().map(|s| s.text.as_str()).collect();
    for (i, a) in texts.iter().enumerate() {
        assert!(texts[..i].iter().all(|b| far(a, b)), "{a}");
    }
    assert_eq!(dedup::semantic(&texts, &embedder(), 0.9).unwrap().kept.len(), texts.len());
    let count = |o: &Outcome, of: fn(&StageReport) -> usize| -> usize {
        o.seeds.iter().map(|s| of(&s.near)).sum()
    };
    assert!(count(&outcome, |s| s.went) < count(&outcome, |s| s.came));
    assert_eq!(count(&plain, |s| s.went), count(&plain, |s| s.came));
    for (before, after) in plain.seeds.iter().zip(&outcome.seeds) {
        assert_eq!(after.near.came, before.near.came);
        assert_eq!(after.near.went, after.selected.came);
        assert_eq!(after.short.is_none(), after.selected.went == 6);
    }
    // A planted pair of equal questions: the second one's candidates are all near copies.
    let mut seeds = demo_seeds().unwrap();
    let twin = SeedQuestion { id: "twin".into(), ..seeds[0].clone() };
    seeds.insert(1, twin);
    let config = config().with_near_copies([NearCopies::Semantic { threshold: 0.99 }]);
    let outcome = run_with(config, &offline_model(MiniThesaurus), &seeds).unwrap();
    assert!(outcome.seeds[1].near.went < outcome.seeds[0].near.went);
    for bad in [
        NearCopies::MinHash { threshold: 0.0, words: 3 },
        NearCopies::MinHash { threshold: f64::NAN, words: 3 },
        NearCopies::MinHash { threshold: 0.5, words: 0 },
        NearCopies::SimHash { bits: 16, words: 3 },
        NearCopies::Semantic { threshold: 2.0 },
    ] {
        let refused = PipelineConfig::new().with_near_copies([bad]).init();
        assert!(matches!(refused, Err(Error::Setting { .. })), "{bad:?}");
    }
}

#[test]
fn a_shortfall_is_said_and_counted() {
    let outcome = run(PipelineConfig::new().with_samples(100_000));
    for report in &outcome.seeds {
        let Some(Shortfall::Exhausted { got }) = report.short else { panic!("{report:?}") };
        assert_eq!(got, report.selected.went);
        assert!(report.deduplicated.went <= report.deduplicated.came);
        assert!(report.filled.went <= report.filled.came);
        assert!(report.words.went <= report.words.came);
    }
}

#[test]
fn the_outcome_depends_on_the_seed_and_not_on_threads() {
    let config = || PipelineConfig::new().with_seed(5);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(config()))
    };
    let one = on(1);
    assert_eq!(one, on(4));
    let other = run(config().with_seed(6));
    assert_ne!(one.samples, other.samples);
}

#[test]
fn selection_is_as_diverse_as_it_claims() {
    let spread = |select: Select| {
        let outcome = run(PipelineConfig::new().with_select(select).with_seed(1));
        let texts: Vec<&str> = outcome.of_seed(0).map(|s| s.text.as_str()).collect();
        culture_augment::measure::distinct(&texts, 2).unwrap().value
    };
    assert!(spread(Select::FarthestPoint) > spread(Select::MostSimilar));
}

#[test]
fn models_that_are_no_help_end_and_are_reported() {
    let seeds = demo_seeds().unwrap();
    let config = || PipelineConfig::new().with_rounds(4);
    let count = |model: &Scripted| model.asked().len();

    // Refuses, says nothing, says the same for ever, repeats the seed, gives blank items.
    for answer in ["I'm sorry, but I can't help with that.", "", "no list", "1.\n2. \n3. ?!"] {
        let model = Scripted::always(answer);
        let outcome = run_with(config(), &model, &seeds).unwrap();
        assert_eq!(count(&model), 4 * seeds.len(), "{answer}");
        let report = &outcome.seeds[0];
        assert_eq!((report.rounds, report.filtered.went), (4, 0));
        assert_eq!(report.refusals, if answer.starts_with("I'm") { 4 } else { 0 });
        // The seed itself is the template then.
        assert!(report.words.came > 0);
    }
    let same = Scripted::new(|request, _| {
        let prompt = request.prompt();
        let from = prompt.find("sentence: ").unwrap() + 10;
        let to = prompt.find(". Please").unwrap();
        let seed = &prompt[from..to];
        Ok(Response::new(format!("1. {seed}\n2. I say that {seed}\n3. I say that {seed}")))
    });
    let outcome = run_with(config(), &same, &seeds).unwrap();
    assert_eq!(outcome.seeds[0].filtered.went, 1);
    assert_eq!(outcome.seeds[0].rewritten.came, 12);

    let failing =
        Scripted::new(|_, _| Err(assay_language::Error::Connection { problem: "down".into() }));
    let outcome = run_with(config(), &failing, &seeds).unwrap();
    assert_eq!(outcome.seeds[0].failures.len(), 4);

    let far = Scripted::always("1. Something else entirely\n2. Nothing to do with it");
    let outcome = run_with(config(), &far, &seeds).unwrap();
    assert_eq!(outcome.seeds[0].filtered.went, 0);
}

#[test]
fn what_cannot_change_ends_the_run() {
    let seeds = demo_seeds().unwrap();
    let poor = CostCap::new(1.0, 1.0, 1.0).around(offline_model(MiniThesaurus)).unwrap();
    assert!(matches!(run_with(PipelineConfig::new(), &poor, &seeds), Err(Error::Language(_))));
    let script = Scripted::answers(["1. x"]);
    assert!(matches!(run_with(PipelineConfig::new(), &script, &seeds), Err(Error::Language(_))));
}

#[test]
fn resumed_from_a_cache_nothing_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let cache = || Arc::new(Cache::open(dir.path().join("answers.jsonl")).unwrap());
    let config = || PipelineConfig::new().with_synonyms(Synonyms::Model, 5);
    let seeds = demo_seeds().unwrap();
    let offline = offline_model(MiniThesaurus);
    let first = run_with(config(), &Cached::new(&offline, cache()), &seeds).unwrap();
    assert!(first.complete());
    // The same model by name, that refuses to answer.
    let silent = OfflineModel::new().with_name("silent");
    let replay =
        assay_language::Replay::open(dir.path().join("answers.jsonl"), offline.id()).unwrap();
    assert_eq!(run_with(config(), &replay, &seeds).unwrap(), first);
    let _ = silent;
    let compat = PipelineConfig::new().with_synonyms(Synonyms::ModelCompat, 5);
    assert!(!run_with(compat, &offline, &seeds).unwrap().samples.is_empty());
}

#[test]
fn templates_keep_case_and_grammar() {
    let tagger = LexiconTagger::new(MiniThesaurus);
    let mut template =
        Template::of("A goal is the duty of a parent. CHILDREN need honest leaders.", &tagger);
    template.add_synonyms(&MiniThesaurus, 5);
    let all: Vec<String> = template.expand(1 << 20).unwrap().into_iter().map(|f| f.text).collect();
    assert_eq!(all[0], template.text());
    assert!(
        all.contains(&"An aim is the duty of a parent. CHILDREN need honest leaders.".to_owned())
    );
    assert!(all.iter().any(|t| t.contains("KIDS")) && all.iter().any(|t| t.contains("chiefs")));
    assert!(all.iter().any(|t| t.starts_with("A purpose is the obligation of a guardian.")));
    assert!(all.iter().all(|t| !t.contains("a obligation") && !t.contains("a aim")));
    assert_eq!(all.len() as u128, template.ways());
    assert!(template.expand(10).is_err());
}

#[test]
fn a_share_of_the_words_is_replaced() {
    let tagger = LexiconTagger::new(MiniThesaurus);
    let text = "The goal of every parent is a happy child in a safe home.";
    for index in 0..50_u32 {
        let mut template = Template::of(text, &tagger);
        let open = template.slots().len();
        let share = f64::from(index) / 49.0;
        let fill =
            template.replace_share(share, &MiniThesaurus, &mut stream(2, "t", u64::from(index)));
        assert_eq!(fill.changes(), (share * open as f64).ceil() as usize);
        assert_eq!(fill.text == text, share == 0.0);
    }
}

#[test]
fn patterns_with_braces() {
    let parse = |pattern: &str| Template::parse(pattern, &[("a", &["x", "y"])]);
    assert_eq!(parse("{{{a}}} {a}").unwrap().expand(9).unwrap()[1].text, "{x} y");
    for bad in ["{a", "a}", "{b}", "{}", "{a}}"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(Template::parse::<&str>("{a}", &[("a", &[])]).is_err());
}

#[test]
fn splits_leak_nothing() {
    let seeds = demo_seeds().unwrap();
    let ids: Vec<&str> = seeds.iter().map(|s| s.id.as_str()).collect();
    let table =
        SurveyReader::new().with_weight("W_WEIGHT").read(survey::demo_survey(), &ids).unwrap();
    let outcome = run(PipelineConfig::new());
    let culture = |name: &str, code: &str| -> (Vec<Row>, Vec<String>) {
        let culture = Culture::of(name, code);
        let answers =
            survey::answers(&table, &culture, &seeds, AnswerRule::Mean, Pooling::Equal, 0.5)
                .unwrap();
        export::rows(name, &seeds, &answers, &outcome).unwrap()
    };
    let (north, refused) = culture("North", "NOR");
    assert!(refused.is_empty());
    assert_eq!(north.len(), 11 * 12);
    let (_, refused) = culture("Inner", "INS");
    assert_eq!(refused, ["B2"], "not asked there");

    let (train, test) = export::split(north.clone(), 0.25, 3).unwrap();
    assert_eq!(train.len() + test.len(), north.len());
    assert_eq!(test.len(), 3 * 11);
    let trained: Vec<&str> = train.iter().map(|r| r.seed_id.as_str()).collect();
    assert!(test.iter().all(|row| !trained.contains(&row.seed_id.as_str())));
    assert_eq!(export::split(north.clone(), 0.25, 3).unwrap().1, test);
    assert!(export::split(north.clone(), 0.0, 3).unwrap().1.is_empty());
    assert!(export::split(north.clone(), 1.0, 3).unwrap().0.is_empty());
    assert!(export::split(north.clone(), f64::NAN, 3).is_err());

    let all = export::one_for_all(vec![north.clone(), north.clone()], 1);
    assert_eq!(all.len(), 2 * north.len());
    let mut file = Vec::new();
    for format in [Format::OpenAiChat, Format::Alpaca, Format::ShareGpt, Format::Text] {
        file.clear();
        format.write(&mut file, &all).unwrap();
        let text = std::str::from_utf8(&file).unwrap();
        assert_eq!(text.lines().count(), all.len());
        assert!(text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()));
    }
    file.clear();
    export::write_provenance(&mut file, &all).unwrap();
    let first: Row = serde_json::from_slice(file.split(|&b| b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first, all[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn samples_are_without_replacement(counts in proptest::collection::vec(1..5_usize, 1..6), wanted in 0..40_usize, changes in 0..4_usize, seed: u64) {
        let names: Vec<String> = (0..counts.len()).map(|i| format!("s{i}")).collect();
        let lists: Vec<Vec<String>> = counts.iter().enumerate()
            .map(|(i, &n)| (0..n).map(|k| format!("w{i}x{k}")).collect()).collect();
        let options: Vec<(&str, &[String])> = names.iter().map(String::as_str).zip(lists.iter().map(Vec::as_slice)).collect();
        let pattern: Vec<String> = names.iter().map(|n| format!("{{{n}}}")).collect();
        let template = Template::parse(&pattern.join(" "), &options).unwrap();
        let fills = template.sample(wanted, changes, &mut stream(seed, "t", 0));
        let mut texts: Vec<&str> = fills.iter().map(|f| f.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        prop_assert_eq!(texts.len(), fills.len());
        prop_assert!(fills.iter().all(|f| (1..=changes).contains(&f.changes())));
        let all = template.expand(1 << 16).unwrap();
        let possible = all.iter().filter(|f| (1..=changes).contains(&f.changes())).count();
        prop_assert_eq!(fills.len(), wanted.min(possible));
    }

    #[test]
    fn any_seed_text_is_survived(content in ".{1,60}") {
        let seed = SeedQuestion { topic: "T".into(), id: "Q".into(), content, options: "1. a 2. b".into() };
        match run_with(PipelineConfig::new().with_samples(3).with_rounds(1), &offline_model(MiniThesaurus), &[seed]) {
            Ok(outcome) => prop_assert!(outcome.samples.len() <= 3),
            Err(error) => prop_assert!(matches!(error, Error::Empty { .. }), "{error}"),
        }
    }
}
