//! Whether a string can have two accepting paths.

use super::product::product;
use super::{Budget, EpsilonNfa};
use crate::error::{Error, Result};
use crate::nfa::Nfa;

/// Most pairs of states that the test looks at.
const MAX_PAIRS: usize = 1 << 22;

impl Nfa {
    /// Whether some string has two accepting paths, so that sums over paths count it twice.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let zeros = Nfa::from_regex("0*", 2)?;
    /// assert!(!zeros.is_ambiguous()?);
    /// assert!(zeros.union(&zeros)?.is_ambiguous()?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::ambiguous_string`].
    pub fn is_ambiguous(&self) -> Result<bool> {
        Ok(self.ambiguous_string()?.is_some())
    }

    /// A string with two accepting paths, if there is one.
    ///
    /// In the product of the trimmed automaton with itself, two paths of one string are a walk that
    /// leaves the diagonal. The answer is kept, so that asking again costs nothing.
    ///
    /// # Errors
    /// [`Error::TooManyStates`](crate::Error::TooManyStates) beyond 2^22 reachable pairs of states,
    /// and [`Error::TooManySteps`](crate::Error::TooManySteps).
    pub fn ambiguous_string(&self) -> Result<Option<Vec<usize>>> {
        self.ambiguity.0.get_or_init(|| self.find_ambiguous_string()).clone()
    }

    /// Refuses an automaton whose sums over paths are no sums over strings.
    pub(crate) fn check_unambiguous(&self, operation: &'static str) -> Result<()> {
        match self.ambiguity.0.get_or_init(|| self.find_ambiguous_string()) {
            Ok(None) => Ok(()),
            Ok(Some(string)) => Err(Error::Ambiguous { operation, sequence: string.clone() }),
            Err(error) => Err(error.clone()),
        }
    }

    fn find_ambiguous_string(&self) -> Result<Option<Vec<usize>>> {
        let nfa = EpsilonNfa::from_nfa(self).trim();
        if nfa.is_deterministic() {
            return Ok(None);
        }
        if let Some(string) = nfa.doubled_arc() {
            return Ok(Some(string.into_iter().map(|symbol| symbol as usize).collect()));
        }
        let mut budget = Budget::new("ambiguity test", MAX_PAIRS);
        let square = product(&nfa, &nfa, &mut budget)?;
        let useful = square.nfa.useful();
        let mut off_diagonal = vec![false; square.pairs.len()];
        for (state, &(left, right)) in square.pairs.iter().enumerate() {
            off_diagonal[state] = useful[state] && left != right;
        }
        let starts: Vec<u32> = square.nfa.initial.iter().map(|&(state, _)| state).collect();
        let Some((mut string, middle)) = square.nfa.shortest_walk(&starts, &off_diagonal) else {
            return Ok(None);
        };
        let mut accepting = vec![false; square.pairs.len()];
        square.nfa.finals.iter().for_each(|&(state, _)| accepting[state as usize] = true);
        // A walk exists, because the pair is useful.
        if let Some((suffix, _)) = square.nfa.shortest_walk(&[middle], &accepting) {
            string.extend(suffix);
        }
        Ok(Some(string.into_iter().map(|symbol| symbol as usize).collect()))
    }

    /// Whether there is one start and no state has two arcs on one class.
    pub fn is_deterministic(&self) -> bool {
        EpsilonNfa::from_nfa(self).is_deterministic()
    }
}

impl EpsilonNfa {
    /// For an automaton without ε-arcs.
    pub(super) fn is_deterministic(&self) -> bool {
        let mut labels: Vec<(u32, Option<u32>)> =
            self.arcs.iter().map(|arc| (arc.from, arc.symbol)).collect();
        labels.sort_unstable();
        self.initial.len() <= 1 && labels.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// For a trimmed automaton: a string through two arcs with the same ends and symbol.
    fn doubled_arc(&self) -> Option<Vec<u32>> {
        let mut arcs: Vec<(u32, Option<u32>, u32)> =
            self.arcs.iter().map(|arc| (arc.from, arc.symbol, arc.to)).collect();
        arcs.sort_unstable();
        let (from, symbol, to) = arcs.windows(2).find(|pair| pair[0] == pair[1])?[0];
        let starts: Vec<u32> = self.initial.iter().map(|&(state, _)| state).collect();
        let mut goal = vec![false; self.num_states];
        goal[from as usize] = true;
        let (mut string, _) = self.shortest_walk(&starts, &goal)?;
        string.extend(symbol);
        goal.fill(false);
        self.finals.iter().for_each(|&(state, _)| goal[state as usize] = true);
        let (suffix, _) = self.shortest_walk(&[to], &goal)?;
        string.extend(suffix);
        Some(string)
    }
}
