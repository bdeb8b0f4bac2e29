//! What must be done to published items before they are asked.

use super::{Gold, Item, Measure, TaskSpec};
use crate::answers::hash;
use crate::{Error, Result};

/// The field that names the letter of the right option.
const GOLD_LETTER: &str = "gold_letter";

/// Shuffles the options of a question whose right option stands first: a model that always says A would
/// be right otherwise. Items that name the letter are left as they are.
pub(super) fn prepare(spec: &TaskSpec, item: &mut Item) -> Result<()> {
    let by_letter = matches!(
        &spec.measure,
        Measure::Accuracy { gold: Gold::Field { field, .. } } if field == GOLD_LETTER
    );
    if !by_letter || item.fields.contains_key(GOLD_LETTER) {
        return Ok(());
    }
    let Some(options) = options(&item.prompt) else {
        return Err(Error::Field {
            task: spec.id.clone(),
            item: item.id.clone(),
            field: "prompt".to_owned(),
            expected: "options marked A to D, or a field gold_letter",
            got: item.prompt.chars().take(80).collect(),
        });
    };
    // Sixteen digits of the hash pick one of the orders; 24 of them are even to 1e-18.
    let mut number = u64::from_str_radix(&hash(&item.prompt)[..16], 16).unwrap_or(0);
    let mut order: Vec<usize> = (0..options.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, (number % (i as u64 + 1)) as usize);
        number /= i as u64 + 1;
    }
    let texts: Vec<&str> = options.iter().map(|&(from, to)| &item.prompt[from..to]).collect();
    let mut prompt = String::with_capacity(item.prompt.len());
    let mut end = 0;
    for (&(from, to), &which) in options.iter().zip(&order) {
        prompt.push_str(&item.prompt[end..from]);
        prompt.push_str(texts[which]);
        end = to;
    }
    prompt.push_str(&item.prompt[end..]);
    let place = order.iter().position(|&which| which == 0).unwrap_or(0);
    let letter = char::from(b'A' + place as u8).to_string();
    item.prompt = prompt;
    item.fields.insert(GOLD_LETTER.to_owned(), letter.into());
    Ok(())
}

/// The texts of the options, as ranges: after marks such as `A.`, `B)`, `(C)` or `D:` in this order, each to
/// the white space before the next mark, the last to the end of its line.
fn options(prompt: &str) -> Option<Vec<(usize, usize)>> {
    let second = mark(prompt, 'B', 0)?;
    // The last one before it, for the question may end in "vitamin A.".
    let mut first = mark(&prompt[..second.0], 'A', 0)?;
    while let Some(later) = mark(&prompt[..second.0], 'A', first.1) {
        first = later;
    }
    let mut marks = vec![first, second];
    for (letter, before) in [('C', 1), ('D', 2)] {
        let Some(next) = marks.get(before).and_then(|&(_, end)| mark(prompt, letter, end)) else {
            break;
        };
        marks.push(next);
    }
    let ends = marks[1..].iter().map(|&(start, _)| start).chain([prompt.len()]);
    let texts = marks.iter().zip(ends).enumerate().map(|(index, (&(_, after), end))| {
        let text = &prompt[after..end];
        let text = if index + 1 == marks.len() { text.lines().next().unwrap_or("") } else { text };
        let lead = text.len() - text.trim_start().len();
        (after + lead, after + lead + text.trim().len())
    });
    Some(texts.collect())
}

/// Where the mark of a letter begins and ends, at the beginning of a word.
fn mark(prompt: &str, letter: char, from: usize) -> Option<(usize, usize)> {
    let bytes = prompt.as_bytes();
    prompt[from..].match_indices(letter).map(|(at, _)| from + at).find_map(|at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let closed = bytes.get(at + 1).is_some_and(|byte| matches!(byte, b'.' | b')' | b':'));
        let (open, start) = match before {
            None => (true, at),
            Some(b'(') => (true, at - 1),
            Some(byte) => (byte.is_ascii_whitespace(), at),
        };
        (open && closed).then_some((start, at + 2))
    })
}
