use super::Judge;
use crate::task::Item;
use crate::{Outcome, Result};

/// Asks the second judge only where the first has no verdict: rules first, a model for the rest.
#[derive(Debug, Clone)]
pub struct Cascade<A, B> {
    first: A,
    second: B,
}

impl<A: Judge, B: Judge> Cascade<A, B> {
    /// Puts one judge behind another.
    pub fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Judge, B: Judge> Judge for Cascade<A, B> {
    fn id(&self) -> String {
        format!("{}, then {}", self.first.id(), self.second.id())
    }

    fn judge(&self, item: &Item, answer: &str) -> Result<Outcome> {
        match self.first.judge(item, answer)? {
            Outcome::Label(label) => Ok(Outcome::Label(label)),
            _ => self.second.judge(item, answer),
        }
    }
}
