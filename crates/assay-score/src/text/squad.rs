//! Exact match and token F1 with the normalisation of SQuAD.

use std::collections::HashMap;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::f1;
use super::words::{lower, words};
use crate::{Error, Result};

/// A text as the SQuAD script compares it (Rajpurkar et al. 2016): lower case, ASCII punctuation
/// deleted (not replaced: "U.S." becomes "us"), the words a, an and the removed, white space joined.
///
/// ```
/// assert_eq!(assay_score::text::squad_normalize("The Eiffel  Tower!"), "eiffel tower");
/// ```
pub fn squad_normalize(text: &str) -> String {
    let text: String = lower(text).chars().filter(|c| !c.is_ascii_punctuation()).collect();
    // A word here is what `\b` of Python's regular expressions bounds: other characters, such as
    // curly quotes, part "the" from them and stay.
    let mut kept = String::with_capacity(text.len());
    let mut rest = &text[..];
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(word);
        kept.push_str(if matches!(head, "a" | "an" | "the") { " " } else { head });
        let gap = tail.find(is_word).unwrap_or(tail.len());
        kept.push_str(&tail[..gap]);
        rest = &tail[gap..];
    }
    let mut joined = String::with_capacity(kept.len());
    for word in words(&kept) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// Python's `\w`: letters and numbers, but not the marks that Rust also calls alphabetic.
fn is_word(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    c == '_' || matches!(c.general_category_group(), Letter | Number)
}

/// Whether the normalised prediction equals one of the normalised references.
///
/// # Errors
/// [`Error::Empty`] for no reference.
pub fn exact_match(prediction: &str, references: &[&str]) -> Result<bool> {
    if references.is_empty() {
        return Err(Error::Empty { operation: "exact match", item: "reference" });
    }
    let prediction = squad_normalize(prediction);
    Ok(references.iter().any(|reference| squad_normalize(reference) == prediction))
}

/// The F1 of the normalised tokens of the prediction and of the reference that suits it best: 1 where
/// both normalise to nothing, 0 where one does (the rule of SQuAD 2).
///
/// ```
/// use assay_score::text::squad_f1;
/// let f1 = squad_f1("the Eiffel Tower in Paris", &["Eiffel Tower", "a tower"])?;
/// assert!((f1 - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), assay_score::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for no reference.
pub fn squad_f1(prediction: &str, references: &[&str]) -> Result<f64> {
    if references.is_empty() {
        return Err(Error::Empty { operation: "token F1", item: "reference" });
    }
    let prediction = squad_normalize(prediction);
    let score = |reference: &&str| token_f1(&prediction, &squad_normalize(reference));
    Ok(references.iter().map(score).fold(0.0, f64::max))
}

fn token_f1(prediction: &str, reference: &str) -> f64 {
    if prediction.is_empty() || reference.is_empty() {
        return f64::from(u8::from(prediction == reference));
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    let mut of_reference = 0;
    for word in words(reference) {
        *left.entry(word).or_default() += 1;
        of_reference += 1;
    }
    let (mut hits, mut of_prediction) = (0, 0);
    for word in words(prediction) {
        of_prediction += 1;
        if let Some(count @ 1..) = left.get_mut(word) {
            *count -= 1;
            hits += 1;
        }
    }
    f1(f64::from(hits) / f64::from(of_prediction), f64::from(hits) / f64::from(of_reference))
}
