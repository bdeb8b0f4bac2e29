//! Automata of the constraints that have names.
//!
//! [`marginals`](crate::marginals()) does not build these for a [`Constraint`](crate::Constraint)
//! that has a kernel of its own; they are for combining, drawing and checking.

use crate::error::{Error, Result};
use crate::nfa::{Nfa, NfaBuilder, check_num_states};

impl Nfa {
    /// Every sequence, `.*`.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for `num_classes = 0`.
    pub fn any(num_classes: usize) -> Result<Self> {
        let loops = NfaBuilder::new(1, num_classes).initial(0).accepting(0);
        (0..num_classes).fold(loops, |nfa, class| nfa.arc(0, class, 0)).build()
    }

    /// Exactly `count` instances of `class`: states `0..=count` hold how many were seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], [`Error::ClassOutOfRange`], and [`Error::TooManyStates`] for a `count`
    /// of [`MAX_STATES`](crate::MAX_STATES) or more.
    pub fn count(num_classes: usize, class: usize, count: usize) -> Result<Self> {
        check_class("count", class, num_classes)?;
        let num_states = check_num_states("count", count.checked_add(1))?;
        let mut nfa = NfaBuilder::new(num_states, num_classes).initial(0).accepting(count);
        for state in 0..num_states {
            for other in (0..num_classes).filter(|&c| c != class) {
                nfa = nfa.arc(state, other, state);
            }
            if state < count {
                nfa = nfa.arc(state, class, state + 1);
            }
        }
        nfa.build()
    }

    /// At least one instance of `class`: `.*c.*`.
    ///
    /// # Errors
    /// [`Error::NoClasses`] and [`Error::ClassOutOfRange`].
    pub fn present(num_classes: usize, class: usize) -> Result<Self> {
        check_class("present", class, num_classes)?;
        let mut nfa = NfaBuilder::new(2, num_classes).initial(0).accepting(1).arc(0, class, 1);
        for c in 0..num_classes {
            nfa = if c == class { nfa } else { nfa.arc(0, c, 0) }.arc(1, c, 1);
        }
        nfa.build()
    }

    /// No instance of `class`.
    ///
    /// # Errors
    /// [`Error::NoClasses`] and [`Error::ClassOutOfRange`].
    pub fn absent(num_classes: usize, class: usize) -> Result<Self> {
        check_class("absent", class, num_classes)?;
        let nfa = NfaBuilder::new(1, num_classes).initial(0).accepting(0);
        (0..num_classes).filter(|&c| c != class).fold(nfa, |nfa, c| nfa.arc(0, c, 0)).build()
    }

    /// Two instances of one class.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for `num_classes = 0`.
    pub fn similar(num_classes: usize) -> Result<Self> {
        Self::pair(num_classes, |first, second| first == second)
    }

    /// Two instances of different classes.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for `num_classes = 0`.
    pub fn dissimilar(num_classes: usize) -> Result<Self> {
        Self::pair(num_classes, |first, second| first != second)
    }

    /// State 0, a state for each first class, and the end.
    fn pair(num_classes: usize, accept: impl Fn(usize, usize) -> bool) -> Result<Self> {
        let end = num_classes + 1;
        let mut nfa = NfaBuilder::new(num_classes + 2, num_classes).initial(0).accepting(end);
        for first in 0..num_classes {
            nfa = nfa.arc(0, first, first + 1);
            for second in (0..num_classes).filter(|&second| accept(first, second)) {
                nfa = nfa.arc(first + 1, second, end);
            }
        }
        nfa.build()
    }

    /// Exactly the classes marked `true` occur, each at least once: `2^k` states for `k` present
    /// classes, one for each set of classes seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], and [`Error::TooManyStates`] for more than 22 present classes.
    pub fn presence_vector(present: &[bool]) -> Result<Self> {
        let classes: Vec<usize> = (0..present.len()).filter(|&c| present[c]).collect();
        let num_states =
            check_num_states("presence vector", 1_usize.checked_shl(classes.len() as u32))?;
        let mut nfa =
            NfaBuilder::new(num_states, present.len()).initial(0).accepting(num_states - 1);
        for state in 0..num_states {
            for (bit, &class) in classes.iter().enumerate() {
                nfa = nfa.arc(state, class, state | (1 << bit));
            }
        }
        nfa.build()
    }

    /// Exactly `counts[c]` instances of each class: `Π_c (counts[c] + 1)` states, one for each
    /// vector of counts seen.
    ///
    /// # Errors
    /// [`Error::NoClasses`], and [`Error::TooManyStates`] when the product is above
    /// [`MAX_STATES`](crate::MAX_STATES).
    pub fn count_vector(counts: &[usize]) -> Result<Self> {
        let num_states = check_num_states("count vector", lattice_size(counts))?;
        let mut nfa =
            NfaBuilder::new(num_states, counts.len()).initial(0).accepting(num_states - 1);
        let mut stride = 1;
        for (class, &count) in counts.iter().enumerate() {
            for state in 0..num_states {
                if state / stride % (count + 1) < count {
                    nfa = nfa.arc(state, class, state + stride);
                }
            }
            stride *= count + 1;
        }
        nfa.build()
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
