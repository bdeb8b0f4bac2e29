//! Charts as SVG text. Colours and fonts come from the page's style sheet, by class, so that one
//! drawing serves light and dark pages; every drawing is 360 wide, which a phone shows at full size.

use std::fmt::Write;

use super::{Method, Role, Score, class_names};

const WIDTH: f64 = 360.0;

/// The style class of a role.
pub(super) fn class(role: Role) -> &'static str {
    match role {
        Role::Weak => "weak",
        Role::Baseline => "baseline",
        Role::Oracle => "oracle",
    }
}

/// A count as people say it: `950`, `12k`, `1.5M`.
pub(super) fn short(count: usize) -> String {
    let trimmed = |value: f64, unit: &str| {
        let text = format!("{value:.1}");
        format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => trimmed(count as f64 / 1e3, "k"),
        _ => trimmed(count as f64 / 1e6, "M"),
    }
}

/// Escapes text for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// A percentage with one digit after the point.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.1} %", 100.0 * ratio)
}

fn open(height: f64, label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escape(label)
    )
}

/// A round percentage below every value, so that the curves fill the chart, and the step of its lines.
fn floor_of(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let lowest = values.fold(1.0, f64::min).clamp(0.0, 1.0);
    let step = match 1.0 - lowest {
        span if span <= 0.05 => 0.01,
        span if span <= 0.1 => 0.02,
        span if span <= 0.25 => 0.05,
        span if span <= 0.5 => 0.1,
        _ => 0.2,
    };
    // A hair below, so that a curve which starts exactly on a line does not lie on the frame.
    (((lowest - 1e-9) / step).floor().max(0.0) * step, step)
}

/// Test accuracy against training images seen.
pub(super) fn learning_curves(methods: &[Method]) -> String {
    let (left, right, top, bottom, height) = (44.0, 10.0, 12.0, 36.0, 230.0);
    let points = || methods.iter().flat_map(|method| &method.curve);
    let most = points().map(|point| point.images).max().unwrap_or(1).max(1);
    let (floor, step) = floor_of(points().map(|point| point.accuracy));
    let x = |images: usize| left + (WIDTH - left - right) * images as f64 / most as f64;
    let y = |ratio: f64| top + (height - top - bottom) * (1.0 - ratio) / (1.0 - floor).max(1e-9);

    let mut svg = open(height, "test accuracy against training images seen");
    let lines = ((1.0 - floor) / step).round() as usize;
    for line in 0..=lines {
        let ratio = 1.0 - line as f64 * step;
        let (y, right) = (y(ratio), WIDTH - right);
        // Writing into a String cannot fail; hence the dropped results in this file.
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            left - 5.0,
            y + 4.0,
            100.0 * ratio
        );
    }
    for part in 0..=2 {
        let images = most * part / 2;
        let anchor = ["start", "middle", "end"][part];
        let _ = writeln!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            x(images),
            height - bottom + 16.0,
            short(images)
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">training images seen</text>",
        f64::midpoint(left, WIDTH - right),
        height - 4.0
    );
    // The story's own network is drawn last, above the others.
    for method in methods.iter().rev() {
        let mut path = String::new();
        for (index, point) in method.curve.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", x(point.images), y(point.accuracy));
        }
        let _ = writeln!(svg, "<path class=\"curve {}\" d=\"{path}\"/>", class(method.role));
        if let Some(last) = method.curve.last() {
            let _ = writeln!(
                svg,
                "<circle class=\"dot {}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                class(method.role),
                x(last.images),
                y(last.accuracy)
            );
        }
    }
    svg + "</svg>\n"
}

/// The accuracies of all methods of a story as dots with their intervals, one line each.
pub(super) fn intervals(methods: &[Method]) -> String {
    let (left, right, row) = (10.0, 10.0, 30.0);
    let height = row * methods.len() as f64 + 24.0;
    let (floor, step) = floor_of(methods.iter().map(|method| method.score.interval[0]));
    let x = |ratio: f64| left + (WIDTH - left - right) * (ratio - floor) / (1.0 - floor).max(1e-9);
    let mut svg = open(height, "accuracies with their intervals");
    let parts = ((1.0 - floor) / step).round() as usize;
    for part in 0..=parts {
        let ratio = floor + part as f64 * step;
        let x = x(ratio);
        let anchor = match part {
            0 => "start",
            _ if part == parts => "end",
            _ => "middle",
        };
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{x:.1} 4V{:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{:.0} %</text>",
            height - 20.0,
            height - 6.0,
            100.0 * ratio
        );
    }
    for (index, method) in methods.iter().enumerate() {
        let y = row * index as f64 + 22.0;
        let [low, high] = method.score.interval.map(x);
        let dot = x(method.score.accuracy);
        // The name stands where the dot is not.
        let (at, anchor) =
            if dot > WIDTH / 2.0 { (left + 4.0, "start") } else { (WIDTH - right - 4.0, "end") };
        let class = class(method.role);
        let _ = writeln!(
            svg,
            "<path class=\"bar {class}\" d=\"M{low:.1} {y}H{high:.1}\"/>\
             <circle class=\"dot {class}\" cx=\"{dot:.1}\" cy=\"{y}\" r=\"5\"/>\
             <text class=\"label\" x=\"{at}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            y + 4.0,
            escape(&method.name)
        );
    }
    svg + "</svg>\n"
}

/// The confusion matrix: rows are true classes, columns are answers, shades are shares of the row.
pub(super) fn confusion(score: &Score) -> String {
    let classes = score.confusion.len();
    let names = class_names(classes);
    let (left, top) = (if classes == 2 { 64.0 } else { 38.0 }, 34.0);
    let cell = (WIDTH - left - 2.0) / classes.max(1) as f64;
    let tall = cell.min(64.0);
    let mut svg = open(top + tall * classes as f64 + 2.0, "confusion matrix");
    let _ = writeln!(
        svg,
        "<text class=\"label\" x=\"{:.1}\" y=\"12\" text-anchor=\"middle\">answer</text>\
         <text class=\"label\" x=\"2\" y=\"{:.1}\">true</text>",
        f64::midpoint(left, WIDTH),
        top - 6.0
    );
    for (index, name) in names.iter().enumerate() {
        let along = (index as f64 + 0.5) * cell + left;
        let down = (index as f64 + 0.5) * tall + top + 4.0;
        let _ = writeln!(
            svg,
            "<text class=\"label\" x=\"{along:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>\
             <text class=\"label\" x=\"{:.1}\" y=\"{down:.1}\" text-anchor=\"end\">{name}</text>",
            top - 6.0,
            left - 6.0
        );
    }
    for (row, counts) in score.confusion.iter().enumerate() {
        let total = counts.iter().sum::<usize>().max(1) as f64;
        for (column, &count) in counts.iter().enumerate() {
            let share = count as f64 / total;
            let (x, y) = (left + cell * column as f64, top + tall * row as f64);
            // The root makes rare mistakes visible.
            let _ = writeln!(
                svg,
                "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill-opacity=\"{:.2}\"/>",
                if row == column { "right" } else { "wrong" },
                x + 0.5,
                y + 0.5,
                cell - 1.0,
                tall - 1.0,
                share.sqrt()
            );
            if count > 0 {
                let _ = writeln!(
                    svg,
                    "<text class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{count}</text>",
                    if share > 0.3 { "count full" } else { "count" },
                    x + cell / 2.0,
                    y + tall / 2.0 + 3.5
                );
            }
        }
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every opened element is closed, and no number is NaN or infinite.
    fn assert_sound(svg: &str) {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn charts_show_every_method() {
        let report = super::super::sample::report();
        let methods = &report.stories[0].methods;
        for svg in [learning_curves(methods), intervals(methods)] {
            assert_sound(&svg);
            for class in ["weak", "baseline", "oracle"] {
                assert!(svg.contains(&format!("dot {class}")), "{class}");
            }
        }
        let svg = confusion(&methods[0].score);
        assert_sound(&svg);
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains(">85</text>") && svg.contains(">nine</text>"));
    }

    #[test]
    fn empty_charts_are_sound() {
        assert_sound(&learning_curves(&[]));
        assert_sound(&intervals(&[]));
        let mut score = super::super::sample::report().stories[0].methods[0].score.clone();
        score.confusion = Vec::new();
        assert_sound(&confusion(&score));
    }

    #[test]
    fn a_perfect_curve_has_a_scale() {
        let mut methods = super::super::sample::report().stories[0].methods.clone();
        for method in &mut methods {
            method.curve.iter_mut().for_each(|point| point.accuracy = 1.0);
            method.score.interval = [1.0, 1.0];
        }
        assert_sound(&learning_curves(&methods));
        assert_sound(&intervals(&methods));
    }

    #[test]
    fn text_is_short_and_safe() {
        assert_eq!(
            ["7", "1k", "12.5k", "2M"],
            [7, 1000, 12_500, 2_000_000].map(short).each_ref().map(String::as_str)
        );
        assert_eq!(escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
        assert_eq!(percent(0.98765), "98.8 %");
    }
}
