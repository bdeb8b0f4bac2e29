use std::borrow::Cow;

use super::{Case, tokens};

/// `a` or `an` before a word, by its first sound as far as spelling tells it.
///
/// ```
/// use culture_augment::words::article_for;
/// assert_eq!(["hour", "house", "university", "umbrella", "one", "MP"].map(article_for),
///            ["an", "a", "a", "an", "a", "an"]);
/// ```
pub fn article_for(word: &str) -> &'static str {
    const VOWEL_SOUND: &[&str] = &["heir", "honest", "honor", "honour", "hour"];
    const CONSONANT_SOUND: &[&str] = &[
        "eu", "ewe", "once", "one", "ubiquit", "unan", "uni", "ura", "uro", "usa", "use", "usi",
        "usu", "ute", "uti", "uto",
    ];
    // These begin like the words above but with a vowel's sound.
    const NOT_CONSONANT: &[&str] =
        &["onerous", "unid", "unil", "unim", "unin", "unint", "unana", "unann"];
    let first = word.chars().next();
    if Case::of(word) == Case::Upper {
        // Letters are spelled out: an MP, a UN.
        return if first.is_some_and(|c| "AEFHILMNORSX".contains(c)) { "an" } else { "a" };
    }
    if let Some(digit) = first.filter(char::is_ascii_digit) {
        return if digit == '8' || word.starts_with("11") || word.starts_with("18") {
            "an"
        } else {
            "a"
        };
    }
    let lower = word.to_lowercase();
    let begins = |list: &[&str]| list.iter().any(|start| lower.starts_with(start));
    let vowel = lower.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'è', 'ö', 'ä', 'ü']);
    if begins(VOWEL_SOUND) || (vowel && (begins(NOT_CONSONANT) || !begins(CONSONANT_SOUND))) {
        "an"
    } else {
        "a"
    }
}

/// The text with `a` and `an` as the words after them need it.
pub fn mend_articles(text: &str) -> Cow<'_, str> {
    let words = tokens(text);
    let mut out: Option<String> = None;
    let mut copied = 0;
    for pair in words.windows(2) {
        let [article, next] = pair else { continue };
        let (from, to) = (article.range.end, next.range.start);
        let is_article =
            article.word.eq_ignore_ascii_case("a") || article.word.eq_ignore_ascii_case("an");
        // "a" that is a letter is followed by something else than one blank.
        if !is_article || text.get(from..to) != Some(" ") {
            continue;
        }
        let right = article_for(next.word);
        if article.word.eq_ignore_ascii_case(right) {
            continue;
        }
        let upper = article.word.starts_with('A');
        let right = if upper { Case::Capital.apply(right) } else { right.to_owned() };
        let out = out.get_or_insert_default();
        out.push_str(text.get(copied..article.range.start).unwrap_or(""));
        out.push_str(&right);
        copied = article.range.end;
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(text.get(copied..).unwrap_or(""));
            Cow::Owned(out)
        }
    }
}
