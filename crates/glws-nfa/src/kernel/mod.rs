//! Hot loops on slices: one bag at a time, `f32` and `f64`, without burn.

// Everything below a dispatch on the processor's instruction set must be inlined into it.
#![allow(clippy::inline_always)]
// Loops over the lanes of a vector: written so that they become one.
#![allow(clippy::needless_range_loop, clippy::needless_bitwise_bool)]

mod binary;
mod count;
mod count_vector;
mod evidence;
mod forward_backward;
pub(crate) mod lanes;
mod lattice;
mod ln;
mod pair;
mod pair_weights;
mod presence;
pub(crate) mod soft_count;
pub(crate) mod softmax;
mod vector;

use std::cell::RefCell;

use assay_array::Scalar;

use self::vector::same_type;

pub(crate) use count::distribution as count_distribution;

use crate::constraint::{Constraint, Infeasible, counts_sum};
use crate::marginals::Outcome;
use crate::nfa::Nfa;

/// Buffers that one thread keeps from bag to bag.
#[derive(Debug, Default)]
pub(crate) struct Workspace<T> {
    binary: binary::Buffers<T>,
    lattice: lattice::Buffers<T>,
    engine: forward_backward::Buffers,
    lanes: lanes::Buffers<T>,
}

thread_local! {
    static WORKSPACES: RefCell<(Workspace<f32>, Workspace<f64>)> = RefCell::default();
}

/// A thread keeps tables of up to this many bytes from call to call, because the system takes longer to
/// give memory than most batches take to compute.
const KEPT_BYTES: usize = 1 << 24;

impl<T: Scalar> Workspace<T> {
    /// Lends this thread's workspace to `work`.
    pub(crate) fn of_this_thread(work: impl FnOnce(&mut Self)) {
        let mut lent = WORKSPACES.take();
        if let Some(workspace) = same_type(&mut lent.0) {
            work(workspace);
        } else if let Some(workspace) = same_type(&mut lent.1) {
            work(workspace);
        }
        if lent.0.bytes() + lent.1.bytes() <= KEPT_BYTES {
            WORKSPACES.set(lent);
        }
    }

    /// The memory of the large tables.
    fn bytes(&self) -> usize {
        self.lattice.bytes() + self.engine.bytes() + self.lanes.bytes()
    }
}

/// One bag's `log Z` and posterior; `posterior` comes in as zeros and stays so for an infeasible bag.
///
/// The constraint has passed [`Constraint::check`].
pub(crate) fn solve<T: Scalar>(
    constraint: &Constraint,
    logits: &[T],
    classes: usize,
    posterior: &mut [T],
    workspace: &mut Workspace<T>,
) -> Outcome {
    let length = logits.len() / classes;
    if let Some(reason) = infeasible(constraint, length, classes) {
        return Outcome::Infeasible(reason);
    }
    let log_z = match constraint {
        Constraint::Unknown => {
            evidence::unknown(logits, classes, posterior);
            Some(0.0)
        }
        Constraint::Evidence(evidence) => Some(evidence::posterior(logits, evidence, posterior)),
        Constraint::Pair(weights) => Some(pair_weights::posterior(logits, weights, posterior)),
        Constraint::SoftCount { class, log_weights } => {
            soft_count::posterior(logits, classes, *class, log_weights, posterior, workspace)
        }
        Constraint::Automaton(nfa) | Constraint::Paths(nfa) => {
            forward_backward::posterior(nfa, logits, posterior, &mut workspace.engine)
        }
        _ if length == 0 => Some(0.0),
        // One class leaves nothing open: whatever is feasible has probability one.
        _ if classes == 1 => {
            posterior.fill(T::ONE);
            Some(0.0)
        }
        Constraint::Count { class, count } => {
            count::posterior(logits, classes, *class, *count, posterior, workspace).or_else(|| {
                by_engine(Nfa::count(classes, *class, *count), logits, posterior, workspace)
            })
        }
        Constraint::Present { class } => {
            Some(presence::present(logits, classes, *class, posterior, &mut workspace.binary))
        }
        Constraint::Absent { class } => {
            Some(presence::absent(logits, classes, *class, posterior, &mut workspace.binary))
        }
        Constraint::Similar => Some(pair::similar(logits, classes, posterior)),
        Constraint::Dissimilar => Some(pair::dissimilar(logits, classes, posterior)),
        Constraint::CountVector(counts) => count_vector::posterior(logits, counts, posterior)
            .or_else(|| by_engine(Nfa::count_vector(counts), logits, posterior, workspace)),
        Constraint::PresenceVector(present) => {
            by_engine(Nfa::presence_vector(present), logits, posterior, workspace)
        }
    };
    match log_z {
        Some(log_z) => Outcome::Feasible { log_z },
        None => Outcome::Infeasible(Infeasible::NoPath { length }),
    }
}

/// `log Z` of the label sequences that an automaton accepts, from log probabilities `[L, C]`; `None` when
/// there are none.
pub(crate) fn log_z(nfa: &Nfa, log_p: &[f64]) -> Option<f64> {
    let mut posterior = vec![0.0; log_p.len()];
    forward_backward::posterior(
        nfa,
        log_p,
        &mut posterior,
        &mut forward_backward::Buffers::default(),
    )
}

/// The general engine, for what a kernel leaves out.
fn by_engine<T: Scalar>(
    nfa: crate::Result<Nfa>,
    logits: &[T],
    posterior: &mut [T],
    workspace: &mut Workspace<T>,
) -> Option<f64> {
    // cannot fail: the constraint was checked, and checks what the constructors check
    forward_backward::posterior(&nfa.ok()?, logits, posterior, &mut workspace.engine)
}

/// What lengths and counts alone rule out.
pub(crate) fn infeasible(
    constraint: &Constraint,
    length: usize,
    classes: usize,
) -> Option<Infeasible> {
    match constraint {
        Constraint::Count { count, .. } if *count > length => {
            Some(Infeasible::CountAboveLength { count: *count, length })
        }
        Constraint::Count { count, .. } if classes == 1 && *count != length => {
            Some(Infeasible::OnlyClass)
        }
        Constraint::Absent { .. } if classes == 1 && length > 0 => Some(Infeasible::OnlyClass),
        Constraint::Dissimilar if classes == 1 => Some(Infeasible::OnlyClass),
        Constraint::Present { .. } if length == 0 => {
            Some(Infeasible::PresenceAgainstLength { present: 1, length })
        }
        Constraint::CountVector(counts) => {
            let sum = counts_sum(counts).unwrap_or(usize::MAX);
            (sum != length).then_some(Infeasible::CountsSum { sum, length })
        }
        Constraint::PresenceVector(present) => {
            let present = present.iter().filter(|&&p| p).count();
            (present > length || (present == 0 && length > 0))
                .then_some(Infeasible::PresenceAgainstLength { present, length })
        }
        Constraint::Evidence(evidence) => {
            (length > 0 && evidence.iter().all(|&e| e == 0.0)).then_some(Infeasible::RuledOut)
        }
        Constraint::Pair(weights) => {
            weights.iter().all(|&w| w == 0.0).then_some(Infeasible::RuledOut)
        }
        Constraint::SoftCount { log_weights, .. } => {
            (soft_count::width(log_weights, length) == 0).then_some(Infeasible::RuledOut)
        }
        _ => None,
    }
}
