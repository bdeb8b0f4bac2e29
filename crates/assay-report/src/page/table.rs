//! Tables.

use std::fmt::Write;

use super::Text;
use crate::color::Color;

/// A table with a heading for each column. On a narrow screen it scrolls sideways by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    head: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

/// One cell of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: Text,
    small: Option<Text>,
    number: bool,
    strong: bool,
    color: Option<Color>,
    key: Option<Color>,
}

impl Table {
    /// A table without rows. Headings of columns with numbers may be [`Cell::number`] too, so that they
    /// stand above them; a heading is also put to the right when all cells below are numbers.
    pub fn new(head: impl IntoIterator<Item = impl Into<Cell>>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) -> Self {
        self.push(cells);
        self
    }

    /// Adds a row in a loop.
    pub fn push(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(super) fn write(&self, html: &mut String) {
        *html += "<div class=\"scroll\">\n<table>\n";
        if !self.head.is_empty() {
            *html += "<thead><tr>";
            for (column, cell) in self.head.iter().enumerate() {
                let mut below = self.rows.iter().filter_map(|row| row.get(column)).peekable();
                let numbers = below.peek().is_some() && below.all(|cell| cell.number);
                let class = if numbers || cell.number { " class=\"number\"" } else { "" };
                let _ = write!(*html, "<th{class}>{}</th>", cell.inside());
            }
            *html += "</tr></thead>\n";
        }
        *html += "<tbody>\n";
        for row in &self.rows {
            *html += "<tr>";
            for cell in row {
                cell.write(html);
            }
            *html += "</tr>\n";
        }
        *html += "</tbody>\n</table>\n</div>\n";
    }
}

impl Cell {
    /// Running text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A number, already written: it stands to the right, in digits of equal width.
    pub fn number(text: impl Into<Text>) -> Self {
        Self { number: true, ..Self::text(text) }
    }

    /// No value: a dash.
    pub fn missing() -> Self {
        Self::number("–")
    }

    /// Makes it strong.
    pub fn strong(mut self) -> Self {
        self.strong = true;
        self
    }

    /// Adds a second, smaller line.
    pub fn small(mut self, text: impl Into<Text>) -> Self {
        self.small = Some(text.into());
        self
    }

    /// Colours the text.
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// Puts a dot of this colour before the text, as a key to charts.
    pub fn key(mut self, color: Color) -> Self {
        self.key = Some(color);
        self
    }

    fn inside(&self) -> String {
        let mut html = String::new();
        if let Some(key) = self.key {
            let _ = write!(html, "<span class=\"key {}\"></span>", key.class());
        }
        let _ = if self.strong {
            write!(html, "<strong>{}</strong>", self.text.html())
        } else {
            write!(html, "{}", self.text.html())
        };
        if let Some(small) = &self.small {
            let _ = write!(html, "<br><small>{}</small>", small.html());
        }
        html
    }

    fn write(&self, html: &mut String) {
        let mut classes = Vec::new();
        if self.number {
            classes.push("number");
        }
        classes.extend(self.color.map(Color::class));
        // Writing into a String cannot fail.
        let _ = if classes.is_empty() {
            write!(html, "<td>{}</td>", self.inside())
        } else {
            write!(html, "<td class=\"{}\">{}</td>", classes.join(" "), self.inside())
        };
    }
}

impl<T: Into<Text>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}
