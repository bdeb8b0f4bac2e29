//! Open questions, two models and a judge.

use std::cmp::Ordering;

use assay_language::{Error as LanguageError, Request, Response, RunConfig, Scripted, TextModel};
use assay_score::BootstrapConfig;
use culture_augment::Error;
use culture_augment::open_ended::*;

fn task(questions: usize) -> OpenEnded {
    OpenEnded {
        culture: Some("North".into()),
        questions: (0..questions).map(|i| format!("What do you do on day {i}?")).collect(),
        temperature: 0.7,
        seed: 3,
    }
}

fn model(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |request, _| match answer(request.prompt()) {
        Some(text) => Ok(Response::new(text)),
        None => Err(LanguageError::Connection { problem: "down".into() }),
    })
}

/// The answer between two marks of the judge's prompt.
fn between<'a>(prompt: &'a str, mark: &str) -> &'a str {
    let (open, close) = (format!("<{mark}>\n"), format!("\n</{mark}>"));
    prompt.split_once(&open).unwrap().1.split_once(&close).unwrap().0
}

/// Prefers the longer answer.
fn fair() -> Scripted {
    model(|prompt| {
        let length = |mark| between(prompt, mark).len();
        let verdict = match length("first").cmp(&length("second")) {
            Ordering::Greater => "FIRST.",
            Ordering::Less => "It is the SECOND.",
            Ordering::Equal => "TIE",
        };
        Some(verdict.to_owned())
    })
}

fn found(task: &OpenEnded, ours: &Scripted, theirs: &Scripted, judge: &Scripted) -> Comparison {
    let contest = Contest { ours, theirs, judge };
    compare(task, contest, BootstrapConfig::new().with_seed(1), &RunConfig::new()).unwrap()
}

/// Long, short or middling by the day's last digit: 0 to 4 long, 5 to 7 short, 8 and 9 as the other.
fn mixed() -> Scripted {
    model(|prompt| {
        let digit = prompt.trim_end_matches('?').chars().last().unwrap();
        Some(match digit {
            '0'..='4' => "I rest with my family and drink tea".to_owned(),
            '5'..='7' => "No".to_owned(),
            _ => "I work all day".to_owned(),
        })
    })
}

#[test]
fn wins_losses_and_ties_are_counted() {
    let theirs = model(|_| Some("I work all day".to_owned()));
    let judge = fair();
    let got = found(&task(40), &mixed(), &theirs, &judge);
    assert_eq!((got.wins, got.losses, got.ties), (20, 12, 8));
    let rate = got.win_rate.unwrap();
    assert!((rate.estimate - 0.2).abs() < 1e-12);
    assert!(rate.interval.lower < 0.2 && rate.interval.upper > 0.2 && rate.interval.upper < 0.6);
    assert_eq!(judge.asked().len(), 80);
    // Exchanging the models changes the sign.
    let other = found(&task(40), &theirs, &mixed(), &fair());
    assert_eq!((other.wins, other.losses, other.ties), (12, 20, 8));
    assert!((other.win_rate.unwrap().estimate + 0.2).abs() < 1e-12);
    // Without a judge: ours says three things, theirs one.
    assert!(got.ours.distinct_2 > got.theirs.distinct_2);
    assert!(got.ours.self_bleu.unwrap() <= got.theirs.self_bleu.unwrap());
    assert_eq!((got.theirs.words, got.theirs.failed), (Some(4.0), 0));
}

#[test]
fn the_culture_is_named_and_seeds_are_kept() {
    let (ours, judge) = (model(|_| Some("yes".into())), fair());
    found(&task(1), &ours, &model(|_| Some("no".into())), &judge);
    let request: &Request = &ours.asked()[0];
    assert!(request.messages[0].content.contains("North"));
    assert_eq!(request.seed, Some(3));
    assert!(judge.asked()[0].prompt().contains("people of the culture North"));
}

#[test]
fn a_judge_that_looks_at_places_decides_nothing() {
    for place in ["FIRST", "SECOND"] {
        let judge = model(move |_| Some(place.to_owned()));
        let got = found(&task(5), &mixed(), &model(|_| Some("x".into())), &judge);
        assert_eq!(got.outcomes, [Outcome::ByPlace; 5]);
        assert_eq!((got.ties, got.win_rate.unwrap().estimate), (5, 0.0));
    }
}

#[test]
fn answers_and_verdicts_may_fail() {
    let ours = model(|prompt| match prompt {
        "What do you do on day 0?" => None,
        "What do you do on day 1?" => Some("I'm sorry, but I cannot help with that.".into()),
        "What do you do on day 2?" => Some("  ".into()),
        _ => Some("FIRST FIRST FIRST".into()),
    });
    let judge = model(|prompt| match between(prompt, "question") {
        "What do you do on day 1?" => None,
        "What do you do on day 3?" => Some("Both are nice.".to_owned()),
        _ => Some("TIE".to_owned()),
    });
    let got = found(&task(5), &ours, &model(|_| Some("x".into())), &judge);
    assert_eq!(
        got.outcomes,
        [Outcome::Unanswered, Outcome::Unread, Outcome::Tie, Outcome::Unread, Outcome::Tie,]
    );
    assert_eq!((got.ours.failed, got.ours.refusals, got.ours.empty), (1, 1, 1));
    let silent = model(|_| None);
    let got = found(&task(3), &silent, &silent, &judge);
    assert!(got.win_rate.is_none() && got.ours.words.is_none() && got.ours.self_bleu.is_none());
}

#[test]
fn bad_tasks_and_lasting_failures() {
    let yes = model(|_| Some("yes".into()));
    let try_with = |task: &OpenEnded, ours: &dyn TextModel| {
        let contest = Contest { ours, theirs: &yes, judge: &yes };
        compare(task, contest, BootstrapConfig::new(), &RunConfig::new())
    };
    assert!(matches!(try_with(&task(0), &yes), Err(Error::Empty { .. })));
    let blank = OpenEnded { questions: vec![" ".into()], ..task(1) };
    assert!(matches!(try_with(&blank, &yes), Err(Error::Empty { .. })));
    let over = Scripted::answers(["one"]);
    assert!(matches!(try_with(&task(3), &over), Err(Error::Language(_))));
}
