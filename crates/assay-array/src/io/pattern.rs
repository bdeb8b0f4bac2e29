/// Whether a name matches a pattern in which `*` stands for any characters, dots and slashes
/// included, and `?` for one.
///
/// Only the last star is ever retried, so the work is at most the product of the lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when a later part fails: after the last star, with one more character eaten.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after_star, eaten)) = retry else { return false };
                retry = Some((after_star, eaten + 1));
                (p, n) = (after_star, eaten + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, want) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "layer.0.weight", true),
            ("layer.?.weight", "layer.0.weight", true),
            ("layer.?.weight", "layer.10.weight", false),
            ("layer.*.weight", "layer.10.weight", true),
            ("*.weight", "layer.10.bias", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("a*ab", "aaab", true),
            ("**?", "é", true),
            ("?", "", false),
            ("[ab]", "a", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
        // Exponential in a naive matcher.
        assert!(!matches(&"a*".repeat(30), &format!("{}b", "a".repeat(2000))[1..2]));
        assert!(!matches(&format!("{}c", "a*".repeat(30)), &"a".repeat(2000)));
    }
}
