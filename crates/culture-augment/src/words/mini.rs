use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::{Pos, Thesaurus, inflect, morphy};
use crate::words::Tag;

/// A small list of synonyms, written for this crate and part of it: some four hundred words about
/// people, society, work, politics and science. For the first minute and for tests; with WordNet
/// installed, use [`WordNet`](super::WordNet).
#[derive(Debug, Clone, Copy, Default)]
pub struct MiniThesaurus;

type Sets = HashMap<&'static str, Arc<[String]>>;

/// Each line is a part of speech and words of which each can stand for the others.
static SETS: LazyLock<[Sets; 4]> = LazyLock::new(|| {
    let mut sets: [HashMap<&'static str, Vec<String>>; 4] = Default::default();
    for line in include_str!("../../data/thesaurus.txt").lines() {
        let Some((kind, words)) = line.split_once(' ') else { continue };
        let pos = match kind {
            "n" => Pos::Noun,
            "v" => Pos::Verb,
            "a" => Pos::Adjective,
            "r" => Pos::Adverb,
            _ => continue,
        };
        let words: Vec<&'static str> = words.split_whitespace().collect();
        for word in &words {
            let synonyms = sets[pos as usize].entry(*word).or_default();
            for other in words.iter().filter(|other| *other != word) {
                if !synonyms.iter().any(|s| s == other) {
                    synonyms.push((*other).to_owned());
                }
            }
        }
    }
    sets.map(|sets| sets.into_iter().map(|(word, synonyms)| (word, synonyms.into())).collect())
});

/// The forms of the words above.
static FORMS: LazyLock<[HashMap<String, &'static str>; 4]> = LazyLock::new(|| {
    Pos::ALL.map(|pos| {
        let tags: &[Tag] = match pos {
            Pos::Noun => &[Tag::NounPlural],
            Pos::Verb => &[Tag::Third, Tag::Past, Tag::Participle, Tag::Gerund],
            _ => &[],
        };
        let lemmas = SETS[pos as usize].keys();
        lemmas.flat_map(|lemma| tags.iter().map(|&tag| (inflect(lemma, tag), *lemma))).collect()
    })
});

impl Thesaurus for MiniThesaurus {
    fn id(&self) -> String {
        "mini thesaurus 1".to_owned()
    }

    fn synonyms(&self, lemma: &str, pos: Pos) -> Arc<[String]> {
        SETS[pos as usize].get(lemma).cloned().unwrap_or_default()
    }

    fn lemmas(&self, word: &str, pos: Pos) -> Arc<[String]> {
        let mut found: Vec<String> = Vec::new();
        if let Some(lemma) = FORMS[pos as usize].get(word) {
            found.push((*lemma).to_owned());
        }
        for candidate in morphy::candidates(word, pos) {
            if !found.contains(&candidate) && SETS[pos as usize].contains_key(candidate.as_str()) {
                found.push(candidate);
            }
        }
        found.into()
    }

    fn uses(&self, word: &str) -> [Option<u32>; 4] {
        Pos::ALL.map(|pos| (!self.lemmas(word, pos).is_empty()).then_some(1))
    }
}
