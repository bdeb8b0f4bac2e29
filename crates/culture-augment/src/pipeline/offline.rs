//! Rules that let the offline model rewrite sentences and list synonyms.

use std::sync::Arc;

use assay_array::random::{Stream, shuffle};
use assay_language::{OfflineModel, Request};

use crate::words::{Pos, Thesaurus};

/// The offline model with rules that answer the prompts of this crate: rewrites by frames and by
/// turning clauses around, synonyms from a thesaurus.
///
/// The rewrites are right but plain; they are there so that everything can be tried, tested and
/// measured without a server.
///
/// ```
/// use assay_language::{Request, TextModel};
/// use culture_augment::{pipeline::offline_model, prompt, words::MiniThesaurus};
/// let model = offline_model(MiniThesaurus);
/// let answer = model.ask(&Request::new(prompt::rewrite("Work is a duty", 3)))?;
/// assert_eq!(answer.text().lines().count(), 3);
/// # Ok::<(), culture_augment::Error>(())
/// ```
pub fn offline_model(thesaurus: impl Thesaurus + 'static) -> OfflineModel {
    let thesaurus: Arc<dyn Thesaurus> = Arc::new(thesaurus);
    let name = format!("culture-augment offline 1, {}", thesaurus.id());
    OfflineModel::new()
        .with_name(name)
        .with_rule(move |request, _| synonyms(request, thesaurus.as_ref()))
        .with_rule(rewrites)
}

/// Answers [`prompt::rewrite`](crate::prompt::rewrite).
fn rewrites(request: &Request, stream: &mut Stream) -> Option<String> {
    let rest = request.prompt().strip_prefix("Could you generate ")?;
    let (count, rest) = rest.split_once(' ')?;
    let count: usize = count.parse::<usize>().ok()?.min(100);
    let (_, rest) = rest.split_once("with the following sentence: ")?;
    let (sentence, _) = rest.rsplit_once(". Please number the generated sentences")?;
    let mut all = frames(sentence.trim());
    shuffle(stream, &mut all);
    all.truncate(count);
    Some(numbered(&all))
}

/// Answers both prompts for synonyms.
fn synonyms(request: &Request, thesaurus: &dyn Thesaurus) -> Option<String> {
    let prompt = request.prompt();
    let word = if let Some(rest) = prompt.strip_prefix("Please generate 5 Synonyms for the word: ")
    {
        rest.split_once(".This is ")?.0
    } else if prompt.starts_with("Here is a sentence: ") {
        let (_, rest) = prompt.split_once("that can replace the word \"")?;
        rest.split_once('"')?.0
    } else {
        return None;
    };
    let lower = word.to_lowercase();
    let found: Vec<String> = Pos::ALL
        .iter()
        .flat_map(|&pos| thesaurus.synonyms(&lower, pos).to_vec())
        .filter(|synonym| !synonym.contains(' '))
        .take(5)
        .collect();
    Some(if found.is_empty() {
        format!("There is no synonym of \"{word}\".")
    } else {
        numbered(&found)
    })
}

fn numbered(items: &[String]) -> String {
    let lines = items.iter().enumerate().map(|(i, item)| format!("{}. {item}", i + 1));
    lines.collect::<Vec<_>>().join("\n")
}

/// Ways to say a sentence otherwise.
fn frames(sentence: &str) -> Vec<String> {
    let bare = sentence.trim_end_matches(['.', '!', ' ']);
    let mut all = Vec::new();
    if let Some(question) = bare.strip_suffix('?') {
        let question = question.trim_end();
        let inner = lower_first(question);
        for frame in [
            "In your own view, {}?",
            "Tell me: {}?",
            "Seen from your side, {}?",
            "If you had to say, {}?",
            "Speaking for yourself, {}?",
            "To the best of your knowledge, {}?",
            "As far as you can tell, {}?",
        ] {
            all.push(frame.replace("{}", &inner));
        }
        if let Some(rest) = inner.strip_prefix("how often do ") {
            all.push(format!("Could you say how often {rest}?"));
            all.push(format!("I would like to know how often {rest}. Can you tell me?"));
        }
        if let Some(rest) = inner.strip_prefix("should ")
            && let Some((subject, verb)) = rest.split_once(" have ")
        {
            all.push(format!("Do you think that {subject} should have {verb}?"));
        }
        if let Some((main, reason)) = question.split_once(" because ") {
            all.push(format!("Because {reason}, {}?", lower_first(main)));
        }
    } else {
        let inner = lower_first(bare);
        for frame in [
            "It is true that {}.",
            "In my view, {}.",
            "I would say that {}.",
            "Many people hold that {}.",
            "It can be said that {}.",
            "As I see it, {}.",
            "There is no doubt that {}.",
            "To my mind, {}.",
        ] {
            all.push(frame.replace("{}", &inner));
        }
        for (joint, fronted) in [
            (" because ", "Because"),
            (" although ", "Although"),
            (" when ", "When"),
            (" if ", "If"),
        ] {
            if let Some((main, clause)) = bare.split_once(joint) {
                all.push(format!("{fronted} {clause}, {}.", lower_first(main)));
            }
        }
        if let Some((subject, rest)) = bare.split_once(" is ")
            && !subject.contains([',', ' '])
        {
            all.push(format!("What {} is, is {rest}.", lower_first(subject)));
        }
        if let Some((left, right)) = bare.split_once(" and ")
            && left.split(' ').count() > 3
            && right.split(' ').count() > 3
        {
            all.push(format!("On the one hand {}, on the other hand {right}.", lower_first(left)));
        }
    }
    all
}

/// The sentence with its first letter small, unless the first word is `I` or looks like a name.
fn lower_first(sentence: &str) -> String {
    let first = sentence.split([' ', '\'', '’']).next().unwrap_or("");
    if first == "I" || first.chars().filter(|c| c.is_uppercase()).count() > 1 {
        return sentence.to_owned();
    }
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}
