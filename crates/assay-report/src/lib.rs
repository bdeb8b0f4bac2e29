//! What can be shown: charts, a page, files that are written whole.
//!
//! Everything here is text in memory until [`write_whole`] puts it on the disk: charts take plain numbers
//! and give SVG, a [`Page`] gives one HTML file without scripts that fetches nothing.
//!
//! # Charts
//! | chart | shows |
//! |---|---|
//! | [`Plot`] | lines with bands and markers, stairs, clouds of points; linear and logarithmic axes |
//! | [`BarChart`] | categories, grouped or stacked |
//! | [`Forest`] | estimates with their intervals |
//! | [`HeatMap`] | confusion matrices, similarities of layers |
//! | [`Histogram`] | bins with given edges, reliability diagrams |
//! | [`Radar`] | several qualities of several things |
//!
//! Each has `svg()`; the [`Svg`] is a file of its own by [`standalone`](Svg::standalone) or an element of
//! a page.
//!
//! ```
//! use assay_report::{Axis, Page, Plot, Section, Series, json, write_whole};
//!
//! let curve: Vec<[f64; 2]> = (1..=5).map(|pass| [f64::from(pass), 1.0 / f64::from(pass)]).collect();
//! let plot = Plot::new("Loss")
//!     .x(Axis::new("pass").whole())
//!     .y(Axis::new("nats").log())
//!     .series(Series::line("training", curve.clone()).markers());
//!
//! let mut page = Page::new("A training");
//! page.lead("What came of five passes.");
//! let mut section = Section::new("Loss");
//! section.figure(plot.svg(), "The loss of each pass");
//! page.section(section);
//!
//! let dir = tempfile::tempdir().unwrap();
//! let files = [("numbers.json", json(&curve)?), ("index.html", page.html())];
//! write_whole(dir.path(), &files)?;
//! # Ok::<(), assay_report::Error>(())
//! ```
//!
//! # Conventions
//! - Charts and pages never fail: what is no number is left out or marked "–", as each chart says; a
//!   chart without data says "no data"; constant data get an axis with room on both sides. No drawing
//!   holds `NaN`.
//! - All text is escaped, in elements and attributes.
//! - Colours differ for colour-blind readers, and shapes and dashes repeat what colours say. Drawings
//!   and pages are light or dark as the reader's system asks.
//! - Every drawing is 360 pixels wide unless told otherwise: a phone shows it at full size.
//! - The same input gives the same bytes.
#![forbid(unsafe_code)]

mod axis;
mod chart;
mod color;
mod error;
mod json;
mod page;
mod picture;
mod svg;
mod text;
mod write;

pub use axis::{Axis, Scale};
pub use chart::{BarChart, Forest, HeatMap, Histogram, Plot, Radar, Series, Shade, WIDTH};
pub use color::Color;
pub use error::{Error, Result};
pub use json::json;
pub use page::{Cell, Page, Section, Table, Text};
pub use picture::Picture;
pub use svg::Svg;
pub use text::{duration, escape, number, percent, short};
pub use write::write_whole;
