//! Which colour means what.

use crate::svg::{Anchor, Pen};
use crate::text::{fit, text_width};

/// What stands before a name.
#[derive(Debug, Clone)]
pub(crate) enum Glyph {
    /// A piece of line with this dash pattern.
    Line(&'static str),
    /// A marker of this shape.
    Marker(usize),
    /// Line and marker.
    Both(&'static str, usize),
    /// A filled box.
    Box,
}

/// A name with its colour class and sign.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) color: &'static str,
    pub(crate) glyph: Glyph,
}

const LETTERS: f64 = 11.0;
const GLYPH: f64 = 22.0;
const GAP: f64 = 14.0;
pub(crate) const ROW: f64 = 17.0;

/// Rows of entries that fit into `width`, each with its place from the left.
fn rows(entries: &[Entry], width: f64) -> Vec<Vec<(f64, &Entry)>> {
    let mut rows: Vec<Vec<(f64, &Entry)>> = Vec::new();
    let mut used = f64::INFINITY;
    for entry in entries {
        let wide = GLYPH + text_width(&entry.name, LETTERS).min(width - GLYPH);
        if used + wide > width {
            rows.push(Vec::new());
            used = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((used, entry));
        }
        used += wide + GAP;
    }
    rows
}

/// The height of a legend; none for fewer than two names, unless one is forced by the chart's title
/// not saying it.
pub(crate) fn height(entries: &[Entry], width: f64) -> f64 {
    rows(entries, width).len() as f64 * ROW
}

/// Draws the legend with its upper left corner at `at`.
pub(crate) fn draw(pen: &mut Pen, entries: &[Entry], at: [f64; 2], width: f64) {
    for (index, row) in rows(entries, width).into_iter().enumerate() {
        let y = at[1] + ROW * (index as f64 + 0.5);
        for (x, entry) in row {
            let x = at[0] + x;
            glyph(pen, entry, [x, y]);
            let name = fit(&entry.name, LETTERS, width - GLYPH);
            pen.text("", [x + GLYPH, y + 4.0], Anchor::Start, &name);
        }
    }
}

fn glyph(pen: &mut Pen, entry: &Entry, [x, y]: [f64; 2]) {
    let stroke = format!("stroke curve {}", entry.color);
    let line = [[x, y], [x + GLYPH - 5.0, y]];
    let middle = [x + (GLYPH - 5.0) / 2.0, y];
    match entry.glyph {
        Glyph::Line(dash) => pen.dashed(&stroke, &line, dash),
        Glyph::Marker(shape) => pen.marker(entry.color, shape, middle, 3.6, ""),
        Glyph::Both(dash, shape) => {
            pen.dashed(&stroke, &line, dash);
            pen.marker(entry.color, shape, middle, 3.2, "");
        }
        Glyph::Box => {
            let class = format!("fill bar {}", entry.color);
            pen.rect(&class, [x + 3.0, y - 5.0], [11.0, 10.0], 1.0, "");
        }
    }
}
