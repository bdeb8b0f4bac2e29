//! The syntax tree of an expression, and how it is printed.

use std::fmt;

/// An expression. Its height is bounded by the parser, so recursion over it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ast {
    /// `()`, the empty string.
    Empty,
    /// `.`, any one class.
    Any,
    /// One symbol: a class or a name.
    Symbol(Item),
    /// `[…]` or `[^…]`.
    Set { negated: bool, items: Vec<Item> },
    /// One after the other; at least two.
    Concatenation(Vec<Ast>),
    /// `a|b`; at least two.
    Alternation(Vec<Ast>),
    /// `a&b`; at least two.
    Intersection(Vec<Ast>),
    /// `!a`.
    Complement(Box<Ast>),
    /// `a{low,high}`; no `high` means no bound.
    Repeat { inner: Box<Ast>, low: u32, high: Option<u32> },
}

/// What a symbol or a member of a set can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// One class.
    Class(usize),
    /// The classes from the first to the second, both included.
    Range(usize, usize),
    /// The class or set of that name.
    Name(String),
}

/// How tightly an operator binds; a child that binds less tightly than its place asks is bracketed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Alternation,
    Intersection,
    Concatenation,
    Complement,
    Repeat,
    Atom,
}

impl Ast {
    fn binding(&self) -> Binding {
        match self {
            Self::Alternation(_) => Binding::Alternation,
            Self::Intersection(_) => Binding::Intersection,
            Self::Concatenation(_) => Binding::Concatenation,
            Self::Complement(_) => Binding::Complement,
            Self::Repeat { .. } => Binding::Repeat,
            Self::Empty | Self::Any | Self::Symbol(_) | Self::Set { .. } => Binding::Atom,
        }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, needed: Binding) -> fmt::Result {
        if self.binding() < needed {
            f.write_str("(")?;
            self.print(f, Binding::Alternation)?;
            return f.write_str(")");
        }
        match self {
            Self::Empty => f.write_str("()"),
            Self::Any => f.write_str("."),
            Self::Symbol(item) => write!(f, "{item}"),
            Self::Set { negated, items } => {
                f.write_str(if *negated { "[^" } else { "[" })?;
                items.iter().try_for_each(|item| write!(f, "{item}"))?;
                f.write_str("]")
            }
            Self::Concatenation(parts) => {
                parts.iter().try_for_each(|part| part.print(f, Binding::Complement))
            }
            Self::Alternation(parts) => Self::join(parts, f, "|", Binding::Intersection),
            Self::Intersection(parts) => Self::join(parts, f, "&", Binding::Concatenation),
            Self::Complement(inner) => {
                f.write_str("!")?;
                inner.print(f, Binding::Complement)
            }
            Self::Repeat { inner, low, high } => {
                inner.print(f, Binding::Repeat)?;
                match (low, high) {
                    (0, None) => f.write_str("*"),
                    (1, None) => f.write_str("+"),
                    (0, Some(1)) => f.write_str("?"),
                    (low, None) => write!(f, "{{{low},}}"),
                    (low, Some(high)) if low == high => write!(f, "{{{low}}}"),
                    (low, Some(high)) => write!(f, "{{{low},{high}}}"),
                }
            }
        }
    }

    fn join(
        parts: &[Self],
        f: &mut fmt::Formatter<'_>,
        operator: &str,
        needed: Binding,
    ) -> fmt::Result {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(operator)?;
            }
            part.print(f, needed)?;
        }
        Ok(())
    }
}

impl fmt::Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, Binding::Alternation)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class @ 0..=9) => write!(f, "{class}"),
            Self::Class(class) => write!(f, "<{class}>"),
            Self::Range(low, high) => {
                write!(f, "{}-{}", Self::Class(*low), Self::Class(*high))
            }
            Self::Name(name) => write!(f, "<{name}>"),
        }
    }
}
