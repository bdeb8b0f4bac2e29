//! Estimates with their intervals, one line each.

use super::frame::{EDGE, LETTERS, NO_DATA, tick_text, title};
use super::{WIDTH, size};
use crate::axis::Axis;
use crate::color::Color;
use crate::svg::{Anchor, Pen, Svg};
use crate::text::fit;

/// A forest plot: what is known of several quantities, and how surely.
///
/// An interval that reaches beyond the axis is cut there. A row whose estimate is no number says
/// "–" and keeps its place; ends of an interval that are no number leave the dot alone.
///
/// ```
/// use assay_report::{Axis, Forest};
///
/// let plot = Forest::new("Accuracy, 95 % intervals (Wilson)")
///     .axis(Axis::new("").percent())
///     .row("exact loss", 0.981, [0.974, 0.986])
///     .row("obvious loss", 0.939, [0.928, 0.949]);
/// assert!(plot.svg().standalone().contains("98.1 %"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    title: String,
    axis: Axis,
    rows: Vec<Row>,
    reference: Option<f64>,
    width: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    name: String,
    estimate: f64,
    interval: [f64; 2],
    color: Option<Color>,
}

/// The height of a row: its name above its dot.
const ROW: f64 = 36.0;

impl Forest {
    /// A plot without rows.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            axis: Axis::default(),
            rows: Vec::new(),
            reference: None,
            width: WIDTH,
        }
    }

    /// What is estimated.
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    /// Adds an estimate with the ends of its interval.
    pub fn row(self, name: impl Into<String>, estimate: f64, interval: [f64; 2]) -> Self {
        self.add(name.into(), estimate, interval, None)
    }

    /// Adds an estimate in a colour.
    pub fn colored(
        self,
        name: impl Into<String>,
        estimate: f64,
        interval: [f64; 2],
        color: Color,
    ) -> Self {
        self.add(name.into(), estimate, interval, Some(color))
    }

    fn add(
        mut self,
        name: String,
        estimate: f64,
        interval: [f64; 2],
        color: Option<Color>,
    ) -> Self {
        self.rows.push(Row { name, estimate, interval, color });
        self
    }

    /// Draws a vertical line at the value that would mean "no difference".
    pub fn reference(mut self, value: f64) -> Self {
        self.reference = Some(value);
        self
    }

    /// Sets the width in pixels, kept between 100 and 4000; the height follows from the rows.
    pub fn width(mut self, width: f64) -> Self {
        self.width = size(width, WIDTH);
        self
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let mut pen = Pen::new(self.width, 0.0);
        let top = title(&mut pen, &self.title);
        let (left, wide) = (14.0, self.width - 28.0);
        let bottom = top + ROW * self.rows.len().max(1) as f64 + 4.0;
        pen.height = bottom + if self.axis.label().is_empty() { 22.0 } else { 38.0 };
        let values = self.rows.iter().flat_map(|row| {
            let [low, high] = row.interval;
            [row.estimate, low, high]
        });
        let axis = self.axis.fit(values.chain(self.reference), wide, 52.0);
        for (place, text) in axis.ticks() {
            pen.line("grid", [left + place, top], [left + place, bottom]);
            tick_text(&mut pen, [left + place, bottom + 14.0], &text);
        }
        let label = fit(self.axis.label(), LETTERS, wide);
        pen.text("tick", [self.width / 2.0, bottom + 30.0], Anchor::Middle, &label);
        if let Some(place) = self.reference.and_then(|value| axis.place(value)) {
            pen.dashed("axis thin", &[[left + place, top], [left + place, bottom]], "4 3");
        }
        for (index, row) in self.rows.iter().enumerate() {
            let y = top + ROW * index as f64;
            let color = row.color.unwrap_or(Color::Blue).class();
            let dot = axis.place(row.estimate);
            let told = if dot.is_some() { axis.tell(row.estimate) } else { "–".to_owned() };
            let name = fit(&row.name, LETTERS, wide * 0.8);
            pen.text("", [EDGE, y + 13.0], Anchor::Start, &name);
            pen.text("", [self.width - EDGE, y + 13.0], Anchor::End, &told);
            let y = y + 24.0;
            if let [Some(low), Some(high)] = row.interval.map(|end| axis.clamped(end)) {
                let class = format!("stroke thick {color}");
                pen.line(&class, [left + low, y], [left + high, y]);
            }
            if let Some(dot) = dot {
                let [low, high] = row.interval.map(|end| axis.tell(end));
                let tip = format!("{}: {told} ({low} to {high})", row.name);
                pen.marker(color, 0, [left + dot, y], 4.5, &tip);
            }
        }
        if self.rows.is_empty() {
            pen.text(
                "tick",
                [self.width / 2.0, f64::midpoint(top, bottom)],
                Anchor::Middle,
                NO_DATA,
            );
        }
        pen.finish(&self.title)
    }
}
