use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::{Case, Pos, Thesaurus, Token, lower};

/// The kind of a word with its form: the open classes of the Penn Treebank's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Tag {
    /// NN.
    Noun,
    /// NNS.
    NounPlural,
    /// NNP and NNPS: a name.
    Name,
    /// JJ.
    Adjective,
    /// JJR and JJS.
    Compared,
    /// RB.
    Adverb,
    /// VB and VBP.
    Verb,
    /// VBZ.
    Third,
    /// VBD.
    Past,
    /// VBN.
    Participle,
    /// VBG.
    Gerund,
    /// Anything else: articles, pronouns, prepositions, auxiliaries, numbers.
    Other,
}

impl Tag {
    /// The part of speech whose words can be replaced; `None` for names, compared adjectives and
    /// everything that is not open.
    pub fn replaceable(self) -> Option<Pos> {
        match self {
            Tag::Noun | Tag::NounPlural => Some(Pos::Noun),
            Tag::Adjective => Some(Pos::Adjective),
            Tag::Adverb => Some(Pos::Adverb),
            Tag::Verb | Tag::Third | Tag::Past | Tag::Participle | Tag::Gerund => Some(Pos::Verb),
            Tag::Name | Tag::Compared | Tag::Other => None,
        }
    }

    /// The Penn Treebank's name, the commoner one where a tag stands for two.
    pub fn penn(self) -> &'static str {
        match self {
            Tag::Noun => "NN",
            Tag::NounPlural => "NNS",
            Tag::Name => "NNP",
            Tag::Adjective => "JJ",
            Tag::Compared => "JJR",
            Tag::Adverb => "RB",
            Tag::Verb => "VB",
            Tag::Third => "VBZ",
            Tag::Past => "VBD",
            Tag::Participle => "VBN",
            Tag::Gerund => "VBG",
            Tag::Other => "FW",
        }
    }
}

/// Whatever tells kinds of words.
pub trait Tagger: Send + Sync {
    /// One tag a token of a text.
    fn tag(&self, tokens: &[Token<'_>]) -> Vec<Tag>;
}

/// A tagger of a list of closed-class words, a thesaurus and a few rules of context and endings.
///
/// It is no match for a trained tagger, but it errs on the safe side: a word that it does not know is
/// a name or nothing, and stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct LexiconTagger<T> {
    thesaurus: T,
}

impl<T: Thesaurus> LexiconTagger<T> {
    /// A tagger that asks this thesaurus what a word is used as.
    pub fn new(thesaurus: T) -> Self {
        Self { thesaurus }
    }
}

const DETERMINERS: &[&str] = &[
    "a", "an", "another", "any", "each", "every", "her", "his", "its", "my", "no", "our", "some",
    "that", "the", "their", "these", "this", "those", "your", "whose", "which", "what",
];
const BEFORE_VERB: &[&str] = &[
    "to",
    "can",
    "cannot",
    "could",
    "may",
    "might",
    "must",
    "shall",
    "should",
    "will",
    "would",
    "i",
    "we",
    "they",
    "you",
    "who",
    "don't",
    "didn't",
    "doesn't",
    "can't",
    "won't",
    "shouldn't",
    "let",
    "do",
    "does",
    "did",
    "not",
    "please",
];
const BE_OR_HAVE: &[&str] = &[
    "am", "are", "be", "been", "being", "is", "was", "were", "isn't", "aren't", "wasn't",
    "weren't", "get", "gets", "got", "has", "have", "had", "having", "hasn't", "haven't", "i've",
    "we've", "they've", "it's", "i'm", "we're", "they're", "you're", "he's", "she's",
];
const CLOSED: &[&str] = &[
    "about",
    "above",
    "across",
    "after",
    "again",
    "against",
    "ago",
    "all",
    "along",
    "also",
    "although",
    "always",
    "among",
    "and",
    "around",
    "as",
    "at",
    "away",
    "back",
    "because",
    "before",
    "behind",
    "below",
    "beneath",
    "beside",
    "besides",
    "between",
    "beyond",
    "both",
    "but",
    "by",
    "despite",
    "down",
    "during",
    "either",
    "else",
    "enough",
    "even",
    "ever",
    "except",
    "few",
    "fewer",
    "for",
    "from",
    "half",
    "he",
    "hence",
    "here",
    "hers",
    "herself",
    "him",
    "himself",
    "how",
    "however",
    "i",
    "if",
    "in",
    "inside",
    "instead",
    "into",
    "it",
    "itself",
    "just",
    "least",
    "less",
    "lot",
    "lots",
    "many",
    "me",
    "mine",
    "more",
    "most",
    "much",
    "myself",
    "near",
    "neither",
    "never",
    "next",
    "nobody",
    "none",
    "nor",
    "not",
    "nothing",
    "now",
    "of",
    "off",
    "often",
    "on",
    "once",
    "one",
    "only",
    "onto",
    "or",
    "other",
    "others",
    "ought",
    "ours",
    "ourselves",
    "out",
    "outside",
    "over",
    "own",
    "per",
    "perhaps",
    "rather",
    "same",
    "several",
    "she",
    "since",
    "so",
    "someone",
    "something",
    "sometimes",
    "soon",
    "still",
    "such",
    "than",
    "theirs",
    "them",
    "themselves",
    "then",
    "there",
    "therefore",
    "though",
    "through",
    "throughout",
    "thus",
    "till",
    "together",
    "too",
    "toward",
    "towards",
    "twice",
    "under",
    "unless",
    "until",
    "up",
    "upon",
    "us",
    "very",
    "via",
    "when",
    "whenever",
    "where",
    "whereas",
    "wherever",
    "whether",
    "while",
    "whom",
    "why",
    "with",
    "within",
    "without",
    "yes",
    "yet",
    "yours",
    "yourself",
    "anybody",
    "anyone",
    "anything",
    "everybody",
    "everyone",
    "everything",
    "somebody",
    "somewhere",
    "nowhere",
    "anywhere",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "first",
    "second",
    "last",
    "lets",
    "i'd",
    "we'd",
    "they'd",
    "he'd",
    "she'd",
    "you'd",
    "i'll",
    "we'll",
    "there's",
    "that's",
    "what's",
    "vs",
    "etc",
];

/// What a word of a closed class says about the one after it.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    determiner: bool,
    verbal: bool,
    be_or_have: bool,
}

/// All of the lists above, which every word is looked up in once.
static ALL_CLOSED: LazyLock<FxHashMap<&'static str, Before>> = LazyLock::new(|| {
    let mut all: FxHashMap<&str, Before> = FxHashMap::default();
    for word in CLOSED {
        all.entry(word).or_default();
    }
    for word in DETERMINERS {
        // These three are as often pronouns.
        all.entry(word).or_default().determiner = !matches!(*word, "that" | "which" | "what");
    }
    for word in BEFORE_VERB {
        all.entry(word).or_default().verbal = true;
    }
    for word in BE_OR_HAVE {
        all.entry(word).or_default().be_or_have = true;
    }
    all
});

impl<T: Thesaurus> Tagger for LexiconTagger<T> {
    fn tag(&self, tokens: &[Token<'_>]) -> Vec<Tag> {
        let (mut before, mut last) = (Before::default(), Tag::Other);
        tokens
            .iter()
            .map(|token| {
                if token.first {
                    (before, last) = (Before::default(), Tag::Other);
                }
                let lower = lower(token.word);
                let closed = ALL_CLOSED.get(lower.as_ref());
                let tag =
                    closed.map_or_else(|| self.one(token, &lower, before, last), |_| Tag::Other);
                before = closed.copied().unwrap_or_default();
                last = tag;
                tag
            })
            .collect()
    }
}

impl<T: Thesaurus> LexiconTagger<T> {
    fn one(&self, token: &Token<'_>, lower: &str, before: Before, last: Tag) -> Tag {
        if !lower.chars().all(|c| c.is_alphabetic() || c == '-') {
            return Tag::Other;
        }
        // A capital inside a sentence is a name's. Short words in capitals are letters spelled out,
        // long ones are words said loudly.
        let capitals = token.word.chars().filter(|c| c.is_uppercase()).count();
        let loud = Case::of(token.word) == Case::Upper && capitals >= 4;
        if !loud && (capitals > 1 || (capitals == 1 && !token.first)) {
            return Tag::Name;
        }
        let thesaurus = &self.thesaurus;
        let Some(pos) = likeliest(thesaurus.uses(lower), lower, before, last) else {
            return if token.first && capitals == 1 { Tag::Name } else { Tag::Other };
        };
        let is_lemma = thesaurus.lemmas(lower, pos).first().is_some_and(|l| l == lower);
        match pos {
            Pos::Noun if !is_lemma => Tag::NounPlural,
            Pos::Noun => Tag::Noun,
            Pos::Adverb => Tag::Adverb,
            Pos::Adjective if !is_lemma => Tag::Compared,
            Pos::Adjective => Tag::Adjective,
            Pos::Verb if lower.ends_with("ing") && !is_lemma => Tag::Gerund,
            Pos::Verb if is_lemma => Tag::Verb,
            Pos::Verb if lower.ends_with('s') => Tag::Third,
            Pos::Verb if before.be_or_have => Tag::Participle,
            Pos::Verb => Tag::Past,
        }
    }
}

/// The part of speech that a word is likeliest used as here.
fn likeliest(uses: [Option<u32>; 4], word: &str, before: Before, last: Tag) -> Option<Pos> {
    let (after_determiner, after_verbal) = (before.determiner, before.verbal);
    let score = |pos: Pos| -> Option<f64> {
        let count = f64::from(uses[pos as usize]?) + 0.5;
        let context = match pos {
            Pos::Verb if after_verbal => 50.0,
            Pos::Verb if after_determiner || last == Tag::Adjective => 0.02,
            Pos::Verb if word.ends_with("ing") || word.ends_with("ed") => 3.0,
            Pos::Noun if after_determiner || last == Tag::Adjective => 5.0,
            Pos::Noun if after_verbal => 0.1,
            Pos::Adjective if before.be_or_have => 3.0,
            Pos::Adjective if after_determiner => 2.0,
            Pos::Adverb if word.ends_with("ly") => 10.0,
            Pos::Adverb if after_determiner => 0.1,
            _ => 1.0,
        };
        Some(count * context)
    };
    let scored = Pos::ALL.iter().filter_map(|&pos| Some((score(pos)?, pos)));
    scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, pos)| pos)
}
