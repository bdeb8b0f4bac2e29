//! The automaton that says what a constraint says.

use std::sync::Arc;

use ndarray::Array2;

use crate::constraint::Constraint;
use crate::error::{Error, Result};
use crate::nfa::{Nfa, NfaBuilder};

impl Constraint {
    /// An automaton of the same language and weights: for drawing, for combining with others, and to hold
    /// the kernels against the general engine.
    ///
    /// ```
    /// use glws_nfa::Constraint;
    /// let nfa = Constraint::Count { class: 1, count: 3 }.automaton(2)?;
    /// assert_eq!(nfa.num_states(), 4);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the constructors of [`Nfa`] say of classes and sizes; [`Error::Shape`] when a vector or an
    /// automaton has another number of classes, [`Error::LogWeight`] for a weight that is negative or
    /// NaN.
    pub fn automaton(&self, num_classes: usize) -> Result<Arc<Nfa>> {
        let same = |operation, got: usize| {
            if got == num_classes {
                Ok(())
            } else {
                let (expected, got) = (vec![num_classes], vec![got]);
                Err(Error::Shape { operation, expected, got })
            }
        };
        let nfa = match self {
            Self::Count { class, count } => Nfa::count(num_classes, *class, *count)?,
            Self::CountVector(counts) => {
                same("count vector [C]", counts.len())?;
                Nfa::count_vector(counts)?
            }
            Self::Present { class } => Nfa::present(num_classes, *class)?,
            Self::Absent { class } => Nfa::absent(num_classes, *class)?,
            Self::PresenceVector(present) => {
                same("presence vector [C]", present.len())?;
                Nfa::presence_vector(present)?
            }
            Self::Similar => Nfa::similar(num_classes)?,
            Self::Dissimilar => Nfa::dissimilar(num_classes)?,
            Self::Unknown => Nfa::any(num_classes)?,
            Self::Evidence(evidence) => {
                same("evidence [C]", evidence.len())?;
                evidence_loop(evidence)?
            }
            Self::Pair(weights) => {
                same("pair weights [C, C]", weights.nrows())?;
                same("pair weights [C, C]", weights.ncols())?;
                weighted_pair(weights)?
            }
            Self::SoftCount { class, log_weights } => soft_count(num_classes, *class, log_weights)?,
            Self::Automaton(nfa) | Self::Paths(nfa) => {
                same("classes of the automaton [C]", nfa.num_classes())?;
                return Ok(Arc::clone(nfa));
            }
        };
        Ok(Arc::new(nfa))
    }
}

/// One state, and an arc for each class.
fn evidence_loop(evidence: &[f64]) -> Result<Nfa> {
    let nfa = NfaBuilder::new(1, evidence.len()).initial(0).accepting(0);
    let arcs = evidence.iter().enumerate().filter(|(_, e)| **e != 0.0);
    arcs.fold(nfa, |nfa, (class, e)| nfa.weighted_arc(0, class, 0, e.ln())).build()
}

/// State 0, a state for each first class, and the end.
fn weighted_pair(weights: &Array2<f64>) -> Result<Nfa> {
    let classes = weights.nrows();
    let end = classes + 1;
    let mut nfa = NfaBuilder::new(classes + 2, classes).initial(0).accepting(end);
    for first in 0..classes {
        nfa = nfa.arc(0, first, first + 1);
    }
    for ((first, second), &weight) in weights.indexed_iter().filter(|(_, w)| **w != 0.0) {
        nfa = nfa.weighted_arc(first + 1, second, end, weight.ln());
    }
    nfa.build()
}

/// The counting automaton, with a weight for ending at each count.
fn soft_count(num_classes: usize, class: usize, log_weights: &[f64]) -> Result<Nfa> {
    let last = log_weights.iter().rposition(|&w| w > f64::NEG_INFINITY);
    // The constructor checks sizes and classes.
    let hard = Nfa::between(num_classes, class, 0, last.unwrap_or(0))?;
    let mut nfa = NfaBuilder::new(hard.num_states(), num_classes).initial(0);
    for arc in hard.arcs() {
        nfa = nfa.arc(arc.source, arc.class, arc.target);
    }
    for (state, &weight) in log_weights.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
        nfa = nfa.weighted_accepting(state, weight);
    }
    nfa.build()
}
