//! The prompts of CultureLLM's training and evaluation.

use crate::survey::{Kind, SeedQuestion};
use crate::{Error, Result};

/// The system message of a culture, grammar as published.
pub fn system(culture: &str) -> String {
    // "an" whatever follows, as the published code has it.
    format!("You are an {culture} chatbot that know {culture} very well.")
}

/// The question to a model, with the range by the numbers of the scale:
/// `Give me the answer from 1 to 4: Do you agree with …? 1. … You can only choose one option.`
///
/// ```
/// use culture_augment::{prompt, survey::SeedQuestion};
/// let seed = SeedQuestion {
///     topic: "SCIENCE".into(),
///     id: "D1".into(),
///     content: "Robots are helpful".into(),
///     options: "1. Completely disagree 10. Completely agree".into(),
/// };
/// assert_eq!(prompt::question(&seed)?, "Give me the answer from 1 to 10: Do you agree with Robots \
///     are helpful? 1. Completely disagree 10. Completely agree. You can only choose one option.");
/// # Ok::<(), culture_augment::Error>(())
/// ```
///
/// # Errors
/// As [`Scale::parse`](crate::survey::Scale::parse).
pub fn question(seed: &SeedQuestion) -> Result<String> {
    let scale = seed.scale()?;
    Ok(with_range(seed, &scale.low().to_string(), &scale.high().to_string()))
}

/// As [`question`], with the range as the published code takes it: the smallest and the largest of
/// the numbers *as texts*, so that options 2, 9 and 10 run "from 10 to 9".
///
/// # Errors
/// [`Error::Setting`] when the options have no number.
pub fn question_compat(seed: &SeedQuestion) -> Result<String> {
    let numbers = seed.options.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
    let low = numbers.clone().min();
    match (low, numbers.max()) {
        (Some(low), Some(high)) => Ok(with_range(seed, low, high)),
        _ => Err(Error::setting("prompt", "options", "with a number", &seed.options)),
    }
}

fn with_range(seed: &SeedQuestion, low: &str, high: &str) -> String {
    let (content, options) = (&seed.content, &seed.options);
    match seed.kind() {
        Kind::Question => format!(
            "Give me the answer from {low} to {high}: {content} {options}. You can only choose one \
             option."
        ),
        Kind::Statement => format!(
            "Give me the answer from {low} to {high}: Do you agree with {content}? {options}. You can \
             only choose one option."
        ),
    }
}

/// Asks for `n` rewrites of a sentence, as published.
pub fn rewrite(sentence: &str, n: usize) -> String {
    format!(
        "Could you generate {n} sentences that (1) of different sentence structures and (2) of the same \
         meaning with the following sentence: {sentence}. Please number the generated sentences from 1 \
         to {n}."
    )
}

/// Asks for five synonyms of a word, as published: without the sentence that it stands in.
pub fn synonyms_compat(word: &str, penn: &str) -> String {
    format!(
        "Please generate 5 Synonyms for the word: {word}.This is {penn}. Please number the generated \
         sentences from 1 to 5."
    )
}

/// Asks for synonyms that fit a word where it stands.
pub fn synonyms_in_context(word: &str, sentence: &str, n: usize) -> String {
    format!(
        "Here is a sentence: {sentence}\nPlease give {n} single words that can replace the word \
         \"{word}\" in it without changing its meaning, in the same grammatical form. Please number \
         them from 1 to {n} and write nothing else."
    )
}
