//! The palette, and the style sheet that charts need.

use std::fmt::Write;

/// A colour of the palette, in a light and a dark variant.
///
/// The six hues differ for readers with protanopia, deuteranopia and tritanopia too (a test simulates
/// them after Machado, Oliveira and Fernandes 2009), and every one stands out from the paper with a
/// contrast of at least 3.3, as WCAG asks of graphics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Color {
    /// The first series; also "right".
    Blue,
    /// The second series; also "wrong" and warnings.
    Orange,
    /// The third series.
    Green,
    /// The fourth series.
    Purple,
    /// The fifth series.
    Sky,
    /// The sixth series.
    Ochre,
    /// What stays in the background: references, averages.
    Grey,
}

/// Class, light and dark variant.
const PALETTE: [(Color, &str, &str, &str); 7] = [
    (Color::Blue, "c-blue", "#1b52be", "#6a93fc"),
    (Color::Orange, "c-orange", "#b64800", "#fa9749"),
    (Color::Green, "c-green", "#058962", "#54d19b"),
    (Color::Purple, "c-purple", "#97418a", "#cea2de"),
    (Color::Sky, "c-sky", "#1795ce", "#a9dcff"),
    (Color::Ochre, "c-ochre", "#a28a10", "#edd257"),
    (Color::Grey, "c-grey", "#6b717b", "#9aa1ac"),
];

/// Neutral tones: class or variable, light and dark variant.
pub(crate) const NEUTRALS: [(&str, &str, &str); 6] = [
    ("paper", "#fdfdfb", "#15171b"),
    ("ink", "#1b1d21", "#e8eaed"),
    ("soft", "#5b616b", "#a2a9b4"),
    ("line", "#dcdfe4", "#343942"),
    ("card", "#f3f4f2", "#1f2228"),
    ("on-full", "#ffffff", "#10131a"),
];

impl Color {
    /// The colour of the series with this index: six hues in turn.
    pub fn series(index: usize) -> Self {
        PALETTE[index % 6].0
    }

    /// The class that drawings and pages give to what has this colour.
    pub fn class(self) -> &'static str {
        PALETTE.iter().find(|entry| entry.0 == self).map_or("c-grey", |entry| entry.1)
    }

    /// The tone on light and on dark paper, as `#rrggbb`.
    pub fn tones(self) -> (&'static str, &'static str) {
        PALETTE
            .iter()
            .find(|entry| entry.0 == self)
            .map_or(("#6b717b", "#9aa1ac"), |entry| (entry.2, entry.3))
    }
}

/// The style of all drawings: tones for light and dark paper. Plain rules without variables, so that
/// programs that only half understand CSS show the light variant.
pub(crate) fn drawing_style() -> String {
    let mut css = include_str!("chart.css").to_owned();
    css += &tones(|_, light, _| light);
    css += "@media (prefers-color-scheme: dark) {\n";
    css += &tones(|_, _, dark| dark);
    css + "}\n"
}

fn tones(pick: fn(&'static str, &'static str, &'static str) -> &'static str) -> String {
    let mut css = String::new();
    for (_, class, light, dark) in PALETTE {
        let tone = pick(class, light, dark);
        // Writing into a String cannot fail.
        let _ = writeln!(
            css,
            "svg .stroke.{class} {{ stroke: {tone}; }} svg .fill.{class} {{ fill: {tone}; }}"
        );
    }
    for (name, light, dark) in NEUTRALS {
        let tone = pick(name, light, dark);
        let rule = match name {
            "paper" => format!("svg .paper {{ fill: {tone}; }}"),
            "ink" => format!("svg text {{ fill: {tone}; }}"),
            "soft" => format!("svg .tick {{ fill: {tone}; }} svg .axis {{ stroke: {tone}; }}"),
            "line" => format!("svg .grid {{ stroke: {tone}; }}"),
            "on-full" => format!("svg text.full {{ fill: {tone}; }}"),
            _ => continue,
        };
        css += &rule;
        css.push('\n');
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(tone: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let value = f64::from(u8::from_str_radix(&tone[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    /// Björn Ottosson's OKLab (2020) of linear sRGB.
    fn oklab(rgb: [f64; 3]) -> [f64; 3] {
        let lms = times(
            [
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ],
            rgb.map(|c| c.clamp(0.0, 1.0)),
        );
        times(
            [
                [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
                [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
                [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
            ],
            lms.map(f64::cbrt),
        )
    }

    /// Normal sight, protanopia, deuteranopia, tritanopia at full severity (Machado et al. 2009).
    const SIGHTS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    fn contrast(a: &str, b: &str) -> f64 {
        let light = |tone| times([[0.2126, 0.7152, 0.0722]; 3], linear(tone))[0] + 0.05;
        let (a, b) = (light(a), light(b));
        a.max(b) / a.min(b)
    }

    #[test]
    fn hues_differ_for_everyone() {
        let hues = &PALETTE[..6];
        for sight in SIGHTS {
            for variant in [
                |entry: &(_, _, &'static str, _)| entry.2,
                |entry: &(_, _, _, &'static str)| entry.3,
            ] {
                let seen: Vec<_> =
                    hues.iter().map(|entry| oklab(times(sight, linear(variant(entry))))).collect();
                for (i, a) in seen.iter().enumerate() {
                    for b in &seen[..i] {
                        let square: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
                        // Four times what is just noticeable side by side (about 0.02).
                        assert!(square.sqrt() > 0.08, "{sight:?} {i} {}", square.sqrt());
                    }
                }
            }
        }
    }

    #[test]
    fn everything_stands_out_from_the_paper() {
        let (_, paper, night) = NEUTRALS[0];
        for (_, class, light, dark) in PALETTE {
            assert!(contrast(light, paper) > 3.3 && contrast(dark, night) > 3.3, "{class}");
        }
        for (name, light, dark) in &NEUTRALS[1..3] {
            assert!(contrast(light, paper) > 4.5 && contrast(dark, night) > 4.5, "{name}");
        }
    }

    #[test]
    fn classes_are_known_to_the_style() {
        let css = drawing_style();
        for index in 0..7 {
            let class = Color::series(index).class();
            assert!(css.matches(&format!(".fill.{class} ")).count() == 2, "{class}");
        }
        assert_eq!(Color::series(6), Color::Blue);
        assert_eq!(Color::Grey.tones().0, PALETTE[6].2);
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }
}
