//! The text on an arrow.

use crate::regex::Alphabet;

/// Parts of a list that are shown; a longer one ends with how many classes it leaves out.
const MAX_PARTS: usize = 8;

/// A sorted set of classes, in few characters.
pub(super) fn classes(set: &[usize], num_classes: usize, names: Option<&Alphabet>) -> String {
    let missing = num_classes.saturating_sub(set.len());
    if missing == 0 && num_classes > 2 {
        return "any".to_string();
    }
    if missing <= 2 && num_classes > 5 {
        let rest: Vec<usize> =
            (0..num_classes).filter(|class| set.binary_search(class).is_err()).collect();
        return format!("not {}", list(&rest, names));
    }
    list(set, names)
}

/// Runs of three or more unnamed classes become a range.
fn list(set: &[usize], names: Option<&Alphabet>) -> String {
    let name = |class: usize| names.and_then(|names| names.class_name(class));
    let mut parts = Vec::new();
    let mut shown = 0;
    let mut rest = set;
    while let Some(&first) = rest.first() {
        if parts.len() == MAX_PARTS {
            parts.push(format!("… {} more", set.len() - shown));
            break;
        }
        let run = rest
            .iter()
            .enumerate()
            .take_while(|&(index, &class)| class == first + index && name(class).is_none())
            .count();
        let taken = if run >= 3 { run } else { 1 };
        parts.push(match name(first) {
            Some(name) => name.to_string(),
            None if taken > 1 => format!("{first}-{}", first + taken - 1),
            None => first.to_string(),
        });
        shown += taken;
        rest = rest.get(taken..).unwrap_or_default();
    }
    parts.join(",")
}

/// A log weight with at most three digits after the point.
pub(super) fn weight(log_weight: f64) -> String {
    if log_weight.abs() >= 1e4 || log_weight.abs() < 1e-3 {
        return format!("{log_weight:.1e}");
    }
    let text = format!("{log_weight:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_short() {
        assert_eq!(classes(&[0, 2, 3, 4], 10, None), "0,2-4");
        assert_eq!(classes(&[0, 1], 10, None), "0,1");
        assert_eq!(classes(&[0, 1], 2, None), "0,1");
        assert_eq!(classes(&(0..10).collect::<Vec<_>>(), 10, None), "any");
        assert_eq!(classes(&[0, 1, 2, 4, 5, 6, 7, 8, 9], 10, None), "not 3");
        let odd: Vec<usize> = (0..20).map(|class| 2 * class).collect();
        assert_eq!(classes(&odd, 100, None), "0,2,4,6,8,10,12,14,… 12 more");
        let names = Alphabet::named(["cat", "dog", "bird"]).unwrap();
        assert_eq!(classes(&[0, 2], 3, Some(&names)), "cat,bird");
    }

    #[test]
    fn weights_are_short() {
        assert_eq!(weight(-0.5), "-0.5");
        assert_eq!(weight(-2.0), "-2");
        assert_eq!(weight(10.0), "10");
        assert_eq!(weight(-0.123_456), "-0.123");
        assert_eq!(weight(-1e-9), "-1.0e-9");
    }
}
