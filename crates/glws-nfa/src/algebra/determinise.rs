//! Determinisation, minimisation, complement and difference.

use super::epsilon::EpsilonArc;
use super::{Budget, Dfa, EpsilonNfa, Symbols, weighted};
use crate::error::{Error, Result};
use crate::nfa::Nfa;

impl Nfa {
    /// An equivalent automaton with one start and at most one arc per state and class, hence
    /// unambiguous.
    ///
    /// For a set (all weights 0) the subset construction: the same strings, each with weight 0. For a
    /// weighted automaton M. Mohri's construction ("Finite-state transducers in language and speech
    /// processing", 1997) in the log semiring: the same strings, each with the log-sum-exp of its
    /// paths' weights. The latter ends for automata without cycles and for those whose paths with
    /// equal strings differ by bounded factors (the twins property); residual weights closer than
    /// 1e-9 count as equal.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let twice = Nfa::from_regex("0*", 2)?.union(&Nfa::from_regex("0*1", 2)?)?;
    /// let once = twice.determinise(100)?;
    /// assert!(once.is_deterministic() && !once.is_ambiguous()?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooManyStates`] when more than `max_states` are needed, the one from which nothing
    /// is accepted included: n states may become 2^n, and a weighted automaton may have no finite
    /// equivalent at all. [`Error::TooManySteps`].
    pub fn determinise(&self, max_states: usize) -> Result<Self> {
        let mut budget = Budget::new("determinise", max_states);
        if self.is_unweighted() {
            let (dfa, symbols) = self.to_dfa(&mut budget)?;
            return dfa.to_nfa(&symbols, &mut budget);
        }
        let nfa = EpsilonNfa::from_nfa(self).trim();
        weighted::determinise(&nfa, &mut budget)?.trim().to_nfa(self.num_classes())
    }

    /// The smallest deterministic automaton that is equivalent; its states are numbered breadth
    /// first.
    ///
    /// Determinises and then merges states by J. E. Hopcroft's partition refinement (1971); the
    /// weights of a weighted automaton are first pushed so that from every state the shortest
    /// string weighs 0, and those closer than 1e-9 count as equal.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let one = Nfa::from_regex("0*1", 2)?;
    /// assert_eq!(one.union(&one)?.minimise(100)?.num_states(), 2);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::determinise`].
    pub fn minimise(&self, max_states: usize) -> Result<Self> {
        let mut budget = Budget::new("minimise", max_states);
        if self.is_unweighted() {
            let (dfa, symbols) = self.to_dfa(&mut budget)?;
            return dfa.minimise().to_nfa(&symbols, &mut budget);
        }
        let nfa = EpsilonNfa::from_nfa(self).trim();
        let pushed = weighted::push(weighted::determinise(&nfa, &mut budget)?.trim()).0;
        weighted::merge(&pushed, self.num_classes(), &mut budget)?.to_nfa(self.num_classes())
    }

    /// The strings that `self` does not accept; the result is minimal.
    ///
    /// # Errors
    /// [`Error::Weighted`] when a weight is not 0 (take the [`support`](Self::support) first), and
    /// those of [`Self::determinise`].
    pub fn complement(&self, max_states: usize) -> Result<Self> {
        let mut budget = Budget::new("complement", max_states);
        if !self.is_unweighted() {
            return Err(Error::Weighted { operation: "complement" });
        }
        let (dfa, symbols) = self.to_dfa(&mut budget)?;
        dfa.complement().minimise().to_nfa(&symbols, &mut budget)
    }

    /// The strings of `self` that `other` does not accept, with the weights of `self`.
    ///
    /// # Errors
    /// [`Error::AlphabetMismatch`], [`Error::Weighted`] when a weight of `other` is not 0, and those
    /// of [`Self::determinise`].
    pub fn difference(&self, other: &Self, max_states: usize) -> Result<Self> {
        self.same_alphabet(other, "difference")?;
        if !other.is_unweighted() {
            return Err(Error::Weighted { operation: "difference" });
        }
        self.intersection(&other.complement(max_states)?)
    }

    /// The deterministic automaton of the support over the blocks of classes that it tells apart.
    pub(super) fn to_dfa(&self, budget: &mut Budget) -> Result<(Dfa, Symbols)> {
        let symbols = Symbols::told_apart_by(&[self]);
        let nfa = EpsilonNfa::from_nfa(self).trim().over(&symbols);
        Ok((Dfa::from_epsilon(&nfa, symbols.len(), budget)?, symbols))
    }
}

impl EpsilonNfa {
    /// The automaton with blocks in place of the classes in them.
    pub(super) fn over(mut self, symbols: &Symbols) -> Self {
        for arc in &mut self.arcs {
            arc.symbol = arc.symbol.map(|class| symbols.block(class as usize));
        }
        self.arcs.sort_by_key(|arc| (arc.from, arc.symbol, arc.to));
        self.arcs.dedup_by_key(|arc| (arc.from, arc.symbol, arc.to));
        self
    }
}

impl Symbols {
    /// The classes that have the same arcs in all the automata, in one block each.
    pub(super) fn told_apart_by(automata: &[&Nfa]) -> Self {
        let num_classes = automata.first().map_or(0, |nfa| nfa.num_classes());
        let mut arcs_of: Vec<Vec<(usize, u32, u32)>> = vec![Vec::new(); num_classes];
        for (index, nfa) in automata.iter().enumerate() {
            for EpsilonArc { from, symbol, to, .. } in EpsilonNfa::from_nfa(nfa).arcs {
                if let Some(arcs) = symbol.and_then(|class| arcs_of.get_mut(class as usize)) {
                    arcs.push((index, from, to));
                }
            }
        }
        for arcs in &mut arcs_of {
            arcs.sort_unstable();
            arcs.dedup();
        }
        Self::by_signature(arcs_of)
    }
}

impl Dfa {
    /// The automaton over classes, without the states that no accepting path visits.
    pub(crate) fn to_nfa(&self, symbols: &Symbols, budget: &mut Budget) -> Result<Nfa> {
        let mut nfa = self.to_epsilon();
        for arc in std::mem::take(&mut nfa.arcs) {
            let classes = arc.symbol.map_or(&[][..], |block| symbols.classes(block));
            budget.spend(classes.len())?;
            let one_each = classes.iter().map(|&class| Some(class as u32));
            nfa.arcs.extend(one_each.map(|symbol| EpsilonArc { symbol, ..arc }));
        }
        nfa.to_nfa(symbols.num_classes())
    }
}
