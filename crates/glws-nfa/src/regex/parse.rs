//! From text to syntax tree, by recursive descent with a bounded depth.
//!
//! ```text
//! alternation   = intersection ("|" intersection)*
//! intersection  = concatenation ("&" concatenation)*
//! concatenation = factor+
//! factor        = "!" factor | repeat
//! repeat        = atom ("*" | "+" | "?" | "{" m "}" | "{" m "," "}" | "{" m "," n "}")*
//! atom          = symbol | "." | "[" "^"? (symbol | symbol "-" symbol)+ "]" | "(" alternation? ")"
//! symbol        = digit | "<" number ">" | "<" name ">"
//! ```

use super::alphabet::Alphabet;
use super::ast::{Ast, Item};
use super::error::{RegexError, RegexErrorKind as Kind};

/// Longest expression, in characters.
pub(crate) const MAX_LENGTH: usize = 1 << 16;
/// Highest tree, and most groups around one another. Each costs a few hundred bytes of stack, here
/// and wherever the tree is walked, so that any thread's stack suffices.
pub(crate) const MAX_DEPTH: usize = 128;
/// Largest repeat count.
pub(crate) const MAX_REPEAT: u32 = 10_000;

type Result<T> = std::result::Result<T, RegexError>;

/// A tree with its height.
type Tall = (Ast, usize);

/// Parses an expression over an alphabet.
pub(crate) fn parse(pattern: &str, alphabet: &Alphabet) -> Result<Ast> {
    let length = pattern.chars().count();
    let text: Vec<char> = pattern.chars().take(MAX_LENGTH + 1).collect();
    let mut parser = Parser { text, position: 0, depth: 0, alphabet };
    if length > MAX_LENGTH {
        return Err(parser.error_at(MAX_LENGTH, Kind::TooLong { length, limit: MAX_LENGTH }));
    }
    let (ast, _) = parser.alternation()?;
    match parser.peek() {
        None => Ok(ast),
        // `alternation` stops only at the end or at a closing bracket.
        Some(close) => Err(parser.error(Kind::Unopened { close })),
    }
}

struct Parser<'a> {
    text: Vec<char>,
    position: usize,
    depth: usize,
    alphabet: &'a Alphabet,
}

impl Parser<'_> {
    fn error_at(&self, position: usize, kind: Kind) -> RegexError {
        RegexError::new(kind, &self.text, position)
    }

    fn error(&self, kind: Kind) -> RegexError {
        self.error_at(self.position, kind)
    }

    /// The next character that is not white space, which stays.
    fn peek(&mut self) -> Option<char> {
        while let Some(&c) = self.text.get(self.position) {
            if !c.is_whitespace() {
                return Some(c);
            }
            self.position += 1;
        }
        None
    }

    /// Takes the next character if it is `wanted`.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += 1;
        }
        found
    }

    /// One level higher than `height`, if that is allowed.
    fn above(&self, height: usize) -> Result<usize> {
        if height >= MAX_DEPTH {
            return Err(self.error(Kind::TooDeep { limit: MAX_DEPTH }));
        }
        Ok(height + 1)
    }

    /// One or more of `part` with `separator` between them.
    fn list(
        &mut self,
        separator: char,
        part: fn(&mut Self) -> Result<Tall>,
        join: fn(Vec<Ast>) -> Ast,
    ) -> Result<Tall> {
        let (first, mut height) = part(self)?;
        if self.peek() != Some(separator) {
            return Ok((first, height));
        }
        let mut parts = vec![first];
        while self.take(separator) {
            let (next, next_height) = part(self)?;
            parts.push(next);
            height = height.max(next_height);
        }
        Ok((join(parts), self.above(height)?))
    }

    fn alternation(&mut self) -> Result<Tall> {
        self.list('|', Self::intersection, Ast::Alternation)
    }

    fn intersection(&mut self) -> Result<Tall> {
        self.list('&', Self::concatenation, Ast::Intersection)
    }

    fn concatenation(&mut self) -> Result<Tall> {
        let mut parts = Vec::new();
        let mut height = 0;
        while !matches!(self.peek(), None | Some('|' | '&' | ')')) {
            let (part, part_height) = self.factor()?;
            parts.push(part);
            height = height.max(part_height);
        }
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok((only, height)),
            (_, Some(last)) => {
                parts.push(last);
                Ok((Ast::Concatenation(parts), self.above(height)?))
            }
            (_, None) => Err(self.error(Kind::EmptyExpression)),
        }
    }

    fn factor(&mut self) -> Result<Tall> {
        let mut complements = 0;
        while self.take('!') {
            complements = self.above(complements)?;
        }
        if matches!(self.peek(), None | Some('|' | '&' | ')')) {
            return Err(self.error(Kind::EmptyExpression));
        }
        let (mut ast, mut height) = self.repeat()?;
        for _ in 0..complements {
            ast = Ast::Complement(Box::new(ast));
            height = self.above(height)?;
        }
        Ok((ast, height))
    }

    fn repeat(&mut self) -> Result<Tall> {
        let (mut ast, mut height) = self.atom()?;
        while let Some(operator) = self.peek() {
            let (low, high) = match operator {
                '*' => (0, None),
                '+' => (1, None),
                '?' => (0, Some(1)),
                '{' => self.bounds()?,
                _ => break,
            };
            height = self.above(height)?;
            if operator != '{' {
                self.position += 1;
            }
            ast = Ast::Repeat { inner: Box::new(ast), low, high };
        }
        Ok((ast, height))
    }

    /// `{m}`, `{m,}` or `{m,n}`.
    fn bounds(&mut self) -> Result<(u32, Option<u32>)> {
        let open = self.position;
        self.position += 1;
        let low = self.count(open)?;
        let high = if self.take(',') {
            if self.peek() == Some('}') { None } else { Some(self.count(open)?) }
        } else {
            Some(low)
        };
        if !self.take('}') {
            return Err(match self.peek() {
                None => self.error_at(open, Kind::Unclosed { open: '{' }),
                Some(_) => self.error(Kind::BadRepeat),
            });
        }
        if high.is_some_and(|high| high < low) {
            return Err(self.error_at(open, Kind::BadRepeat));
        }
        Ok((low, high))
    }

    fn count(&mut self, open: usize) -> Result<u32> {
        let next = self.peek();
        let start = self.position;
        let digits = self.digits();
        match digits.parse::<u32>() {
            Ok(count) if count <= MAX_REPEAT => Ok(count),
            _ if !digits.is_empty() => {
                let kind = Kind::RepeatTooLarge { count: digits, limit: MAX_REPEAT };
                Err(self.error_at(start, kind))
            }
            _ if next.is_none() => Err(self.error_at(open, Kind::Unclosed { open: '{' })),
            _ => Err(self.error(Kind::BadRepeat)),
        }
    }

    fn digits(&mut self) -> String {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let digits: String = rest.iter().take_while(|c| c.is_ascii_digit()).collect();
        self.position += digits.len();
        digits
    }

    fn atom(&mut self) -> Result<Tall> {
        let Some(c) = self.peek() else { return Err(self.error(Kind::EmptyExpression)) };
        match c {
            '0'..='9' | '<' => Ok((Ast::Symbol(self.symbol()?), 1)),
            '.' => {
                self.position += 1;
                Ok((Ast::Any, 1))
            }
            '[' => Ok((self.set()?, 1)),
            '(' => self.group(),
            '*' | '+' | '?' | '{' => Err(self.error(Kind::NothingToRepeat { operator: c })),
            ']' | '}' | '>' => Err(self.error(Kind::Unopened { close: c })),
            found => Err(self.error(Kind::UnexpectedCharacter { found })),
        }
    }

    fn group(&mut self) -> Result<Tall> {
        let open = self.position;
        self.depth = self.above(self.depth)?;
        self.position += 1;
        let inner = match self.peek() {
            None => return Err(self.error_at(open, Kind::Unclosed { open: '(' })),
            Some(')') => (Ast::Empty, 1),
            Some(_) => self.alternation()?,
        };
        if !self.take(')') {
            return Err(self.error_at(open, Kind::Unclosed { open: '(' }));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn set(&mut self) -> Result<Ast> {
        let open = self.position;
        self.position += 1;
        let negated = self.take('^');
        let mut items = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error_at(open, Kind::Unclosed { open: '[' })),
                Some(']') if items.is_empty() => return Err(self.error(Kind::EmptySet)),
                Some(']') => break,
                Some('0'..='9' | '<') => items.push(self.range()?),
                Some(found) => return Err(self.error(Kind::UnexpectedCharacter { found })),
            }
        }
        self.position += 1;
        Ok(Ast::Set { negated, items })
    }

    /// A symbol, or two with `-` between them.
    fn range(&mut self) -> Result<Item> {
        let start = self.position;
        let low = self.symbol()?;
        if !self.take('-') {
            return Ok(low);
        }
        let high = match self.peek() {
            Some('0'..='9' | '<') => self.symbol()?,
            _ => return Err(self.bad_range(start)),
        };
        match (low, high) {
            (Item::Class(low), Item::Class(high)) if low <= high => Ok(Item::Range(low, high)),
            _ => Err(self.bad_range(start)),
        }
    }

    fn bad_range(&self, start: usize) -> RegexError {
        let range = self.text.get(start..self.position).unwrap_or_default().iter().collect();
        self.error_at(start, Kind::BadRange { range })
    }

    /// A digit, `<number>` or `<name>`; the next character is known to be a digit or `<`.
    fn symbol(&mut self) -> Result<Item> {
        let start = self.position;
        self.position += 1;
        let rest = self.text.get(self.position..).unwrap_or_default();
        let written: String = match self.text.get(start) {
            Some('<') => {
                let Some(end) = rest.iter().position(|&c| c == '>') else {
                    return Err(self.error_at(start, Kind::Unclosed { open: '<' }));
                };
                self.position += end + 1;
                rest.iter().take(end).collect()
            }
            digit => digit.into_iter().collect(),
        };
        let name = written.trim();
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
            let num_classes = self.alphabet.num_classes();
            return match name.parse::<usize>() {
                Ok(class) if class < num_classes => Ok(Item::Class(class)),
                _ => {
                    let class = name.to_string();
                    Err(self.error_at(start, Kind::ClassOutOfRange { class, num_classes }))
                }
            };
        }
        let name = name.to_string();
        if self.alphabet.classes(&name).is_none() {
            return Err(self.error_at(start, Kind::UnknownName { name }));
        }
        Ok(Item::Name(name))
    }
}
