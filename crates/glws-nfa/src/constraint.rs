//! What is known of a bag.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::languages::{check_class, lattice_size};
use crate::nfa::{Nfa, check_num_states};

/// What is known of one bag's labels.
///
/// All but [`Automaton`](Self::Automaton) have kernels of their own that give what the automaton of
/// the same name gives, faster.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Label proportion, one class against the rest: exactly `count` instances of `class`.
    Count {
        /// The class counted.
        class: usize,
        /// How many instances have it.
        count: usize,
    },
    /// Label proportions of all classes jointly: exactly `counts[c]` instances of each class.
    CountVector(Vec<usize>),
    /// Multiple instances, positive bag: at least one instance of `class`.
    Present {
        /// The class.
        class: usize,
    },
    /// Multiple instances, negative bag: no instance of `class`.
    Absent {
        /// The class.
        class: usize,
    },
    /// Multiple instances, all classes jointly: exactly the classes marked `true` occur.
    PresenceVector(Vec<bool>),
    /// A pair whose two instances have the same class.
    Similar,
    /// A pair whose two instances have different classes.
    Dissimilar,
    /// Whatever an automaton accepts. It must be unambiguous; see [`Nfa`].
    Automaton(Arc<Nfa>),
}

impl Constraint {
    /// The automaton over `num_classes` classes that says the same; an automaton is itself.
    ///
    /// # Errors
    /// Those of the constructor of the same name: a missing class, an automaton that would be too
    /// large; [`Error::Shape`] for a vector or an automaton of another number of classes.
    ///
    /// ```
    /// use glws_nfa::Constraint;
    /// let nfa = Constraint::Count { class: 1, count: 2 }.automaton(3)?;
    /// assert!(nfa.accepts(&[1, 0, 2, 1])? && !nfa.accepts(&[1, 1, 1])?);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    pub fn automaton(&self, num_classes: usize) -> Result<Arc<Nfa>> {
        let same = |operation, got: usize| {
            if got == num_classes {
                return Ok(());
            }
            Err(Error::Shape { operation, expected: vec![num_classes], got: vec![got] })
        };
        Ok(Arc::new(match self {
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
            Self::Automaton(nfa) => {
                same("classes of the automaton [C]", nfa.num_classes())?;
                return Ok(nfa.clone());
            }
        }))
    }

    /// Whether the statement makes sense for `bag`, which has `length` instances.
    pub(crate) fn check(&self, bag: usize, length: usize, num_classes: usize) -> Result<()> {
        let same = |operation, got: usize| {
            if got == num_classes {
                return Ok(());
            }
            Err(Error::Shape { operation, expected: vec![num_classes], got: vec![got] })
        };
        let pair = |operation| match length {
            2 => Ok(()),
            _ => Err(Error::NotAPair { operation, bag, length }),
        };
        match self {
            Self::Count { class, .. } => check_class("count", *class, num_classes),
            Self::Present { class } => check_class("present", *class, num_classes),
            Self::Absent { class } => check_class("absent", *class, num_classes),
            Self::CountVector(counts) => {
                same("count vector [C]", counts.len())?;
                // Counts that do not sum to the length need no lattice: they are infeasible.
                if counts_sum(counts) == Some(length) {
                    check_num_states("count vector", lattice_size(counts))?;
                }
                Ok(())
            }
            Self::PresenceVector(present) => {
                same("presence vector [C]", present.len())?;
                let classes = present.iter().filter(|&&p| p).count();
                if classes <= length {
                    check_num_states("presence vector", 1_usize.checked_shl(classes as u32))?;
                }
                Ok(())
            }
            Self::Similar => pair("similar"),
            Self::Dissimilar => pair("dissimilar"),
            Self::Automaton(nfa) => same("classes of the automaton [C]", nfa.num_classes()),
        }
    }

    /// Roughly how many nanoseconds the kernel takes, to decide whether threads pay.
    pub(crate) fn cost(&self, length: usize, num_classes: usize) -> usize {
        let instances = length.saturating_mul(num_classes);
        match self {
            Self::Present { .. } | Self::Absent { .. } | Self::Similar | Self::Dissimilar => {
                instances.saturating_mul(2)
            }
            Self::Count { count, .. } => {
                let width = (*count).min(length.saturating_sub(*count)) + 20;
                instances.saturating_mul(5).saturating_add(length.saturating_mul(width) / 4)
            }
            Self::CountVector(counts) => {
                lattice_size(counts).unwrap_or(usize::MAX).saturating_mul(3 * num_classes)
            }
            Self::PresenceVector(present) => {
                let classes = present.iter().filter(|&&p| p).count() as u32;
                instances.saturating_mul(1_usize.checked_shl(classes).unwrap_or(usize::MAX))
            }
            Self::Automaton(nfa) => instances
                .saturating_mul(10)
                .saturating_add(length.saturating_mul(nfa.engine.outgoing.len()).saturating_mul(4)),
        }
    }
}

/// The sum, or `None` when it overflows.
pub(crate) fn counts_sum(counts: &[usize]) -> Option<usize> {
    counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count))
}

/// Why no label sequence of a bag agrees with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Infeasible {
    /// More instances of a class are claimed than the bag has instances.
    CountAboveLength {
        /// The count claimed.
        count: usize,
        /// The bag's size.
        length: usize,
    },
    /// The counts of all classes do not sum to the bag's size.
    CountsSum {
        /// Their sum; `usize::MAX` when that overflows.
        sum: usize,
        /// The bag's size.
        length: usize,
    },
    /// More classes are said to be present than the bag has instances, or none in a bag that has
    /// some.
    PresenceAgainstLength {
        /// How many classes are present.
        present: usize,
        /// The bag's size.
        length: usize,
    },
    /// The class can be neither absent nor counted otherwise: it is the only one.
    OnlyClass,
    /// The automaton accepts no sequence of this length.
    NoPath {
        /// The bag's size.
        length: usize,
    },
}

impl std::fmt::Display for Infeasible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CountAboveLength { count, length } => {
                write!(f, "{count} instances of a class claimed, the bag has {length}")
            }
            Self::CountsSum { sum, length } => {
                write!(f, "the counts sum to {sum}, the bag has {length} instances")
            }
            Self::PresenceAgainstLength { present, length } => {
                write!(f, "{present} classes present, the bag has {length} instances")
            }
            Self::OnlyClass => write!(f, "the only class must have every instance"),
            Self::NoPath { length } => {
                write!(f, "the automaton accepts no sequence of {length} labels")
            }
        }
    }
}
