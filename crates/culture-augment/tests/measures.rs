//! Measures against slow, obvious versions of themselves.

use std::collections::{HashMap, HashSet};

use assay_array::ndarray::{Array2, array};
use assay_array::testing::assert_close;
use assay_score::BootstrapConfig;
use culture_augment::Error;
use culture_augment::measure::*;
use proptest::prelude::*;

type Distance<'a> = dyn Fn(&[f64], &[f64]) -> f64 + 'a;

fn grams(text: &str, n: usize) -> Vec<Vec<&str>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(n).map(<[&str]>::to_vec).collect()
}

fn slow_distinct(texts: &[String], n: usize) -> (usize, usize) {
    let all: Vec<Vec<&str>> = texts.iter().flat_map(|t| grams(t, n)).collect();
    (all.iter().collect::<HashSet<_>>().len(), all.len())
}

/// BLEU of one text against all others by the definition, reference by reference.
fn slow_bleu(texts: &[String], index: usize, max_n: usize) -> f64 {
    let own: Vec<&str> = texts[index].split_whitespace().collect();
    let others: Vec<&String> =
        texts.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, t)| t).collect();
    if own.is_empty() {
        return 0.0;
    }
    let mut logs = 0.0;
    for n in 1..=max_n {
        let mut counts: HashMap<Vec<&str>, usize> = HashMap::new();
        for gram in grams(&texts[index], n) {
            *counts.entry(gram).or_default() += 1;
        }
        let clipped: usize = counts
            .iter()
            .map(|(gram, &count)| {
                let most = others.iter().map(|o| grams(o, n).iter().filter(|g| *g == gram).count());
                count.min(most.max().unwrap_or(0))
            })
            .sum();
        let total = (own.len() + 1).saturating_sub(n).max(1) as f64;
        if n == 1 && clipped == 0 {
            return 0.0;
        }
        logs += (if clipped == 0 { 0.1 } else { clipped as f64 } / total).ln() / max_n as f64;
    }
    let length = |t: &&String| t.split_whitespace().count();
    let closest = others.iter().map(length).min_by_key(|&l| (l.abs_diff(own.len()), l)).unwrap();
    let brevity =
        if own.len() > closest { 1.0 } else { (1.0 - closest as f64 / own.len() as f64).exp() };
    brevity * logs.exp()
}

proptest! {
    #[test]
    fn distinct_is_the_count_of_sets(texts in proptest::collection::vec("[abc ]{0,30}", 0..8), n in 1..7_usize) {
        let (unique, total) = slow_distinct(&texts, n);
        let got = distinct(&texts, n).unwrap();
        prop_assert_eq!((got.unique, got.total), (unique, total));
        prop_assert_eq!(distinct_up_to(&texts, n).unwrap()[n - 1], got);
    }

    #[test]
    fn self_bleu_is_bleu_against_the_others(texts in proptest::collection::vec("[abc ]{0,20}", 2..7), max_n in 1..5_usize) {
        let got = self_bleu(&texts, max_n).unwrap();
        let want: Vec<f64> = (0..texts.len()).map(|i| slow_bleu(&texts, i, max_n)).collect();
        assert_close(&got.per_text, &want, 1e-12, 1e-12);
    }

    #[test]
    fn entropy_is_of_the_frequencies(texts in proptest::collection::vec("[ab ]{0,20}", 0..5), n in 1..4_usize) {
        let mut counts: HashMap<Vec<&str>, f64> = HashMap::new();
        texts.iter().flat_map(|t| grams(t, n)).for_each(|g| *counts.entry(g).or_default() += 1.0);
        let total: f64 = counts.values().sum();
        let want: f64 = counts.values().map(|c| -(c / total) * (c / total).ln()).sum();
        prop_assert!((ngram_entropy(&texts, n).unwrap() - want).abs() < 1e-12);
    }

    #[test]
    fn distances_are_distances(
        p in proptest::collection::vec(0.0..1.0_f64, 4), q in proptest::collection::vec(0.0..1.0_f64, 4),
        r in proptest::collection::vec(0.0..1.0_f64, 4),
    ) {
        prop_assume!([&p, &q, &r].iter().all(|m| m.iter().sum::<f64>() > 0.0));
        let points = [1.0, 2.0, 3.0, 4.0];
        let root = |p: &[f64], q: &[f64]| jensen_shannon(p, q, LogBase::Two).unwrap().sqrt();
        let w1 = |p: &[f64], q: &[f64]| wasserstein(&points, p, q).unwrap();
        let tv = |p: &[f64], q: &[f64]| total_variation(p, q).unwrap();
        let measures: [&Distance<'_>; 3] = [&root, &w1, &tv];
        for d in measures {
            prop_assert!(d(&p, &q) >= 0.0 && d(&p, &p) < 1e-7);
            prop_assert!((d(&p, &q) - d(&q, &p)).abs() < 1e-12);
            prop_assert!(d(&p, &r) <= d(&p, &q) + d(&q, &r) + 1e-9);
        }
        prop_assert!(root(&p, &q) <= 1.0 && tv(&p, &q) <= 1.0 && w1(&p, &q) <= 3.0 + 1e-12);
        // Pinsker's inequality: TV² ≤ KL / 2.
        let kl = kullback_leibler(&p, &q, 0.0).unwrap();
        prop_assert!(tv(&p, &q).powi(2) <= kl / 2.0 + 1e-9);
    }

    #[test]
    fn samples_and_histograms_agree(a in proptest::collection::vec(1..6_i64, 1..20), b in proptest::collection::vec(1..6_i64, 1..20)) {
        let real = |v: &[i64]| -> Vec<f64> { v.iter().map(|&x| x as f64).collect() };
        let masses = |v: &[i64]| -> Vec<f64> { (1..6).map(|c| v.iter().filter(|&&x| x == c).count() as f64).collect() };
        let from_samples = wasserstein_samples(&real(&a), &real(&b), None).unwrap();
        let from_masses = wasserstein(&[1.0, 2.0, 3.0, 4.0, 5.0], &masses(&a), &masses(&b)).unwrap();
        prop_assert!((from_samples - from_masses).abs() < 1e-12);
    }

    #[test]
    fn vendi_lies_between_one_and_n(rows in proptest::collection::vec(proptest::collection::vec(-1.0..1.0_f64, 3), 1..6)) {
        let n = rows.len();
        let rows = Array2::from_shape_vec((n, 3), rows.concat()).unwrap();
        let k = gram(rows.view()).unwrap();
        let mut last = f64::INFINITY;
        for order in [0.5, 1.0, 2.0, f64::INFINITY] {
            let v = vendi(k.view(), order).unwrap();
            prop_assert!(v >= 1.0 - 1e-9 && v <= n as f64 + 1e-9);
            // Hill numbers fall with their order.
            prop_assert!(v <= last + 1e-9);
            last = v;
        }
    }
}

#[test]
fn large_vocabularies_are_counted_alike() {
    let mut rng = assay_array::testing::SplitMix64::new(5);
    let words = |rng: &mut assay_array::testing::SplitMix64| -> Vec<String> {
        (0..30).map(|_| format!("w{}", rng.below(rng.clone().below(4000) + 1))).collect()
    };
    let texts: Vec<String> = (0..2000).map(|_| words(&mut rng).join(" ")).collect();
    assert!(distinct(&texts, 1).unwrap().unique > 2048);
    for n in 1..=5 {
        let (unique, total) = slow_distinct(&texts, n);
        let got = distinct(&texts, n).unwrap();
        assert_eq!((got.unique, got.total), (unique, total));
    }
    // Blanks beyond ASCII part words, too.
    assert_eq!(distinct(&["a\u{a0}é\u{2003}b\u{b}c"], 1).unwrap().total, 4);
    assert_eq!(distinct(&["a\u{b}b\u{c}c\u{1c}d"], 1).unwrap().total, 3);
}

#[test]
fn undefined_is_an_error_or_none() {
    assert!(matches!(distinct(&["a"], 0), Err(Error::Setting { .. })));
    assert_eq!(distinct::<&str>(&[], 2).unwrap().value, 0.0);
    assert!(self_bleu(&["a"], 4).is_err() && self_bleu(&["a", "b"], 0).is_err());
    assert_eq!(self_bleu(&["", ""], 4).unwrap().mean, 0.0);
    assert_eq!(compression_ratio::<&str>(&[]), None);
    assert_eq!(compression_ratio(&["", ""]).map(|r| r > 0.0), Some(true));
    assert_eq!(lengths::<&str>(&[]), None);
    for bad in [&[][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
        assert!(jensen_shannon(bad, bad, LogBase::Two).is_err(), "{bad:?}");
    }
    assert!(jensen_shannon(&[1.0], &[1.0, 2.0], LogBase::E).is_err());
    assert_eq!(jensen_shannon(&[1.0, 0.0], &[0.0, 1.0], LogBase::Two).unwrap(), 1.0);
    assert_eq!(jensen_shannon(&[1e308, 1e308], &[1e-308, 1e-308], LogBase::Two).unwrap(), 0.0);
    assert_eq!(kullback_leibler(&[1.0, 0.0], &[0.0, 1.0], 0.0).unwrap(), f64::INFINITY);
    assert!(kullback_leibler(&[1.0, 0.0], &[0.0, 1.0], 1e-6).unwrap().is_finite());
    assert!(wasserstein(&[1.0, 1.0], &[1.0, 0.0], &[0.0, 1.0]).is_err());
    assert!(wasserstein_samples(&[1.0], &[1.0], Some((2.0, 2.0))).is_err());
    assert!(wasserstein_samples(&[], &[1.0], None).is_err());
    assert!(vendi(Array2::zeros((0, 0)).view(), 1.0).is_err());
    assert!(vendi(array![[2.0]].view(), 1.0).is_err());
    assert!(vendi(array![[1.0]].view(), -1.0).is_err());
    let none = Array2::<f64>::zeros((0, 2));
    assert!(diversity_gain(none.view(), array![[1.0, 0.0]].view()).is_err());
    assert!(diversity_gain(array![[1.0]].view(), array![[1.0, 0.0]].view()).is_err());
    assert!(diversity_gain(array![[f64::NAN]].view(), array![[1.0]].view()).is_err());
    assert_eq!(mean_distance(array![[1.0]].view()).unwrap(), None);
    assert_eq!(mean_distance(array![[0.0], [3.0], [6.0]].view()).unwrap(), Some(4.0));
}

#[test]
fn repetition_shows_in_every_measure() {
    let various = ["the cat sat", "a dog ran home", "rain fell all night", "we met at noon"];
    let repeated = ["the cat sat", "the cat sat", "the cat sat", "the cat sat down"];
    assert!(distinct(&various, 2).unwrap().value > distinct(&repeated, 2).unwrap().value);
    assert!(self_bleu(&various, 2).unwrap().mean < self_bleu(&repeated, 2).unwrap().mean);
    assert!(compression_ratio(&various) < compression_ratio(&repeated));
    assert!(ngram_entropy(&various, 1).unwrap() > ngram_entropy(&repeated, 1).unwrap());
}

#[test]
fn the_protocols() {
    let bootstrap = BootstrapConfig::new().with_resamples(200);
    let model = vec![vec![0.5, 0.5], vec![1.0, 0.0]];
    let country = vec![vec![0.5, 0.5], vec![0.0, 1.0]];
    let report = opinion_similarity(&model, &country, LogBase::Two, bootstrap).unwrap();
    assert_eq!(report.per_question, [1.0, 0.0]);
    assert_eq!(report.mean.estimate, 0.5);
    assert!(opinion_similarity(&model[..1], &country, LogBase::Two, bootstrap).is_err());

    let questions =
        vec![(1, 4, vec![1, 2, 2, 4, -1], vec![2, 3, 3, 4]), (1, 4, vec![2, 2, 2, 2], vec![2, 2])];
    let report = values_distance(&questions, bootstrap).unwrap();
    assert_close(&report.per_question, &[0.25, 0.0], 0.0, 1e-12);
    assert_eq!(report.close, 0.5);
    // Always 2: distances 0.25 (|1−2|+|4−2| over 4 people, scaled by 3) and 0.
    assert!((report.majority - 0.125).abs() < 1e-12);
    assert!(values_distance(&[(1, 4, vec![-1], vec![1])], bootstrap).is_err());
    assert!(values_distance(&[], bootstrap).is_err());

    let accuracy = survey_accuracy(&[Some(2), Some(4), None], &[1, 2, 3], 1, bootstrap).unwrap();
    assert!((accuracy.estimate - 1.0 / 3.0).abs() < 1e-12);
}
