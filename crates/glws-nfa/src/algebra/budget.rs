//! What an operation may spend before it stops with an error.

use crate::error::{Error, Result};

/// Most elementary steps (table cells, subset members, arcs made) of one operation: seconds of one
/// core and a few hundred megabytes.
const MAX_STEPS: usize = 1 << 26;

/// The states and steps that an operation has left.
#[derive(Debug)]
pub(crate) struct Budget {
    operation: &'static str,
    max_states: usize,
    steps: usize,
}

impl Budget {
    /// A fresh budget for an operation, which errors name.
    pub(crate) fn new(operation: &'static str, max_states: usize) -> Self {
        Self { operation, max_states, steps: MAX_STEPS }
    }

    /// Checks that an automaton of `count` states is allowed.
    pub(crate) fn states(&self, count: usize) -> Result<()> {
        if count > self.max_states {
            let Self { operation, max_states: limit, .. } = *self;
            return Err(Error::TooManyStates { operation, num_states: count, limit });
        }
        Ok(())
    }

    /// Takes `count` steps.
    pub(crate) fn spend(&mut self, count: usize) -> Result<()> {
        match self.steps.checked_sub(count) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Error::TooManySteps { operation: self.operation, limit: MAX_STEPS }),
        }
    }
}
