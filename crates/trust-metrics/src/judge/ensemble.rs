use assay_score::Mergeable;
use assay_score::classification::{
    Level, MISSING, RatingRows, Ratings, RatingsConfig, RatingsReport,
};

use super::Judge;
use crate::task::Item;
use crate::{Error, Outcome, Result};

/// The verdict of the majority: more than half of the judges, or it is ambiguous. A judge without a
/// verdict has a voice all the same, so that two of three must agree even when one fails.
pub struct Ensemble {
    judges: Vec<Box<dyn Judge>>,
}

impl std::fmt::Debug for Ensemble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ensemble").field(&self.id()).finish()
    }
}

impl Ensemble {
    /// From judges.
    ///
    /// # Errors
    /// [`Error::Empty`] for none.
    pub fn new(judges: Vec<Box<dyn Judge>>) -> Result<Self> {
        if judges.is_empty() {
            return Err(Error::Empty { operation: "ensemble of judges", item: "judge" });
        }
        Ok(Self { judges })
    }

    /// What each judge says.
    ///
    /// # Errors
    /// As the judges.
    pub fn votes(&self, item: &Item, answer: &str) -> Result<Vec<Outcome>> {
        self.judges.iter().map(|judge| judge.judge(item, answer)).collect()
    }
}

impl Judge for Ensemble {
    fn id(&self) -> String {
        let ids: Vec<String> = self.judges.iter().map(Judge::id).collect();
        format!("majority of [{}]", ids.join("; "))
    }

    fn judge(&self, item: &Item, answer: &str) -> Result<Outcome> {
        Ok(majority(&self.votes(item, answer)?))
    }
}

/// The label that more than half of the votes name.
pub(super) fn majority(votes: &[Outcome]) -> Outcome {
    let labels: Vec<&str> = votes.iter().filter_map(Outcome::as_label).collect();
    let most = labels
        .iter()
        .find(|label| 2 * labels.iter().filter(|other| other == label).count() > votes.len());
    match (most, votes) {
        (Some(label), _) => Outcome::label(*label),
        (None, [only]) => only.clone(),
        (None, _) if labels.is_empty() => votes.first().cloned().unwrap_or(Outcome::Unparsed),
        (None, _) => {
            let mut all: Vec<String> = labels.into_iter().map(str::to_owned).collect();
            all.sort();
            all.dedup();
            Outcome::Ambiguous(all)
        }
    }
}

/// How well judges agree on the same answers: Krippendorff's alpha and Fleiss' kappa.
#[derive(Debug, Clone)]
pub struct Agreement {
    labels: Vec<String>,
    ratings: Ratings,
}

impl Agreement {
    /// For judges that give these labels.
    ///
    /// # Errors
    /// Unless there are 2 to 256 labels.
    pub fn new(labels: &[&str]) -> Result<Self> {
        let ratings = RatingsConfig::new(labels.len(), Level::Nominal).init()?;
        Ok(Self { labels: labels.iter().map(|label| (*label).to_owned()).collect(), ratings })
    }

    /// Counts the votes on one answer; whatever is no label counts as missing.
    ///
    /// # Errors
    /// For no votes.
    pub fn add(&mut self, votes: &[Outcome]) -> Result<()> {
        let place = |vote: &Outcome| {
            let index = self.labels.iter().position(|label| vote.as_label() == Some(label));
            index.unwrap_or(MISSING)
        };
        let values: Vec<usize> = votes.iter().map(place).collect();
        self.ratings.update(RatingRows { raters: values.len(), values: &values })?;
        Ok(())
    }

    /// The agreement so far.
    ///
    /// # Errors
    /// For no answers.
    pub fn report(&self) -> Result<RatingsReport> {
        Ok(self.ratings.finish()?)
    }
}
