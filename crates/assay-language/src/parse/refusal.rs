const BEGINNINGS: &[&str] = &[
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't provide",
    "i cannot provide",
    "i can't answer",
    "i cannot answer",
    "i won't ",
    "i will not ",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i can't comply",
    "i cannot comply",
    "i can't do that",
    "i cannot do that",
    "i can't fulfill",
    "i cannot fulfill",
    "i must decline",
    "i have to decline",
    "i'd rather not",
    "i refuse",
    "i'm not comfortable",
    "i am not comfortable",
    "i can't choose",
    "i cannot choose",
    "i can't generate",
    "i cannot generate",
    "i can't create",
    "i cannot create",
    "i can't engage",
    "i cannot engage",
];
const MACHINE: &[&str] = &[
    "don't have personal",
    "do not have personal",
    "don't have opinions",
    "do not have opinions",
    "don't hold personal",
    "do not hold personal",
    "don't have feelings",
    "do not have feelings",
    "can't have opinions",
    "cannot have opinions",
    "don't possess personal",
    "do not possess personal",
];

/// Whether an answer declines to answer: it begins by saying that the speaker cannot or will not, or
/// that it has no opinion because it is a machine.
///
/// The first two sentences are looked at, so that an answer which merely mentions inability later
/// is none. Empty answers are no refusals; they are nothing.
///
/// ```
/// use assay_language::parse::is_refusal;
/// assert!(is_refusal("I'm sorry, but I can't help with that."));
/// assert!(is_refusal("As an AI language model, I do not have personal opinions."));
/// assert!(!is_refusal("3. I cannot imagine a better tea."));
/// ```
pub fn is_refusal(answer: &str) -> bool {
    let lower = answer.trim_start().to_lowercase().replace('’', "'");
    // Sentences end at a mark followed by a blank; two of them decide, and no more than 400 bytes.
    let mut ends = lower.match_indices(['.', '!', '?', '\n']).filter(|(at, _)| {
        lower
            .get(at + 1..)
            .is_none_or(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
    });
    let end = ends.nth(1).map_or(lower.len(), |(at, _)| at);
    let head: String = lower.get(..end).unwrap_or("").chars().take(400).collect();
    if head.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let apologises = ["i'm sorry", "i am sorry", "sorry,", "i apologize", "i apologise"];
    let apology = apologises.iter().any(|start| head.starts_with(start));
    let inability = ["can't", "cannot", "unable", "not able", "won't", "decline"];
    BEGINNINGS.iter().any(|phrase| {
        head.match_indices(phrase).any(|(at, _)| {
            head.get(..at).is_some_and(|before| {
                before.is_empty() || before.ends_with(|c: char| !c.is_alphanumeric())
            })
        })
    }) || MACHINE.iter().any(|phrase| head.contains(phrase))
        || (apology && inability.iter().any(|word| head.contains(word)))
}
