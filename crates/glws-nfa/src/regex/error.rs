//! What can be wrong with a regular expression, and where.

use std::fmt;

/// How many characters of the expression are shown on each side of the fault.
const EXCERPT: usize = 36;

/// A fault in a regular expression, with its place.
///
/// `Display` prints the message, then the part of the expression around the fault with a caret
/// under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexError {
    kind: RegexErrorKind,
    column: usize,
    excerpt: String,
    caret: usize,
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegexErrorKind {
    /// Nothing stands where an expression is needed, as in `0|` or `(&1)`.
    #[error("expected an expression (the empty string is written `()`)")]
    EmptyExpression,
    /// A character that has no meaning here.
    #[error("unexpected character {found:?}")]
    UnexpectedCharacter {
        /// The character.
        found: char,
    },
    /// The expression ends inside a bracket; the column is that of the opening bracket.
    #[error("{open:?} is never closed")]
    Unclosed {
        /// The opening bracket.
        open: char,
    },
    /// A closing bracket without its opening one.
    #[error("{close:?} closes nothing")]
    Unopened {
        /// The closing bracket.
        close: char,
    },
    /// `*`, `+`, `?` or `{…}` with nothing before it.
    #[error("nothing to repeat before {operator:?}")]
    NothingToRepeat {
        /// The operator.
        operator: char,
    },
    /// `[]` or `[^]`.
    #[error("expected at least one class between the square brackets")]
    EmptySet,
    /// `<name>` with a name that the alphabet does not have.
    #[error("no class or set is called {name:?}")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A class number that the alphabet does not have.
    #[error("expected a class below {num_classes}, got {class}")]
    ClassOutOfRange {
        /// The number as written.
        class: String,
        /// The size of the alphabet.
        num_classes: usize,
    },
    /// A range with a name at an end, or whose ends are in the wrong order.
    #[error("expected a range of class numbers from low to high, got {range:?}")]
    BadRange {
        /// The range as written.
        range: String,
    },
    /// `{…}` that is not `{m}`, `{m,}` or `{m,n}` with `m ≤ n`.
    #[error("expected {{m}}, {{m,}} or {{m,n}} with m not above n")]
    BadRepeat,
    /// A repeat count above the limit.
    #[error("expected a repeat count of at most {limit}, got {count}")]
    RepeatTooLarge {
        /// The count as written.
        count: String,
        /// The limit.
        limit: u32,
    },
    /// Groups, complements and repeats nested too deeply.
    #[error("expected at most {limit} nested groups and operators")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// An expression that is too long.
    #[error("expected at most {limit} characters, got {length}")]
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

impl RegexError {
    /// The fault `kind` at the character with index `position` of `pattern`.
    pub(crate) fn new(kind: RegexErrorKind, pattern: &[char], position: usize) -> Self {
        let start = position.saturating_sub(EXCERPT);
        let end = pattern.len().min(position.saturating_add(EXCERPT));
        let shown = pattern.get(start..end).unwrap_or_default();
        let mut excerpt = String::new();
        let mut caret = position.saturating_sub(start);
        if start > 0 {
            excerpt.push('…');
            caret += 1;
        }
        // A tab or a line break would move the caret away from its character.
        excerpt.extend(shown.iter().map(|&c| if c.is_control() { ' ' } else { c }));
        if end < pattern.len() {
            excerpt.push('…');
        }
        Self { kind, column: position.saturating_add(1), excerpt, caret }
    }

    /// What is wrong.
    pub fn kind(&self) -> &RegexErrorKind {
        &self.kind
    }

    /// Where: the number of the character, from 1. One more than the length of the expression means
    /// its end.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, column, excerpt, caret } = self;
        write!(f, "regular expression, column {column}: {kind}\n  {excerpt}\n  {:caret$}^", "")
    }
}

impl std::error::Error for RegexError {}
