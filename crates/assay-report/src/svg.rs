//! A drawing and the pen that makes it.

use std::fmt::Write;

use crate::color::drawing_style;
use crate::text::escape;

/// A finished drawing. Inside a [`Page`](crate::Page) it takes the page's style; alone it brings its
/// own, light or dark as the reader's system asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Svg {
    width: f64,
    height: f64,
    label: String,
    body: String,
}

impl Svg {
    /// The drawing as a file of its own, with its style and an opaque ground.
    pub fn standalone(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             role=\"img\" aria-label=\"{label}\">\n<style>\n{style}</style>\n\
             <rect class=\"paper\" width=\"{w}\" height=\"{h}\"/>\n{body}</svg>\n",
            w = place(self.width),
            h = place(self.height),
            label = escape(&self.label),
            style = drawing_style(),
            body = self.body
        )
    }

    /// The drawing as an element of a page that has the style: as wide as its place, but not wider
    /// than it was drawn for times 1.3, so that letters stay letters.
    pub fn inline(&self) -> String {
        format!(
            "<svg viewBox=\"0 0 {} {}\" style=\"max-width:{}px\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
            place(self.width),
            place(self.height),
            place(self.width * 1.3),
            escape(&self.label),
            self.body
        )
    }

    /// The width in pixels that it was drawn for.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// What a reader who cannot see it is told.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// Where text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Draws. Every number goes through [`place`], every text through `escape`.
#[derive(Debug)]
pub(crate) struct Pen {
    pub(crate) width: f64,
    pub(crate) height: f64,
    body: String,
}

// Writing into a String cannot fail; hence the dropped results.
impl Pen {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn finish(self, label: &str) -> Svg {
        Svg { width: self.width, height: self.height, label: label.to_owned(), body: self.body }
    }

    pub(crate) fn line(&mut self, class: &str, from: [f64; 2], to: [f64; 2]) {
        self.path(class, &[from, to], false);
    }

    /// A path through the points; at least two are needed to see anything.
    pub(crate) fn path(&mut self, class: &str, points: &[[f64; 2]], closed: bool) {
        let mut d = String::new();
        for (index, point) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{command}{} {}", place(point[0]), place(point[1]));
        }
        if closed {
            d.push('Z');
        }
        let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{d}\"/>");
    }

    /// A path with a dash pattern.
    pub(crate) fn dashed(&mut self, class: &str, points: &[[f64; 2]], dash: &str) {
        let start = self.body.len();
        self.path(class, points, false);
        if !dash.is_empty() {
            let at = start + "<path ".len();
            self.body.insert_str(at, &format!("stroke-dasharray=\"{dash}\" "));
        }
    }

    /// A rectangle; `tip` is shown when a pointer rests on it.
    pub(crate) fn rect(
        &mut self,
        class: &str,
        at: [f64; 2],
        size: [f64; 2],
        opacity: f64,
        tip: &str,
    ) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            place(at[0]),
            place(at[1]),
            place(size[0].max(0.0)),
            place(size[1].max(0.0)),
        );
        if opacity < 1.0 {
            let _ = write!(self.body, " fill-opacity=\"{:.3}\"", opacity.clamp(0.0, 1.0));
        }
        self.close("rect", tip);
    }

    pub(crate) fn circle(&mut self, class: &str, at: [f64; 2], radius: f64, tip: &str) {
        let _ = write!(
            self.body,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"",
            place(at[0]),
            place(at[1]),
            place(radius)
        );
        self.close("circle", tip);
    }

    /// A marker: its shape tells series apart where colours do not.
    pub(crate) fn marker(
        &mut self,
        color: &str,
        shape: usize,
        at: [f64; 2],
        radius: f64,
        tip: &str,
    ) {
        let class = format!("fill {color}");
        let [x, y] = at;
        let corners: &[[f64; 2]] = match shape % 4 {
            0 => return self.circle(&class, at, radius, tip),
            1 => &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
            2 => &[[0.0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
            _ => &[[0.0, -1.25], [1.25, 0.0], [0.0, 1.25], [-1.25, 0.0]],
        };
        let mut d = String::new();
        for (index, [dx, dy]) in corners.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{command}{} {}", place(x + radius * dx), place(y + radius * dy));
        }
        let _ = write!(self.body, "<path class=\"{class}\" d=\"{d}Z\"");
        self.close("path", tip);
    }

    pub(crate) fn text(&mut self, class: &str, at: [f64; 2], anchor: Anchor, text: &str) {
        self.turned(class, at, anchor, 0.0, text);
    }

    /// Text turned by so many degrees about its place.
    pub(crate) fn turned(
        &mut self,
        class: &str,
        at: [f64; 2],
        anchor: Anchor,
        degrees: f64,
        text: &str,
    ) {
        if text.is_empty() {
            return;
        }
        let (x, y) = (place(at[0]), place(at[1]));
        let _ = write!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"");
        match anchor {
            Anchor::Start => {}
            Anchor::Middle => self.body.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.body.push_str(" text-anchor=\"end\""),
        }
        if degrees != 0.0 {
            let _ = write!(self.body, " transform=\"rotate({degrees} {x} {y})\"");
        }
        let _ = writeln!(self.body, ">{}</text>", escape(text));
    }

    fn close(&mut self, element: &str, tip: &str) {
        let _ = if tip.is_empty() {
            writeln!(self.body, "/>")
        } else {
            writeln!(self.body, "><title>{}</title></{element}>", escape(tip))
        };
    }
}

/// A coordinate with one digit after the point. Charts only place finite values; should one slip
/// through, it is drawn at zero and not written as `NaN`, which would make the file unreadable.
fn place(value: f64) -> String {
    // No drawing is a million pixels wide.
    let value = if value.is_finite() { value.clamp(-1e6, 1e6) } else { 0.0 };
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}
