//! The tokeniser of Tercom.

use std::borrow::Cow;

use super::tokenize::{punctuate, replace};
use super::words::{lower, words};

/// How texts are made alike before [`Ter`](super::Ter) compares words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "as `TerConfig`")]
pub(super) struct TerTokens {
    pub(super) case_sensitive: bool,
    pub(super) normalized: bool,
    pub(super) no_punctuation: bool,
    pub(super) asian_support: bool,
}

impl TerTokens {
    pub(super) fn read(self, text: &str) -> String {
        let mut text = if self.case_sensitive { text.into() } else { lower(text) };
        if self.normalized {
            text = normalize(&text).into();
            if self.asian_support {
                text = part_asian(&text).into();
            }
        }
        if self.no_punctuation {
            let punctuation = ['.', ',', '?', ':', ';', '!', '"', '(', ')'];
            text = text.replace(punctuation, "").into();
            if self.asian_support {
                text = text.replace(is_asian_punctuation, "").into();
            }
        }
        words(&text).collect::<Vec<_>>().join(" ")
    }
}

/// Western normalisation: lines joined, XML escapes undone, punctuation and possessives parted.
fn normalize(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    let rules =
        [("\n-", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];
    for (from, to) in rules {
        replace(&mut text, from, to);
    }
    punctuate(&text, |text| text.replace("'s ", " 's "))
}

/// Chinese characters, kanji and East Asian punctuation between spaces.
fn part_asian(text: &str) -> String {
    let part = |c: char| -> [Option<char>; 3] {
        let space = (is_ideograph(c) || is_asian_punctuation(c)).then_some(' ');
        [space, Some(c), space]
    };
    text.chars().flat_map(part).flatten().collect()
}

/// The blocks that Tercom parts: CJK ideographs with extension A, strokes, radicals, enclosed and
/// compatibility forms.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}'
        | '\u{3200}'..='\u{4dbf}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{2e80}'..='\u{2eff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}')
}

/// The marks of Chinese and Japanese, and the full-width forms of the marks that are removed in ASCII.
fn is_asian_punctuation(c: char) -> bool {
    matches!(c,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
        | '\u{30fb}' | '\u{ff61}'..='\u{ff65}'
        | '．' | '，' | '？' | '：' | '；' | '！' | '＂' | '（' | '）')
}
