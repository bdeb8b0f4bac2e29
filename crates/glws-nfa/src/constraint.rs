//! What is known of a bag.

use std::sync::Arc;

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::kernel::soft_count;
use crate::languages::{check_class, lattice_size};
use crate::nfa::{Nfa, check_num_states};

/// What is known of one bag's labels.
///
/// All but [`Automaton`](Self::Automaton) and [`Paths`](Self::Paths) have kernels of their own that
/// give what the automaton of the same language ([`Constraint::automaton`]) gives, faster.
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
    /// Nothing: `Z = 1`, and the posterior is the prediction.
    Unknown,
    /// Each instance by itself: class `c` weighs `evidence[c]`, which is 0 or more and need not sum
    /// to anything. `Z = Π_i Σ_c p_i(c) e(c)`, `γ_i(c) ∝ p_i(c) e(c)`.
    ///
    /// Ones and zeros make a partial label; `P(observed | c)` makes a noisy one.
    Evidence(Vec<f64>),
    /// A pair whose classes `(a, b)` weigh `weights[[a, b]]`, which is 0 or more; `[C, C]`.
    Pair(Arc<Array2<f64>>),
    /// `k` instances of `class` weigh `exp(log_weights[k])`; a count beyond the list weighs nothing.
    ///
    /// A binomial distribution says that the instances were drawn at random from a population of known
    /// proportion; zeros and `−∞` make an interval.
    SoftCount {
        /// The class counted.
        class: usize,
        /// The log weight of each count, from 0 on.
        log_weights: Vec<f64>,
    },
    /// The sequences that an automaton accepts, with their weights. It must be unambiguous; see
    /// [`Nfa`].
    Automaton(Arc<Nfa>),
    /// The paths of an automaton: a sequence weighs what its paths weigh in sum, as in a hidden Markov
    /// model. The automaton may be ambiguous.
    Paths(Arc<Nfa>),
}

impl From<Nfa> for Constraint {
    fn from(nfa: Nfa) -> Self {
        Self::Automaton(Arc::new(nfa))
    }
}

impl From<Arc<Nfa>> for Constraint {
    fn from(nfa: Arc<Nfa>) -> Self {
        Self::Automaton(nfa)
    }
}

impl Constraint {
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
            Self::Unknown => Ok(()),
            Self::Evidence(evidence) => {
                same("evidence [C]", evidence.len())?;
                check_weights("evidence", evidence)
            }
            Self::Pair(weights) => {
                pair("pair weights")?;
                if weights.dim() != (num_classes, num_classes) {
                    return Err(Error::Shape {
                        operation: "pair weights [C, C]",
                        expected: vec![num_classes; 2],
                        got: weights.shape().to_vec(),
                    });
                }
                check_weights("pair weights", weights.iter())
            }
            Self::SoftCount { class, log_weights } => {
                check_class("soft count", *class, num_classes)?;
                let wrong = |w: &&f64| w.is_nan() || **w == f64::INFINITY;
                if let Some(&log_weight) = log_weights.iter().find(wrong) {
                    return Err(Error::LogWeight { operation: "soft count", log_weight });
                }
                let width = soft_count::width(log_weights, length);
                let cells = width.saturating_mul(length.saturating_add(1));
                if cells > soft_count::MAX_CELLS {
                    let (num_states, limit) = (cells, soft_count::MAX_CELLS);
                    return Err(Error::TooManyStates {
                        operation: "soft count",
                        num_states,
                        limit,
                    });
                }
                Ok(())
            }
            Self::Automaton(nfa) => {
                same("classes of the automaton [C]", nfa.num_classes())?;
                nfa.check_unambiguous("sum over label sequences")
            }
            Self::Paths(nfa) => same("classes of the automaton [C]", nfa.num_classes()),
        }
    }

    /// Roughly how many nanoseconds the kernel takes, to decide whether threads pay.
    pub(crate) fn cost(&self, length: usize, num_classes: usize) -> usize {
        let instances = length.saturating_mul(num_classes);
        match self {
            Self::Present { .. } | Self::Absent { .. } | Self::Similar | Self::Dissimilar => {
                instances.saturating_mul(2)
            }
            Self::Unknown | Self::Evidence(_) => instances.saturating_mul(8),
            Self::Pair(_) => instances.saturating_mul(num_classes + 8),
            Self::SoftCount { log_weights, .. } => instances
                .saturating_mul(5)
                .saturating_add(length.saturating_mul(soft_count::width(log_weights, length)) * 3),
            Self::Count { count, .. } => {
                let width = (*count).min(length.saturating_sub(*count)) + 20;
                instances.saturating_mul(5).saturating_add(length.saturating_mul(width) / 12)
            }
            Self::CountVector(counts) => {
                lattice_size(counts).unwrap_or(usize::MAX).saturating_mul(3 * num_classes)
            }
            Self::PresenceVector(present) => {
                let classes = present.iter().filter(|&&p| p).count() as u32;
                instances.saturating_mul(1_usize.checked_shl(classes).unwrap_or(usize::MAX))
            }
            Self::Automaton(nfa) | Self::Paths(nfa) => instances
                .saturating_mul(6)
                .saturating_add(length.saturating_mul(nfa.engine.outgoing.len()).saturating_mul(2)),
        }
    }
}

fn check_weights<'a>(
    operation: &'static str,
    weights: impl IntoIterator<Item = &'a f64>,
) -> Result<()> {
    match weights.into_iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
        Some(&weight) => Err(Error::Weight { operation, weight }),
        None => Ok(()),
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
    /// Every class, pair of classes or count has weight 0.
    RuledOut,
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
            Self::RuledOut => write!(f, "every class, pair or count has weight 0"),
            Self::NoPath { length } => {
                write!(f, "the automaton accepts no sequence of {length} labels")
            }
        }
    }
}
