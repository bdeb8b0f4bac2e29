//! What CultureLLM's published code does, to reproduce its data. None of it is a default here.

/// `str.replace(word, synonym.lower())`: every occurrence, inside other words too, in lower case.
///
/// ```
/// let filled = culture_augment::compat::replace("The art of starting a party", "art", "Craft");
/// assert_eq!(filled, "The craft of stcrafting a pcrafty");
/// ```
pub fn replace(sentence: &str, word: &str, synonym: &str) -> String {
    sentence.replace(word, &synonym.to_lowercase())
}

/// The probabilities that a word with `synonyms` synonyms is kept, and that it is replaced by a
/// given one: a whole number is drawn from `0..=L+1`, of which two keep the word.
pub fn fill_probabilities(synonyms: usize) -> (f64, f64) {
    let outcomes = synonyms as f64 + 2.0;
    (2.0 / outcomes, 1.0 / outcomes)
}

/// The samples that each of `templates` rewrites gives, `⌊m / templates⌋`, and the total: the
/// remainder is lost. Without rewrites the seed itself is the one template.
pub fn quota(m: usize, templates: usize) -> (usize, usize) {
    let templates = templates.max(1);
    let quota = m / templates;
    (quota, quota * templates)
}

/// The published label of a mean; see
/// [`AnswerRule::CompatOriginal`](crate::survey::AnswerRule::CompatOriginal). `None` for a mean that
/// is not finite.
pub fn label(mean: f64) -> Option<i64> {
    mean.is_finite().then(|| crate::survey::published_label(mean))
}

/// The published "perplexity" of a sentence: that of a bigram model estimated on the sentence itself
/// with `k = 0.5` added to every count, `(∏ (c(w_i w_{i+1}) + k) / (c(w_i) + k V))^(−1/L)` over its
/// `L` words of `V` types, punctuation removed. It is no perplexity of a language.
///
/// In the published code every bigram's count is looked up under a wrong key and is 0; `fixed` looks
/// it up under the right one. `None` without words.
pub fn bigram_perplexity(sentence: &str, fixed: bool) -> Option<f64> {
    const K: f64 = 0.5;
    let bare: String = sentence.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let words: Vec<&str> = bare.split_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    let mut counts = rustc_hash::FxHashMap::<&str, usize>::default();
    let mut pairs = rustc_hash::FxHashMap::<(&str, &str), usize>::default();
    for word in &words {
        *counts.entry(word).or_default() += 1;
    }
    words.windows(2).for_each(|w| *pairs.entry((w[0], w[1])).or_default() += 1);
    let types = counts.len() as f64;
    let logs: f64 = words
        .windows(2)
        .map(|w| {
            let pair = if fixed { pairs.get(&(w[0], w[1])).copied().unwrap_or(0) } else { 0 };
            let first = counts.get(w[0]).copied().unwrap_or(0) as f64;
            ((pair as f64 + K) / (first + K * types)).ln()
        })
        .sum();
    Some((-logs / words.len() as f64).exp())
}
