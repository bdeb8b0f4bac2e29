use std::collections::HashSet;

use crate::{Error, Result};

/// A pattern that maps names to layers: `{layer}` stands for the layer's number, `{sentence}` for the
/// sentence's where each has a tensor of its own, `*` for any characters, `?` for one; everything else
/// for itself. Numbers are whole runs of digits.
///
/// ```
/// use matrix_entropy::input::LayerPattern;
/// let pattern = LayerPattern::new("hidden.{layer}.text{sentence}")?;
/// let found = pattern.matches("hidden.11.text042").unwrap();
/// assert_eq!((found.layer, found.sentence), (11, Some(42)));
/// assert!(pattern.matches("hidden.x.text1").is_none());
/// # Ok::<(), matrix_entropy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPattern {
    text: String,
    parts: Vec<Part>,
}

/// What a name said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The layer's number.
    pub layer: usize,
    /// The sentence's, if the pattern has one.
    pub sentence: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Exactly(char),
    Any,
    One,
    Layer,
    Sentence,
}

impl LayerPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error::Pattern`] without `{layer}`, for one placeholder twice, or one that is not known.
    pub fn new(text: &str) -> Result<Self> {
        let error = |problem| Error::Pattern { pattern: text.to_owned(), problem };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let (part, after) = if let Some(after) = rest.strip_prefix("{layer}") {
                (Part::Layer, after)
            } else if let Some(after) = rest.strip_prefix("{sentence}") {
                (Part::Sentence, after)
            } else {
                let part = match next {
                    '*' => Part::Any,
                    '?' => Part::One,
                    '{' | '}' => {
                        return Err(error("expected only the placeholders {layer} and {sentence}"));
                    }
                    other => Part::Exactly(other),
                };
                (part, &rest[next.len_utf8()..])
            };
            if matches!(part, Part::Layer | Part::Sentence) && parts.contains(&part) {
                return Err(error("expected each placeholder once"));
            }
            parts.push(part);
            rest = after;
        }
        if !parts.contains(&Part::Layer) {
            return Err(error("expected {layer} somewhere"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a whole name says, if it matches. Work is at most the product of the lengths.
    pub fn matches(&self, name: &str) -> Option<Matched> {
        let name: Vec<char> = name.chars().collect();
        let mut search =
            Search { parts: &self.parts, name: &name, failed: HashSet::new(), found: [None; 2] };
        search.run().then_some(())?;
        Some(Matched { layer: search.found[0]?, sentence: search.found[1] })
    }
}

/// Depth-first search over (part, character), each failing place visited once.
struct Search<'a> {
    parts: &'a [Part],
    name: &'a [char],
    failed: HashSet<(usize, usize)>,
    found: [Option<usize>; 2],
}

impl Search<'_> {
    fn run(&mut self) -> bool {
        // Places to try, the next one last; a number read on the way there is set when it is tried.
        let mut stack: Vec<Place> = vec![(0, 0, None)];
        while let Some((part, at, number)) = stack.pop() {
            if let Some((slot, value)) = number {
                self.found[slot] = Some(value);
            }
            if part == self.parts.len() {
                if at == self.name.len() {
                    return true;
                }
                continue;
            }
            if !self.failed.insert((part, at)) {
                continue;
            }
            match self.parts[part] {
                Part::Exactly(c) if self.name.get(at) == Some(&c) => {
                    stack.push((part + 1, at + 1, None));
                }
                Part::One if at < self.name.len() => stack.push((part + 1, at + 1, None)),
                Part::Any => {
                    if at < self.name.len() {
                        stack.push((part, at + 1, None));
                    }
                    stack.push((part + 1, at, None));
                }
                Part::Layer => stack.extend(self.number(part, at, 0)),
                Part::Sentence => stack.extend(self.number(part, at, 1)),
                Part::Exactly(_) | Part::One => {}
            }
        }
        false
    }

    /// The run of digits that begins here and does not go on a longer one.
    fn number(&self, part: usize, at: usize, slot: usize) -> Option<Place> {
        let is_digit = |c: &char| c.is_ascii_digit();
        if at > 0 && self.name.get(at - 1).is_some_and(is_digit) {
            return None;
        }
        let digits = self.name.get(at..)?.iter().take_while(|c| is_digit(c));
        let text: String = digits.collect();
        Some((part + 1, at + text.len(), Some((slot, text.parse().ok()?))))
    }
}

/// A part, a character, and the number that was read on the way: which one, and its value.
type Place = (usize, usize, Option<(usize, usize)>);
