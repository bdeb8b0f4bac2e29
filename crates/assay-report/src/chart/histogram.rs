//! Counts or heights over intervals of a number line.

use super::frame::{Frame, Plan};
use super::legend::{Entry, Glyph};
use super::{WIDTH, size};
use crate::axis::Axis;
use crate::color::Color;
use crate::svg::Svg;

/// Upright bars over bins with given edges: a histogram, or the bars of a reliability diagram.
///
/// A bin whose edges or height is no number has no bar. Several series lie over each other, see-through.
///
/// ```
/// use assay_report::{Axis, Histogram};
///
/// let chart = Histogram::new("Confidence of the answers")
///     .x(Axis::new("confidence").range(0.0, 1.0))
///     .series("before", [0.0, 0.5, 0.8, 1.0], [12.0, 30.0, 158.0])
///     .series("after", [0.0, 0.5, 0.8, 1.0], [25.0, 81.0, 94.0]);
/// assert!(chart.svg().inline().contains("before"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    title: String,
    x: Axis,
    y: Axis,
    series: Vec<Bins>,
    diagonal: bool,
    size: [f64; 2],
}

#[derive(Debug, Clone, PartialEq)]
struct Bins {
    name: String,
    edges: Vec<f64>,
    heights: Vec<f64>,
}

impl Bins {
    fn bars(&self) -> impl Iterator<Item = ([f64; 2], f64)> {
        self.edges.windows(2).zip(&self.heights).filter_map(|(edges, &height)| match *edges {
            [low, high] => Some(([low, high], height)),
            _ => None,
        })
    }
}

impl Histogram {
    /// A chart without bars.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x: Axis::default(),
            y: Axis::default(),
            series: Vec::new(),
            diagonal: false,
            size: [WIDTH, 150.0],
        }
    }

    /// What is binned.
    pub fn x(mut self, axis: Axis) -> Self {
        self.x = axis;
        self
    }

    /// What the heights are; zero is always on the axis.
    pub fn y(mut self, axis: Axis) -> Self {
        self.y = axis;
        self
    }

    /// Adds bars: `n + 1` edges for `n` heights; what is too many of either is left out.
    pub fn series(
        mut self,
        name: impl Into<String>,
        edges: impl IntoIterator<Item = f64>,
        heights: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.series.push(Bins {
            name: name.into(),
            edges: edges.into_iter().collect(),
            heights: heights.into_iter().collect(),
        });
        self
    }

    /// Draws the line on which height and place are equal: perfect calibration.
    pub fn diagonal(mut self) -> Self {
        self.diagonal = true;
        self
    }

    /// Sets the width of the drawing and the height of its inside in pixels, kept between 100 and 4000;
    /// 360 by 150 is the default.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = [size(width, WIDTH), size(height, 150.0)];
        self
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let legend: Vec<Entry> = self
            .series
            .iter()
            .enumerate()
            .map(|(index, bins)| Entry {
                name: bins.name.clone(),
                color: Color::series(index).class(),
                glyph: Glyph::Box,
            })
            .collect();
        let plan =
            Plan { title: &self.title, legend: &legend, x: &self.x, y: &self.y, size: self.size };
        let takes = |([low, high], height): &([f64; 2], f64)| {
            self.x.takes(*low) && self.x.takes(*high) && self.y.takes(*height)
        };
        let bars = || self.series.iter().flat_map(Bins::bars).filter(takes);
        let zero = bars().next().map(|_| 0.0);
        let mut frame = Frame::new(
            &plan,
            bars().flat_map(|(edges, _)| edges),
            bars().map(|(_, height)| height).chain(zero),
        );
        let [_, _, _, bottom] = frame.inside();
        for (index, bins) in self.series.iter().enumerate() {
            let color = Color::series(index).class();
            let see_through = if self.series.len() > 1 { 0.5 } else { 0.85 };
            for ([low, high], height) in bins.bars().filter(takes) {
                // A logarithmic axis has no zero: its bars begin at the bottom.
                let base = frame.edge([low, 0.0]).map_or(bottom, |at| at[1]);
                let (Some(a), Some(b)) = (frame.edge([low, height]), frame.edge([high, height]))
                else {
                    continue;
                };
                let tip = format!(
                    "{} to {}: {}",
                    frame.x.tell(low),
                    frame.x.tell(high),
                    frame.y.tell(height)
                );
                let (left, right) = (a[0].min(b[0]), a[0].max(b[0]));
                let (upper, lower) = (a[1].min(base), a[1].max(base));
                let gap = if right - left > 3.0 { 0.5 } else { 0.0 };
                frame.pen.rect(
                    &format!("fill {color}"),
                    [left + gap, upper],
                    [right - left - 2.0 * gap, lower - upper],
                    see_through,
                    &tip,
                );
            }
        }
        if self.diagonal {
            frame.diagonal();
        }
        frame.finish(&self.title)
    }
}
