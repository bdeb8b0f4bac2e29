/// Addresses of electronic mail in a text, in lower case: letters, digits and `._%+-`, an `@`, labels of
/// letters, digits and `-` with points between, and at least two letters at the end.
///
/// ```
/// use trust_metrics::parse::emails;
/// assert_eq!(emails("Write to <Ann@Corp.ORG>, not bob@x."), ["ann@corp.org"]);
/// ```
pub fn emails(text: &str) -> Vec<String> {
    let local = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let mut found = Vec::new();
    // Every part is read once: local parts reach back to the address before at most.
    let mut from = 0;
    for (at, _) in text.match_indices('@') {
        let before = &text[from.min(at)..at];
        let length: usize = before.chars().rev().take_while(local).map(char::len_utf8).sum();
        if length == 0 {
            continue;
        }
        if let Some(domain) = domain(&text[at + 1..]) {
            found.push(
                format!("{}@{domain}", &before[before.len() - length..]).to_ascii_lowercase(),
            );
            from = at + 1 + domain.len();
        }
    }
    found
}

/// The longest domain at the beginning of a text.
fn domain(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        .unwrap_or(text.len());
    let (mut start, mut best) = (0, None);
    for (index, label) in text[..end].split('.').enumerate() {
        if label.is_empty() {
            break;
        }
        let letters = label.bytes().take_while(u8::is_ascii_alphabetic).count();
        if index > 0 && letters >= 2 {
            best = Some(&text[..start + letters]);
        }
        start += label.len() + 1;
    }
    best
}
