//! SVG text.

use std::fmt::Write;

use super::Diagram;
use super::layout::{Layout, RADIUS};

/// Size of the labels' text.
const FONT: f64 = 13.0;
/// Mean width of a character of sans-serif text of that size.
const CHARACTER: f64 = 7.3;
/// Length of an arrow head.
const HEAD: f64 = 8.0;
/// How far the arrow reaches that points at a start.
const START: f64 = 36.0;
/// Distance of a label from its arrow.
const CLEARANCE: f64 = 9.0;

type Point = (f64, f64);

/// The width that a label needs.
pub(super) fn width(label: &str) -> f64 {
    label.chars().count() as f64 * CHARACTER
}

pub(super) fn write(diagram: &Diagram, layout: &Layout) -> String {
    let mut canvas = Canvas::new();
    for (index, edge) in diagram.edges.iter().enumerate() {
        let (from, to) = (layout.states[edge.from], layout.states[edge.to]);
        let has_opposite = diagram
            .edges
            .binary_search_by_key(&(edge.to, edge.from), |edge| (edge.from, edge.to))
            .is_ok();
        if edge.from == edge.to {
            canvas.own_loop(from, &edge.label);
        } else if layout.via[index].is_empty() {
            canvas.bow(from, to, has_opposite, &edge.label);
        } else {
            canvas.far(from, &layout.via[index], to, &edge.label);
        }
    }
    for (state, weight) in &diagram.starts {
        let (x, y) = layout.states[*state];
        let (tail, tip) = ((x - RADIUS - START, y), (x - RADIUS, y));
        canvas.path(&format!("M{} L{}", show(tail), show((tip.0 - HEAD, y))), &[tail]);
        canvas.head(tip, (1.0, 0.0));
        canvas.text((f64::midpoint(tail.0, tip.0), y - CLEARANCE), weight);
    }
    for (state, &(x, y)) in layout.states.iter().enumerate() {
        canvas.circle((x, y), RADIUS);
        if let Some(weight) = &diagram.ends[state] {
            canvas.circle((x, y), RADIUS - 4.0);
            canvas.text((x, y + RADIUS + FONT / 2.0 + 3.0), weight);
        }
        canvas.text((x, y), &state.to_string());
    }
    canvas.finish(&format!("automaton of {} states", diagram.num_states))
}

fn show((x, y): Point) -> String {
    format!("{x:.1} {y:.1}")
}

fn toward((x, y): Point, (to_x, to_y): Point) -> Point {
    let length = (to_x - x).hypot(to_y - y).max(f64::MIN_POSITIVE);
    ((to_x - x) / length, (to_y - y) / length)
}

fn along((x, y): Point, (dx, dy): Point, distance: f64) -> Point {
    (x + dx * distance, y + dy * distance)
}

/// The point of a quadratic Bézier curve at `t` in `[0, 1]`.
fn quadratic(start: Point, control: Point, end: Point, t: f64) -> Point {
    let mix = |a: f64, b: f64, c: f64| {
        let s = 1.0 - t;
        s * s * a + 2.0 * s * t * b + t * t * c
    };
    (mix(start.0, control.0, end.0), mix(start.1, control.1, end.1))
}

/// The drawing so far, and the corners of all in it.
struct Canvas {
    body: String,
    low: Point,
    high: Point,
}

impl Canvas {
    fn new() -> Self {
        let (low, high) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
        Self { body: String::new(), low, high }
    }

    fn cover(&mut self, (x, y): Point) {
        self.low = (self.low.0.min(x), self.low.1.min(y));
        self.high = (self.high.0.max(x), self.high.1.max(y));
    }

    fn line(&mut self, parts: std::fmt::Arguments<'_>) {
        // cannot fail: writing to a string
        let _ = self.body.write_fmt(format_args!("  {parts}\n"));
    }

    fn path(&mut self, d: &str, points: &[Point]) {
        for &point in points {
            self.cover(point);
        }
        self.line(format_args!("<path d=\"{d}\"/>"));
    }

    fn circle(&mut self, (x, y): Point, radius: f64) {
        self.cover((x - radius, y - radius));
        self.cover((x + radius, y + radius));
        self.line(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"));
    }

    /// An arrow head with its tip at a point, looking in a direction.
    fn head(&mut self, tip: Point, (dx, dy): Point) {
        let back = along(tip, (dx, dy), -HEAD);
        let (left, right) =
            (along(back, (dy, -dx), HEAD * 0.42), along(back, (dy, -dx), -HEAD * 0.42));
        self.line(format_args!(
            "<path fill=\"currentColor\" d=\"M{} L{} L{} Z\"/>",
            show(tip),
            show(left),
            show(right)
        ));
    }

    fn text(&mut self, (x, y): Point, text: &str) {
        if text.is_empty() {
            return;
        }
        let half = width(text) / 2.0;
        self.cover((x - half, y - FONT / 2.0));
        self.cover((x + half, y + FONT / 2.0));
        let text = escaped(text);
        // The middle of the digits, without `dominant-baseline`, which not all programs know.
        let y = y + FONT * 0.35;
        self.line(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"currentColor\" stroke=\"none\">{text}</text>"
        ));
    }

    /// An arrow from a state to itself, above it.
    fn own_loop(&mut self, center: Point, label: &str) {
        let angle = 0.55_f64;
        let (left, right) = ((-angle.sin(), -angle.cos()), (angle.sin(), -angle.cos()));
        let start = along(center, left, RADIUS);
        let tip = along(center, right, RADIUS);
        let reach = RADIUS + 34.0;
        let (from, to) = (along(center, left, reach), along(center, right, reach));
        let direction = toward(to, tip);
        let end = along(tip, direction, -HEAD);
        let d = format!("M{} C{} {} {}", show(start), show(from), show(to), show(end));
        let top = center.1 - RADIUS - 22.0;
        self.path(&d, &[(center.0, top)]);
        self.head(tip, direction);
        self.text((center.0, top - CLEARANCE), label);
    }

    /// An arrow between neighbouring columns or within one; bent if it must make room for its
    /// opposite or for states between.
    fn bow(&mut self, from: Point, to: Point, has_opposite: bool, label: &str) {
        let direction = toward(from, to);
        let distance = (to.0 - from.0).hypot(to.1 - from.1);
        // To the left of the direction, so that an arrow and its opposite part.
        let normal = (direction.1, -direction.0);
        let bend = if from.0 == to.0 {
            30.0 + 0.3 * distance
        } else if has_opposite {
            26.0
        } else {
            0.0
        };
        let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let control = along(middle, normal, bend);
        let start = along(from, toward(from, control), RADIUS);
        let tip = along(to, toward(to, control), RADIUS);
        let arriving = toward(control, to);
        let end = along(tip, arriving, -HEAD);
        let apex = quadratic(start, control, end, 0.5);
        self.path(&format!("M{} Q{} {}", show(start), show(control), show(end)), &[apex]);
        self.head(tip, arriving);
        // Steep arrows cross in their middles, so their labels stand nearer to their starts.
        let steep = direction.1.abs() > 0.2 && from.0 != to.0;
        let place = if steep { 0.36 } else { 0.5 };
        let (before, after) = (place - 0.01, place + 0.01);
        let (dx, dy) =
            toward(quadratic(start, control, end, before), quadratic(start, control, end, after));
        // A straight arrow has its label above.
        let side = if bend == 0.0 && dx < 0.0 { (-dy, dx) } else { (dy, -dx) };
        let clearance = CLEARANCE + side.0.abs() * width(label) / 2.0;
        self.text(along(quadratic(start, control, end, place), side, clearance), label);
    }

    /// An arrow over several columns, through the points kept free for it.
    fn far(&mut self, from: Point, via: &[Point], to: Point, label: &str) {
        let sign = if to.0 > from.0 { 1.0 } else { -1.0 };
        let start = (from.0 + sign * RADIUS, from.1);
        let tip = (to.0 - sign * RADIUS, to.1);
        let end = (tip.0 - sign * HEAD, tip.1);
        let mut d = format!("M{}", show(start));
        let mut here = start;
        for &point in via.iter().chain([&end]) {
            let half = (point.0 - here.0) / 2.0;
            let (leave, arrive) = ((here.0 + half, here.1), (point.0 - half, point.1));
            // cannot fail: writing to a string
            let _ = write!(d, " C{} {} {}", show(leave), show(arrive), show(point));
            here = point;
        }
        self.path(&d, via);
        self.head(tip, (sign, 0.0));
        if let Some(&(x, y)) = via.get(via.len() / 2) {
            self.text((x, y - CLEARANCE), label);
        }
    }

    fn finish(self, title: &str) -> String {
        let margin = 8.0;
        let empty = self.low.0 > self.high.0;
        let (low, high) = if empty { ((0.0, 0.0), (0.0, 0.0)) } else { (self.low, self.high) };
        let (x, y) = (low.0 - margin, low.1 - margin);
        let (wide, tall) = (high.0 - low.0 + 2.0 * margin, high.1 - low.1 + 2.0 * margin);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             viewBox=\"{x:.1} {y:.1} {wide:.1} {tall:.1}\" width=\"{wide:.0}\" height=\"{tall:.0}\" \
             fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.3\" \
             font-family=\"Helvetica, Arial, sans-serif\" font-size=\"{FONT}\" \
             text-anchor=\"middle\">\n  <title>{}</title>\n{}</svg>\n",
            escaped(title),
            self.body
        )
    }
}

/// Text for XML; characters that XML forbids become the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            c if c.is_control() => escaped.push('\u{FFFD}'),
            c => escaped.push(c),
        }
    }
    escaped
}
