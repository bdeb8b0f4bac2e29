//! A page: one file, no script, nothing fetched.

mod section;
mod table;
mod text;

pub use section::Section;
pub use table::{Cell, Table};
pub use text::Text;

use std::fmt::Write;

use crate::color::{Color, NEUTRALS, drawing_style};
use crate::text::escape;

/// A report as one HTML file that stands alone: style, drawings and pictures are inside, nothing is
/// fetched and nothing runs. It is readable on a phone, and light or dark as the reader's system asks.
///
/// ```
/// use assay_report::{Axis, Cell, Page, Plot, Section, Series, Table};
///
/// let mut page = Page::new("What the model learned");
/// page.lead("A small run on embedded data.");
/// let mut section = Section::new("Accuracy").with_id("accuracy");
/// section.table(
///     Table::new(["network", "right"])
///         .row([Cell::from("exact loss"), Cell::number("98.1 %").strong()])
///         .row([Cell::from("obvious loss"), Cell::number("93.9 %")]),
/// );
/// let plot = Plot::new("").x(Axis::new("pass")).series(Series::line("loss", [[1.0, 0.9], [2.0, 0.4]]));
/// section.figure(plot.svg(), "The loss of each pass");
/// page.section(section);
/// assert!(page.html().starts_with("<!doctype html>"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    title: String,
    language: String,
    lead: Section,
    sections: Vec<Section>,
    footer: Section,
}

impl Page {
    /// A page with a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: "en".into(),
            lead: Section::default(),
            sections: Vec::new(),
            footer: Section::default(),
        }
    }

    /// Says what language the page is in (`en` unless told otherwise).
    pub fn with_language(mut self, tag: impl Into<String>) -> Self {
        self.language = tag.into();
        self
    }

    /// Adds a paragraph below the title.
    pub fn lead(&mut self, text: impl Into<Text>) -> &mut Self {
        self.lead.paragraph(text);
        self
    }

    /// What stands between the title and the first section.
    pub fn top(&mut self) -> &mut Section {
        &mut self.lead
    }

    /// Adds a section.
    pub fn section(&mut self, section: Section) -> &mut Self {
        self.sections.push(section);
        self
    }

    /// What stands at the end, such as how to run it again.
    pub fn footer(&mut self) -> &mut Section {
        &mut self.footer
    }

    /// The file.
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n",
            escape(&self.language),
            style()
        );
        self.lead.inside(&mut html, 2);
        html += "</header>\n";
        for section in &self.sections {
            section.write(&mut html, 2);
        }
        if !self.footer.is_empty() {
            html += "<footer>\n";
            self.footer.inside(&mut html, 2);
            html += "</footer>\n";
        }
        html + "</main>\n</body>\n</html>\n"
    }
}

/// The style of a page: tones as variables, then the rules of pages and drawings.
fn style() -> String {
    let hues: Vec<Color> = (0..6).map(Color::series).chain([Color::Grey]).collect();
    let tones = |dark: bool| {
        let mut css = String::from(":root {");
        // Writing into a String cannot fail.
        for (name, light, night) in NEUTRALS {
            let _ = write!(css, " --{name}: {};", if dark { night } else { light });
        }
        for hue in &hues {
            let (light, night) = hue.tones();
            let _ = write!(css, " --{}: {};", hue.class(), if dark { night } else { light });
        }
        css + " }\n"
    };
    let mut css = tones(false);
    let _ = write!(css, "@media (prefers-color-scheme: dark) {{\n{}}}\n", tones(true));
    for hue in &hues {
        let class = hue.class();
        let _ = writeln!(
            css,
            "td.{class} {{ color: var(--{class}); }} .key.{class} {{ background: var(--{class}); }}"
        );
    }
    css + include_str!("page.css") + &drawing_style()
}
