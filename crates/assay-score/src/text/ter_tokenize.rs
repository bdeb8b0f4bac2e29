//! The tokeniser of Tercom.

use std::borrow::Cow;

use super::tokenize::{punctuate, replace};
use super::words::{lower, words};

/// How texts are made alike before [`Ter`](super::Ter) compares words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TerTokens {
    pub(super) case_sensitive: bool,
    pub(super) normalized: bool,
    pub(super) no_punctuation: bool,
}

impl TerTokens {
    pub(super) fn read(self, text: &str) -> String {
        let mut text = if self.case_sensitive { text.into() } else { lower(text) };
        if self.normalized {
            text = normalize(&text).into();
        }
        if self.no_punctuation {
            let punctuation = ['.', ',', '?', ':', ';', '!', '"', '(', ')'];
            text = text.replace(punctuation, "").into();
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
