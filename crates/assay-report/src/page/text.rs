//! Running text.

use std::fmt::Write;

use crate::text::escape;

/// Text with emphasis, code and links. Every part is escaped; plain strings convert into it.
///
/// ```
/// use assay_report::Text;
///
/// let text = Text::new("All it hears is something about a ").em("bag").plain(" of images.");
/// # let mut page = assay_report::Page::new("");
/// # page.lead(text);
/// # assert!(page.html().contains("a <em>bag</em> of"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    html: String,
}

impl Text {
    /// Plain text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self::default().plain(text)
    }

    /// Adds plain text.
    pub fn plain(mut self, text: impl AsRef<str>) -> Self {
        self.html += &escape(text.as_ref());
        self
    }

    /// Adds emphasised text.
    pub fn em(self, text: impl AsRef<str>) -> Self {
        self.wrapped("em", text.as_ref())
    }

    /// Adds strong text.
    pub fn strong(self, text: impl AsRef<str>) -> Self {
        self.wrapped("strong", text.as_ref())
    }

    /// Adds code.
    pub fn code(self, text: impl AsRef<str>) -> Self {
        self.wrapped("code", text.as_ref())
    }

    /// Adds a link to a section (`#id`), to a file beside the page or to a web address (`https://`,
    /// `http://`); anything else with a scheme, such as `javascript:`, stays plain text.
    pub fn link(mut self, address: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        let address = address.as_ref().trim();
        let scheme = address.split(['/', '#', '?']).next().is_some_and(|start| start.contains(':'));
        let known = ["https://", "http://"].iter().any(|start| address.starts_with(start));
        // Browsers skip control characters inside a scheme.
        if (scheme && !known) || address.chars().any(char::is_control) {
            return self.plain(text);
        }
        // Writing into a String cannot fail.
        let _ = write!(self.html, "<a href=\"{}\">{}</a>", escape(address), escape(text.as_ref()));
        self
    }

    /// Adds another text.
    pub fn then(mut self, other: &Self) -> Self {
        self.html += &other.html;
        self
    }

    fn wrapped(mut self, tag: &str, text: &str) -> Self {
        let _ = write!(self.html, "<{tag}>{}</{tag}>", escape(text));
        self
    }

    pub(crate) fn html(&self) -> &str {
        &self.html
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}
