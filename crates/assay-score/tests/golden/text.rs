//! Cases of text measures.

use assay_array::testing::sentence_pairs;
use assay_score::Mergeable;
use assay_score::text::{
    AnlsConfig, Bleu, BleuConfig, BleuReport, ChrfConfig, Edits, ErrorRate, GreedyScores,
    MeteorConfig, Porter, RougeConfig, RougeTokens, Segment, Smoothing, Synonyms, TerConfig,
    Tokenizer, Transcript, Unit, anls, cosine, exact_match, greedy_match, idf_weights, porter_stem,
    rouge_tokens, squad_f1, squad_normalize, tokenize,
};
use serde_json::Value;

use super::{Case, list, number, numbers, text, whole};

/// The synthetic corpus that a case names by its size and seed.
fn generated(generator: &Value) -> (Vec<String>, Vec<String>) {
    let (n, seed) = (whole(&generator["n"]), whole(&generator["seed"]) as u64);
    sentence_pairs(n, seed).into_iter().unzip()
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| text(item).to_owned()).collect()
}

/// Hypotheses, and the references of each.
fn corpus(case: &Case<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let generator = case.input("generator");
    if !generator.is_null() {
        let (hypotheses, references) = generated(generator);
        return (hypotheses, references.into_iter().map(|reference| vec![reference]).collect());
    }
    if !case.input("hyp").is_null() {
        return (vec![text(case.input("hyp")).to_owned()], vec![strings(case.input("refs"))]);
    }
    let hypotheses = strings(case.input("hyps"));
    let mut references = vec![Vec::new(); hypotheses.len()];
    for of_one_kind in list(case.input("refs")) {
        for (references, reference) in references.iter_mut().zip(list(of_one_kind)) {
            // A missing reference is null: a segment may have fewer than another.
            references.extend(reference.as_str().map(str::to_owned));
        }
    }
    (hypotheses, references)
}

/// Runs a test on a corpus as segments.
fn with_segments<T>(
    hypotheses: &[String],
    references: &[Vec<String>],
    run: impl FnOnce(&[Segment<'_>]) -> T,
) -> T {
    let borrowed: Vec<Vec<&str>> =
        references.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect();
    let segments: Vec<Segment<'_>> = hypotheses
        .iter()
        .zip(&borrowed)
        .map(|(hypothesis, references)| Segment { hypothesis, references })
        .collect();
    run(&segments)
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

fn bleu_of(case: &Case<'_>) -> Bleu {
    let value = |default: f64| case.param("smooth_value").as_f64().unwrap_or(default);
    let smoothing = match case.param("smooth_method").as_str() {
        Some("exp") | None => Smoothing::Exponential,
        Some("floor") => Smoothing::Floor(value(0.1)),
        Some("add-k") => Smoothing::AddK(value(1.0)),
        Some("none") => Smoothing::None,
        Some(other) => panic!("{}: smoothing {other}", case.id()),
    };
    let tokenizer = match case.param("tokenize").as_str() {
        Some("13a") | None => Tokenizer::V13a,
        Some("char") => Tokenizer::Characters,
        Some("intl") => Tokenizer::International,
        Some("none") => Tokenizer::None,
        Some(other) => panic!("{}: tokeniser {other}", case.id()),
    };
    let order = case.param("max_ngram_order").as_u64().unwrap_or(4);
    BleuConfig::new()
        .with_smoothing(smoothing)
        .with_tokenizer(tokenizer)
        .with_max_order(order as usize)
        .with_lowercase(flag(case.param("lowercase")))
        .with_effective_order(flag(case.param("effective_order")))
        .init()
        .expect("a configuration")
}

fn check_bleu(case: &Case<'_>, report: &BleuReport) {
    let expected = &case.0["expected"];
    if expected.is_number() {
        case.near("score", Some(report.score), expected);
        return;
    }
    let known =
        ["score", "precisions", "bp", "sys_len", "ref_len", "counts", "totals", "signature"];
    case.expects(&known);
    case.close("score", report.score);
    case.all_close("precisions", &report.precisions);
    case.close("bp", report.brevity_penalty);
    case.close("sys_len", report.hypothesis_length as f64);
    case.close("ref_len", report.reference_length as f64);
    let floats = |counts: &[u64]| counts.iter().map(|&count| count as f64).collect::<Vec<f64>>();
    case.all_close("totals", &floats(&report.totals));
    // Add-k adds to the counts that sacrebleu reports; ours are the counts.
    if case.param("smooth_method") != "add-k" {
        case.all_close("counts", &floats(&report.matches));
    }
    if let Some(signature) = expected["signature"].as_str() {
        let ours = report.signature.rsplit_once("|impl:").expect("an impl field").0;
        let theirs = signature.rsplit_once("|version:").expect("a version").0;
        assert_eq!(ours, theirs, "{}", case.id());
    }
}

pub(super) fn bleu(case: &Case<'_>) {
    let (hypotheses, references) = corpus(case);
    let mut bleu = bleu_of(case);
    with_segments(&hypotheses, &references, |segments| bleu.update(segments)).expect("references");
    check_bleu(case, &bleu.finish().expect("segments"));
}

pub(super) fn bleu_sentence_mean(case: &Case<'_>) {
    case.expects(&["mean", "first3", "min", "max"]);
    let (hypotheses, references) = corpus(case);
    let bleu = bleu_of(case);
    let each = with_segments(&hypotheses, &references, |segments| bleu.statistics(segments));
    let scores: Vec<f64> =
        each.expect("references").iter().map(|s| s.score(&bleu.config())).collect();
    case.close("mean", scores.iter().sum::<f64>() / scores.len() as f64);
    case.all_close("first3", &scores[..3]);
    case.close("min", scores.iter().copied().fold(f64::INFINITY, f64::min));
    case.close("max", scores.iter().copied().fold(0.0, f64::max));
}

pub(super) fn chrf(case: &Case<'_>) {
    case.expects(&["score", "signature"]);
    let (hypotheses, references) = corpus(case);
    let mut chrf = ChrfConfig::chrf()
        .with_char_order(whole(case.param("char_order")))
        .with_word_order(whole(case.param("word_order")))
        .with_beta(number(case.param("beta")))
        .with_lowercase(flag(case.param("lowercase")))
        .with_whitespace(flag(case.param("whitespace")))
        .with_epsilon_smoothing(flag(case.param("eps_smoothing")))
        .init()
        .expect("a configuration");
    with_segments(&hypotheses, &references, |segments| chrf.update(segments)).expect("references");
    let report = chrf.finish().expect("segments");
    case.close("score", report.score);
    if let Some(signature) = case.0["expected"]["signature"].as_str() {
        let ours = report.signature.rsplit_once("|impl:").expect("an impl field").0;
        let theirs = signature.rsplit_once("|version:").expect("a version").0;
        // sacrebleu says nothing of beta.
        let ours: Vec<&str> = ours.split('|').filter(|part| !part.starts_with("beta:")).collect();
        assert_eq!(ours.join("|"), theirs, "{}", case.id());
    }
}

pub(super) fn ter(case: &Case<'_>) {
    let (hypotheses, references) = corpus(case);
    let mut ter = TerConfig::new().with_case_sensitive(flag(case.param("case_sensitive"))).init();
    with_segments(&hypotheses, &references, |segments| ter.update(segments)).expect("references");
    case.near("score", Some(ter.finish().expect("segments").score), &case.0["expected"]);
}

pub(super) fn tokenize_13a(case: &Case<'_>) {
    let got = tokenize(text(case.input("text")), Tokenizer::V13a).join(" ");
    assert_eq!(got, text(&case.0["expected"]), "{}", case.id());
}

pub(super) fn synthetic_corpus(case: &Case<'_>) {
    case.expects(&["hyps", "refs"]);
    let (n, seed) = (whole(case.input("n")), whole(case.param("seed")) as u64);
    let (hypotheses, references): (Vec<_>, Vec<_>) = sentence_pairs(n, seed).into_iter().unzip();
    assert_eq!(hypotheses, strings(&case.0["expected"]["hyps"]));
    assert_eq!(references, strings(&case.0["expected"]["refs"]));
}

fn rouge_tokens_of(case: &Case<'_>) -> RougeTokens {
    if flag(case.param("use_stemmer")) { RougeTokens::AsciiStemmed } else { RougeTokens::Ascii }
}

pub(super) fn rouge_tokenize(case: &Case<'_>) {
    let got = rouge_tokens(text(case.input("text")), rouge_tokens_of(case));
    assert_eq!(got, strings(&case.0["expected"]), "{}", case.id());
}

pub(super) fn porter(case: &Case<'_>) {
    let form = match case.param("mode").as_str() {
        Some(mode) if mode.contains("ORIGINAL") => Porter::Original,
        _ => Porter::Extended,
    };
    let got: Vec<String> =
        strings(case.input("words")).iter().map(|word| porter_stem(word, form)).collect();
    assert_eq!(got, strings(&case.0["expected"]), "{} {}", case.id(), case.0["params"]);
}

pub(super) fn rouge(case: &Case<'_>) {
    case.expects(&["rouge1", "rouge2", "rougeL", "rougeLsum"]);
    assert!(!flag(case.param("split_summaries")), "{}: sentences are the caller's", case.id());
    let references = match case.input("targets").as_array() {
        Some(_) => strings(case.input("targets")),
        None => vec![text(case.input("target")).to_owned()],
    };
    let rouge = RougeConfig::new().with_lsum(true).with_tokens(rouge_tokens_of(case));
    let rouge = rouge.init().expect("orders");
    let hypotheses = [text(case.input("prediction")).to_owned()];
    let scores =
        with_segments(&hypotheses, &[references], |segments| rouge.segment_scores(segments));
    let scores = &scores.expect("references")[0];
    for (name, got) in ["rouge1", "rouge2", "rougeL", "rougeLsum"].into_iter().zip(scores) {
        let want = &case.0["expected"][name];
        if !want.is_null() {
            case.near(name, Some(got.precision), &want["p"]);
            case.near(name, Some(got.recall), &want["r"]);
            case.near(name, Some(got.f1), &want["f"]);
        }
    }
}

pub(super) fn rouge_mean(case: &Case<'_>) {
    case.expects(&["rouge1", "rouge2", "rougeL"]);
    let (hypotheses, references) = corpus(case);
    let mut rouge = RougeConfig::new().with_tokens(rouge_tokens_of(case)).init().expect("orders");
    with_segments(&hypotheses, &references, |segments| rouge.update(segments)).expect("references");
    let report = rouge.finish().expect("segments");
    for (name, got) in [
        ("rouge1", Some(report.n[0].f1.mean)),
        ("rouge2", Some(report.n[1].f1.mean)),
        ("rougeL", report.l.map(|l| l.f1.mean)),
    ] {
        if case.0["expected"].get(name).is_some() {
            case.close(name, got);
        }
    }
}

fn meteor_of(case: &Case<'_>) -> MeteorConfig {
    let [alpha, beta, gamma] = ["alpha", "beta", "gamma"].map(|name| number(case.param(name)));
    MeteorConfig { alpha, beta, gamma }
}

pub(super) fn meteor_no_wordnet(case: &Case<'_>) {
    let meteor = meteor_of(case).init().expect("weights");
    if !case.input("generator").is_null() {
        let (hypotheses, references) = corpus(case);
        let scores =
            with_segments(&hypotheses, &references, |s| meteor.scores(s, None)).expect("r");
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        case.near("mean", Some(mean), &case.0["expected"]);
        return;
    }
    let [hypothesis, reference] =
        ["hyp_tokens", "ref_tokens"].map(|name| strings(case.input(name)).join(" "));
    let got = with_segments(&[hypothesis], &[vec![reference]], |s| meteor.scores(s, None));
    case.near("meteor", Some(got.expect("references")[0]), &case.0["expected"]);
}

pub(super) fn meteor_with_wordnet(case: &Case<'_>) {
    case.expects(&["wordnet", "no_wordnet"]);
    let meteor = meteor_of(case).init().expect("weights");
    // What WordNet says of the words in this case: the library looks "sat" up as "sit" and finds
    // "sitting" beside it. WordNet itself is not shipped.
    let groups: [&[&str]; 1] = [&["sat", "sitting"]];
    let synonyms = Synonyms::from_groups(groups);
    let pairs = list(case.input("pairs"));
    let scores = |synonyms: Option<&Synonyms>| -> Vec<f64> {
        let hypotheses: Vec<String> =
            pairs.iter().map(|pair| text(&pair["hyp"]).to_owned()).collect();
        let references: Vec<Vec<String>> =
            pairs.iter().map(|pair| vec![text(&pair["ref"]).to_owned()]).collect();
        with_segments(&hypotheses, &references, |s| meteor.scores(s, synonyms)).expect("references")
    };
    case.all_close("no_wordnet", &scores(None));
    case.all_close("wordnet", &scores(Some(&synonyms)));
}

pub(super) fn wer_cer(case: &Case<'_>) {
    let known =
        ["wer", "mer", "wil", "wip", "hits", "sub", "dele", "ins", "cer", "c_hits", "c_sub"];
    case.expects(&[&known[..], &["c_del", "c_ins"]].concat());
    let (hypotheses, references) = if case.input("generator").is_null() {
        (strings(case.input("hyps")), strings(case.input("refs")))
    } else {
        let generator = case.input("generator");
        generated(generator)
    };
    let transcripts: Vec<Transcript<'_>> = hypotheses
        .iter()
        .zip(&references)
        .map(|(hypothesis, reference)| Transcript { hypothesis, reference })
        .collect();
    let rate = |unit| {
        let mut rate = ErrorRate::new(unit);
        rate.update(&transcripts).expect("few words");
        rate.finish().expect("transcripts")
    };
    let (words, letters) = (rate(Unit::Words), rate(Unit::Characters));
    let expected = case.0["expected"].as_object().expect("numbers by name");
    for name in expected.keys() {
        let got = match name.as_str() {
            "wer" => words.error_rate,
            "mer" => words.match_error_rate,
            "wip" => words.information_preserved,
            "wil" => words.information_lost(),
            "hits" => words.edits.hits as f64,
            "sub" => words.edits.substitutions as f64,
            "dele" => words.edits.deletions as f64,
            "ins" => words.edits.insertions as f64,
            "cer" => letters.error_rate,
            "c_hits" => letters.edits.hits as f64,
            "c_sub" => letters.edits.substitutions as f64,
            "c_del" => letters.edits.deletions as f64,
            "c_ins" => letters.edits.insertions as f64,
            other => panic!("{}: nothing checks {other}", case.id()),
        };
        case.close(name, got);
    }
}

pub(super) fn levenshtein_words_sum(case: &Case<'_>) {
    let generator = case.input("generator");
    let (hypotheses, references) = generated(generator);
    let transcripts: Vec<Transcript<'_>> = hypotheses
        .iter()
        .zip(&references)
        .map(|(hypothesis, reference)| Transcript { hypothesis, reference })
        .collect();
    let edits = ErrorRate::new(Unit::Words).transcript_edits(&transcripts);
    let sum: u64 = edits.iter().map(Edits::distance).sum();
    assert_eq!(Some(sum), case.0["expected"].as_u64());
}

pub(super) fn squad(case: &Case<'_>) {
    case.expects(&["em", "f1", "normalized"]);
    let prediction = text(case.input("prediction"));
    let references = strings(case.input("references"));
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let matched = exact_match(prediction, &references).expect("references");
    case.close("em", f64::from(u8::from(matched)));
    case.close("f1", squad_f1(prediction, &references).expect("references"));
    assert_eq!(
        squad_normalize(prediction),
        text(&case.0["expected"]["normalized"]),
        "{}",
        case.id()
    );
}

pub(super) fn anls_case(case: &Case<'_>) {
    case.expects(&["strict", "peer_compat"]);
    let references = strings(case.input("references"));
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let threshold = number(case.param("threshold"));
    for (name, form) in
        [("strict", AnlsConfig::Strict), ("peer_compat", AnlsConfig::PeerCompatible)]
    {
        let got = anls(text(case.input("prediction")), &references, threshold, form);
        case.close(name, got.expect("references"));
    }
}

pub(super) fn cosine_case(case: &Case<'_>) {
    case.expects(&["cos"]);
    let [a, b] = ["a", "b"].map(|name| numbers(case.input(name)));
    case.close("cos", cosine(&a, &b).expect("vectors"));
}

fn check_greedy(case: &Case<'_>, got: GreedyScores) {
    case.expects(&["p", "r", "f"]);
    case.close("p", got.precision);
    case.close("r", got.recall);
    case.close("f", got.f1);
}

pub(super) fn bertscore_greedy(case: &Case<'_>) {
    let rows = |name| -> Vec<Vec<f64>> { list(case.input(name)).iter().map(numbers).collect() };
    let (hypothesis, reference) = (rows("hyp"), rows("ref"));
    let dimensions = hypothesis.first().or(reference.first()).map_or(1, Vec::len);
    let weights = ["hyp_idf", "ref_idf"]
        .map(|name| case.input(name).as_array().map(|_| numbers(case.input(name))));
    for name in case.0["input"].as_object().expect("inputs by name").keys() {
        assert!(
            ["hyp", "ref", "hyp_idf", "ref_idf"].contains(&name.as_str()),
            "{}: {name}",
            case.id()
        );
    }
    let weights = match &weights {
        [Some(h), Some(r)] => Some((&h[..], &r[..])),
        _ => None,
    };
    let got = greedy_match(&hypothesis.concat(), &reference.concat(), dimensions, weights);
    check_greedy(case, got.expect("rows"));
}

pub(super) fn bertscore_rescale(case: &Case<'_>) {
    let scores = |value: &Value| GreedyScores {
        precision: number(&value["p"]),
        recall: number(&value["r"]),
        f1: number(&value["f"]),
    };
    let baseline = scores(&case.param("baseline").clone());
    check_greedy(case, scores(&case.0["input"]).rescaled(&baseline).expect("a baseline"));
    // The weights' formula at hand: a token in one of two sentences, and one in none.
    let weights = idf_weights(&[&["a", "b"], &["b"]], &["a", "b", "c"]);
    let want = [1.5_f64.ln(), 0.0, 3.0_f64.ln()];
    assay_array::testing::assert_close(&weights, &want, 1e-12, 1e-12);
}
