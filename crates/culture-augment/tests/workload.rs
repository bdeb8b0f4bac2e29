//! The workload of the benches, from WordNet's words; see the golden case `bench_corpus`.

use assay_array::testing::SplitMix64;
use culture_augment::words::{Pos, WordNet};

pub(crate) struct Vocabulary {
    pub(crate) lists: [Vec<String>; 4],
}

impl Vocabulary {
    pub(crate) fn of(wordnet: &WordNet) -> Self {
        let ranked = |pos: Pos| -> Vec<String> {
            let plain =
                |w: &str| (4..=9).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase());
            let mut all: Vec<(&str, u32)> = wordnet.all(pos).filter(|(w, _)| plain(w)).collect();
            all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            all.into_iter().map(|(w, _)| w.to_owned()).collect()
        };
        let nouns: Vec<String> = ranked(Pos::Noun).into_iter().take(500).collect();
        let mut used = nouns.clone();
        let mut rest = |pos: Pos, count: usize| -> Vec<String> {
            let all = ranked(pos).into_iter().take(1500).filter(|w| !used.contains(w));
            let list: Vec<String> = all.take(count).collect();
            used.extend(list.iter().cloned());
            list
        };
        let (verbs, adjectives) = (rest(Pos::Verb, 300), rest(Pos::Adjective, 200));
        let adverbs = rest(Pos::Adverb, 100);
        Self { lists: [nouns, verbs, adjectives, adverbs] }
    }

    pub(crate) fn sentences(&self, seed: u64, count: usize) -> Vec<String> {
        let [n, v, a, r] = &self.lists;
        let mut rng = SplitMix64::new(seed);
        (0..count)
            .map(|_| {
                let mut word = |list: &[String]| list[rng.below(list.len())].clone();
                let w: Vec<String> =
                    [a, n, v, n, r, n, v, a, n].into_iter().map(|l| word(l)).collect();
                format!(
                    "The {} {} {} the {} {} and the {} {} a {} {} .",
                    w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
                )
            })
            .collect()
    }
}
