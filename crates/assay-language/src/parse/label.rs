use std::ops::Range;

use crate::{Error, Result};

const OPERATION: &str = "verbaliser";
/// So many words before a label are searched for a negation.
const REACH: usize = 2;

/// Reads labels by the words that stand for them.
///
/// An answer that is one of the words, but for case and punctuation around it, is that label.
/// Otherwise all words are looked for in the answer on word boundaries, longest first, and a word
/// inside a longer one that was found does not count (`NOT_OFF` is not `OFF`). A word after `not`,
/// `no`, `never`, `isn't` and the like (up to two words before it) speaks against its label: with
/// two labels it stands for the other one, with more it is only struck out. If one label is left, it
/// is the answer.
///
/// ```
/// use assay_language::parse::{Reading, Verbaliser};
/// let verbaliser = Verbaliser::new([("OFF", &["OFF", "offensive"][..]), ("NOT", &["NOT_OFF"][..])])?;
/// assert_eq!(verbaliser.read("not_off."), Reading::Label(1));
/// assert_eq!(verbaliser.read("This sentence is offensive."), Reading::Label(0));
/// assert_eq!(verbaliser.read("It is not offensive at all"), Reading::Label(1));
/// assert_eq!(verbaliser.read("OFF or NOT_OFF?"), Reading::Ambiguous(vec![0, 1]));
/// assert_eq!(verbaliser.read("Who knows"), Reading::Unread);
/// # Ok::<(), assay_language::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbaliser {
    names: Vec<String>,
    /// Lower-case words with their label, longest first.
    words: Vec<(String, usize)>,
}

/// What [`Verbaliser::read`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// One label, by its index.
    Label(usize),
    /// Several labels, by their indices.
    Ambiguous(Vec<usize>),
    /// None of the words.
    Unread,
}

impl Reading {
    /// The label, if there is one.
    pub fn label(&self) -> Option<usize> {
        match self {
            Reading::Label(label) => Some(*label),
            _ => None,
        }
    }
}

impl Verbaliser {
    /// Labels with their words.
    ///
    /// # Errors
    /// [`Error::Empty`] without labels, for a label without words, or for an empty word;
    /// [`Error::Setting`] when one word stands for two labels.
    pub fn new<'a>(
        labels: impl IntoIterator<Item = (impl Into<String>, &'a [&'a str])>,
    ) -> Result<Self> {
        let mut names = Vec::new();
        let mut words: Vec<(String, usize)> = Vec::new();
        for (label, (name, own)) in labels.into_iter().enumerate() {
            names.push(name.into());
            if own.is_empty() {
                return Err(Error::Empty { operation: OPERATION, item: "word for every label" });
            }
            for word in own {
                let word = word.trim().to_lowercase();
                if word.is_empty() {
                    return Err(Error::Empty { operation: OPERATION, item: "character in a word" });
                }
                if words.iter().any(|(other, at)| *other == word && *at != label) {
                    return Err(Error::Setting {
                        operation: OPERATION,
                        name: "words",
                        expected: "to stand for one label each",
                        got: word,
                    });
                }
                words.push((word, label));
            }
        }
        if names.is_empty() {
            return Err(Error::Empty { operation: OPERATION, item: "label" });
        }
        words.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        Ok(Self { names, words })
    }

    /// The labels' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The label that an answer means.
    pub fn read(&self, answer: &str) -> Reading {
        let answer = answer.to_lowercase();
        let bare = answer.trim_matches(|c: char| !c.is_alphanumeric());
        let is_bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()) == bare;
        if let Some((_, label)) = self.words.iter().find(|(word, _)| is_bare(word)) {
            return Reading::Label(*label);
        }
        let mut taken: Vec<Range<usize>> = Vec::new();
        let (mut found, mut denied) = (Vec::new(), Vec::new());
        for (word, label) in &self.words {
            for (at, _) in answer.match_indices(word.as_str()) {
                let range = at..at + word.len();
                if !on_boundaries(&answer, &range)
                    || taken.iter().any(|t| t.start < range.end && range.start < t.end)
                {
                    continue;
                }
                let side = if negated(&answer, at) { &mut denied } else { &mut found };
                side.push(*label);
                taken.push(range);
            }
        }
        if self.names.len() == 2 {
            found.extend(denied.iter().map(|label| 1 - label));
        } else {
            found.retain(|label| !denied.contains(label));
        }
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] => Reading::Unread,
            [label] => Reading::Label(*label),
            _ => Reading::Ambiguous(found),
        }
    }

    /// As CultureLLM's published code reads two labels: case-insensitive substrings, the negative
    /// label's token first, then the positive one's; anything else is unread.
    pub fn read_substring(&self, answer: &str) -> Reading {
        let answer = answer.to_lowercase();
        let label = self.words.iter().find(|(word, _)| answer.contains(word.as_str()));
        label.map_or(Reading::Unread, |(_, label)| Reading::Label(*label))
    }
}

fn on_boundaries(text: &str, range: &Range<usize>) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..range.start).and_then(|t| t.chars().next_back());
    let after = text.get(range.end..).and_then(|t| t.chars().next());
    !before.is_some_and(inside) && !after.is_some_and(inside)
}

/// Whether one of the last words before `at` negates, with no end of a clause in between.
fn negated(text: &str, at: usize) -> bool {
    const NEGATIONS: &[&str] = &[
        "not", "no", "never", "neither", "nor", "cannot", "without", "isn't", "aren't", "wasn't",
        "doesn't", "don't", "didn't", "won't", "can't", "non", "isnt", "hardly",
    ];
    let before = text.get(..at).unwrap_or("");
    let clause = before.rsplit(['.', ',', ';', ':', '!', '?', '\n']).next().unwrap_or("");
    let words = clause.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'));
    let words: Vec<String> = words.filter(|w| !w.is_empty()).map(|w| w.replace('’', "'")).collect();
    words.iter().rev().take(REACH).any(|word| NEGATIONS.contains(&word.as_str()))
}
