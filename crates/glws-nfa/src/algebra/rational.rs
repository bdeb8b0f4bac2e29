//! Union, concatenation, star and its kin.

use super::{Budget, DEFAULT_STATE_CAP, EpsilonNfa};
use crate::error::Result;
use crate::nfa::Nfa;

impl Nfa {
    /// The strings of either; weights are added: log(exp a + exp b).
    ///
    /// The result has the states of both. For two sets it is ambiguous where they overlap, which
    /// [`determinise`](Self::determinise) mends.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let ends = Nfa::from_regex("0.*", 2)?.union(&Nfa::from_regex(".*0", 2)?)?;
    /// assert!(ends.accepts(&[1, 0])? && ends.accepts(&[0, 1])? && !ends.accepts(&[1, 1])?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlphabetMismatch`](crate::Error::AlphabetMismatch), and the caps of
    /// [`DEFAULT_STATE_CAP`].
    pub fn union(&self, other: &Self) -> Result<Self> {
        let (mut left, right) = self.operands(other, "union")?;
        let mut budget = Budget::new("union", DEFAULT_STATE_CAP);
        let offset = left.append(&right, &mut budget)?;
        let moved = |ends: &[(u32, f64)]| -> Vec<(u32, f64)> {
            ends.iter().map(|&(state, weight)| (state + offset, weight)).collect()
        };
        left.initial.extend(moved(&right.initial));
        left.finals.extend(moved(&right.finals));
        left.to_nfa(self.num_classes())
    }

    /// The strings made of one of `self` and then one of `other`; the weights of all splits are
    /// summed.
    ///
    /// # Errors
    /// [`Error::AlphabetMismatch`](crate::Error::AlphabetMismatch), and the caps of
    /// [`DEFAULT_STATE_CAP`].
    pub fn concatenation(&self, other: &Self) -> Result<Self> {
        let (left, right) = self.operands(other, "concatenation")?;
        let mut budget = Budget::new("concatenation", DEFAULT_STATE_CAP);
        let mut nfa = EpsilonNfa::default();
        let start = nfa.state(&budget)?;
        let middle = nfa.state(&budget)?;
        let end = nfa.state(&budget)?;
        nfa.embed(&left, &[start], middle, &mut budget)?;
        nfa.embed(&right, &[middle], end, &mut budget)?;
        nfa.initial.push((start, 0.0));
        nfa.finals.push((end, 0.0));
        nfa.without_epsilon(&mut budget)?.trim().to_nfa(self.num_classes())
    }

    /// Any number of strings of `self`, one after the other: `repeat(0, None)`.
    ///
    /// # Errors
    /// As [`Self::repeat`].
    pub fn star(&self) -> Result<Self> {
        self.repeat(0, None)
    }

    /// At least one string of `self`: `repeat(1, None)`.
    ///
    /// # Errors
    /// As [`Self::repeat`].
    pub fn plus(&self) -> Result<Self> {
        self.repeat(1, None)
    }

    /// The strings of `self` and the empty string: `repeat(0, Some(1))`.
    ///
    /// # Errors
    /// As [`Self::repeat`].
    pub fn optional(&self) -> Result<Self> {
        self.repeat(0, Some(1))
    }

    /// From `low` to `high` strings of `self`, one after the other; any number from `low` when there
    /// is no `high`. Nothing is accepted when `high` is below `low`.
    ///
    /// The weights of all ways to cut a string are summed: Σ over n of selfⁿ.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let pairs = Nfa::from_regex("01|10", 2)?.repeat(1, Some(2))?;
    /// assert!(pairs.accepts(&[0, 1, 1, 0])? && !pairs.accepts(&[0, 1, 1])?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Divergent`](crate::Error::Divergent) for a weighted automaton without `high` that
    /// gives the empty string a log weight of 0 or more, because the sum is then infinite; and the
    /// caps of [`DEFAULT_STATE_CAP`].
    pub fn repeat(&self, low: u32, high: Option<u32>) -> Result<Self> {
        let mut budget = Budget::new("repeat", DEFAULT_STATE_CAP);
        let mut nfa = EpsilonNfa::default();
        let start = nfa.state(&budget)?;
        let end = nfa.state(&budget)?;
        if high.is_none_or(|high| high >= low) {
            let once = EpsilonNfa::from_nfa(self);
            once.repeat(&mut nfa, start, end, (low, high), &mut budget)?;
        }
        nfa.initial.push((start, 0.0));
        nfa.finals.push((end, 0.0));
        nfa.without_epsilon(&mut budget)?.trim().to_nfa(self.num_classes())
    }
}
