use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use assay_array::io::FileBytes;
use rustc_hash::FxHashMap;

use super::{Pos, Thesaurus, morphy};
use crate::{Error, Result};

const DEBIAN: &str = "/usr/share/wordnet";
/// A lemma has at most so many senses; WordNet's largest number is 75.
const MAX_SENSES: usize = 500;

/// WordNet's database files (`index.*`, `data.*`, `*.exc`), mapped into memory.
///
/// Nothing is parsed before it is asked for: a lemma is found by bisection of the sorted index, its
/// synonyms at their byte positions in the data. What was found is kept. WordNet 3.0's licence allows
/// free use; the files are not part of this crate.
///
/// ```
/// use culture_augment::words::{Pos, Thesaurus, WordNet};
/// if let Ok(wordnet) = WordNet::locate() {
///     assert!(wordnet.synonyms("happy", Pos::Adjective).contains(&"glad".to_owned()));
///     assert_eq!(wordnet.lemmas("children", Pos::Noun)[0], "child");
/// }
/// ```
#[derive(Debug)]
pub struct WordNet {
    folder: PathBuf,
    parts: [Part; 4],
    cache: RwLock<Cache>,
}

#[derive(Debug)]
struct Part {
    index: FileBytes,
    data: FileBytes,
    exceptions: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Cache {
    synonyms: [FxHashMap<String, Arc<[String]>>; 4],
    lemmas: [FxHashMap<String, Arc<[String]>>; 4],
    uses: FxHashMap<String, [Option<u32>; 4]>,
}

/// Words that WordNet does not have are kept up to this number, so that hostile input cannot fill
/// memory.
const MAX_KEPT: usize = 1 << 20;

impl WordNet {
    /// Opens the folder that the environment variable `WORDNET_DIR` names, or Debian's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn locate() -> Result<Self> {
        Self::open(std::env::var_os("WORDNET_DIR").map_or(PathBuf::from(DEBIAN), PathBuf::from))
    }

    /// Opens a folder with WordNet's files.
    ///
    /// # Errors
    /// [`Error::NoWordNet`] when it has none, [`Error::Array`] when one cannot be read,
    /// [`Error::Line`] for a list of exceptions that is not text.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        if !folder.join("index.noun").is_file() {
            return Err(Error::NoWordNet { looked_in: folder });
        }
        let part = |name: &str| -> Result<Part> {
            let open = |file: String| FileBytes::open(folder.join(file));
            let exceptions = open(format!("{name}.exc"))?;
            Ok(Part {
                index: open(format!("index.{name}"))?,
                data: open(format!("data.{name}"))?,
                exceptions: read_exceptions(&exceptions, name)?,
            })
        };
        let parts = [part("noun")?, part("verb")?, part("adj")?, part("adv")?];
        Ok(Self { folder, parts, cache: RwLock::default() })
    }

    /// All lemmas of a part of speech with the number of their senses that were counted in texts, in
    /// the file's order.
    pub fn all(&self, pos: Pos) -> impl Iterator<Item = (&str, u32)> {
        let lines = self.part(pos).index.split(|&b| b == b'\n');
        lines.filter_map(|line| {
            let entry = Entry::parse(line)?;
            Some((entry.lemma, entry.tagged))
        })
    }

    fn part(&self, pos: Pos) -> &Part {
        match pos {
            Pos::Noun => &self.parts[0],
            Pos::Verb => &self.parts[1],
            Pos::Adjective => &self.parts[2],
            Pos::Adverb => &self.parts[3],
        }
    }

    /// The line of a lemma, found by bisection.
    fn entry(&self, lemma: &str, pos: Pos) -> Option<Entry<'_>> {
        let index: &[u8] = &self.part(pos).index;
        let (mut low, mut high) = (0, index.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start =
                index.get(..middle)?.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
            let rest = index.get(start..)?;
            let end = rest.iter().position(|&b| b == b'\n').map_or(index.len(), |at| start + at);
            let line = index.get(start..end)?;
            let found = line.split(|&b| b == b' ').next().unwrap_or(b"");
            match found.cmp(lemma.as_bytes()) {
                std::cmp::Ordering::Equal => return Entry::parse(line),
                std::cmp::Ordering::Less => low = end + 1,
                std::cmp::Ordering::Greater => high = start,
            }
        }
        None
    }

    /// The words of the synset at a byte position.
    fn synset(&self, pos: Pos, offset: usize) -> Vec<String> {
        let data: &[u8] = &self.part(pos).data;
        let line = data.get(offset..).unwrap_or(b"");
        let line = line.split(|&b| b == b'\n').next().unwrap_or(b"");
        let mut fields = std::str::from_utf8(line).unwrap_or("").split(' ');
        // The position stands first; anything else is not the start of a synset.
        if fields.next().and_then(|f| f.parse().ok()) != Some(offset) {
            return Vec::new();
        }
        let count = fields.nth(2).and_then(|f| usize::from_str_radix(f, 16).ok()).unwrap_or(0);
        (0..count)
            .map_while(|_| {
                let word = fields.next();
                fields.next(); // the sense's number in its file
                word
            })
            .map(|word| {
                // Adjectives carry where they may stand: galore(ip).
                let bare = word.split('(').next().unwrap_or(word);
                bare.replace('_', " ")
            })
            .collect()
    }

    fn find_synonyms(&self, lemma: &str, pos: Pos) -> Arc<[String]> {
        let key = lemma.replace(' ', "_").to_lowercase();
        let mut found: Vec<String> = Vec::new();
        let entry = self.entry(&key, pos);
        for offset in entry.iter().flat_map(Entry::offsets) {
            for word in self.synset(pos, offset) {
                if !word.eq_ignore_ascii_case(lemma) && !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        found.into()
    }

    fn find_lemmas(&self, word: &str, pos: Pos) -> Arc<[String]> {
        let exceptions = self.part(pos).exceptions.get(word).cloned().unwrap_or_default();
        let mut found = exceptions;
        for candidate in morphy::candidates(word, pos) {
            if !found.contains(&candidate) && self.entry(&candidate, pos).is_some() {
                found.push(candidate);
            }
        }
        found.into()
    }

    fn find_uses(&self, word: &str) -> [Option<u32>; 4] {
        Pos::ALL.map(|pos| {
            let lemmas = self.lemmas(word, pos);
            let entries = lemmas.iter().filter_map(|lemma| self.entry(lemma, pos));
            entries.map(|entry| entry.tagged).max()
        })
    }

    /// What the cache has, or what `find` finds and is then kept.
    fn kept<T: Clone>(
        &self,
        key: &str,
        map: impl Fn(&mut Cache) -> &mut FxHashMap<String, T>,
        look: impl Fn(&Cache) -> &FxHashMap<String, T>,
        find: impl FnOnce() -> T,
    ) -> T {
        if let Some(found) =
            look(&self.cache.read().unwrap_or_else(PoisonError::into_inner)).get(key)
        {
            return found.clone();
        }
        let found = find();
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        let map = map(&mut cache);
        if map.len() < MAX_KEPT {
            map.insert(key.to_owned(), found.clone());
        }
        found
    }
}

impl Thesaurus for WordNet {
    fn id(&self) -> String {
        format!("wordnet in {}", self.folder.display())
    }

    fn synonyms(&self, lemma: &str, pos: Pos) -> Arc<[String]> {
        let at = pos as usize;
        self.kept(
            lemma,
            |c| &mut c.synonyms[at],
            |c| &c.synonyms[at],
            || self.find_synonyms(lemma, pos),
        )
    }

    fn lemmas(&self, word: &str, pos: Pos) -> Arc<[String]> {
        let at = pos as usize;
        self.kept(word, |c| &mut c.lemmas[at], |c| &c.lemmas[at], || self.find_lemmas(word, pos))
    }

    fn uses(&self, word: &str) -> [Option<u32>; 4] {
        self.kept(word, |c| &mut c.uses, |c| &c.uses, || self.find_uses(word))
    }
}

/// A line of an index: `lemma pos synsets pointers [pointer…] senses tagged offset…`.
struct Entry<'a> {
    lemma: &'a str,
    tagged: u32,
    offsets: Vec<&'a str>,
}

impl<'a> Entry<'a> {
    /// `None` for the licence's lines, which begin with two blanks, and for damaged ones.
    fn parse(line: &'a [u8]) -> Option<Self> {
        if line.starts_with(b" ") {
            return None;
        }
        let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let lemma = fields.next()?;
        let synsets: usize = fields.nth(1)?.parse().ok()?;
        let pointers: usize = fields.next()?.parse().ok()?;
        let mut fields = fields.skip(pointers.min(1000)).skip(1);
        let tagged = fields.next()?.parse().ok()?;
        Some(Self { lemma, tagged, offsets: fields.take(synsets.min(MAX_SENSES)).collect() })
    }

    fn offsets(&self) -> impl Iterator<Item = usize> + '_ {
        self.offsets.iter().filter_map(|offset| offset.parse().ok())
    }
}

fn read_exceptions(bytes: &[u8], name: &str) -> Result<HashMap<String, Vec<String>>> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::Line {
        what: format!("{name}.exc"),
        line: 0,
        problem: e.to_string(),
    })?;
    let pairs = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    });
    Ok(pairs.collect())
}
