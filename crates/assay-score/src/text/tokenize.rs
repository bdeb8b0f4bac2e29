//! The tokenisers of sacrebleu.

use std::borrow::Cow;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::words::words;

/// How [`Bleu`](super::Bleu) parts a text into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Tokenizer {
    /// That of `mteval-v13a`: ASCII punctuation is parted from words, and `.` and `,` unless between
    /// digits. The default of WMT and of sacrebleu.
    #[default]
    V13a,
    /// That of `mteval-v14` with international tokenisation: Unicode punctuation unless next to a
    /// number, and every symbol.
    International,
    /// Every code point a token: for scripts without spaces.
    Characters,
    /// White space only: for text that has been tokenised.
    None,
}

impl Tokenizer {
    /// The name in a signature.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::International => "intl",
            Self::Characters => "char",
            Self::None => "none",
        }
    }

    /// The text with tokens parted by white space; [`words`] then finds them.
    pub(super) fn spaced(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::V13a => spaced_13a(text),
            Self::International => spaced_international(text),
            Self::Characters => text.chars().flat_map(|c| [c, ' ']).collect(),
            Self::None => text.into(),
        }
    }
}

/// The tokens of a text.
///
/// ```
/// use assay_score::text::{Tokenizer, tokenize};
/// assert_eq!(tokenize("It's 3.14, not 3-14.", Tokenizer::V13a).join(" "), "It's 3.14 , not 3 - 14 .");
/// ```
pub fn tokenize(text: &str, tokenizer: Tokenizer) -> Vec<String> {
    words(&tokenizer.spaced(text)).map(str::to_owned).collect()
}

/// Bytes that the first pass of 13a surrounds by spaces.
fn is_parted(byte: u8) -> bool {
    matches!(byte, b'{'..=b'~' | b'['..=b'`' | b'!'..=b'&' | b'('..=b'+' | b':'..=b'@' | b'/')
}

fn spaced_13a(text: &str) -> Cow<'_, str> {
    let touched = |byte: u8| is_parted(byte) || matches!(byte, b'.' | b',' | b'-');
    if !text.bytes().any(touched) {
        return if text.contains('\n') { text.replace('\n', " ").into() } else { text.into() };
    }
    let mut text = Cow::Borrowed(text);
    for (from, to) in [("<skipped>", ""), ("-\n", ""), ("\n", " ")] {
        replace(&mut text, from, to);
    }
    for (from, to) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        replace(&mut text, from, to);
    }
    punctuate(&text, |text| text).into()
}

pub(super) fn replace(text: &mut Cow<'_, str>, from: &str, to: &str) {
    if text.contains(from) {
        *text = text.replace(from, to).into();
    }
}

/// The four passes that part punctuation, over the text between two spaces. Each is a regular
/// expression in the original, whose matches do not overlap, so they cannot be joined into one.
///
/// They work on bytes: the pattern characters are ASCII, and no byte of a longer character is.
///
/// Between the first pass and the others a text may be changed once more.
pub(super) fn punctuate(text: &str, between: impl FnOnce(String) -> String) -> String {
    let mut from = Vec::with_capacity(2 * text.len() + 2);
    from.push(b' ');
    for &byte in text.as_bytes() {
        if is_parted(byte) {
            from.extend([b' ', byte, b' ']);
        } else {
            from.push(byte);
        }
    }
    from.push(b' ');
    let mut from = between(text_of(from)).into_bytes();
    let dot = |byte: u8| matches!(byte, b'.' | b',');
    let mut to = Vec::with_capacity(from.len() + 16);
    // A dot or comma after anything but a digit stands alone.
    pass(&from, &mut to, |a, b| (!a.is_ascii_digit() && dot(b)).then_some([a, b' ', b, b' ']));
    // One before anything but a digit, too.
    pass(&to, &mut from, |a, b| (dot(a) && !b.is_ascii_digit()).then_some([b' ', a, b' ', b]));
    // And a dash after a digit.
    pass(&from, &mut to, |a, b| (a.is_ascii_digit() && b == b'-').then_some([a, b' ', b, b' ']));
    text_of(to)
}

/// Bytes as text: only whole ASCII characters were inserted, before or after whole characters.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Rewrites pairs from the left; a rewritten pair is not looked at again.
fn pass<C: Copy>(from: &[C], to: &mut Vec<C>, rule: impl Fn(C, C) -> Option<[C; 4]>) {
    to.clear();
    let mut rest = from;
    while let [a, after @ ..] = rest {
        if let Some(four) = after.first().and_then(|&b| rule(*a, b)) {
            to.extend(four);
            rest = &after[1..];
        } else {
            to.push(*a);
            rest = after;
        }
    }
}

fn spaced_international(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ') {
        return text.into();
    }
    let group = |c: char| c.general_category_group();
    let number = |c: char| group(c) == GeneralCategoryGroup::Number;
    let punctuation = |c: char| group(c) == GeneralCategoryGroup::Punctuation;
    let mut from: Vec<char> = text.chars().collect();
    let mut to = Vec::with_capacity(2 * from.len());
    pass(&from, &mut to, |a, b| (!number(a) && punctuation(b)).then_some([a, ' ', b, ' ']));
    pass(&to, &mut from, |a, b| (punctuation(a) && !number(b)).then_some([' ', a, ' ', b]));
    let part = |c: char| -> [Option<char>; 3] {
        let symbol = group(c) == GeneralCategoryGroup::Symbol;
        [symbol.then_some(' '), Some(c), symbol.then_some(' ')]
    };
    from.into_iter().flat_map(part).flatten().collect()
}
