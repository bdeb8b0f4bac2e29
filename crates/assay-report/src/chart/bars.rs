//! Bars for categories.

use super::frame::{EDGE, LETTERS, NO_DATA, tick_text, title};
use super::legend::{self, Entry, Glyph};
use super::{WIDTH, size};
use crate::axis::{Axis, Fitted};
use crate::color::Color;
use crate::svg::{Anchor, Pen, Svg};
use crate::text::{fit, text_width};

/// Bars that lie: one group a category, one bar a series, so that names of any length can be read.
///
/// A value that is no number (or infinite, or beyond 1e150) has no bar and says "–"; categories that a
/// series has no value for do too.
///
/// ```
/// use assay_report::{Axis, BarChart};
///
/// let chart = BarChart::new("Right answers", ["zero-shot", "with the small model"])
///     .axis(Axis::new("accuracy").percent())
///     .series("in domain", [0.61, 0.83])
///     .series("shifted", [0.52, 0.71]);
/// assert!(chart.svg().standalone().contains("with the small model"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    title: String,
    axis: Axis,
    categories: Vec<String>,
    series: Vec<(String, Vec<f64>, Option<Color>)>,
    stacked: bool,
    width: f64,
}

/// Heights in pixels.
const BAR: f64 = 15.0;
const BETWEEN: f64 = 9.0;

impl BarChart {
    /// A chart without bars.
    pub fn new(
        title: impl Into<String>,
        categories: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            title: title.into(),
            axis: Axis::default(),
            categories: categories.into_iter().map(Into::into).collect(),
            series: Vec::new(),
            stacked: false,
            width: WIDTH,
        }
    }

    /// What the length of a bar means. Zero is always on the axis.
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    /// Adds a series: one value for each category.
    pub fn series(self, name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        self.add(name.into(), values.into_iter().collect(), None)
    }

    /// Adds a series with a colour of its own.
    pub fn colored(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
        color: Color,
    ) -> Self {
        self.add(name.into(), values.into_iter().collect(), Some(color))
    }

    fn add(mut self, name: String, values: Vec<f64>, color: Option<Color>) -> Self {
        self.series.push((name, values, color));
        self
    }

    /// Lays the bars of a category one after the other instead of side by side. Negative parts go to
    /// the left.
    pub fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Sets the width in pixels, kept between 100 and 4000; the height follows from the bars.
    pub fn width(mut self, width: f64) -> Self {
        self.width = size(width, WIDTH);
        self
    }

    fn value(&self, series: usize, category: usize) -> Option<f64> {
        let value = *self.series.get(series)?.1.get(category)?;
        // Bars begin at zero, which a logarithmic axis does not have; see `ends`.
        self.axis.takes(value).then_some(value)
    }

    fn class(&self, series: usize) -> &'static str {
        self.series.get(series).and_then(|s| s.2).unwrap_or(Color::series(series)).class()
    }

    /// From where to where the bars of a category go.
    fn ends(&self, category: usize) -> Vec<Option<[f64; 2]>> {
        let (mut up, mut down) = (0.0, 0.0);
        (0..self.series.len())
            .map(|series| {
                let value = self.value(series, category)?;
                if !self.stacked {
                    return Some([0.0, value]);
                }
                let side = if value < 0.0 { &mut down } else { &mut up };
                let from = *side;
                *side += value;
                Some([from, *side])
            })
            .collect()
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let lanes = if self.stacked { 1 } else { self.series.len().max(1) };
        let group = lanes as f64 * BAR + BETWEEN;
        let mut pen = Pen::new(self.width, 0.0);
        let mut top = title(&mut pen, &self.title);
        let legend: Vec<Entry> = (0..self.series.len())
            .map(|index| Entry {
                name: self.series.get(index).map(|s| s.0.clone()).unwrap_or_default(),
                color: self.class(index),
                glyph: Glyph::Box,
            })
            .collect();
        if legend.len() > 1 {
            legend::draw(&mut pen, &legend, [EDGE, top], self.width - 2.0 * EDGE);
            top += legend::height(&legend, self.width - 2.0 * EDGE) + 4.0;
        }
        let longest =
            self.categories.iter().map(|name| text_width(name, LETTERS)).fold(0.0, f64::max);
        let left = EDGE + longest.min(self.width * 0.42) + 6.0;
        // Room on the right for the number behind the longest bar.
        let wide = self.width - left - 46.0;
        let bottom = top + group * self.categories.len().max(1) as f64;
        pen.height = bottom + if self.axis.label().is_empty() { 22.0 } else { 38.0 };

        let ends: Vec<_> = (0..self.categories.len()).map(|category| self.ends(category)).collect();
        let values = ends.iter().flatten().flatten().flatten().copied();
        let axis = self.axis.fit(values.chain([0.0]), wide, 52.0);
        self.grid(&mut pen, &axis, [left, top, wide, bottom]);
        for (category, name) in self.categories.iter().enumerate() {
            let y = top + group * category as f64 + BETWEEN / 2.0;
            let name = fit(name, LETTERS, left - EDGE - 5.0);
            pen.text("", [left - 6.0, y + (group - BETWEEN) / 2.0 + 4.0], Anchor::End, &name);
            self.group(&mut pen, &axis, &ends[category], category, [left, y]);
        }
        if self.categories.is_empty() || self.series.is_empty() {
            pen.text(
                "tick",
                [left + wide / 2.0, f64::midpoint(top, bottom)],
                Anchor::Middle,
                NO_DATA,
            );
        }
        pen.finish(&self.title)
    }

    fn grid(&self, pen: &mut Pen, axis: &Fitted, [left, top, wide, bottom]: [f64; 4]) {
        for (place, text) in axis.ticks() {
            let x = left + place;
            pen.line("grid", [x, top], [x, bottom]);
            tick_text(pen, [x, bottom + 14.0], &text);
        }
        let label = fit(self.axis.label(), LETTERS, wide);
        pen.text("tick", [left + wide / 2.0, bottom + 30.0], Anchor::Middle, &label);
    }

    fn group(
        &self,
        pen: &mut Pen,
        axis: &Fitted,
        ends: &[Option<[f64; 2]>],
        category: usize,
        [left, y]: [f64; 2],
    ) {
        for (series, end) in ends.iter().enumerate() {
            let y = if self.stacked { y } else { y + BAR * series as f64 };
            let Some([from, to]) = *end else {
                if !self.stacked {
                    pen.text("tick small", [left + 3.0, y + BAR / 2.0 + 3.5], Anchor::Start, "–");
                }
                continue;
            };
            let (Some(a), Some(b)) = (axis.clamped(from), axis.clamped(to)) else { continue };
            let (low, high) = (a.min(b), a.max(b));
            let told = axis.tell(to - from);
            let name = self.series.get(series).map_or("", |s| s.0.as_str());
            let category = self.categories.get(category).map_or("", String::as_str);
            let tip = format!("{category}, {name}: {told}");
            let class = format!("fill bar {}", self.class(series));
            pen.rect(&class, [left + low, y + 1.0], [(high - low).max(0.5), BAR - 2.0], 1.0, &tip);
            if !self.stacked {
                pen.text("small", [left + high + 4.0, y + BAR / 2.0 + 3.5], Anchor::Start, &told);
            }
        }
    }
}
