use std::ops::RangeInclusive;

/// The share of a text's code points in a range, such as `'\u{4e00}'..='\u{9fff}'` for Chinese; 0 for an
/// empty text. Answers above a share may be in the wrong language: leave them out and count them.
///
/// ```
/// use trust_metrics::parse::script_share;
/// assert_eq!(script_share("你好 abc你好", '\u{4e00}'..='\u{9fff}'), 0.5);
/// ```
pub fn script_share(text: &str, range: RangeInclusive<char>) -> f64 {
    let all = text.chars().count();
    let inside = text.chars().filter(|c| range.contains(c)).count();
    if all > 0 { inside as f64 / all as f64 } else { 0.0 }
}
