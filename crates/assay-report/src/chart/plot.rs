//! Lines and points over two axes.

use super::frame::{Frame, Plan};
use super::legend::{Entry, Glyph};
use super::{WIDTH, size};
use crate::axis::Axis;
use crate::color::Color;
use crate::svg::{Anchor, Svg};

/// A chart of lines and points: learning curves, scatter plots, reliability curves.
///
/// A point with a coordinate that is no number, that is infinite or larger than 1e150, or that a
/// logarithmic axis has no place for, is left out, and a line is broken there. A chart without any point
/// says "no data".
///
/// ```
/// use assay_report::{Axis, Plot, Series};
///
/// let plot = Plot::new("Learning curve")
///     .x(Axis::new("images seen"))
///     .y(Axis::new("accuracy").percent())
///     .series(Series::line("exact loss", [[0.0, 0.1], [1e4, 0.93], [2e4, 0.97]]))
///     .series(Series::line("obvious loss", [[0.0, 0.1], [1e4, 0.81], [2e4, 0.9]]).markers());
/// let file = plot.svg().standalone();
/// assert!(file.contains("exact loss") && file.contains("100 %"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    guides: Vec<Guide>,
    size: [f64; 2],
}

/// One line or cloud of points of a [`Plot`].
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    name: String,
    points: Vec<[f64; 2]>,
    kind: Kind,
    band: Vec<[f64; 3]>,
    color: Option<Color>,
    dashed: Option<bool>,
    markers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Line,
    Steps,
    Dots,
}

#[derive(Debug, Clone, PartialEq)]
enum Guide {
    Diagonal,
    Horizontal(f64, String),
    Vertical(f64, String),
}

impl Series {
    /// Points joined by straight lines, in the order given.
    pub fn line(name: impl Into<String>, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        Self {
            name: name.into(),
            points: points.into_iter().collect(),
            kind: Kind::Line,
            band: Vec::new(),
            color: None,
            dashed: None,
            markers: false,
        }
    }

    /// Points joined by stairs: each value holds until the next point.
    pub fn steps(name: impl Into<String>, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        Self { kind: Kind::Steps, ..Self::line(name, points) }
    }

    /// Points by themselves.
    pub fn dots(name: impl Into<String>, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        Self { kind: Kind::Dots, ..Self::line(name, points) }
    }

    /// Lays a band behind the series: places, lower and upper ends, `[x, low, high]`.
    pub fn band(mut self, band: impl IntoIterator<Item = [f64; 3]>) -> Self {
        self.band = band.into_iter().collect();
        self
    }

    /// Puts a marker on every point of a line.
    pub fn markers(mut self) -> Self {
        self.markers = true;
        self
    }

    /// Takes this colour instead of the next of the palette.
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// Draws the line dashed (or not, against the habit that every second series is).
    pub fn dashed(mut self, dashed: bool) -> Self {
        self.dashed = Some(dashed);
        self
    }
}

impl Plot {
    /// An empty chart.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x: Axis::default(),
            y: Axis::default(),
            series: Vec::new(),
            guides: Vec::new(),
            size: [WIDTH, 170.0],
        }
    }

    /// The horizontal axis.
    pub fn x(mut self, axis: Axis) -> Self {
        self.x = axis;
        self
    }

    /// The vertical axis.
    pub fn y(mut self, axis: Axis) -> Self {
        self.y = axis;
        self
    }

    /// Adds a series. Later ones are drawn behind earlier ones.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Draws the line on which both coordinates are equal.
    pub fn diagonal(mut self) -> Self {
        self.guides.push(Guide::Diagonal);
        self
    }

    /// Draws a thin horizontal line with a name.
    pub fn horizontal(mut self, y: f64, name: impl Into<String>) -> Self {
        self.guides.push(Guide::Horizontal(y, name.into()));
        self
    }

    /// Draws a thin vertical line with a name.
    pub fn vertical(mut self, x: f64, name: impl Into<String>) -> Self {
        self.guides.push(Guide::Vertical(x, name.into()));
        self
    }

    /// Sets the width of the drawing and the height of its inside in pixels, kept between 100 and 4000;
    /// 360 by 170 is the default.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = [size(width, WIDTH), size(height, 170.0)];
        self
    }

    /// The drawing.
    pub fn svg(&self) -> Svg {
        let looks: Vec<Look> =
            self.series.iter().enumerate().map(|(i, s)| Look::new(i, s)).collect();
        let legend: Vec<Entry> = self
            .series
            .iter()
            .zip(&looks)
            .filter(|(series, _)| !series.name.is_empty())
            .map(|(series, look)| Entry {
                name: series.name.clone(),
                color: look.color,
                glyph: match series.kind {
                    Kind::Dots => Glyph::Marker(look.shape),
                    _ if series.markers => Glyph::Both(look.dash, look.shape),
                    _ => Glyph::Line(look.dash),
                },
            })
            .collect();
        let plan =
            Plan { title: &self.title, legend: &legend, x: &self.x, y: &self.y, size: self.size };
        // A coordinate counts for its axis only if the other one has a place too.
        let points = || {
            let bands = self.series.iter().flat_map(|series| &series.band);
            let ends = bands.flat_map(|&[x, low, high]| [[x, low], [x, high]]);
            let points = self.series.iter().flat_map(|series| series.points.iter().copied());
            points.chain(ends).filter(|&[x, y]| self.x.takes(x) && self.y.takes(y))
        };
        let ys = points().map(|point| point[1]).chain(self.guides.iter().filter_map(Guide::height));
        let mut frame = Frame::new(&plan, points().map(|point| point[0]), ys);
        for guide in &self.guides {
            guide.draw(&mut frame);
        }
        for (series, look) in self.series.iter().zip(&looks).rev() {
            draw(&mut frame, series, look);
        }
        frame.finish(&self.title)
    }
}

/// How a series is told from the others.
#[derive(Debug)]
struct Look {
    color: &'static str,
    dash: &'static str,
    shape: usize,
}

impl Look {
    fn new(index: usize, series: &Series) -> Self {
        const DASHES: [&str; 4] = ["", "7 4", "2 4", "9 3 2 3"];
        let dash = match series.dashed {
            Some(true) => "7 4",
            Some(false) => "",
            None => DASHES[index % DASHES.len()],
        };
        let color = series.color.unwrap_or(Color::series(index)).class();
        Self { color, dash, shape: index }
    }
}

fn draw(frame: &mut Frame, series: &Series, look: &Look) {
    band(frame, &series.band, look);
    if series.kind != Kind::Dots {
        let class = format!("stroke curve {}", look.color);
        for run in runs(series.points.iter().map(|&point| frame.at(point))) {
            let run = if series.kind == Kind::Steps { stairs(&run) } else { run };
            frame.pen.dashed(&class, &run, look.dash);
        }
    }
    // A point between two gaps would be invisible without a marker.
    let all = series.kind == Kind::Dots || series.markers;
    for (index, &point) in series.points.iter().enumerate() {
        let place = |index: Option<usize>| {
            index.and_then(|i| series.points.get(i)).and_then(|&point| frame.at(point))
        };
        let alone = place(index.checked_sub(1)).is_none() && place(Some(index + 1)).is_none();
        let last = index + 1 == series.points.len();
        if let Some(at) = frame.at(point)
            && (all || alone || last)
        {
            let tip = format!(
                "{}{}{}, {}",
                series.name,
                if series.name.is_empty() { "" } else { ": " },
                frame.x.tell(point[0]),
                frame.y.tell(point[1])
            );
            frame.pen.marker(look.color, look.shape, at, 3.0, &tip);
        }
    }
}

fn band(frame: &mut Frame, band: &[[f64; 3]], look: &Look) {
    let sides = band.iter().map(|&[x, low, high]| {
        Some((frame.edge([x, low])?, frame.edge([x, high])?)).filter(|_| frame.x.place(x).is_some())
    });
    for run in runs(sides) {
        let upper = run.iter().map(|side| side.1);
        let lower = run.iter().rev().map(|side| side.0);
        let outline: Vec<[f64; 2]> = upper.chain(lower).collect();
        frame.pen.path(&format!("fill band {}", look.color), &outline, true);
    }
}

/// Cuts at the gaps.
fn runs<T>(items: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut runs = vec![Vec::new()];
    for item in items {
        match (item, runs.last_mut()) {
            (Some(item), Some(run)) => run.push(item),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn stairs(run: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut stairs = Vec::with_capacity(2 * run.len());
    for (index, &point) in run.iter().enumerate() {
        if let Some(before) = index.checked_sub(1).and_then(|before| run.get(before)) {
            stairs.push([point[0], before[1]]);
        }
        stairs.push(point);
    }
    stairs
}

impl Guide {
    /// The vertical axis makes room for a horizontal guide.
    fn height(&self) -> Option<f64> {
        match self {
            Self::Horizontal(y, _) => Some(*y),
            _ => None,
        }
    }

    fn draw(&self, frame: &mut Frame) {
        let [left, top, right, bottom] = frame.inside();
        let ends = match self {
            Self::Diagonal => return frame.diagonal(),
            Self::Horizontal(y, name) => {
                let Some(place) = frame.y.place(*y) else { return };
                let y = bottom - place;
                frame.pen.text("tick small", [right - 2.0, y - 3.0], Anchor::End, name);
                [[left, y], [right, y]]
            }
            Self::Vertical(x, name) => {
                let Some(place) = frame.x.place(*x) else { return };
                let x = left + place;
                let (side, anchor) = if place > (right - left) / 2.0 {
                    (-3.0, Anchor::End)
                } else {
                    (3.0, Anchor::Start)
                };
                frame.pen.text("tick small", [x + side, top + 9.0], anchor, name);
                [[x, top], [x, bottom]]
            }
        };
        frame.pen.dashed("axis thin", &ends, "4 3");
    }
}
