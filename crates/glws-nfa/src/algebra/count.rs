//! How many strings of a length are accepted.

use super::epsilon::log_add;
use super::{DEFAULT_STATE_CAP, EpsilonNfa};
use crate::error::{Error, Result};
use crate::nfa::Nfa;

impl Nfa {
    /// The number of accepted strings of a length; weights do not matter.
    ///
    /// Time: length × arcs, after an ambiguous automaton has been determinised.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let even = Nfa::from_regex("(0*10*1)*0*", 2)?;
    /// assert_eq!(even.count_accepted(7)?, 64);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CountOverflow`] from 2^128 − 1 strings on, where
    /// [`log_count_accepted`](Self::log_count_accepted) goes on; and the caps of the ambiguity test
    /// and of [`DEFAULT_STATE_CAP`].
    pub fn count_accepted(&self, length: usize) -> Result<u128> {
        // Adding sticks at the top, so a path of sums that once overflowed still shows it at its end.
        let count = self.sum_paths(length, 1, 0, u128::saturating_add)?;
        if count == u128::MAX {
            return Err(Error::CountOverflow { length });
        }
        Ok(count)
    }

    /// The natural logarithm of the number of accepted strings of a length; −∞ when there is none.
    ///
    /// # Errors
    /// The caps of the ambiguity test and of [`DEFAULT_STATE_CAP`].
    pub fn log_count_accepted(&self, length: usize) -> Result<f64> {
        self.sum_paths(length, 0.0, f64::NEG_INFINITY, log_add)
    }

    /// The number of accepting paths of an equivalent automaton without ambiguity.
    fn sum_paths<N: Copy + PartialEq>(
        &self,
        length: usize,
        one: N,
        zero: N,
        add: fn(N, N) -> N,
    ) -> Result<N> {
        let nfa = if self.is_ambiguous()? {
            EpsilonNfa::from_nfa(&self.support()?.determinise(DEFAULT_STATE_CAP)?)
        } else {
            EpsilonNfa::from_nfa(self)
        };
        let nfa = nfa.trim();
        let mut paths = vec![zero; nfa.num_states];
        for &(state, _) in &nfa.initial {
            paths[state as usize] = one;
        }
        for _ in 0..length {
            let mut next = vec![zero; nfa.num_states];
            for arc in &nfa.arcs {
                let count = paths[arc.from as usize];
                if count != zero {
                    let sum = &mut next[arc.to as usize];
                    *sum = add(*sum, count);
                }
            }
            // Nothing of this length, and so nothing longer.
            if next.iter().all(|&count| count == zero) {
                return Ok(zero);
            }
            paths = next;
        }
        Ok(nfa.finals.iter().fold(zero, |sum, &(state, _)| add(sum, paths[state as usize])))
    }
}
