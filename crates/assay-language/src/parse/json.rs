use std::ops::Range;

use serde_json::Value;

/// Nesting beyond this is no answer; it also bounds recursion.
const MAX_DEPTH: usize = 64;
/// At most so many places are tried, so that a text of braces costs linear time.
const MAX_STARTS: usize = 256;

/// One JSON value in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// The value.
    pub value: Value,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// The text was not JSON as it stood and was mended: single quotes, trailing commas, Python's
    /// `True`, `False` and `None`, unquoted keys, or raw line breaks in strings.
    pub mended: bool,
}

/// All JSON objects and arrays in a text, outermost ones only, in their order.
///
/// Prose and fences around them do not matter, nor do braces inside strings. Anything that is not
/// JSON even after mending is skipped.
///
/// ```
/// use assay_language::parse::json_values;
/// let text = "Here you are:\n```json\n{\"answer\": \"a } b\"}\n```\nor {'answer': None,}";
/// let found = json_values(text);
/// assert_eq!(found[0].value["answer"], "a } b");
/// assert!(found[1].mended && found[1].value["answer"].is_null());
/// ```
pub fn json_values(text: &str) -> Vec<Fragment> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut starts = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find(['{', '['])) {
        let start = at + offset;
        starts += 1;
        if starts > MAX_STARTS {
            break;
        }
        at = match Reader::new(text, start).read() {
            Some((value, end, mended)) => {
                found.push(Fragment { value, range: start..end, mended });
                end
            }
            None => start + 1,
        };
    }
    found
}

/// The first JSON object or array in a text.
pub fn first_json(text: &str) -> Option<Value> {
    json_values(text).into_iter().next().map(|fragment| fragment.value)
}

/// A reader of JSON and of what models write instead.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    mended: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at, mended: false }
    }

    fn read(mut self) -> Option<(Value, usize, bool)> {
        let value = self.value(0)?;
        Some((value, self.at, self.mended))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' | b'\'' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut map = serde_json::Map::new();
        self.at += 1;
        loop {
            self.blanks();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(Value::Object(map));
                }
                b',' if !map.is_empty() => self.comma(b'}')?,
                _ if map.is_empty() => {}
                _ => return None,
            }
            self.blanks();
            if self.peek()? == b'}' {
                continue;
            }
            let key = match self.peek()? {
                b'"' | b'\'' => self.string()?,
                _ => self.name()?,
            };
            self.blanks();
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            map.insert(key, value);
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.blanks();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(Value::Array(items));
                }
                b',' if !items.is_empty() => self.comma(b']')?,
                _ if items.is_empty() => {}
                _ => return None,
            }
            self.blanks();
            if self.peek()? != b']' {
                items.push(self.value(depth + 1)?);
            }
        }
    }

    /// Passes a comma; one before the end is mended.
    fn comma(&mut self, end: u8) -> Option<()> {
        self.at += 1;
        self.blanks();
        self.mended |= self.peek()? == end;
        Some(())
    }

    /// A string in double quotes, or mended from single ones or with raw control characters.
    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        self.mended |= quote == b'\'';
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..)?;
            let c = rest.chars().next()?;
            self.at += c.len_utf8();
            match c {
                '\\' => self.escape(&mut out)?,
                c if u32::from(c) == u32::from(quote) => return Some(out),
                c => {
                    self.mended |= c.is_control() && c < ' ';
                    out.push(c);
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        let c = match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.code_point(out),
            b'"' | b'\\' | b'/' => char::from(byte),
            b'\'' => {
                self.mended = true;
                '\''
            }
            _ => return None,
        };
        out.push(c);
        Some(())
    }

    fn code_point(&mut self, out: &mut String) -> Option<()> {
        let unit = self.hex()?;
        let code = if (0xD800..0xDC00).contains(&unit) {
            if self.bytes.get(self.at..self.at + 2)? != b"\\u" {
                return None;
            }
            self.at += 2;
            let low = self.hex()?;
            if !(0xDC00..0xE000).contains(&low) {
                return None;
            }
            0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
        } else {
            unit
        };
        out.push(char::from_u32(code)?);
        Some(())
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// An unquoted key.
    fn name(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))?;
        self.mended = true;
        self.at += end;
        (end > 0).then(|| rest.get(..end).map(str::to_owned))?
    }

    /// A number or a constant.
    fn word(&mut self) -> Option<Value> {
        let rest = self.text.get(self.at..)?;
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let word = rest.get(..end.unwrap_or(rest.len()))?;
        let value = match word {
            "" => return None,
            "True" | "False" | "None" => {
                self.mended = true;
                match word {
                    "True" => Value::Bool(true),
                    "False" => Value::Bool(false),
                    _ => Value::Null,
                }
            }
            _ => serde_json::from_str(word).ok()?,
        };
        self.at += word.len();
        Some(value)
    }
}
