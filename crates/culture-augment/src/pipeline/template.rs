use std::ops::Range;
use std::sync::Arc;

use assay_array::random::{Stream, below};

use crate::words::{Case, Pos, Tag, Tagger, Thesaurus, inflect, lower, mend_articles, tokens};
use crate::{Error, Result};

/// A sentence with words that can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    slots: Vec<Slot>,
}

/// A word that can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Where it stands in the template's text.
    pub range: Range<usize>,
    /// Its kind.
    pub tag: Tag,
    /// What may stand there; the first is what stands there now.
    pub options: Vec<String>,
}

/// One way to fill a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The sentence.
    pub text: String,
    /// Which option of each slot was taken.
    pub choice: Vec<usize>,
}

impl Fill {
    /// Slots that do not hold the word that stood there.
    pub fn changes(&self) -> usize {
        self.choice.iter().filter(|&&option| option != 0).count()
    }
}

impl Template {
    /// Marks the nouns, verbs, adjectives and adverbs of a sentence by where they stand. A word that
    /// comes twice is two slots.
    pub fn of(text: impl Into<String>, tagger: &dyn Tagger) -> Self {
        let text = text.into();
        let found = tokens(&text);
        let tags = tagger.tag(&found);
        let slots = found
            .iter()
            .zip(tags)
            .filter(|(_, tag)| tag.replaceable().is_some())
            .map(|(token, tag)| Slot {
                range: token.range.clone(),
                tag,
                options: vec![token.word.to_owned()],
            })
            .collect();
        Self { text, slots }
    }

    /// A sentence with slots written as `{name}`, and their options. `{{` and `}}` stand for braces.
    ///
    /// ```
    /// use culture_augment::pipeline::Template;
    /// let template = Template::parse("My {kin} is {adj}", &[("kin", &["aunt", "mother"]), ("adj", &["glad"])])?;
    /// let all: Vec<String> = template.expand(10)?.into_iter().map(|fill| fill.text).collect();
    /// assert_eq!(all, ["My aunt is glad", "My mother is glad"]);
    /// # Ok::<(), culture_augment::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name without options, [`Error::Setting`] for braces that do not match.
    pub fn parse<S: AsRef<str>>(pattern: &str, options: &[(&str, &[S])]) -> Result<Self> {
        let broken = || Error::setting("template", "pattern", "with matching braces", pattern);
        let (mut text, mut slots) = (String::new(), Vec::new());
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                text.push_str(from.get(..1).unwrap_or(""));
                rest = after;
                continue;
            }
            let inner = from.strip_prefix('{').ok_or_else(broken)?;
            let (name, after) = inner.split_once('}').ok_or_else(broken)?;
            let found = options.iter().find(|(other, list)| *other == name && !list.is_empty());
            let (_, list) = found.ok_or_else(|| Error::Unknown {
                operation: "template",
                what: "slot",
                name: name.to_owned(),
            })?;
            let options: Vec<String> = list.iter().map(|o| o.as_ref().to_owned()).collect();
            let start = text.len();
            text.push_str(options.first().map_or("", String::as_str));
            slots.push(Slot { range: start..text.len(), tag: Tag::Other, options });
            rest = after;
        }
        text.push_str(rest);
        Ok(Self { text, slots })
    }

    /// The sentence as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The slots in their order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Gives every slot up to `most` single-word synonyms from a thesaurus: of the likeliest lemma,
    /// brought into the form and the case of the word that stands there.
    pub fn add_synonyms(&mut self, thesaurus: &dyn Thesaurus, most: usize) {
        for slot in &mut self.slots {
            slot.add_synonyms(thesaurus, most);
        }
    }

    /// The slot at a place.
    pub(super) fn slot_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Gives the slots that hold this word these further options, in the case of the word. Empty
    /// ones, the word itself, and ones with anything but letters, hyphens and apostrophes are left out.
    pub fn add_options<S: AsRef<str>>(&mut self, word: &str, options: &[S]) {
        let of_word = |slot: &&mut Slot| slot.options.first().is_some_and(|w| w == word);
        for slot in self.slots.iter_mut().filter(of_word) {
            for option in options {
                let option = option.as_ref().trim().trim_end_matches('.');
                let plain = |c: char| c.is_alphabetic() || c == '-' || c == '\'';
                if !option.is_empty() && option.chars().all(plain) {
                    slot.add(option);
                }
            }
        }
    }

    /// The number of ways to fill the template, the sentence as it stands included.
    pub fn ways(&self) -> u128 {
        self.slots
            .iter()
            .fold(1, |ways: u128, s| ways.saturating_mul(s.options.len().max(1) as u128))
    }

    /// The sentence with one option a slot, articles mended.
    pub(super) fn fill(&self, choice: &[usize]) -> String {
        let mut out = String::with_capacity(self.text.len() + 16);
        let mut copied = 0;
        let mut changed = false;
        for (slot, &option) in self.slots.iter().zip(choice) {
            out.push_str(self.text.get(copied..slot.range.start).unwrap_or(""));
            out.push_str(slot.options.get(option).map_or("", String::as_str));
            copied = slot.range.end;
            changed |= option != 0;
        }
        out.push_str(self.text.get(copied..).unwrap_or(""));
        if !changed {
            return out;
        }
        match mend_articles(&out) {
            std::borrow::Cow::Borrowed(_) => out,
            std::borrow::Cow::Owned(mended) => mended,
        }
    }
}

impl Slot {
    /// See [`Template::add_synonyms`].
    fn add_synonyms(&mut self, thesaurus: &dyn Thesaurus, most: usize) {
        let Some((pos, synonyms)) = self.synonyms(thesaurus) else { return };
        for synonym in synonyms.iter().filter(|s| usable(s, pos)).take(most) {
            self.add(&inflect(synonym, self.tag));
        }
    }

    /// Adds one synonym, drawn uniformly, and tells which option it is; `None` if there is none.
    pub(super) fn draw_synonym(
        &mut self,
        thesaurus: &dyn Thesaurus,
        stream: &mut Stream,
    ) -> Option<usize> {
        let (pos, synonyms) = self.synonyms(thesaurus)?;
        let mut option_of = |synonym: &String| {
            let option = usable(synonym, pos).then(|| self.add(&inflect(synonym, self.tag)))??;
            (option != 0).then_some(option)
        };
        // Most synonyms will do, so that drawing again is faster than listing those that do.
        for _ in 0..4 {
            let drawn = synonyms.get(below(stream, synonyms.len().max(1)))?;
            if let Some(option) = option_of(drawn) {
                return Some(option);
            }
        }
        let mut open: Vec<&String> = synonyms.iter().collect();
        while !open.is_empty() {
            let drawn = open.swap_remove(below(stream, open.len()));
            if let Some(option) = option_of(drawn) {
                return Some(option);
            }
        }
        None
    }

    /// The synonyms of the likeliest lemma of the word that stands here.
    fn synonyms(&self, thesaurus: &dyn Thesaurus) -> Option<(Pos, Arc<[String]>)> {
        let pos = self.tag.replaceable()?;
        let lemmas = thesaurus.lemmas(&lower(self.options.first()?), pos);
        Some((pos, thesaurus.synonyms(lemmas.first()?, pos)))
    }

    /// Adds an option in the case of the word, if it is new, and tells its place.
    fn add(&mut self, option: &str) -> Option<usize> {
        let word = self.options.first()?;
        let option = match (Case::of(word), Case::of(option)) {
            (Case::Lower, Case::Capital) => option.to_lowercase(),
            (case, _) => case.apply(option),
        };
        let place = self.options.iter().position(|other| other.eq_ignore_ascii_case(&option));
        Some(place.unwrap_or_else(|| {
            self.options.push(option);
            self.options.len() - 1
        }))
    }
}

/// Whether a synonym can stand for a single word: no name, no phrase, no number.
fn usable(synonym: &str, pos: Pos) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    // Verbs without content would make the sentence ungrammatical more often than not.
    let empty_verb = pos == Pos::Verb && matches!(synonym, "be" | "do" | "have" | "get" | "let");
    synonym.len() > 1 && synonym.chars().all(plain) && !empty_verb
}
