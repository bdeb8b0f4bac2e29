//! Regular expressions over classes.
//!
//! An expression describes the label sequences that a bag may have. Its letters are classes:
//!
//! | written | means |
//! |---|---|
//! | `3` | the class 3; digits side by side are separate classes, so `012` is 0, then 1, then 2 |
//! | `<12>` | the class 12 |
//! | `<cat>` | the class, or one of the set of classes, that the [`Alphabet`] calls so |
//! | `.` | any class |
//! | `[013]`, `[2-5<10>-<19><cat>]` | one of these classes |
//! | `[^0]` | any class but these |
//! | `()` | the empty string |
//! | `(a)` | `a`, as a group |
//! | `a*`, `a+`, `a?` | any number of `a`, at least one, at most one |
//! | `a{m}`, `a{m,}`, `a{m,n}` | `m` times `a`, at least `m`, from `m` to `n` |
//! | `!a` | every string that is not in `a` |
//! | `ab` | `a`, then `b` |
//! | `a&b` | what is in both |
//! | `a\|b` | what is in one or both |
//!
//! The table goes from what binds most tightly to what binds least: `!0*1` is `(!(0*))1`. White
//! space means nothing, except inside a name.
//!
//! ```
//! use glws_nfa::{Alphabet, Regex};
//!
//! let digits = Alphabet::new(10)?.with_set("even", [0, 2, 4, 6, 8])?;
//! // Bags with an even digit, but no two zeros side by side.
//! let nfa = Regex::parse(".* <even> .* & !(.* 00 .*)", &digits)?.to_nfa()?;
//! assert!(nfa.accepts(&[1, 0, 3])?);
//! assert!(!nfa.accepts(&[1, 0, 0])?);
//!
//! let error = Regex::parse("0*(1|x)", &digits).unwrap_err();
//! assert_eq!(error.column(), 6);
//! # Ok::<(), glws_nfa::Error>(())
//! ```

use std::fmt;

mod alphabet;
mod ast;
mod compile;
mod error;
mod parse;
#[cfg(test)]
mod tests;

pub use alphabet::Alphabet;
pub use error::{RegexError, RegexErrorKind};

use ast::Ast;

use crate::algebra::{Budget, DEFAULT_STATE_CAP};
use crate::error::Result;
use crate::nfa::Nfa;

/// A parsed regular expression; the [module](self) describes the language.
///
/// `Display` writes it back, without white space and without needless groups, such that parsing the
/// result gives an equal expression. With the feature `serde` it is written as its text and its
/// alphabet, and parsed again when read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unparsed", into = "Unparsed"))]
pub struct Regex {
    ast: Ast,
    alphabet: Alphabet,
}

impl Regex {
    /// Parses an expression over the classes and names of `alphabet`.
    ///
    /// # Errors
    /// [`RegexError`], which says what is wrong at which column. Expressions are limited to 65 536
    /// characters, 128 levels of nesting and repeat counts of 10 000.
    pub fn parse(pattern: &str, alphabet: &Alphabet) -> std::result::Result<Self, RegexError> {
        Ok(Self { ast: parse::parse(pattern, alphabet)?, alphabet: alphabet.clone() })
    }

    /// The classes and names that it was parsed with.
    pub fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    /// The smallest deterministic automaton for the expression. It is unambiguous, and all its
    /// weights are 0.
    ///
    /// # Errors
    /// As [`Self::to_nfa_within`], with a cap of [`DEFAULT_STATE_CAP`] states.
    pub fn to_nfa(&self) -> Result<Nfa> {
        self.to_nfa_within(DEFAULT_STATE_CAP)
    }

    /// [`Self::to_nfa`] with a cap on the states of every automaton made on the way.
    ///
    /// # Errors
    /// [`Error::TooManyStates`](crate::Error::TooManyStates) when the cap does not suffice: an
    /// expression of n characters may need 2^n states, and a complement within a complement more.
    /// [`Error::TooManySteps`](crate::Error::TooManySteps) when it takes too long.
    pub fn to_nfa_within(&self, max_states: usize) -> Result<Nfa> {
        let mut budget = Budget::new("regular expression", max_states);
        let (dfa, symbols) = compile::compile(&self.ast, &self.alphabet, &mut budget)?;
        dfa.to_nfa(&symbols, &mut budget)
    }
}

impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ast.fmt(f)
    }
}

impl Nfa {
    /// The smallest deterministic automaton for a regular expression over the classes
    /// `0..num_classes`: [`Regex::parse`] and [`Regex::to_nfa`] in one.
    ///
    /// ```
    /// let block = glws_nfa::Nfa::from_regex("0*1+0*", 2)?;
    /// assert_eq!(block.count_accepted(7)?, 28);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Alphabet::new`], [`Regex::parse`] and [`Regex::to_nfa`].
    pub fn from_regex(pattern: &str, num_classes: usize) -> Result<Self> {
        Regex::parse(pattern, &Alphabet::new(num_classes)?)?.to_nfa()
    }
}

/// What is written and read.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Unparsed {
    pattern: String,
    alphabet: Alphabet,
}

#[cfg(feature = "serde")]
impl From<Regex> for Unparsed {
    fn from(regex: Regex) -> Self {
        Self { pattern: regex.to_string(), alphabet: regex.alphabet }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Unparsed> for Regex {
    type Error = RegexError;

    fn try_from(unparsed: Unparsed) -> std::result::Result<Self, RegexError> {
        Self::parse(&unparsed.pattern, &unparsed.alphabet)
    }
}
