//! Automata of the constraints that have names.
//!
//! [`marginals`](crate::marginals()) does not build these for a [`Constraint`](crate::Constraint)
//! that has a kernel of its own; they are for combining, drawing and checking.
//!
//! Each states its language as a regular expression, in which `c` is the class and `n` any other
//! class, `[^c]`. All are deterministic, hence unambiguous, and minimal.

use crate::error::{Error, Result};
use crate::nfa::{Nfa, NfaBuilder, check_num_states};

/// Most arcs of a constructed automaton: half a gigabyte.
const MAX_ARCS: usize = 1 << 24;

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
    /// Every sequence: `.*`. One state.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for `num_classes = 0`.
    pub fn any(num_classes: usize) -> Result<Self> {
        Table::new("any", num_classes, Some(1))?.arcs(0, 0, |_| true).build(&[0])
    }

    /// Exactly one instance, of one of the classes: `[S]`, the partial label S. Two states.
    ///
    /// With the classes up to or from a threshold it is an ordinal "at most" or "at least".
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn one_of(num_classes: usize, classes: &[usize]) -> Result<Self> {
        let table = Table::new("one of", num_classes, Some(2))?;
        for &class in classes {
            check_class("one of", class, num_classes)?;
        }
        table.arcs(0, 1, |class| classes.contains(&class)).build(&[1])
    }

    /// Exactly `count` instances of `class`: `n*(cn*){count}`. States `0..=count` hold how many were
    /// seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`], [`Error::TooManyStates`] for a `count` of
    /// [`MAX_STATES`](crate::MAX_STATES) or more, and [`Error::TooManySteps`] above 2^24 arcs.
    pub fn count(num_classes: usize, class: usize, count: usize) -> Result<Self> {
        Table::counter("count", num_classes, class, count)?.build(&[count])
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
        let table = Table::counter("at least", num_classes, class, count)?;
        table.arc(count, class, count).build(&[count])
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
        let table = Table::counter("between", num_classes, class, high)?;
        let accepting: Vec<usize> = (low..=high).collect();
        table.build(&accepting)
    }

    /// At least one instance of `class`: `.*c.*`, which is `at_least` with a count of 1.
    ///
    /// # Errors
    /// [`Error::NoClasses`] and [`Error::ClassOutOfRange`].
    pub fn present(num_classes: usize, class: usize) -> Result<Self> {
        check_class("present", class, num_classes)?;
        Self::at_least(num_classes, class, 1)
    }

    /// No instance of `class`: `n*`, which is `count` with a count of 0.
    ///
    /// # Errors
    /// [`Error::NoClasses`] and [`Error::ClassOutOfRange`].
    pub fn absent(num_classes: usize, class: usize) -> Result<Self> {
        check_class("absent", class, num_classes)?;
        Self::count(num_classes, class, 0)
    }

    /// Exactly the classes marked `true` occur, each at least once: `2^k` states for `k` present
    /// classes, one for each set of classes seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::TooManyStates`] for more than 22 present classes, and
    /// [`Error::TooManySteps`] above 2^24 arcs.
    pub fn presence_vector(present: &[bool]) -> Result<Self> {
        let classes: Vec<usize> = (0..present.len()).filter(|&c| present[c]).collect();
        let num_states = 1_usize.checked_shl(classes.len() as u32);
        let mut table = Table::new("presence vector", present.len(), num_states)?;
        let num_states = table.num_states;
        for state in 0..num_states {
            for (bit, &class) in classes.iter().enumerate() {
                table = table.arc(state, class, state | (1 << bit));
            }
        }
        table.build(&[num_states - 1])
    }

    /// Exactly `counts[c]` instances of each class: `Π_c (counts[c] + 1)` states, one for each
    /// vector of counts seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::TooManyStates`] when the product is above
    /// [`MAX_STATES`](crate::MAX_STATES), and [`Error::TooManySteps`] above 2^24 arcs.
    pub fn count_vector(counts: &[usize]) -> Result<Self> {
        let mut table = Table::new("count vector", counts.len(), lattice_size(counts))?;
        let num_states = table.num_states;
        let mut stride = 1;
        for (class, &count) in counts.iter().enumerate() {
            for state in 0..num_states {
                if state / stride % (count + 1) < count {
                    table = table.arc(state, class, state + stride);
                }
            }
            stride *= count + 1;
        }
        table.build(&[num_states - 1])
    }

    /// Class `c` at least once, and all its instances side by side: `n*c+n*`. Three states.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn contiguous(num_classes: usize, class: usize) -> Result<Self> {
        Table::about("contiguous", num_classes, class, Some(3))?
            .arcs(0, 0, |other| other != class)
            .arcs(0, 1, |other| other == class)
            .arcs(1, 1, |other| other == class)
            .arcs(1, 2, |other| other != class)
            .arcs(2, 2, |other| other != class)
            .build(&[1, 2])
    }

    /// Class `c` an even number of times, `(n*cn*c)*n*`, or an odd one. Two states.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`].
    pub fn parity(num_classes: usize, class: usize, parity: Parity) -> Result<Self> {
        Table::about("parity", num_classes, class, Some(2))?
            .arcs(0, 0, |other| other != class)
            .arcs(0, 1, |other| other == class)
            .arcs(1, 1, |other| other != class)
            .arcs(1, 0, |other| other == class)
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
        Table::about("no two adjacent", num_classes, class, Some(2))?
            .arcs(0, 0, |other| other != class)
            .arcs(0, 1, |other| other == class)
            .arcs(1, 0, |other| other != class)
            .build(&[0, 1])
    }

    /// Two instances of one class: `00|11|22|…`. C + 2 states.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for `num_classes = 0`, and the limits as in [`Self::count`].
    pub fn similar(num_classes: usize) -> Result<Self> {
        Self::pair("similar", num_classes, |first, second| first == second)
    }

    /// Two instances of different classes: `0[^0]|1[^1]|…`. C + 2 states.
    ///
    /// # Errors
    /// As [`Self::similar`].
    pub fn dissimilar(num_classes: usize) -> Result<Self> {
        Self::pair("dissimilar", num_classes, |first, second| first != second)
    }

    /// Two instances, the first of a class not below that of the second: `00|1[01]|2[0-2]|…`. For
    /// two classes it is pairwise comparison ("the first is at least as positive"), for more
    /// ordinal comparison. C + 2 states.
    ///
    /// # Errors
    /// As [`Self::similar`].
    pub fn not_below(num_classes: usize) -> Result<Self> {
        Self::pair("not below", num_classes, |first, second| first >= second)
    }

    /// State 0, a state for each first class, and the end.
    fn pair(
        operation: &'static str,
        num_classes: usize,
        accept: fn(usize, usize) -> bool,
    ) -> Result<Self> {
        let end = num_classes.saturating_add(1);
        let mut table = Table::new(operation, num_classes, end.checked_add(1))?;
        for first in 0..num_classes {
            table = table.arc(0, first, first + 1);
            table = table.arcs(first + 1, end, |second| accept(first, second));
        }
        table.build(&[end])
    }
}

/// A deterministic automaton in the making; state 0 is the start.
struct Table {
    num_states: usize,
    num_classes: usize,
    nfa: NfaBuilder,
}

impl Table {
    fn new(operation: &'static str, num_classes: usize, num_states: Option<usize>) -> Result<Self> {
        if num_classes == 0 {
            return Err(Error::NoClasses { operation });
        }
        let num_states = check_num_states(operation, num_states)?;
        // Deterministic: at most one arc a state and class.
        if num_states.saturating_mul(num_classes) > MAX_ARCS {
            return Err(Error::TooManySteps { operation, limit: MAX_ARCS });
        }
        let nfa = NfaBuilder::new(num_states, num_classes).initial(0);
        Ok(Self { num_states, num_classes, nfa })
    }

    /// A table for a statement about one class.
    fn about(
        operation: &'static str,
        num_classes: usize,
        class: usize,
        num_states: Option<usize>,
    ) -> Result<Self> {
        check_class(operation, class, num_classes)?;
        Self::new(operation, num_classes, num_states)
    }

    /// States 0 to `count`, as many as the class was seen.
    fn counter(
        operation: &'static str,
        num_classes: usize,
        class: usize,
        count: usize,
    ) -> Result<Self> {
        let mut table = Self::about(operation, num_classes, class, count.checked_add(1))?;
        for seen in 0..=count {
            table = table.arcs(seen, seen, |other| other != class);
            if seen < count {
                table = table.arc(seen, class, seen + 1);
            }
        }
        Ok(table)
    }

    fn arc(mut self, from: usize, class: usize, to: usize) -> Self {
        self.nfa = self.nfa.arc(from, class, to);
        self
    }

    /// An arc on every class that `on` picks.
    fn arcs(self, from: usize, to: usize, on: impl Fn(usize) -> bool) -> Self {
        (0..self.num_classes)
            .filter(|&class| on(class))
            .fold(self, |t, class| t.arc(from, class, to))
    }

    fn build(self, accepting: &[usize]) -> Result<Nfa> {
        let nfa = accepting.iter().fold(self.nfa, |nfa, &state| nfa.accepting(state)).build()?;
        // With one class, some states cannot be reached.
        if self.num_classes == 1 { nfa.trim() } else { Ok(nfa) }
    }
}

/// How many vectors of counts lie below `counts`, or `None` when that overflows.
pub(crate) fn lattice_size(counts: &[usize]) -> Option<usize> {
    counts.iter().try_fold(1_usize, |size, &count| size.checked_mul(count.checked_add(1)?))
}

pub(crate) fn check_class(operation: &'static str, class: usize, num_classes: usize) -> Result<()> {
    if num_classes == 0 {
        return Err(Error::NoClasses { operation });
    }
    if class >= num_classes {
        return Err(Error::ClassOutOfRange { operation, class, num_classes });
    }
    Ok(())
}
