//! Numbers and text as people read them.

use std::fmt::Write;

/// Escapes text for HTML and SVG, in elements and in attributes. Control characters, which no XML
/// document may hold, become U+FFFD.
///
/// ```
/// assert_eq!(assay_report::escape("a < b & \"c\""), "a &lt; b &amp; &quot;c&quot;");
/// ```
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(letter),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                safe.push(char::REPLACEMENT_CHARACTER);
            }
            _ => safe.push(letter),
        }
    }
    safe
}

/// A count as people say it: `950`, `12k`, `1.5M`, `2G`.
///
/// ```
/// use assay_report::short;
/// assert_eq!([7, 12_500, 999_999, 2_000_000].map(short), ["7", "12.5k", "1M", "2M"]);
/// ```
pub fn short(count: usize) -> String {
    let tenths = |unit: f64| (count as f64 / unit * 10.0).round() / 10.0;
    for (unit, name) in [(1e3, "k"), (1e6, "M")] {
        if count < 1_000 {
            return count.to_string();
        }
        if tenths(unit) < 1e3 {
            return format!("{}{name}", tenths(unit));
        }
    }
    format!("{}G", tenths(1e9))
}

/// A ratio as a percentage with one digit after the point; `–` for what is no number.
///
/// ```
/// use assay_report::percent;
/// assert_eq!([percent(0.98765), percent(f64::NAN)], ["98.8 %", "–"]);
/// ```
pub fn percent(ratio: f64) -> String {
    if ratio.is_finite() {
        format!("{:.1} %", unsigned_zero(100.0 * ratio, 1))
    } else {
        "–".into()
    }
}

/// A number with four significant digits, without superfluous zeros; powers of ten where it would be
/// longer without; `–` for what is no number.
///
/// ```
/// use assay_report::number;
/// assert_eq!([0.0, 0.1 + 0.2, 1234.56, -2e-7].map(number), ["0", "0.3", "1235", "−2e−7"]);
/// assert_eq!(number(f64::NAN), "–");
/// ```
pub fn number(value: f64) -> String {
    const DIGITS: i32 = 3; // after the leading one
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    // Rounded first, so that 9.9999 has the exponent of 10.
    let scientific = format!("{value:.*e}", DIGITS as usize);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if (-4..6).contains(&exponent) {
        trim(&format!("{value:.*}", (DIGITS - exponent).max(0) as usize))
    } else {
        format!("{}e{exponent}", trim(digits))
    };
    text.replace('-', "−")
}

/// A duration: `0.4 s`, `12 s`, `3 min 20 s`.
///
/// ```
/// use assay_report::duration;
/// assert_eq!([0.4, 12.4, 200.0].map(duration), ["0.4 s", "12 s", "3 min 20 s"]);
/// ```
pub fn duration(seconds: f64) -> String {
    if !(seconds.is_finite() && seconds >= 0.0) {
        return "–".into();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 60, whole % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// A value with a fixed number of digits after the point and a real minus sign.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    format!("{:.digits$}", unsigned_zero(value, digits)).replace('-', "−")
}

/// Cuts text to about `width` pixels at `size` pixels a letter; what is cut off leaves an ellipsis.
pub(crate) fn fit(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = letter_width('…') * size;
    for letter in text.chars() {
        used += letter_width(letter) * size;
        if used > width {
            break;
        }
        kept.push(letter);
    }
    let _ = write!(kept, "…"); // writing into a String cannot fail
    kept
}

/// About how wide text is, in pixels, at `size` pixels a letter.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(letter_width).sum::<f64>() * size
}

/// In units of the letter size, as wide fonts (DejaVu Sans) have them; system fonts are narrower.
fn letter_width(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 0.32,
        'f' | 't' | 'r' | '(' | ')' | '-' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' => 0.95,
        'A'..='Z' => 0.7,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{ffdc}' | '\u{1f300}'..='\u{3ffff}' => 1.0,
        _ => 0.61,
    }
}

/// Zero for what rounds to minus zero.
fn unsigned_zero(value: f64, digits: usize) -> f64 {
    let half = 0.5 * 10_f64.powi(-i32::try_from(digits).unwrap_or(0));
    if value.abs() < half { 0.0 } else { value }
}

/// Without zeros at the end of a fraction.
fn trim(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let pairs = [
            (9.999_96, "10"),
            (99_999.6, "100000"),
            (999_999.9, "1e6"),
            (1e300, "1e300"),
            (0.000_123_456, "0.0001235"),
            (-0.5, "−0.5"),
            (f64::INFINITY, "–"),
        ];
        for (value, text) in pairs {
            assert_eq!(number(value), text);
        }
        assert_eq!([fixed(-0.01, 1), fixed(-1.26, 1)], ["0.0", "−1.3"]);
        assert_eq!(
            [short(999), short(1000), short(999_949), short(3_000_000_000)],
            ["999", "1k", "999.9k", "3G"]
        );
        assert_eq!([duration(60.0), duration(-1.0)], ["1 min 0 s", "–"]);
        assert_eq!(percent(-1e-9), "0.0 %");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(fit("short", 11.0, 100.0), "short");
        let cut = fit("a very long label indeed", 11.0, 60.0);
        assert!(cut.ends_with('…') && text_width(&cut, 11.0) <= 60.0, "{cut}");
        assert_eq!(fit("abc", 11.0, -5.0), "…");
    }

    #[test]
    fn control_characters_do_not_pass() {
        assert_eq!(escape("a\u{0}\u{1b}'\n"), "a\u{fffd}\u{fffd}&#39;\n");
    }
}
