//! How often each arc is taken: what weights learn from.

use assay_array::Scalar;
use ndarray::Array2;

use super::trellis::Forward;
use super::{Bag, Posteriors};
use crate::error::Result;
use crate::semiring::log_add;

/// How often the parts of an automaton are expected to be used by one bag.
///
/// These are also the gradients of `log Z` with respect to the automaton's log weights:
/// `∂ log Z / ∂ w(arc) = Σ_i ξ_i(arc)` with `ξ_i(arc)` the posterior probability that the arc is
/// taken at instance `i`, and `∂ log Z / ∂ λ(q)` and `∂ log Z / ∂ ρ(q)` the posterior probabilities of
/// starting and of ending in `q`.
#[derive(Debug, Clone, PartialEq)]
pub struct PathCounts {
    /// `log Z`.
    pub log_z: f64,
    /// The expected number of times that each arc of [`Nfa::arcs`](crate::Nfa::arcs) is taken, in
    /// that order. They sum to the number of instances.
    pub arcs: Vec<f64>,
    /// The probability that the path starts in each state.
    pub initial: Vec<f64>,
    /// The probability that the path ends in each state.
    pub accepting: Vec<f64>,
}

impl<T: Scalar> Posteriors<'_, T> {
    /// The expected uses of each arc, each start and each end: the gradient of `log Z` with respect
    /// to the automaton's log weights. `None` for an infeasible bag.
    ///
    /// Sums run over paths, also where the automaton is ambiguous.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use glws_nfa::{Bags, Constraint, NfaBuilder, Posteriors};
    /// use ndarray::array;
    ///
    /// // An annotator said "1". T(c, 1), how likely that is if the class is c, is to be learned.
    /// let said_one = NfaBuilder::new(2, 2)
    ///     .initial(0)
    ///     .weighted_arc(0, 0, 1, 0.2_f64.ln())
    ///     .weighted_arc(0, 1, 1, 0.7_f64.ln())
    ///     .accepting(1)
    ///     .build()?;
    /// let logits = array![[0.3_f64, -0.1], [1.0, 0.0]];
    /// let bags = Bags::new(logits.view(), &[1, 1])?; // two annotated instances
    /// let known = vec![Constraint::Automaton(Arc::new(said_one)); 2];
    /// let counts = Posteriors::new(&bags, &known)?.path_counts()?;
    /// // EM's next T(·, 1) is proportional to these; they are also ∂ log Z / ∂ ln T(·, 1).
    /// let expected: f64 = counts.iter().flatten().map(|bag| bag.arcs[1]).sum();
    /// assert!(expected > 1.0 && expected < 2.0);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooManySteps`](crate::Error::TooManySteps) when even the rows that are kept,
    /// `2 √length` × states numbers, are above 2^27.
    pub fn path_counts(&self) -> Result<Vec<Option<PathCounts>>> {
        self.each(|bag| {
            let Some(bag) = bag else { return Ok(None) };
            let mut arcs = vec![0.0; bag.nfa.arcs().len()];
            let ends = bag.backward("path counts", |_, xi| {
                for (sum, xi) in arcs.iter_mut().zip(xi) {
                    *sum += xi;
                }
            })?;
            Ok(ends.map(|ends| PathCounts {
                log_z: ends.log_z,
                arcs,
                initial: ends.initial,
                accepting: ends.accepting,
            }))
        })
    }

    /// `ξ`, of shape `[L, arcs]` for each bag: the probability that each arc of
    /// [`Nfa::arcs`](crate::Nfa::arcs) is taken at each instance. Rows sum to 1. `None` for an
    /// infeasible bag.
    ///
    /// # Errors
    /// [`Error::TooManySteps`](crate::Error::TooManySteps) for an answer of length × arcs above
    /// 2^27.
    pub fn arc_posteriors(&self) -> Result<Vec<Option<Array2<f64>>>> {
        self.each(|bag| {
            let Some(bag) = bag else { return Ok(None) };
            let arcs = bag.nfa.arcs().len();
            bag.check_cells("arc posteriors", arcs)?;
            let mut table = Array2::zeros((bag.length, arcs));
            let ends = bag.backward("arc posteriors", |position, xi| {
                for (cell, &xi) in table.row_mut(position).iter_mut().zip(xi) {
                    *cell = xi;
                }
            })?;
            Ok(ends.map(|_| table))
        })
    }
}

/// Where paths start and end.
struct Ends {
    log_z: f64,
    initial: Vec<f64>,
    accepting: Vec<f64>,
}

impl Bag<'_> {
    /// Goes back from the last instance and shows `ξ_i` of each; `None` when there is no path.
    fn backward(
        &self,
        operation: &'static str,
        mut show: impl FnMut(usize, &[f64]),
    ) -> Result<Option<Ends>> {
        let Some(Forward { mut alpha, log_z }) = self.forward(operation)? else { return Ok(None) };
        let states = self.nfa.num_states();
        let mut beta = self.nfa.final_log_weights().to_vec();
        let mut next = vec![f64::NEG_INFINITY; states];
        let mut xi = vec![0.0; self.nfa.arcs().len()];
        let probability = |alpha: &[f64], beta: &[f64]| -> Vec<f64> {
            alpha.iter().zip(beta).map(|(a, b)| (a + b - log_z).exp()).collect()
        };
        let accepting = probability(alpha.row(self.length), &beta);
        for position in (0..self.length).rev() {
            let alpha = alpha.row(position);
            next.fill(f64::NEG_INFINITY);
            for ((arc, weight), xi) in self.weighted(position).zip(&mut xi) {
                let onward = weight + beta[arc.target];
                next[arc.source] = log_add(next[arc.source], onward);
                *xi = (alpha[arc.source] + onward - log_z).exp();
            }
            // The sum is 1 up to rounding, which grows with |log Z|; dividing by it removes that.
            let total: f64 = xi.iter().sum();
            for xi in &mut xi {
                *xi /= total;
            }
            show(position, &xi);
            std::mem::swap(&mut beta, &mut next);
        }
        let initial = probability(alpha.row(0), &beta);
        Ok(Some(Ends { log_z, initial, accepting }))
    }
}
