//! What scipy and the text libraries say of the data in `testdata/peers`, which
//! `benches/peers/*_vectors.py` write.

use assay_score::Mergeable;
use assay_score::statistics::{
    Alternative, PermutationConfig, Yates, benjamini_hochberg, benjamini_yekutieli, chi_square,
    critical_difference, fisher, friedman, kendall, mann_whitney, paired_permutation, paired_t,
    pearson, sign_test, spearman, welch_t, wilcoxon,
};
use assay_score::text::{
    BleuConfig, ChrfConfig, ErrorRate, MeteorConfig, Porter, RougeConfig, RougeTokens, Segment,
    Smoothing, TerConfig, Tokenizer, Transcript, Unit, porter_stem,
};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../testdata/peers/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("not a list: {value}"));
    list.iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn counts(value: &Value) -> Vec<u64> {
    let list = value.as_array().unwrap_or_else(|| panic!("not a list: {value}"));
    list.iter().map(|number| number.as_u64().expect("a count")).collect()
}

const SIDES: [(&str, Alternative); 3] = [
    ("two-sided", Alternative::TwoSided),
    ("less", Alternative::Less),
    ("greater", Alternative::Greater),
];

struct Case<'a> {
    index: usize,
    op: &'a str,
    input: &'a Value,
    expected: &'a Value,
}

impl Case<'_> {
    fn numbers(&self, name: &str) -> Vec<f64> {
        numbers(&self.input[name])
    }

    /// To 1e-9 relative, and absolute for what is zero up to rounding.
    fn close(&self, name: &str, got: impl Into<Option<f64>>) {
        let (got, want) = (got.into(), &self.expected[name]);
        let at = format!("case {} ({}), {name}", self.index, self.op);
        let (Some(got), Some(want)) = (got, want.as_f64()) else {
            panic!("{at}: got {got:?}, want {want}");
        };
        assert!(
            (got - want).abs() <= 1e-9 * want.abs() + 1e-15,
            "{at}: got {got:e}, want {want:e}"
        );
    }
}

#[test]
fn statistics_are_those_of_scipy() {
    let file = vectors("score_statistics");
    let cases = file["cases"].as_array().expect("cases");
    assert!(cases.len() > 100);
    for (index, case) in cases.iter().enumerate() {
        let op = case["op"].as_str().expect("an operation");
        let case = Case { index, op, input: &case["input"], expected: &case["expected"] };
        match op {
            "correlation" => correlation(&case),
            "t" => t(&case),
            "wilcoxon" => {
                for (side, alternative) in SIDES {
                    case.close(
                        side,
                        wilcoxon(&case.numbers("d"), alternative).expect("valid data").p_value,
                    );
                }
            }
            "mann_whitney" => {
                let (x, y) = (case.numbers("x"), case.numbers("y"));
                for (side, alternative) in SIDES {
                    let report = mann_whitney(&x, &y, alternative).expect("valid data");
                    case.close("u", report.statistic);
                    case.close(side, report.p_value);
                }
            }
            "sign" => {
                for (side, alternative) in SIDES {
                    case.close(
                        side,
                        sign_test(&case.numbers("d"), alternative).expect("valid data").p_value,
                    );
                }
            }
            "chi_square" => chi_square_case(&case),
            "fisher" => {
                let table: Vec<Vec<u64>> =
                    case.input["table"].as_array().expect("rows").iter().map(counts).collect();
                let got = fisher([[table[0][0], table[0][1]], [table[1][0], table[1][1]]])
                    .expect("valid data");
                case.close("two-sided", got.two_sided);
                case.close("less", got.less);
                case.close("greater", got.greater);
            }
            "paired_permutation" => {
                for (side, alternative) in SIDES {
                    let config = PermutationConfig { alternative, ..PermutationConfig::default() };
                    case.close(
                        side,
                        paired_permutation(&case.numbers("d"), config).expect("valid data").p_value,
                    );
                }
            }
            "friedman" => {
                let rows = case.input["blocks"].as_array().expect("blocks");
                let blocks: Vec<f64> = rows.iter().flat_map(numbers).collect();
                let got = friedman(&blocks, blocks.len() / rows.len()).expect("valid data");
                case.close("statistic", got.statistic);
                case.close("p", got.p_value);
            }
            "critical_difference" => {
                let [k, b] = ["k", "b"].map(|name| case.input[name].as_u64().expect("n") as usize);
                let got = critical_difference(k, b, case.input["alpha"].as_f64().expect("alpha"));
                case.close("cd", got.expect("valid data"));
            }
            "adjust" => {
                for (name, got) in [
                    ("bh", benjamini_hochberg(&case.numbers("p"))),
                    ("by", benjamini_yekutieli(&case.numbers("p"))),
                ] {
                    let want = numbers(&case.expected[name]);
                    assay_array::testing::assert_close(
                        &got.expect("valid data"),
                        &want,
                        1e-12,
                        0.0,
                    );
                }
            }
            other => panic!("no test knows the operation {other}"),
        }
    }
}

fn correlation(case: &Case<'_>) {
    let (x, y) = (case.numbers("x"), case.numbers("y"));
    let got = pearson(&x, &y, 0.9).expect("valid data").expect("they vary");
    case.close("pearson", got.value);
    case.close("pearson_p", got.p_value);
    if let Some(interval) = got.interval {
        case.close("pearson_low", interval.lower);
        case.close("pearson_high", interval.upper);
    }
    let got = spearman(&x, &y, 0.9).expect("valid data").expect("they vary");
    case.close("spearman", got.value);
    case.close("spearman_p", got.p_value);
    let got = kendall(&x, &y, 0.9).expect("valid data").expect("they vary");
    case.close("tau_b", got.tau_b);
    case.close("tau_c", got.tau_c);
    case.close("tau_p", got.p_value);
}

fn t(case: &Case<'_>) {
    let (x, y, shorter) = (case.numbers("x"), case.numbers("y"), case.numbers("shorter"));
    for (side, alternative) in SIDES {
        let paired = paired_t(&x, &y, alternative, 0.95).expect("valid data");
        case.close("paired_t", paired.statistic);
        case.close(&format!("{side}_paired"), paired.p_value);
        let interval = numbers(&case.expected["paired_interval"]);
        let got = [paired.interval.lower, paired.interval.upper];
        assay_array::testing::assert_close(&got, &interval, 1e-9, 1e-12);
        let welch = welch_t(&x, &shorter, alternative, 0.95).expect("valid data");
        case.close("welch_t", welch.statistic);
        case.close("welch_df", welch.degrees_of_freedom);
        case.close(&format!("{side}_welch"), welch.p_value);
    }
}

fn chi_square_case(case: &Case<'_>) {
    let rows: Vec<Vec<u64>> =
        case.input["table"].as_array().expect("rows").iter().map(counts).collect();
    let (table, columns) = (rows.concat(), rows[0].len());
    let plain = chi_square(&table, columns, Yates::Never).expect("valid data");
    case.close("plain", plain.statistic);
    case.close("plain_p", plain.p_value);
    case.close("dof", plain.degrees_of_freedom as f64);
    case.close("v", plain.cramers_v);
    let auto = chi_square(&table, columns, Yates::TwoByTwo).expect("valid data");
    case.close("auto", auto.statistic);
    case.close("auto_p", auto.p_value);
}

fn strings(value: &Value) -> Vec<&str> {
    let list = value.as_array().unwrap_or_else(|| panic!("not a list: {value}"));
    list.iter().map(|item| item.as_str().expect("a text")).collect()
}

fn same(at: &str, got: f64, want: &Value) {
    let want = want.as_f64().unwrap_or_else(|| panic!("{at}: not a number: {want}"));
    assert!((got - want).abs() <= 1e-9 * want.abs() + 1e-12, "{at}: got {got}, want {want}");
}

#[test]
fn texts_score_as_in_their_libraries() {
    let file = match std::env::var_os("ASSAY_TEXT_VECTORS") {
        None => vectors("score_text"),
        Some(path) => {
            let text = std::fs::read_to_string(path).expect("a readable file");
            serde_json::from_str(&text).expect("JSON")
        }
    };
    let cases = file["cases"].as_array().expect("cases");
    assert!(cases.len() >= 100);
    for (index, case) in cases.iter().enumerate() {
        let hypotheses = strings(&case["hypotheses"]);
        let references: Vec<Vec<&str>> =
            case["references"].as_array().expect("lists").iter().map(strings).collect();
        let segments: Vec<Segment<'_>> = hypotheses
            .iter()
            .zip(&references)
            .map(|(hypothesis, references)| Segment { hypothesis, references })
            .collect();
        let at = format!("case {index} {segments:?}");
        corpus_scores(&at, &segments, &case["expected"]);
        segment_scores(&at, &segments, &case["expected"]);
    }
    for row in file["stems"].as_array().expect("stems") {
        let [word, extended, original] = strings(row)[..] else { panic!("not three words: {row}") };
        assert_eq!(porter_stem(word, Porter::Extended), extended, "{word}");
        assert_eq!(porter_stem(word, Porter::Original), original, "{word}");
    }
}

fn corpus_scores(at: &str, segments: &[Segment<'_>], expected: &Value) {
    let plain = BleuConfig::new();
    for (name, want) in expected["bleu"].as_object().expect("by name") {
        let config = match name.as_str() {
            "13a" => plain,
            "intl" => plain.with_tokenizer(Tokenizer::International),
            "char" => plain.with_tokenizer(Tokenizer::Characters),
            "none_lc" => plain.with_tokenizer(Tokenizer::None).with_lowercase(true),
            "floor" => plain.with_smoothing(Smoothing::Floor(0.1)),
            "add-k" => plain.with_smoothing(Smoothing::AddK(1.0)),
            "no_smooth" => plain.with_smoothing(Smoothing::None),
            "eff" => plain.with_effective_order(true),
            "order2" => plain.with_max_order(2),
            other => panic!("no test knows the BLEU {other}"),
        };
        let mut bleu = config.init().expect("a configuration");
        bleu.update(segments).expect("references");
        same(&format!("{at} BLEU {name}"), bleu.finish().expect("segments").score, want);
    }
    for (name, want) in expected["chrf"].as_object().expect("by name") {
        let config = match name.as_str() {
            "chrf" => ChrfConfig::chrf(),
            "chrf++" => ChrfConfig::chrf_plus_plus(),
            "beta1_ws" => ChrfConfig::chrf().with_beta(1.0).with_whitespace(true),
            "lc_eps" => ChrfConfig::chrf()
                .with_lowercase(true)
                .with_epsilon_smoothing(true)
                .with_word_order(1),
            other => panic!("no test knows the chrF {other}"),
        };
        let mut chrf = config.init().expect("a configuration");
        chrf.update(segments).expect("references");
        same(&format!("{at} chrF {name}"), chrf.finish().expect("segments").score, want);
    }
    for (name, want) in expected["ter"].as_object().expect("by name") {
        let config = match name.as_str() {
            "ter" => TerConfig::new(),
            "case" => TerConfig::new().with_case_sensitive(true),
            "norm" => TerConfig::new().with_normalized(true),
            "no_punct" => TerConfig::new().with_normalized(true).with_no_punctuation(true),
            "asian" => TerConfig::new().with_asian_support(true),
            "asian_norm" => TerConfig::new().with_normalized(true).with_asian_support(true),
            "asian_no_punct" => TerConfig::new().with_no_punctuation(true).with_asian_support(true),
            "asian_both" => TerConfig::new()
                .with_normalized(true)
                .with_no_punctuation(true)
                .with_asian_support(true),
            other => panic!("no test knows the TER {other}"),
        };
        let mut ter = config.init();
        ter.update(segments).expect("references");
        same(&format!("{at} TER {name}"), ter.finish().expect("segments").score, want);
    }
    let transcripts: Vec<Transcript<'_>> = segments
        .iter()
        .map(|segment| Transcript {
            hypothesis: segment.hypothesis,
            reference: segment.references[0],
        })
        .collect();
    for (name, unit) in [("wer", Unit::Words), ("cer", Unit::Characters)] {
        let mut rate = ErrorRate::new(unit);
        rate.update(&transcripts).expect("few units");
        let report = rate.finish().expect("transcripts");
        let edits = report.edits;
        let counts = [edits.hits, edits.substitutions, edits.deletions, edits.insertions];
        let counts = counts.map(|count| count as f64);
        let rates = [report.error_rate, report.match_error_rate, report.information_preserved];
        let got = match unit {
            Unit::Words => [&rates[..], &counts[..]].concat(),
            Unit::Characters => [&rates[..1], &counts[..]].concat(),
        };
        let want = expected[name].as_array().expect("numbers");
        assert_eq!(got.len(), want.len());
        for (got, want) in got.into_iter().zip(want) {
            same(&format!("{at} {name}"), got, want);
        }
    }
}

fn segment_scores(at: &str, segments: &[Segment<'_>], expected: &Value) {
    for (index, tokens) in [RougeTokens::Ascii, RougeTokens::AsciiStemmed].into_iter().enumerate() {
        let rouge = RougeConfig::new().with_orders(3).with_lsum(true).with_tokens(tokens);
        let rouge = rouge.init().expect("orders");
        let rows = rouge.segment_scores(segments).expect("references");
        for (segment, scores) in rows.iter().enumerate() {
            for (measure, scores) in scores.iter().enumerate() {
                let want = &expected["rouge"][index][segment][measure];
                let at = format!("{at} ROUGE {tokens:?} {segment} {measure}");
                same(&at, scores.precision, &want[0]);
                same(&at, scores.recall, &want[1]);
                same(&at, scores.f1, &want[2]);
            }
        }
    }
    // One reference, as the library's function takes.
    let first: Vec<Segment<'_>> = segments
        .iter()
        .map(|segment| Segment { references: &segment.references[..1], ..*segment })
        .collect();
    let meteor = MeteorConfig::default().init().expect("weights");
    let scores = meteor.scores(&first, None).expect("references");
    for (index, score) in scores.into_iter().enumerate() {
        same(&format!("{at} METEOR {index}"), score, &expected["meteor"][index]);
    }
}
