//! Parts of a page.

use std::fmt::Write;

use super::{Table, Text};
use crate::picture::Picture;
use crate::svg::Svg;
use crate::text::escape;

/// A part of a page with a heading; sections may hold sections.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    title: String,
    id: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
enum Block {
    Paragraph(Text),
    Warning(Text),
    List(Vec<Text>),
    Code(String),
    Table(Table),
    Figures(Vec<(Svg, Text)>),
    Pictures(Vec<(Picture, String, Text)>),
    Folded(Text, Section),
    Section(Section),
}

impl Section {
    /// A section without content.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Gives it a name that links can point at (`#id`).
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Its heading.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The name that links can point at; empty when it has none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has neither heading nor content.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.blocks.is_empty()
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: impl Into<Text>) -> &mut Self {
        self.add(Block::Paragraph(text.into()))
    }

    /// Adds a paragraph that must not be overlooked.
    pub fn warning(&mut self, text: impl Into<Text>) -> &mut Self {
        self.add(Block::Warning(text.into()))
    }

    /// Adds a list.
    pub fn list(&mut self, items: impl IntoIterator<Item = impl Into<Text>>) -> &mut Self {
        self.add(Block::List(items.into_iter().map(Into::into).collect()))
    }

    /// Adds lines of code or of a transcript; long ones scroll.
    pub fn code(&mut self, text: impl Into<String>) -> &mut Self {
        self.add(Block::Code(text.into()))
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.add(Block::Table(table))
    }

    /// Adds a drawing with its caption. Neighbouring figures stand side by side where there is room.
    pub fn figure(&mut self, svg: Svg, caption: impl Into<Text>) -> &mut Self {
        let figure = (svg, caption.into());
        if let Some(Block::Figures(figures)) = self.blocks.last_mut() {
            figures.push(figure);
            return self;
        }
        self.add(Block::Figures(vec![figure]))
    }

    /// Adds a picture with the words for those who cannot see it, and its caption. Neighbouring pictures
    /// stand side by side where there is room.
    pub fn picture(
        &mut self,
        picture: Picture,
        alt: impl Into<String>,
        caption: impl Into<Text>,
    ) -> &mut Self {
        let picture = (picture, alt.into(), caption.into());
        if let Some(Block::Pictures(pictures)) = self.blocks.last_mut() {
            pictures.push(picture);
            return self;
        }
        self.add(Block::Pictures(vec![picture]))
    }

    /// Adds content that is folded away until the reader opens it by its summary.
    pub fn folded(&mut self, summary: impl Into<Text>, content: Section) -> &mut Self {
        self.add(Block::Folded(summary.into(), content))
    }

    /// Adds a section with a heading one level below.
    pub fn section(&mut self, section: Section) -> &mut Self {
        self.add(Block::Section(section))
    }

    fn add(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }

    /// With its heading, of the given level.
    pub(super) fn write(&self, html: &mut String, level: usize) {
        // Writing into a String cannot fail; hence the dropped results in this file.
        let _ = if self.id.is_empty() {
            writeln!(html, "<section>")
        } else {
            writeln!(html, "<section id=\"{}\">", escape(&self.id))
        };
        if !self.title.is_empty() {
            let level = level.min(6);
            let _ = writeln!(html, "<h{level}>{}</h{level}>", escape(&self.title));
        }
        self.inside(html, level);
        *html += "</section>\n";
    }

    /// Without its heading.
    pub(super) fn inside(&self, html: &mut String, level: usize) {
        for block in &self.blocks {
            block.write(html, level);
        }
    }
}

impl Block {
    fn write(&self, html: &mut String, level: usize) {
        match self {
            Self::Paragraph(text) => {
                let _ = writeln!(html, "<p>{}</p>", text.html());
            }
            Self::Warning(text) => {
                let _ = writeln!(html, "<p class=\"warning\">{}</p>", text.html());
            }
            Self::List(items) => {
                *html += "<ul>\n";
                for item in items {
                    let _ = writeln!(html, "<li>{}</li>", item.html());
                }
                *html += "</ul>\n";
            }
            Self::Code(text) => {
                let _ = writeln!(html, "<pre><code>{}</code></pre>", escape(text));
            }
            Self::Table(table) => table.write(html),
            Self::Figures(figures) => {
                *html += "<div class=\"charts\">\n";
                for (svg, caption) in figures {
                    // Wide drawings take a row of their own.
                    let class = if svg.width() > 480.0 { " class=\"wide\"" } else { "" };
                    let _ = write!(html, "<figure{class}>\n{}", svg.inline());
                    caption_of(html, caption);
                }
                *html += "</div>\n";
            }
            Self::Pictures(pictures) => {
                *html += "<div class=\"pictures\">\n";
                for (picture, alt, caption) in pictures {
                    let class = if picture.is_ink() { " class=\"ink\"" } else { "" };
                    let [width, height] = picture.shown();
                    let _ = writeln!(
                        html,
                        "<figure><img{class} alt=\"{}\" src=\"{}\" width=\"{width}\" height=\"{height}\">",
                        escape(alt),
                        picture.address()
                    );
                    caption_of(html, caption);
                }
                *html += "</div>\n";
            }
            Self::Folded(summary, content) => {
                let _ = writeln!(html, "<details><summary>{}</summary>", summary.html());
                content.inside(html, level + 1);
                *html += "</details>\n";
            }
            Self::Section(section) => section.write(html, level + 1),
        }
    }
}

fn caption_of(html: &mut String, caption: &Text) {
    if !caption.html().is_empty() {
        let _ = writeln!(html, "<figcaption>{}</figcaption>", caption.html());
    }
    *html += "</figure>\n";
}
