//! Constraints on the labels of a bag, as minimal automata.
//!
//! Each constructor states its language as a regular expression, where `c` is the class and `n`
//! stands for any other class, `[^c]`. All are deterministic, so their sums over paths are sums over
//! label sequences.

use crate::algebra::{Budget, DEFAULT_STATE_CAP, EpsilonNfa};
use crate::error::{Error, Result};
use crate::nfa::Nfa;

/// Even or odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Parity {
    /// 0, 2, 4, …
    Even,
    /// 1, 3, 5, …
    Odd,
}

impl Nfa {
    /// Exactly one instance, of one of the classes: `[S]`, the partial label S. Two states.
    ///
    /// With the classes up to or from a threshold it is an ordinal "at most" or "at least".
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn one_of(num_classes: usize, classes: &[usize]) -> Result<Self> {
        let table = Table::new(num_classes, "one_of", 2)?;
        for &class in classes {
            table.check(class)?;
        }
        table.arcs(0, 1, |class| classes.contains(&class))?.build(&[1])
    }

    /// Class `c` at least `count` times: `(n*c){count}.*`. `count + 1` states.
    ///
    /// ```
    /// use glws_nfa::{Nfa, Parity};
    ///
    /// // Of seven binary labels: at least three ones, no two of them side by side, an odd number.
    /// let few = Nfa::at_least(2, 1, 3)?.intersection(&Nfa::no_two_adjacent(2, 1)?)?;
    /// let odd = few.intersection(&Nfa::parity(2, 1, Parity::Odd)?)?;
    /// assert_eq!(few.count_accepted(7)?, 11);
    /// assert_eq!(odd.count_accepted(7)?, 10);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ClassOutOfRange`], and [`Error::TooManyStates`] or [`Error::TooManySteps`] for a count
    /// beyond what an automaton may hold.
    pub fn at_least(num_classes: usize, class: usize, count: usize) -> Result<Self> {
        counter(num_classes, "at_least", class, count, true)?.build(&[count])
    }

    /// Class `c` at most `count` times: `n*(cn*){0,count}`. `count + 1` states.
    ///
    /// # Errors
    /// As [`Self::at_least`].
    pub fn at_most(num_classes: usize, class: usize, count: usize) -> Result<Self> {
        Self::between(num_classes, class, 0, count)
    }

    /// Class `c` from `low` to `high` times: `n*(cn*){low,high}`. `high + 1` states.
    ///
    /// # Errors
    /// As [`Self::at_least`], and [`Error::Interval`] when `low` is above `high`.
    pub fn between(num_classes: usize, class: usize, low: usize, high: usize) -> Result<Self> {
        if low > high {
            return Err(Error::Interval { operation: "between", low, high });
        }
        let accepting: Vec<usize> = (low..=high.min(DEFAULT_STATE_CAP)).collect();
        counter(num_classes, "between", class, high, false)?.build(&accepting)
    }

    /// Class `c` at least once, and all its instances side by side: `n*c+n*`. Three states.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn contiguous(num_classes: usize, class: usize) -> Result<Self> {
        let table = Table::new(num_classes, "contiguous", 3)?;
        table.check(class)?;
        table
            .arcs(0, 0, |other| other != class)?
            .arcs(0, 1, |other| other == class)?
            .arcs(1, 1, |other| other == class)?
            .arcs(1, 2, |other| other != class)?
            .arcs(2, 2, |other| other != class)?
            .build(&[1, 2])
    }

    /// Class `c` an even number of times, `(n*cn*c)*n*`, or an odd one. Two states.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn parity(num_classes: usize, class: usize, parity: Parity) -> Result<Self> {
        let table = Table::new(num_classes, "parity", 2)?;
        table.check(class)?;
        table
            .arcs(0, 0, |other| other != class)?
            .arcs(0, 1, |other| other == class)?
            .arcs(1, 1, |other| other != class)?
            .arcs(1, 0, |other| other == class)?
            .build(match parity {
                Parity::Even => &[0],
                Parity::Odd => &[1],
            })
    }

    /// No two instances of class `c` side by side: `!(.*cc.*)`. Two states.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn no_two_adjacent(num_classes: usize, class: usize) -> Result<Self> {
        let table = Table::new(num_classes, "no_two_adjacent", 2)?;
        table.check(class)?;
        table
            .arcs(0, 0, |other| other != class)?
            .arcs(0, 1, |other| other == class)?
            .arcs(1, 0, |other| other != class)?
            .build(&[0, 1])
    }

    /// Two instances, the first of a class not below that of the second: pairwise comparison for two
    /// classes ("the first is at least as positive"), and ordinal comparison for more. C + 2 states.
    ///
    /// # Errors
    /// As [`Self::similar`].
    pub fn not_below(num_classes: usize) -> Result<Self> {
        pairs(num_classes, "not_below", |first, second| first >= second)
    }
}

/// The pairs of labels for which `holds`.
fn pairs(
    num_classes: usize,
    operation: &'static str,
    holds: fn(usize, usize) -> bool,
) -> Result<Nfa> {
    let mut table = Table::new(num_classes, operation, num_classes.saturating_add(2))?;
    let end = num_classes + 1;
    for first in 0..num_classes {
        table.arc(0, first, 1 + first)?;
        table = table.arcs(1 + first, end, |second| holds(first, second))?;
    }
    table.build(&[end])
}

/// States 0 to `count`, as many as class `c` was seen; the last one stays there if it is `open`.
fn counter(
    num_classes: usize,
    operation: &'static str,
    class: usize,
    count: usize,
    open: bool,
) -> Result<Table> {
    let mut table = Table::new(num_classes, operation, count.saturating_add(1))?;
    table.check(class)?;
    for seen in 0..=count {
        table = table.arcs(seen, seen, |other| other != class)?;
        if seen < count {
            table.arc(seen, class, seen + 1)?;
        }
    }
    if open {
        table.arc(count, class, count)?;
    }
    Ok(table)
}

/// A deterministic automaton in the making; state 0 is the start.
struct Table {
    operation: &'static str,
    num_classes: usize,
    nfa: EpsilonNfa,
    budget: Budget,
}

impl Table {
    fn new(num_classes: usize, operation: &'static str, num_states: usize) -> Result<Self> {
        if num_classes == 0 {
            return Err(Error::NoClasses { operation });
        }
        let budget = Budget::new(operation, DEFAULT_STATE_CAP);
        budget.states(num_states)?;
        Ok(Self {
            operation,
            num_classes,
            nfa: EpsilonNfa { num_states, ..EpsilonNfa::default() },
            budget,
        })
    }

    fn check(&self, class: usize) -> Result<()> {
        let num_classes = self.num_classes;
        if class < num_classes {
            return Ok(());
        }
        Err(Error::ClassOutOfRange { operation: self.operation, class, num_classes })
    }

    fn arc(&mut self, from: usize, class: usize, to: usize) -> Result<()> {
        self.budget.spend(1)?;
        self.nfa.arc(from as u32, Some(class as u32), 0.0, to as u32);
        Ok(())
    }

    /// An arc on every class that `on` picks.
    fn arcs(mut self, from: usize, to: usize, on: impl Fn(usize) -> bool) -> Result<Self> {
        for class in (0..self.num_classes).filter(|&class| on(class)) {
            self.arc(from, class, to)?;
        }
        Ok(self)
    }

    /// Trims, because with one class some states cannot be reached.
    fn build(mut self, accepting: &[usize]) -> Result<Nfa> {
        self.nfa.initial.push((0, 0.0));
        self.nfa.finals.extend(accepting.iter().map(|&state| (state as u32, 0.0)));
        self.nfa.trim().to_nfa(self.num_classes)
    }
}
