use super::{normalize, places};
use crate::{Error, Outcome, Result};

/// Labels with the phrases that stand for them, read as whole words whatever the case.
///
/// Longer phrases are found first and hide what they contain: "not wrong" is not "wrong", and
/// "anti-stereotype" not "stereotype". Several different labels are ambiguous.
///
/// ```
/// use trust_metrics::{Outcome, parse::Labels};
/// let labels = Labels::new([("wrong", &["wrong"][..]), ("not wrong", &["not wrong"])])?;
/// assert_eq!(labels.read("That is not wrong."), Outcome::label("not wrong"));
/// assert_eq!(labels.read("Wrong!"), Outcome::label("wrong"));
/// assert!(matches!(labels.read("wrong or not wrong"), Outcome::Ambiguous(_)));
/// # Ok::<(), trust_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Normalised phrases with their label, longest first.
    phrases: Vec<(String, String)>,
}

impl Labels {
    /// From labels with their phrases.
    ///
    /// # Errors
    /// [`Error::Empty`] for no label or an empty phrase, [`Error::Setting`] for a phrase that stands
    /// for two labels.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) -> Result<Self> {
        let operation = "labels";
        let mut phrases: Vec<(String, String)> = Vec::new();
        for (label, words) in labels {
            for word in words {
                let phrase = normalize(word);
                if phrase.is_empty() {
                    return Err(Error::Empty { operation, item: "letter in each phrase" });
                }
                if let Some((_, other)) = phrases.iter().find(|(p, l)| *p == phrase && l != label) {
                    let expected = format!("to stand for one label, not also for {other}");
                    return Err(Error::Setting {
                        operation,
                        name: "a phrase",
                        expected,
                        got: phrase,
                    });
                }
                phrases.push((phrase, label.to_owned()));
            }
        }
        if phrases.is_empty() {
            return Err(Error::Empty { operation, item: "label" });
        }
        phrases.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
        Ok(Self { phrases })
    }

    /// The label that an answer names.
    pub fn read(&self, answer: &str) -> Outcome {
        let text = normalize(answer);
        let mut taken = vec![false; text.len()];
        let mut found = Vec::new();
        for (phrase, label) in &self.phrases {
            for at in places(&text, phrase) {
                let range = at..at + phrase.len();
                if !taken[range.clone()].iter().any(|&taken| taken) {
                    taken[range].fill(true);
                    found.push(label.clone());
                }
            }
        }
        Outcome::of_found(found)
    }
}

/// "yes" or "no" as a whole word: "know", "not" and "yesterday" are neither, "yes and no" is both.
///
/// ```
/// use trust_metrics::{Outcome, parse::yes_no};
/// assert_eq!(yes_no("**No**"), Outcome::label("no"));
/// assert_eq!(yes_no("I do not know"), Outcome::Unparsed);
/// ```
pub fn yes_no(answer: &str) -> Outcome {
    let text = normalize(answer);
    let found = ["yes", "no"].into_iter().filter(|word| places(&text, word).next().is_some());
    Outcome::of_found(found.map(str::to_owned).collect())
}
