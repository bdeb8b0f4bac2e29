//! Which words mean the same: groups of the caller's, or WordNet's from a user's files.

use std::collections::HashMap;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::words::lower;
use crate::{Error, Result};

/// The four kinds of words that WordNet has files of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordClass {
    /// `data.noun`, `noun.exc`.
    Noun,
    /// `data.verb`, `verb.exc`.
    Verb,
    /// `data.adj`, `adj.exc`.
    Adjective,
    /// `data.adv`, `adv.exc`.
    Adverb,
}

impl WordClass {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Noun, Self::Verb, Self::Adjective, Self::Adverb];

    /// What the names of WordNet's files say.
    fn name(self) -> &'static str {
        match self {
            Self::Noun => "noun",
            Self::Verb => "verb",
            Self::Adjective => "adj",
            Self::Adverb => "adv",
        }
    }

    /// The endings of inflected forms and what stands for them in the base form, in the order in which
    /// they are tried (WordNet's manual, `morphy(7WN)`).
    ///
    /// ```
    /// use assay_score::text::WordClass;
    /// assert!(WordClass::Noun.endings().contains(&("ies", "y"))); // parties, party
    /// ```
    pub fn endings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Noun => &[
                ("s", ""),
                ("ses", "s"),
                ("xes", "x"),
                ("zes", "z"),
                ("ches", "ch"),
                ("shes", "sh"),
                ("men", "man"),
                ("ies", "y"),
            ],
            Self::Verb => &[
                ("s", ""),
                ("ies", "y"),
                ("es", "e"),
                ("es", ""),
                ("ed", "e"),
                ("ed", ""),
                ("ing", "e"),
                ("ing", ""),
            ],
            Self::Adjective => &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
            Self::Adverb => &[],
        }
    }
}

/// nltk detaches this from nouns, too: "calves" may come from "calf" without an exception saying so.
const ALSO_OF_NOUNS: (&str, &str) = ("ves", "f");

/// What of two words is looked up once neither they nor their stems are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lookup {
    /// The words, as METEOR is defined.
    #[default]
    Words,
    /// Their Porter stems, as nltk does: "parade" becomes "parad", which no group has, while of "marches"
    /// is left "march".
    Stems,
}

/// Groups of words that mean the same.
///
/// WordNet is a resource of ten megabytes with a licence of its own, so it is not shipped;
/// [`open_wordnet`](Self::open_wordnet) reads a user's copy, and METEOR is then nltk's with WordNet.
/// Without synonyms scores are lower (0.15 on a single inflection): name them "METEOR without WordNet".
///
/// ```no_run
/// use assay_score::text::{MeteorConfig, Segment, Synonyms};
/// let wordnet = Synonyms::open_wordnet("/usr/share/wordnet")?;
/// let meteor = MeteorConfig::default().init()?;
/// let pair = Segment { hypothesis: "the cat sat on the mat", references: &["the cat was sitting on the mat"] };
/// assert!((meteor.scores(&[pair], Some(&wordnet))?[0] - 0.8534621578).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Synonyms {
    /// The places of each word, in lower case, ordered by group.
    places: FxHashMap<String, Vec<Place>>,
    /// Of each class, irregular forms and what they come from.
    exceptions: [HashMap<String, Vec<String>>; 4],
    count: u32,
    pub(super) lookup: Lookup,
}

/// A word in a group.
#[derive(Debug, Clone, Copy)]
struct Place {
    group: u32,
    /// `None` for groups of the caller's.
    class: Option<WordClass>,
    /// Whether a reference may be matched by it: a single word that the group writes in lower case, as
    /// texts are compared. "Paris" and "hot_dog" can only be looked up.
    matches: bool,
}

impl Synonyms {
    /// From groups of words, which are looked up as they stand.
    pub fn from_groups<'a>(groups: impl IntoIterator<Item = &'a [&'a str]>) -> Self {
        let mut synonyms = Self::default();
        for group in groups {
            let group = group.iter().map(|word| lower(word).into_owned());
            synonyms.add(group.map(|word| (word, true)), None);
        }
        synonyms
    }

    /// Sets what is looked up.
    #[must_use]
    pub fn with_lookup(self, lookup: Lookup) -> Self {
        Self { lookup, ..self }
    }

    /// Reads a folder with WordNet's `data.*` and `*.exc` files, such as `/usr/share/wordnet` of Debian's
    /// package `wordnet-base` or `corpora/wordnet` of nltk's data. Stems are looked up, so that METEOR is nltk's; for the words
    /// themselves say so [`with_lookup`](Self::with_lookup).
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read, and those of
    /// [`read_wordnet`](Self::read_wordnet).
    pub fn open_wordnet(folder: impl AsRef<Path>) -> Result<Self> {
        let mut synonyms = Self { lookup: Lookup::Stems, ..Self::default() };
        for class in WordClass::ALL {
            let read = |name: String| {
                let path = folder.as_ref().join(name);
                std::fs::read_to_string(&path)
                    .map_err(|source| Error::File { path, problem: source.to_string() })
            };
            let name = class.name();
            synonyms.read_wordnet(
                class,
                &read(format!("data.{name}"))?,
                &read(format!("{name}.exc"))?,
            )?;
        }
        Ok(synonyms)
    }

    /// Adds the synonym sets of one of WordNet's data files and its list of irregular forms (formats
    /// `wndb(5WN)` and `morphy(7WN)`).
    ///
    /// A word of the hypothesis is looked up as it stands and by the base forms that it may come from: those
    /// of the list, else those that [`WordClass::endings`] and `ves → f` give, as in nltk 3.10.
    ///
    /// # Errors
    /// [`Error::Format`] with the number of a line that is no synonym set, [`Error::TooMany`] beyond
    /// `2^32` sets.
    pub fn read_wordnet(&mut self, class: WordClass, data: &str, exceptions: &str) -> Result<()> {
        for (line, text) in data.lines().enumerate() {
            // The licence stands in front, indented by two spaces.
            if text.starts_with("  ") || text.is_empty() {
                continue;
            }
            let wrong =
                |expected| Error::Format { operation: "WordNet data", line: line + 1, expected };
            // Offset, file, type, number of words in hexadecimal, then word and identifier in turns.
            let mut fields = text.split(' ').skip(3);
            let count = fields.next().and_then(|field| usize::from_str_radix(field, 16).ok());
            let count = count.ok_or_else(|| wrong("a number of words as fourth field"))?;
            let terms: Vec<&str> = fields.step_by(2).take(count).collect();
            if terms.len() < count {
                return Err(wrong("as many words as announced"));
            }
            if self.count == u32::MAX {
                let (items, limit, got) = ("synonym sets", u64::from(u32::MAX), 1 << 32);
                return Err(Error::TooMany { operation: "WordNet data", items, limit, got });
            }
            // Adjectives carry their position in brackets.
            let plain = terms.iter().map(|term| term.split('(').next().unwrap_or(term));
            let with_matches = plain.map(|term| {
                let word = lower(term).into_owned();
                let matches = word == term && !term.contains('_');
                (word, matches)
            });
            self.add(with_matches, Some(class));
        }
        let list = &mut self.exceptions[class as usize];
        for line in exceptions.lines() {
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            if let Some(form) = words.next() {
                list.insert(form, words.collect());
            }
        }
        Ok(())
    }

    fn add(&mut self, group: impl Iterator<Item = (String, bool)>, class: Option<WordClass>) {
        for (word, matches) in group {
            let places = self.places.entry(word).or_default();
            match places.last_mut() {
                // "march" and "March" in one group.
                Some(last) if last.group == self.count => last.matches |= matches,
                _ => places.push(Place { group: self.count, class, matches }),
            }
        }
        self.count = self.count.saturating_add(1);
    }

    /// The groups that a word of the hypothesis belongs to, by any of its base forms, in order.
    pub(super) fn groups_of(&self, word: &str) -> Vec<u32> {
        let mut groups = self.groups(word, None);
        for class in WordClass::ALL {
            groups.extend(self.groups(word, Some(class)));
            if let Some(forms) = self.exceptions[class as usize].get(word) {
                groups.extend(forms.iter().flat_map(|form| self.groups(form, Some(class))));
                continue;
            }
            let more = (class == WordClass::Noun).then_some(ALSO_OF_NOUNS);
            for (ending, instead) in class.endings().iter().copied().chain(more) {
                if let Some(stem) = word.strip_suffix(ending) {
                    groups.extend(self.groups(&format!("{stem}{instead}"), Some(class)));
                }
            }
        }
        groups.sort_unstable();
        groups
    }

    fn groups(&self, form: &str, class: Option<WordClass>) -> Vec<u32> {
        let places = self.places.get(form).map_or(&[][..], Vec::as_slice);
        places.iter().filter(|place| place.class == class).map(|place| place.group).collect()
    }

    /// Whether one of these groups, which are in order, has a word of the reference as it stands.
    pub(super) fn is_in(&self, word: &str, groups: &[u32]) -> bool {
        let places = self.places.get(word).map_or(&[][..], Vec::as_slice);
        let mut written = places.iter().filter(|place| place.matches);
        !groups.is_empty() && written.any(|place| groups.binary_search(&place.group).is_ok())
    }
}
