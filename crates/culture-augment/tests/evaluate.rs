//! Models on labelled tasks.

use assay_language::{OfflineModel, Response, RunConfig, Scripted};
use culture_augment::Error;
use culture_augment::evaluate::*;

const TABLE: &str = "text,label\nyou fool,OFF\n\"nice, day\",not_off\nidiot,off\n";

fn task() -> Task {
    Task::read(Family::Offensive, TABLE.as_bytes()).unwrap()
}

#[test]
fn every_family_reads_its_own_labels() {
    let entity = || "the minister".to_owned();
    for family in [
        Family::Offensive,
        Family::HateSpeech,
        Family::Abusive,
        Family::Spam,
        Family::Threat,
        Family::Toxicity,
        Family::Bias { entity: entity() },
        Family::Stance { entity: entity() },
    ] {
        let verbaliser = family.verbaliser().unwrap();
        for (number, label) in family.labels().iter().enumerate() {
            assert_eq!(verbaliser.read(label).label(), Some(number), "{family:?} {label}");
            assert_eq!(
                verbaliser.read(&format!("\"{}\".", label.to_lowercase())).label(),
                Some(number)
            );
            assert!(family.prompt("x").contains(&format!("\"{label}\"")));
        }
        assert!(family.prompt("{text} \u{0}").ends_with(": {text} \u{0}"));
    }
    assert_eq!(
        Family::Offensive.prompt("x"),
        "if the following sentence is offensive, just say \"OFF\", otherwise, say \"NOT_OFF\" without \
         explanation: x"
    );
}

#[test]
fn a_perfect_and_a_hopeless_model() {
    let perfect = Scripted::new(|request, _| {
        let good = request.prompt().contains("nice");
        Ok(Response::new(if good { "NOT_OFF" } else { "That is OFF." }))
    });
    let run = RunConfig::new();
    let mut task = task();
    task.culture = Some("North".into());
    task.context = Some("Northern people are polite.".into());
    let found = evaluate(&task, &perfect, 0.7, 3, Parsing::Careful, &run).unwrap();
    assert_eq!((found.mean, found.deviation, found.unread), (1.0, Some(0.0), 0.0));
    let system = &perfect.asked()[0].messages[0].content;
    assert!(system.starts_with("You are an North chatbot") && system.ends_with("polite."));

    let silent = Scripted::always("hm");
    let found = evaluate(&task, &silent, 0.7, 1, Parsing::Compat, &run).unwrap();
    assert_eq!((found.mean, found.deviation, found.unread), (0.0, None, 1.0));
    let down = Scripted::new(|_, _| Err(assay_language::Error::Connection { problem: "x".into() }));
    assert_eq!(evaluate(&task, &down, 0.7, 2, Parsing::Careful, &run).unwrap().failed, 6);
}

#[test]
fn chance_varies_with_the_repetition() {
    let many = Task { items: (0..40).map(|i| (format!("text {i}"), i % 2)).collect(), ..task() };
    let run = RunConfig::new();
    let found = evaluate(&many, &OfflineModel::new(), 0.7, 5, Parsing::Careful, &run).unwrap();
    assert!(found.deviation.unwrap() > 0.0 && (0.2..0.8).contains(&found.mean), "{found:?}");
}

#[test]
fn bad_tasks() {
    let read = |text: &str| Task::read(Family::Spam, text.as_bytes());
    assert!(matches!(read("a,b\n1,2\n"), Err(Error::Column { .. })));
    assert!(matches!(read("text,label\nx,maybe\n"), Err(Error::Line { line: 2, .. })));
    assert!(matches!(read("text,label\n"), Err(Error::Empty { .. })));
    assert!(matches!(read("text,label\nx\n"), Err(Error::Csv(_))));
    let run = RunConfig::new();
    assert!(evaluate(&task(), &OfflineModel::new(), 0.7, 0, Parsing::Careful, &run).is_err());
    let empty = Task { items: Vec::new(), ..task() };
    assert!(evaluate(&empty, &OfflineModel::new(), 0.7, 1, Parsing::Careful, &run).is_err());
}
