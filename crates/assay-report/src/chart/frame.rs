//! The frame of charts with two axes: title, legend, grid, ticks and labels.

use super::legend::{self, Entry};
use crate::axis::{Axis, Fitted};
use crate::svg::{Anchor, Pen, Svg};
use crate::text::{fit, text_width};

/// Letter sizes as the style sheet has them.
pub(crate) const LETTERS: f64 = 11.0;
const TITLE_LETTERS: f64 = 13.0;
/// Room that keeps text off the edge.
pub(crate) const EDGE: f64 = 6.0;

/// What a frame is made from.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) title: &'a str,
    pub(crate) legend: &'a [Entry],
    pub(crate) x: &'a Axis,
    pub(crate) y: &'a Axis,
    /// The width of the drawing, the height of its inside.
    pub(crate) size: [f64; 2],
}

/// A drawing with axes, ready for what is inside.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) pen: Pen,
    pub(crate) x: Fitted<'a>,
    pub(crate) y: Fitted<'a>,
    left: f64,
    top: f64,
    wide: f64,
    high: f64,
}

/// Writes what a tick means below it, moved so that nothing leaves the drawing.
pub(crate) fn tick_text(pen: &mut Pen, at: [f64; 2], text: &str) {
    let half = text_width(text, LETTERS) / 2.0 + 1.0;
    let x = at[0].min(pen.width - half).max(half);
    pen.text("tick", [x, at[1]], Anchor::Middle, text);
}

/// Writes the title and answers where the rest begins.
pub(crate) fn title(pen: &mut Pen, title: &str) -> f64 {
    if title.is_empty() {
        return EDGE;
    }
    let text = fit(title, TITLE_LETTERS, pen.width - 2.0 * EDGE);
    pen.text("title", [EDGE, 18.0], Anchor::Start, &text);
    28.0
}

impl<'a> Frame<'a> {
    pub(crate) fn new(
        plan: &Plan<'a>,
        xs: impl Iterator<Item = f64>,
        ys: impl Iterator<Item = f64>,
    ) -> Self {
        let [width, height] = plan.size;
        let mut pen = Pen::new(width, height);
        let mut top = title(&mut pen, plan.title);
        if plan.legend.len() > 1 {
            legend::draw(&mut pen, plan.legend, [EDGE, top], width - 2.0 * EDGE);
            top += legend::height(plan.legend, width - 2.0 * EDGE) + 2.0;
        }
        if !plan.y.label().is_empty() {
            // Above the axis and not turned, so that nobody turns their head.
            let label = fit(plan.y.label(), LETTERS, width - 2.0 * EDGE);
            pen.text("tick", [EDGE, top + 11.0], Anchor::Start, &label);
            top += 16.0;
        }
        top += 6.0;
        let bottom = if plan.x.label().is_empty() { 24.0 } else { 40.0 };
        // What stands above the plot takes no room from it.
        let high = height;
        pen.height = top + high + bottom;
        let y = plan.y.fit(ys, high, 32.0);
        let widest = y.ticks().iter().map(|tick| text_width(&tick.1, LETTERS)).fold(12.0, f64::max);
        let left = EDGE + widest.min(width / 3.0) + 5.0;
        let wide = width - left - 14.0;
        let x = plan.x.fit(xs, wide, 52.0);
        let mut frame = Self { pen, x, y, left, top, wide, high };
        frame.grid();
        let label = fit(plan.x.label(), LETTERS, wide);
        let below = frame.pen.height - 7.0;
        frame.pen.text("tick", [left + wide / 2.0, below], Anchor::Middle, &label);
        frame
    }

    fn grid(&mut self) {
        let (left, right, bottom) = (self.left, self.left + self.wide, self.top + self.high);
        for (place, text) in self.y.ticks() {
            let y = bottom - place;
            self.pen.line("grid", [left, y], [right, y]);
            self.pen.text("tick", [left - 5.0, y + 4.0], Anchor::End, &text);
        }
        let mut taken = f64::NEG_INFINITY;
        for (place, text) in self.x.ticks() {
            let x = left + place;
            self.pen.line("axis", [x, bottom], [x, bottom + 4.0]);
            // Where the next text would touch the last one, the tick stays and the text goes.
            let half = text_width(&text, LETTERS) / 2.0;
            let middle = x.min(self.pen.width - half - 1.0);
            if middle - half > taken + 4.0 {
                self.pen.text("tick", [middle, bottom + 16.0], Anchor::Middle, &text);
                taken = middle + half;
            }
        }
        self.pen.line("axis", [left, bottom], [right, bottom]);
    }

    /// Where a point lies on the drawing.
    pub(crate) fn at(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        let (x, y) = (self.x.place(point[0])?, self.y.place(point[1])?);
        Some([self.left + x, self.top + self.high - y])
    }

    /// Where a point lies, moved to the edge when it is outside.
    pub(crate) fn edge(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        let (x, y) = (self.x.clamped(point[0])?, self.y.clamped(point[1])?);
        Some([self.left + x, self.top + self.high - y])
    }

    /// Draws the line on which both values are equal, as far as both have a place.
    pub(crate) fn diagonal(&mut self) {
        const PARTS: u32 = 100; // enough that a curve (one axis logarithmic) looks smooth
        let places = (0..=PARTS).map(|part| self.wide * f64::from(part) / f64::from(PARTS));
        let line: Vec<[f64; 2]> = places
            .map(|place| self.x.value(place))
            .filter_map(|value| self.at([value, value]))
            .collect();
        self.pen.dashed("axis thin", &line, "4 3");
    }

    /// The corners of the inside: left, top, right, bottom.
    pub(crate) fn inside(&self) -> [f64; 4] {
        [self.left, self.top, self.left + self.wide, self.top + self.high]
    }

    pub(crate) fn finish(mut self, label: &str) -> Svg {
        if self.x.empty || self.y.empty {
            let at = [self.left + self.wide / 2.0, self.top + self.high / 2.0];
            self.pen.text("tick", at, Anchor::Middle, NO_DATA);
        }
        self.pen.finish(label)
    }
}

/// What a chart says that has nothing to show.
pub(crate) const NO_DATA: &str = "no data";
