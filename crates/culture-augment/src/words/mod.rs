//! Words: where they stand, what kind they are, what they come from, what they could be replaced by.

mod article;
mod inflect;
mod mini;
mod morphy;
mod tagger;
mod tokens;
mod wordnet;

pub use article::{article_for, mend_articles};
pub use inflect::inflect;
pub use mini::MiniThesaurus;
pub use tagger::{LexiconTagger, Tag, Tagger};
pub(crate) use tokens::lower;
pub use tokens::{Case, Token, tokens};
pub use wordnet::WordNet;

use std::sync::Arc;

/// A part of speech, coarse.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Pos {
    /// A noun.
    Noun,
    /// A verb.
    Verb,
    /// An adjective.
    Adjective,
    /// An adverb.
    Adverb,
}

impl Pos {
    /// All four, in the order of WordNet's files.
    pub const ALL: [Pos; 4] = [Pos::Noun, Pos::Verb, Pos::Adjective, Pos::Adverb];
}

/// A list of synonyms with the little grammar that replacing words needs.
pub trait Thesaurus: Send + Sync {
    /// Names the list so that equal names mean equal contents.
    fn id(&self) -> String;

    /// Words that can stand for a lemma, those of its most frequent sense first; in their basic form,
    /// each once, without the lemma itself. Empty for an unknown lemma.
    fn synonyms(&self, lemma: &str, pos: Pos) -> Arc<[String]>;

    /// The basic forms that a word may come from, the likeliest first: `parties` from `party`. Empty
    /// if the list knows none.
    fn lemmas(&self, word: &str, pos: Pos) -> Arc<[String]>;

    /// How often a word, in any form, is used as each part of speech, in the order of [`Pos::ALL`];
    /// `None` where it is not, and 0 where it is but was not counted.
    fn uses(&self, word: &str) -> [Option<u32>; 4];
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Thesaurus + ?Sized> Thesaurus for $pointer {
            fn id(&self) -> String {
                (**self).id()
            }

            fn synonyms(&self, lemma: &str, pos: Pos) -> Arc<[String]> {
                (**self).synonyms(lemma, pos)
            }

            fn lemmas(&self, word: &str, pos: Pos) -> Arc<[String]> {
                (**self).lemmas(word, pos)
            }

            fn uses(&self, word: &str) -> [Option<u32>; 4] {
                (**self).uses(word)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
