//! Deduplication against comparing everything with everything.

use assay_language::HashedEmbedderConfig;
use culture_augment::dedup::*;
use proptest::prelude::*;

/// Every text against every kept one, by exact Jaccard similarity.
fn slow(texts: &[String], shingles: Shingles, threshold: f64) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let like = kept.iter().any(|&j| {
            let (both, union) = shingle_jaccard(text, &texts[j], shingles);
            union > 0 && both as f64 >= threshold * union as f64
        });
        if !like {
            kept.push(i);
        }
    }
    kept
}

/// Sentences of which many share most words.
fn sentences(count: u64) -> Vec<String> {
    let mut rng = assay_array::testing::SplitMix64::new(11);
    let mut all: Vec<String> = Vec::new();
    for i in 0..count {
        let words: Vec<String> = (0..12).map(|_| format!("w{}", rng.below(400))).collect();
        let mut text = words.join(" ");
        if i % 3 == 2 {
            text = all[all.len() - 1].replacen('w', "x", 1 + rng.below(2));
        }
        all.push(text);
    }
    all
}

#[test]
fn near_copies_are_found_as_by_comparing_all() {
    let texts = sentences(600);
    for shingles in [Shingles::Words(1), Shingles::Words(2), Shingles::Chars(4)] {
        for threshold in [0.5, 0.7, 0.9] {
            let hasher = MinHashConfig::new().with_shingles(shingles).init().unwrap();
            let found = hasher.dedup(&texts, threshold).unwrap();
            let want = slow(&texts, shingles, threshold);
            let exact = want.len();
            // No false drop ever; a missed copy with probability below 5 % each, at the threshold.
            assert!(found.kept.len() >= exact && found.kept.len() <= exact + 10);
            for (copy, of) in &found.dropped {
                let (both, union) = shingle_jaccard(&texts[*copy], &texts[*of], shingles);
                assert!(both as f64 >= threshold * union as f64);
            }
            assert_eq!(found.kept.len() + found.dropped.len(), texts.len());
            assert!(found.compared < texts.len() * texts.len() / 8);
        }
    }
}

#[test]
fn signatures_estimate_the_similarity() {
    let hasher = MinHashConfig::new().with_permutations(2048).init().unwrap();
    let a = "one two three four five six seven eight nine ten eleven";
    let b = "one two three four five six seven eight nine ten twelve";
    let rows = hasher.signatures(&[a, b]);
    let (x, y) = rows.split_at(2048);
    let agree = x.iter().zip(y).filter(|(p, q)| p == q).count() as f64 / 2048.0;
    let (both, union) = shingle_jaccard(a, b, Shingles::Words(3));
    let j = both as f64 / union as f64;
    // Five standard errors.
    assert!((agree - j).abs() < 5.0 * (j * (1.0 - j) / 2048.0).sqrt(), "{agree} for {j}");
}

#[test]
fn signatures_do_not_depend_on_threads() {
    let texts = sentences(1000);
    let hasher = MinHashConfig::new().init().unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| hasher.signatures(&texts))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn exact_copies() {
    let found = exact(&["Tea is good.", "tea  is GOOD", "Tea is bad", "", "?!"]);
    assert_eq!(found.kept, [0, 2, 3]);
    assert_eq!(found.dropped, [(1, 0), (4, 3)]);
    assert_eq!(normalised("  É, it's—fine! "), "é it s fine");
}

#[test]
fn semantic_copies() {
    let embedder = HashedEmbedderConfig::new().init().unwrap();
    let texts = ["Work is a duty", "A duty is work", "It rained", "", ""];
    let found = semantic(&texts, &embedder, 0.7).unwrap();
    assert_eq!(found.kept, [0, 2, 3, 4], "empty texts are like nothing");
    assert!(semantic(&texts, &embedder, f64::NAN).is_err());
}

#[test]
fn bad_settings() {
    assert!(MinHashConfig::new().with_permutations(0).init().is_err());
    let hasher = MinHashConfig::new().init().unwrap();
    for bad in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(hasher.dedup(&["a"], bad).is_err());
    }
    assert!(simhash_dedup(&["a"], Shingles::Words(1), 16).is_err());
    assert_eq!(hasher.dedup::<&str>(&[], 0.5).unwrap(), Deduplicated::default());
    assert_eq!(hasher.dedup(&["", ""], 0.5).unwrap().kept, [0, 1]);
    // Shingles of no length are of length one.
    assert_eq!(shingle_jaccard("a b", "a c", Shingles::Words(0)), (1, 3));
}

proptest! {
    #[test]
    fn simhash_finds_what_comparing_all_finds(texts in proptest::collection::vec("[ab ]{0,12}", 0..30), bits in 0..16_u32) {
        let prints: Vec<u64> = texts.iter().map(|t| simhash(t, Shingles::Chars(2))).collect();
        let mut kept: Vec<usize> = Vec::new();
        for i in 0..texts.len() {
            if !kept.iter().any(|&j| (prints[i] ^ prints[j]).count_ones() <= bits) {
                kept.push(i);
            }
        }
        let found = simhash_dedup(&texts, Shingles::Chars(2), bits).unwrap();
        prop_assert_eq!(found.kept, kept);
    }

    #[test]
    fn jaccard_is_of_sets(a in "[abc ]{0,20}", b in "[abc ]{0,20}", n in 1..4_usize) {
        let set = |t: &str| -> std::collections::BTreeSet<Vec<String>> {
            let words: Vec<String> = t.split_whitespace().map(str::to_owned).collect();
            if !words.is_empty() && words.len() < n {
                return [words].into();
            }
            words.windows(n).map(<[String]>::to_vec).collect()
        };
        let (x, y) = (set(&a), set(&b));
        let want = (x.intersection(&y).count(), x.union(&y).count());
        prop_assert_eq!(shingle_jaccard(&a, &b, Shingles::Words(n)), want);
    }
}
