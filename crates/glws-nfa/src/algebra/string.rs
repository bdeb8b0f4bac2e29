//! The weight of one string.

use super::epsilon::log_add;
use crate::error::{Error, Result};
use crate::nfa::Nfa;

impl Nfa {
    /// Whether the string has an accepting path.
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`].
    pub fn accepts(&self, string: &[usize]) -> Result<bool> {
        Ok(self.log_weight(string)? > f64::NEG_INFINITY)
    }

    /// The log-sum-exp of the weights of the string's accepting paths; −∞ when there is none, and +∞
    /// when the sum is beyond the range of numbers.
    ///
    /// Of a set (all weights 0) it is the logarithm of the number of paths, so 0 when it is
    /// unambiguous.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let some = Nfa::from_regex("0*1+0*", 2)?;
    /// assert_eq!(some.log_weight(&[0, 1, 0])?, 0.0);
    /// assert_eq!(some.log_weight(&[1, 0, 1])?, f64::NEG_INFINITY);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`].
    pub fn log_weight(&self, string: &[usize]) -> Result<f64> {
        let mut weights = self.initial_log_weights().to_vec();
        for &class in string {
            let num_classes = self.num_classes();
            if class >= num_classes {
                return Err(Error::ClassOutOfRange { operation: "log weight", class, num_classes });
            }
            let mut next = vec![f64::NEG_INFINITY; weights.len()];
            for arc in self.arcs().iter().filter(|arc| arc.class == class) {
                let sum = &mut next[arc.target];
                *sum = log_add(*sum, product(weights[arc.source], arc.log_weight));
            }
            weights = next;
        }
        let ends = weights.iter().zip(self.final_log_weights()).map(|(&a, &b)| product(a, b));
        Ok(ends.fold(f64::NEG_INFINITY, log_add))
    }
}

/// The log weight of two things together: nothing, if one is not there.
fn product(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY { f64::NEG_INFINITY } else { a + b }
}
