/// What [`numbered_list`] read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The items' texts without their marks, none empty, in their order.
    pub items: Vec<String>,
    /// Lines that belong to no item: preambles, remarks, empty items' marks.
    pub unread: Vec<String>,
}

/// Reads a numbered or bulleted list out of an answer.
///
/// An item begins with a number and `.`, `)` or `:`, or with `-`, `*` or `•`; the mark may be bold
/// or in parentheses. A line without a mark right after an item continues it if it is indented;
/// otherwise it is unread. When a list has numbers, bullets between them are sub-items and unread.
/// Quotation marks around a whole item are removed.
///
/// ```
/// use assay_language::parse::numbered_list;
/// let list = numbered_list("Sure!\n1. The U.S. is large.\n2) \"Tea is good.\"\n\nHope it helps.");
/// assert_eq!(list.items, ["The U.S. is large.", "Tea is good."]);
/// assert_eq!(list.unread, ["Sure!", "Hope it helps."]);
/// ```
pub fn numbered_list(text: &str) -> List {
    let marked: Vec<(&str, Option<(Mark, &str)>)> =
        text.lines().map(|line| (line, mark(line))).collect();
    let numbered = marked.iter().any(|(_, m)| matches!(m, Some((Mark::Number, _))));
    let mut list = List::default();
    let mut open = false;
    for (line, mark) in marked {
        let trimmed = line.trim();
        match mark {
            Some((kind, rest)) if kind == Mark::Number || !numbered => {
                let item = bare(rest);
                open = !item.is_empty();
                if open {
                    list.items.push(item.to_owned());
                } else {
                    list.unread.push(trimmed.to_owned());
                }
            }
            _ if trimmed.is_empty() => open = false,
            None if open && line.starts_with([' ', '\t']) => {
                if let Some(item) = list.items.last_mut() {
                    item.push(' ');
                    item.push_str(trimmed);
                }
            }
            _ => {
                open = false;
                list.unread.push(trimmed.to_owned());
            }
        }
    }
    list
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Number,
    Bullet,
}

/// The mark at the beginning of a line and what follows it.
fn mark(line: &str) -> Option<(Mark, &str)> {
    let line = line.trim_start();
    let unbold = line.strip_prefix("**").unwrap_or(line);
    let bold = unbold.len() < line.len();
    let open = unbold.strip_prefix('(').unwrap_or(unbold);
    let digits = open.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=4).contains(&digits) {
        let rest = open.get(digits..)?.strip_prefix(['.', ')', ':'])?;
        // "3.5 litres" is a number, not a mark; "3.The" is a mark all the same.
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let rest = if bold { rest.strip_prefix("**").unwrap_or(rest) } else { rest };
        return Some((Mark::Number, rest));
    }
    let rest = line.strip_prefix(['-', '*', '•'])?;
    rest.starts_with([' ', '\t']).then_some((Mark::Bullet, rest))
}

/// Without blanks and without quotation marks around the whole.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let pairs = [('"', '"'), ('“', '”'), ('«', '»')];
    for (open, close) in pairs {
        if let Some(inner) = text.strip_prefix(open).and_then(|t| t.strip_suffix(close))
            && !inner.contains([open, close])
        {
            return inner.trim();
        }
    }
    text
}

/// Every line without what stands up to and with its first full stop: how CultureLLM's published
/// code reads lists, kept to reproduce it. It keeps empty lines and preambles, does not know `1)`,
/// and cuts after `U.`.
pub fn lines_after_dot(text: &str) -> Vec<String> {
    text.split('\n')
        .map(|line| line.split_once('.').map_or(line, |(_, rest)| rest).trim().to_owned())
        .collect()
}
