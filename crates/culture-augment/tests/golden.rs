//! Every case of `testdata/golden/culture.json`, dispatched on its operation.

use assay_array::ndarray::Array2;
use assay_array::testing::{SplitMix64, assert_close, cases, golden};
use assay_language::parse;
use assay_language::{cosine, mean_pool, similar};
use culture_augment::dedup::{Shingles, candidate_probability, shingle_jaccard};
use culture_augment::evaluate::macro_f1;
use culture_augment::export::{Format, Row};
use culture_augment::measure::{
    LogBase, distinct, diversity_gain, jensen_shannon, self_bleu, vendi, wasserstein,
    wasserstein_samples,
};
use culture_augment::pipeline::Template;
use culture_augment::survey::{AnswerRule, Scale, SeedQuestion, Tally};
use culture_augment::words::{WordNet, tokens};
use culture_augment::{compat, prompt};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::workload::Vocabulary;

/// A case's input and what is expected, with its tolerance.
struct Case<'a> {
    id: &'a str,
    input: &'a Value,
    expected: &'a Value,
    tolerance: f64,
}

impl Case<'_> {
    fn close(&self, got: f64, want: &Value) {
        let want = want.as_f64().unwrap_or_else(|| panic!("{}: no number {want}", self.id));
        // A case with tolerance 0 is exact.
        assert!(
            (got - want).abs() <= self.tolerance,
            "{}: got {got}, want {want} ± {}",
            self.id,
            self.tolerance
        );
    }

    fn equal(&self, got: impl Into<Value>, want: &Value) {
        let got = got.into();
        assert!(
            got == *want || got.as_f64().is_some_and(|g| Some(g) == want.as_f64()),
            "{}: got {got}, want {want}",
            self.id
        );
    }

    fn texts(&self, name: &str) -> Vec<String> {
        strings(&self.input[name])
    }
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    list.iter().map(|v| v.as_str().expect("a text").to_owned()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    list.iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn codes(value: &Value) -> Vec<i64> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    list.iter().map(|v| v.as_i64().expect("a whole number")).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().expect("rows").iter().map(numbers).collect();
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    Array2::from_shape_vec(shape, rows.concat()).expect("a matrix")
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))).unwrap()
}

#[test]
fn every_case() {
    let golden = golden(env!("CARGO_MANIFEST_DIR"), "culture");
    for case in cases(&golden) {
        let id = case["id"].as_str().expect("an id");
        let tolerance = case["tolerance"].as_f64().expect("a tolerance");
        let (input, expected) = (&case["input"], &case["expected"]);
        let one = Case { id, input, expected, tolerance };
        run(case["function"].as_str().expect("a function"), &one);
    }
}

fn run(function: &str, case: &Case<'_>) {
    match function {
        "distinct_n" => distinct_n(case),
        "self_bleu" => self_bleu_case(case),
        "js_similarity" => js(case),
        "wasserstein_ordinal" => ordinal(case),
        "wasserstein_histogram" => histogram(case),
        "wvs_country_label" => country_label(case),
        "wvs_label_from_mean" => label_from_mean(case),
        "culture_prompt" => culture_prompt(case),
        "export_row" => export_row(case),
        "parse_numbered_list" => numbered_list(case),
        "template_expand_all" => expand_all(case),
        "original_replacement_probability" => {
            let (keep, each) = compat::fill_probabilities(count(&case.input["synonyms"]));
            case.close(keep, &case.expected["p_keep"]);
            case.close(each, &case.expected["p_each"]);
        }
        "per_template_quota" => {
            let (quota, total) =
                compat::quota(count(&case.input["m"]), count(&case.input["templates"]));
            case.equal(quota, &case.expected["original"]);
            case.equal(total, &case.expected["total_original"]);
        }
        "word_replace" => word_replace(case),
        "similarity_filter" => {
            let (a, b) = (numbers(&case.input["a"]), numbers(&case.input["b"]));
            let threshold = case.input["threshold"].as_f64().unwrap();
            case.close(cosine(&a, &b).unwrap(), &case.expected["cosine"]);
            case.equal(similar(&a, &b, threshold).unwrap(), &case.expected["keep"]);
        }
        "masked_mean_pool" => pool(case),
        "diversity_gain" => {
            let (new, original) = (matrix(&case.input["new"]), matrix(&case.input["original"]));
            case.close(
                diversity_gain(new.view(), original.view()).unwrap(),
                &case.expected["value"],
            );
        }
        "repo_bigram_perplexity" => {
            let text = case.input["text"].as_str().unwrap();
            let of = |fixed| compat::bigram_perplexity(text, fixed).unwrap();
            case.close(of(false), &case.expected["original"]);
            case.close(of(true), &case.expected["fixed_key"]);
        }
        "vendi_score" => {
            let order = case.input["q"].as_f64().unwrap_or(f64::INFINITY);
            let got = vendi(matrix(&case.input["K"]).view(), order).unwrap();
            case.close(got, &case.expected["value"]);
        }
        "macro_f1" => macro_f1_case(case),
        "bench_corpus" => corpus(case),
        "splitmix64" => {
            let mut rng = SplitMix64::new(case.input["seed"].as_u64().unwrap());
            let n = count(&case.input["n"]);
            let values: Vec<String> = (0..n).map(|_| rng.next_u64().to_string()).collect();
            case.equal(values, &case.expected["values"]);
        }
        "shingle_jaccard" => {
            let text = |name: &str| case.input[name].as_str().unwrap();
            let shingles = Shingles::Words(count(&case.input["n"]));
            let (both, union) = shingle_jaccard(text("a"), text("b"), shingles);
            case.equal(both, &case.expected["intersection"]);
            case.equal(union, &case.expected["union"]);
            let value = if union == 0 { 0.0 } else { both as f64 / union as f64 };
            case.close(value, &case.expected["value"]);
        }
        "lsh_candidate_probability" => {
            let (bands, rows) = (count(&case.input["bands"]), count(&case.input["rows"]));
            let jaccard = case.input["jaccard"].as_f64().unwrap();
            case.close(candidate_probability(bands, rows, jaccard), &case.expected["value"]);
        }
        other => panic!("{}: unknown operation {other}", case.id),
    }
}

fn distinct_n(case: &Case<'_>) {
    assert_eq!(case.input["tokenizer"], "whitespace", "{}", case.id);
    let mut texts = case.texts("texts");
    match case.input["case"].as_str() {
        Some("lower") => texts.iter_mut().for_each(|t| *t = t.to_lowercase()),
        Some("as-is") => {}
        other => panic!("{}: unknown case {other:?}", case.id),
    }
    let got = distinct(&texts, count(&case.input["n"])).unwrap();
    case.equal(got.unique, &case.expected["unique"]);
    case.equal(got.total, &case.expected["total"]);
    case.close(got.value, &case.expected["value"]);
}

fn self_bleu_case(case: &Case<'_>) {
    let got = self_bleu(&case.texts("texts"), count(&case.input["max_n"])).unwrap();
    assert_close(&got.per_text, &numbers(&case.expected["per_text"]), 0.0, case.tolerance);
    case.close(got.mean, &case.expected["mean"]);
}

fn js(case: &Case<'_>) {
    let (p, q) = (numbers(&case.input["p"]), numbers(&case.input["q"]));
    let bits = jensen_shannon(&p, &q, LogBase::Two).unwrap();
    let nats = jensen_shannon(&p, &q, LogBase::E).unwrap();
    case.close(bits, &case.expected["js_divergence_base2"]);
    case.close(bits.sqrt(), &case.expected["js_distance_base2"]);
    case.close(1.0 - bits.sqrt(), &case.expected["similarity_base2"]);
    case.close(nats.sqrt(), &case.expected["js_distance_nat"]);
    case.close(1.0 - nats.sqrt(), &case.expected["similarity_nat"]);
}

fn ordinal(case: &Case<'_>) {
    let scale = numbers(&case.input["scale"]);
    let scale = case.input["normalise"].as_bool().unwrap().then_some((scale[0], scale[1]));
    let (a, b) = (numbers(&case.input["a"]), numbers(&case.input["b"]));
    case.close(wasserstein_samples(&a, &b, scale).unwrap(), &case.expected["value"]);
}

fn histogram(case: &Case<'_>) {
    let points = numbers(&case.input["support"]);
    let (p, q) = (numbers(&case.input["p"]), numbers(&case.input["q"]));
    let mut got = wasserstein(&points, &p, &q).unwrap();
    if case.input["normalise"].as_bool().unwrap() {
        got /= points[points.len() - 1] - points[0];
    }
    case.close(got, &case.expected["value"]);
}

fn country_label(case: &Case<'_>) {
    let ends = codes(&case.input["scale"]);
    let scale = Scale::new(ends[0], ends[1]).unwrap();
    let tally = Tally::of(codes(&case.input["codes"]));
    for (rule, name) in [(AnswerRule::CompatOriginal, "original"), (AnswerRule::Mean, "fixed")] {
        let want = &case.expected[name];
        let got = rule.answer(&tally, &scale).unwrap();
        match got.mean {
            Some(mean) => case.close(mean, &want["mean"]),
            None => case.equal(Value::Null, &want["mean"]),
        }
        case.equal(got.label.map(|label| label.to_string()), &want["label"]);
    }
}

fn label_from_mean(case: &Case<'_>) {
    let means = case.input["means"].as_object().unwrap();
    assert_eq!(means.len(), case.expected["original"].as_object().unwrap().len());
    for (name, mean) in means {
        let label = compat::label(mean.as_f64().unwrap()).unwrap();
        case.equal(label.to_string(), &case.expected["original"][name]);
    }
}

fn seed(case: &Case<'_>) -> SeedQuestion {
    SeedQuestion {
        topic: "T".into(),
        id: "Q".into(),
        content: case.input["content"].as_str().unwrap().into(),
        options: case.input["option"].as_str().unwrap().into(),
    }
}

fn culture_prompt(case: &Case<'_>) {
    let seed = seed(case);
    case.equal(prompt::question_compat(&seed).unwrap(), &case.expected["original"]);
    let scale = seed.scale().unwrap();
    case.equal(json!([scale.low(), scale.high()]), &case.expected["numeric_range"]);
    let range = format!("Give me the answer from {} to {}: ", scale.low(), scale.high());
    assert!(prompt::question(&seed).unwrap().starts_with(&range));
}

fn export_row(case: &Case<'_>) {
    let row = Row {
        culture: case.input["culture"].as_str().unwrap().into(),
        prompt: prompt::question(&seed(case)).unwrap(),
        answer: case.input["answer"].as_i64().unwrap(),
        seed_id: "Q".into(),
        topic: "T".into(),
        content: case.input["content"].as_str().unwrap().into(),
        step: None,
        similarity: 1.0,
    };
    for (name, want) in case.expected.as_object().unwrap() {
        let format = match name.as_str() {
            "openai_chat" => Format::OpenAiChat,
            "llama_text" => Format::Text,
            "alpaca" => Format::Alpaca,
            "sharegpt" => Format::ShareGpt,
            other => panic!("{}: unknown format {other}", case.id),
        };
        case.equal(format.row(&row), want);
    }
}

fn numbered_list(case: &Case<'_>) {
    let text = case.input["text"].as_str().unwrap();
    case.equal(parse::lines_after_dot(text), &case.expected["original"]);
    case.equal(parse::numbered_list(text).items, &case.expected["fixed"]);
}

fn expand_all(case: &Case<'_>) {
    let slots = case.input["slots"].as_object().unwrap();
    let slots: Vec<(&str, Vec<String>)> =
        slots.iter().map(|(name, list)| (name.as_str(), strings(list))).collect();
    let options: Vec<(&str, &[String])> =
        slots.iter().map(|(name, list)| (*name, list.as_slice())).collect();
    let template = Template::parse(case.input["template"].as_str().unwrap(), &options).unwrap();
    let all: Vec<String> = template.expand(1 << 20).unwrap().into_iter().map(|f| f.text).collect();
    case.equal(all.len(), &case.expected["count"]);
    case.equal(all[0].clone(), &case.expected["first"]);
    case.equal(all[all.len() - 1].clone(), &case.expected["last"]);
    let mut unique = all;
    unique.sort();
    unique.dedup();
    case.equal(unique.len(), &case.expected["unique"]);
}

fn word_replace(case: &Case<'_>) {
    let field = |name: &str| case.input[name].as_str().unwrap();
    let (sentence, word, synonym) = (field("sentence"), field("word"), field("synonym"));
    case.equal(compat::replace(sentence, word, synonym), &case.expected["original"]);
    // A slot for every token that is the word, in its case: what templates do with their slots.
    let mut pattern = String::new();
    let mut copied = 0;
    for token in tokens(sentence).iter().filter(|t| t.word == word) {
        pattern.push_str(&sentence[copied..token.range.start]);
        pattern.push_str("{word}");
        copied = token.range.end;
    }
    pattern.push_str(&sentence[copied..]);
    let mut template = Template::parse(&pattern, &[("word", &[word])]).unwrap();
    template.add_options(word, &[synonym]);
    let all = template.expand(1 << 10).unwrap();
    case.equal(all[all.len() - 1].text.clone(), &case.expected["fixed"]);
}

fn pool(case: &Case<'_>) {
    let hidden = matrix(&case.input["hidden"]);
    let mask: Vec<bool> = numbers(&case.input["mask"]).iter().map(|&m| m != 0.0).collect();
    let masked = mean_pool(hidden.view(), &mask).unwrap().unwrap();
    assert_close(&masked, &numbers(&case.expected["masked"]), 0.0, case.tolerance);
    let all = mean_pool(hidden.view(), &vec![true; mask.len()]).unwrap().unwrap();
    assert_close(&all, &numbers(&case.expected["unmasked"]), 0.0, case.tolerance);
}

fn macro_f1_case(case: &Case<'_>) {
    let labels = case.texts("labels");
    let numbers = |name: &str| -> Vec<usize> {
        let place = |l: &String| labels.iter().position(|o| o == l);
        case.texts(name).iter().map(|l| place(l).unwrap_or(assay_score::UNPARSED)).collect()
    };
    let got = macro_f1(&numbers("gold"), &numbers("pred"), labels.len()).unwrap();
    case.close(got, &case.expected["value"]);
}

fn corpus(case: &Case<'_>) {
    // The words are WordNet's, which is not part of this repository: without it the case cannot run.
    let Ok(wordnet) = WordNet::locate() else { return };
    let vocabulary = Vocabulary::of(&wordnet);
    let sizes: Vec<usize> = vocabulary.lists.iter().map(Vec::len).collect();
    case.equal(sizes, &case.expected["vocab_sizes"]);
    let seed = case.input["seed"].as_u64().unwrap();
    let sentences = vocabulary.sentences(seed, count(&case.input["count"]));
    case.equal(sentences[0].clone(), &case.expected["first"]);
    case.equal(sentences[1].clone(), &case.expected["second"]);
    let sum = sha2::Sha256::digest(sentences.join("\n"));
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    case.equal(sum, &case.expected["sha256_joined_by_newline"]);
}
