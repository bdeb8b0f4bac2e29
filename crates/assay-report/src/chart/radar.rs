//! Several qualities of several things at once.

use std::f64::consts::TAU;

use super::frame::{EDGE, LETTERS, title};
use super::legend::{self, Entry, Glyph};
use super::{WIDTH, size};
use crate::color::Color;
use crate::svg::{Anchor, Pen, Svg};
use crate::text::{fit, number};

/// A radar chart: one spoke a quality, one outline a thing, from the centre (least) to the rim (most).
///
/// A value that is no number breaks its outline there. Values beyond the range are drawn at its ends. With
/// fewer than three spokes, nothing is enclosed and only the markers tell.
///
/// ```
/// use assay_report::Radar;
///
/// let chart = Radar::new("Two models", ["truth", "safety", "fairness", "privacy"], [0.0, 1.0])
///     .series("A", [0.8, 0.6, 0.9, 0.4])
///     .series("B", [0.5, 0.9, 0.7, f64::NAN]);
/// assert!(chart.svg().standalone().contains("fairness"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Radar {
    title: String,
    spokes: Vec<String>,
    range: [f64; 2],
    series: Vec<(String, Vec<f64>)>,
    width: f64,
}

impl Radar {
    /// A chart with its spokes and the range that all of them share.
    pub fn new(
        title: impl Into<String>,
        spokes: impl IntoIterator<Item = impl Into<String>>,
        range: [f64; 2],
    ) -> Self {
        Self {
            title: title.into(),
            spokes: spokes.into_iter().map(Into::into).collect(),
            range,
            series: Vec::new(),
            width: WIDTH,
        }
    }

    /// Adds an outline: one value a spoke.
    pub fn series(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.series.push((name.into(), values.into_iter().collect()));
        self
    }

    /// Sets the width in pixels, kept between 100 and 4000; the chart is about as high.
    pub fn width(mut self, width: f64) -> Self {
        self.width = size(width, WIDTH);
        self
    }

    /// How far out a value lies, from zero to one.
    fn share(&self, value: f64) -> Option<f64> {
        let [low, high] = self.range;
        let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        share.is_finite().then(|| share.clamp(0.0, 1.0))
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let mut pen = Pen::new(self.width, 0.0);
        let mut top = title(&mut pen, &self.title);
        let legend: Vec<Entry> = self
            .series
            .iter()
            .enumerate()
            .map(|(index, (name, _))| Entry {
                name: name.clone(),
                color: Color::series(index).class(),
                glyph: Glyph::Both("", index),
            })
            .collect();
        if legend.len() > 1 {
            legend::draw(&mut pen, &legend, [EDGE, top], self.width - 2.0 * EDGE);
            top += legend::height(&legend, self.width - 2.0 * EDGE);
        }
        // Names to the left and right of the circle need room.
        let side = self.width * 0.24;
        let radius = (self.width / 2.0 - side).max(30.0);
        let centre = [self.width / 2.0, top + 24.0 + radius];
        pen.height = centre[1] + radius + 28.0;
        let spoke = |index: usize, share: f64| {
            let turn = TAU * index as f64 / self.spokes.len().max(1) as f64;
            [centre[0] + radius * share * turn.sin(), centre[1] - radius * share * turn.cos()]
        };
        for ring in 1..=4 {
            let share = f64::from(ring) / 4.0;
            let outline: Vec<_> = (0..self.spokes.len()).map(|index| spoke(index, share)).collect();
            pen.path("grid", &outline, true);
        }
        for (index, name) in self.spokes.iter().enumerate() {
            pen.line("grid", centre, spoke(index, 1.0));
            let [x, y] = spoke(index, 1.0 + 10.0 / radius);
            let (anchor, room) = match x - centre[0] {
                dx if dx > 8.0 => (Anchor::Start, self.width - x - 2.0),
                dx if dx < -8.0 => (Anchor::End, x - 2.0),
                _ => (Anchor::Middle, self.width - 8.0),
            };
            pen.text("", [x, y + 4.0], anchor, &fit(name, LETTERS, room));
        }
        for (index, (name, values)) in self.series.iter().enumerate().rev() {
            self.outline(&mut pen, index, name, values, spoke);
        }
        if let ([low, high], true) = (self.range.map(number), !self.spokes.is_empty()) {
            pen.text("tick small", [centre[0] + 3.0, centre[1] + 10.0], Anchor::Start, &low);
            let [x, y] = spoke(0, 1.0);
            pen.text("tick small", [x + 4.0, y + 10.0], Anchor::Start, &high);
        } else {
            pen.text("tick", centre, Anchor::Middle, super::frame::NO_DATA);
        }
        pen.finish(&self.title)
    }

    fn outline(
        &self,
        pen: &mut Pen,
        series: usize,
        name: &str,
        values: &[f64],
        spoke: impl Fn(usize, f64) -> [f64; 2],
    ) {
        let color = Color::series(series).class();
        let places: Vec<Option<[f64; 2]>> = (0..self.spokes.len())
            .map(|index| Some(spoke(index, self.share(*values.get(index)?)?)))
            .collect();
        let all: Option<Vec<[f64; 2]>> = places.iter().copied().collect();
        match all {
            Some(all) if !all.is_empty() => {
                pen.path(&format!("fill area {color}"), &all, true);
                pen.path(&format!("stroke curve {color}"), &all, true);
            }
            _ => {
                // Each side between two values that are there.
                for index in 0..places.len() {
                    let next = (index + 1) % places.len();
                    if let (Some(from), Some(to)) = (places[index], places[next]) {
                        pen.line(&format!("stroke curve {color}"), from, to);
                    }
                }
            }
        }
        for ((place, value), quality) in places.iter().zip(values).zip(&self.spokes) {
            if let Some(at) = place {
                pen.marker(
                    color,
                    series,
                    *at,
                    3.0,
                    &format!("{name}, {quality}: {}", number(*value)),
                );
            }
        }
    }
}
