//! Open questions answered by two models, compared by a third: the part of CultureLLM's evaluation that
//! has no labels.

use assay_language::parse::{self, Verbaliser};
use assay_language::{Request, Response, RunConfig, TextModel};
use assay_score::{BootstrapConfig, BootstrapReport};
use serde::{Deserialize, Serialize};

use crate::measure::{distinct, lengths, self_bleu};
use crate::pipeline::lasting;
use crate::{Error, Result, prompt};

const OPERATION: &str = "open-ended comparison";

/// Open questions, and how they are put.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenEnded {
    /// The culture that the system message and the judge's question name; `None` for none.
    pub culture: Option<String>,
    /// The questions.
    pub questions: Vec<String>,
    /// The temperature of the answers; the judge is asked at 0.
    pub temperature: f64,
    /// The seed of the answers.
    pub seed: u64,
}

/// Who answers and who judges.
#[derive(Clone, Copy)]
pub struct Contest<'a> {
    /// The model in question.
    pub ours: &'a dyn TextModel,
    /// The model it is compared with.
    pub theirs: &'a dyn TextModel,
    /// The judge.
    pub judge: &'a dyn TextModel,
}

impl std::fmt::Debug for Contest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contest")
            .field("ours", &self.ours.id())
            .field("theirs", &self.theirs.id())
            .field("judge", &self.judge.id())
            .finish()
    }
}

/// What became of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Both times ours was better.
    Win,
    /// Both times theirs was better.
    Loss,
    /// Both times they were alike, or one time and the other time not.
    Tie,
    /// Each time the answer in the same place was better: the judge looks at places.
    ByPlace,
    /// A verdict could not be read, or the judge failed.
    Unread,
    /// A model failed to answer.
    Unanswered,
}

/// One model's answers, without a judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Requests that failed.
    pub failed: usize,
    /// Answers without a word.
    pub empty: usize,
    /// Answers that decline.
    pub refusals: usize,
    /// Words an answer, on average; `None` without answers.
    pub words: Option<f64>,
    /// The share of word pairs that are different ones, over all answers.
    pub distinct_2: f64,
    /// Self-BLEU-4; `None` for fewer than two answers.
    pub self_bleu: Option<f64>,
}

/// What [`compare`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// One a question.
    pub outcomes: Vec<Outcome>,
    /// Questions won.
    pub wins: usize,
    /// Questions lost.
    pub losses: usize,
    /// Questions undecided, those decided by place included.
    pub ties: usize,
    /// Wins less losses, over wins, losses and ties, from −1 to 1, with its interval over questions;
    /// `None` when nothing was judged.
    pub win_rate: Option<BootstrapReport>,
    /// The answers of the model in question.
    pub ours: Answers,
    /// The answers of the other.
    pub theirs: Answers,
}

/// Puts every question to two models and both answers to a judge, twice with their places exchanged,
/// because judges favour places (Zheng et al. 2023): a win is a win both times.
///
/// The published figure shows win rates above and below zero against a baseline, hence wins less
/// losses over all; the published code judges each pair once, in one order.
///
/// ```
/// use assay_language::{Response, RunConfig, Scripted};
/// use assay_score::BootstrapConfig;
/// use culture_augment::open_ended::{Contest, OpenEnded, compare};
/// let task = OpenEnded {
///     culture: Some("North".into()),
///     questions: vec!["How do you greet a guest?".into(), "What is a good life?".into()],
///     temperature: 0.7,
///     seed: 1,
/// };
/// let ours = Scripted::always("With tea and bread, as my parents did.");
/// let theirs = Scripted::always("Hello.");
/// let judge = Scripted::new(|request, _| {
///     let tea = request.prompt().find("tea").unwrap_or(0);
///     let first = request.prompt().find("Hello").is_some_and(|hello| tea < hello);
///     Ok(Response::new(if first { "FIRST" } else { "SECOND" }))
/// });
/// let contest = Contest { ours: &ours, theirs: &theirs, judge: &judge };
/// let found = compare(&task, contest, BootstrapConfig::new(), &RunConfig::new())?;
/// assert_eq!((found.wins, found.win_rate.unwrap().estimate), (2, 1.0));
/// # Ok::<(), culture_augment::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without questions or for one without a word; [`Error::Score`] for settings of the
/// bootstrap that it refuses; [`Error::Language`] when the run is cancelled or a model fails for good. A
/// failed request is counted, not fatal.
pub fn compare(
    task: &OpenEnded,
    contest: Contest<'_>,
    bootstrap: BootstrapConfig,
    run: &RunConfig,
) -> Result<Comparison> {
    if task.questions.is_empty() {
        return Err(Error::Empty { operation: OPERATION, item: "question" });
    }
    if task.questions.iter().any(|question| question.trim().is_empty()) {
        return Err(Error::Empty { operation: OPERATION, item: "word in every question" });
    }
    let bootstrap = bootstrap.init()?;
    let ours = task.answers(contest.ours, run)?;
    let theirs = task.answers(contest.theirs, run)?;

    // Both orders of every pair that there is.
    let mut requests = Vec::new();
    for ((question, ours), theirs) in task.questions.iter().zip(&ours).zip(&theirs) {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            requests.push(task.judgement(question, ours, theirs));
            requests.push(task.judgement(question, theirs, ours));
        }
    }
    let verbaliser = Verbaliser::new([
        ("FIRST", &["FIRST"][..]),
        ("SECOND", &["SECOND"][..]),
        ("TIE", &["TIE", "tied", "equal"][..]),
    ])?;
    let mut verdicts = Vec::with_capacity(requests.len());
    for verdict in run.collect(contest.judge, requests, |_| ())? {
        match verdict {
            Ok(answer) => verdicts.push(verbaliser.read(answer.text()).label()),
            Err(error) if lasting(&error) => return Err(error.into()),
            Err(_) => verdicts.push(None),
        }
    }
    let mut pairs = verdicts.chunks_exact(2);
    let outcomes: Vec<Outcome> = ours
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| {
            if ours.is_none() || theirs.is_none() {
                return Outcome::Unanswered;
            }
            match pairs.next() {
                Some([Some(0), Some(1)]) => Outcome::Win,
                Some([Some(1), Some(0)]) => Outcome::Loss,
                Some([Some(0), Some(0)] | [Some(1), Some(1)]) => Outcome::ByPlace,
                Some([Some(_), Some(_)]) => Outcome::Tie,
                _ => Outcome::Unread,
            }
        })
        .collect();
    let scores: Vec<f64> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Win => Some(1.0),
            Outcome::Loss => Some(-1.0),
            Outcome::Tie | Outcome::ByPlace => Some(0.0),
            Outcome::Unread | Outcome::Unanswered => None,
        })
        .collect();
    let count = |score: f64| scores.iter().filter(|&&s| s == score).count();
    Ok(Comparison {
        wins: count(1.0),
        losses: count(-1.0),
        ties: count(0.0),
        win_rate: if scores.is_empty() { None } else { Some(bootstrap.mean(&scores)?) },
        ours: Answers::of(&ours)?,
        theirs: Answers::of(&theirs)?,
        outcomes,
    })
}

impl OpenEnded {
    /// A model's answers; `None` where a request failed.
    fn answers(&self, model: &dyn TextModel, run: &RunConfig) -> Result<Vec<Option<String>>> {
        let requests = self.questions.iter().map(|question| {
            let request = Request::new(question)
                .with_temperature(self.temperature)
                .with_seed(self.seed)
                .with_sample(self.seed);
            match &self.culture {
                Some(culture) => request.with_system(prompt::system(culture)),
                None => request,
            }
        });
        let answer = |answer: Result<Response, assay_language::Error>| match answer {
            Ok(answer) => Ok(Some(answer.text().to_owned())),
            Err(error) if lasting(&error) => Err(error.into()),
            Err(_) => Ok(None),
        };
        run.collect(model, requests, |_| ())?.into_iter().map(answer).collect()
    }

    /// The question to the judge. Answers stand between marks, so that one that speaks to the judge can
    /// be told from the question.
    fn judgement(&self, question: &str, first: &str, second: &str) -> Request {
        let fits = match &self.culture {
            Some(culture) => {
                format!("answers the question as people of the culture {culture} would")
            }
            None => "answers the question better".to_owned(),
        };
        Request::new(format!(
            "Compare two answers to a question. Which one {fits}? Just say \"FIRST\", \"SECOND\" or \
             \"TIE\" without explanation.\n<question>\n{question}\n</question>\n<first>\n{first}\n\
             </first>\n<second>\n{second}\n</second>"
        ))
        .with_temperature(0.0)
    }
}

impl Answers {
    fn of(answers: &[Option<String>]) -> Result<Self> {
        let texts: Vec<&str> = answers.iter().flatten().map(String::as_str).collect();
        let bleu = if texts.len() > 1 { Some(self_bleu(&texts, 4)?.mean) } else { None };
        Ok(Self {
            failed: answers.len() - texts.len(),
            empty: texts.iter().filter(|text| text.trim().is_empty()).count(),
            refusals: texts.iter().filter(|text| parse::is_refusal(text)).count(),
            words: lengths(&texts).map(|lengths| lengths.mean),
            distinct_2: distinct(&texts, 2)?.value,
            self_bleu: bleu,
        })
    }
}
