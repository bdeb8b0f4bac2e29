use super::Judge;
use crate::task::Item;
use crate::{Error, Outcome, Result};

/// A classifier as a judge: a function from a text to the probability of the first label, `None` where it
/// fails. Whatever computes it, such as a burn module, is the caller's.
///
/// ```
/// use trust_metrics::{Outcome, judge::{Classifier, Judge}};
/// # use trust_metrics::task::Item;
/// # let item = Item { id: "0".into(), prompt: String::new(), fields: Default::default() };
/// let judge = Classifier::new("length", ["long", "short"], 0.5, |text| Some(text.len() as f64 / 100.0))?;
/// assert_eq!(judge.judge(&item, "brief")?, Outcome::label("short"));
/// # Ok::<(), trust_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Classifier<F> {
    id: String,
    labels: [String; 2],
    threshold: f64,
    probability: F,
}

impl<F: Fn(&str) -> Option<f64> + Send + Sync> Classifier<F> {
    /// The first label from the threshold on, the second below.
    ///
    /// # Errors
    /// [`Error::Setting`] for a threshold outside `[0, 1]`.
    pub fn new(
        id: impl Into<String>,
        labels: [&str; 2],
        threshold: f64,
        probability: F,
    ) -> Result<Self> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Error::Setting {
                operation: "classifier",
                name: "threshold",
                expected: "from 0 to 1".to_owned(),
                got: threshold.to_string(),
            });
        }
        Ok(Self { id: id.into(), labels: labels.map(str::to_owned), threshold, probability })
    }
}

impl<F: Fn(&str) -> Option<f64> + Send + Sync> Judge for Classifier<F> {
    fn id(&self) -> String {
        format!("{} at {}", self.id, self.threshold)
    }

    fn judge(&self, _: &Item, answer: &str) -> Result<Outcome> {
        let [first, second] = &self.labels;
        Ok(match (self.probability)(answer) {
            Some(p) if (0.0..=1.0).contains(&p) => {
                Outcome::label(if p >= self.threshold { first } else { second })
            }
            Some(p) => Outcome::JudgeError(format!("the probability {p} is none")),
            None => Outcome::JudgeError("the classifier gave nothing".to_owned()),
        })
    }
}
