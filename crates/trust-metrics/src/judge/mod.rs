//! Who says what an answer means: rules, a classifier, a model, or several of them.

mod cascade;
mod classifier;
mod ensemble;
mod model;
mod rules;

pub use cascade::Cascade;
pub use classifier::Classifier;
pub use ensemble::{Agreement, Ensemble};
pub use model::{JudgeTemplate, ModelJudge};
pub use rules::Rules;

use crate::task::Item;
use crate::{Outcome, Result};

/// Turns an answer into a verdict.
pub trait Judge: Send + Sync {
    /// The name and version in reports: whatever changes verdicts must change it.
    fn id(&self) -> String;

    /// The verdict on a text that is there. A judge that fails says so in the outcome, so that one
    /// bad answer does not end a run.
    ///
    /// # Errors
    /// Only where no answer of the task could be judged, such as for an item without a needed field.
    fn judge(&self, item: &Item, answer: &str) -> Result<Outcome>;
}

impl std::fmt::Debug for dyn Judge + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Judge").field(&self.id()).finish()
    }
}

impl<J: Judge + ?Sized> Judge for &J {
    fn id(&self) -> String {
        (**self).id()
    }

    fn judge(&self, item: &Item, answer: &str) -> Result<Outcome> {
        (**self).judge(item, answer)
    }
}

impl<J: Judge + ?Sized> Judge for Box<J> {
    fn id(&self) -> String {
        (**self).id()
    }

    fn judge(&self, item: &Item, answer: &str) -> Result<Outcome> {
        (**self).judge(item, answer)
    }
}
