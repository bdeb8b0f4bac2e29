use rustc_hash::FxHashMap;

use super::Deduplicated;

/// A text in lower case, its words separated by one blank, without punctuation.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

/// Drops texts whose [`normalised`] form came before.
pub fn exact<S: AsRef<str>>(texts: &[S]) -> Deduplicated {
    let mut first: FxHashMap<String, usize> = FxHashMap::default();
    let mut found = Deduplicated::default();
    for (index, text) in texts.iter().enumerate() {
        match first.entry(normalised(text.as_ref())) {
            std::collections::hash_map::Entry::Occupied(of) => {
                found.dropped.push((index, *of.get()));
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(index);
                found.kept.push(index);
            }
        }
    }
    found
}
