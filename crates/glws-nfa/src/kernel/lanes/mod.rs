//! Many bags at a time: a bag in each lane of the vectors.
//!
//! The other kernels vectorise along one bag, over its instances or states. Where those are few, most
//! lanes stay empty and the ends of loops cost more than their middles. Bags of one kind are therefore
//! put side by side: every operation then serves [`LANES`] bags, whatever their sizes, and there is no
//! sum across lanes.
//!
//! A bag's result does not depend on its neighbours: lanes do not mix, and a bag shorter than its
//! neighbours stands still while they go on. (Counts drop cells of less than 1e-30 where no neighbour
//! needs them.)

mod automaton;
mod count;
mod pairs;
mod presence;

use std::sync::Arc;

use assay_array::Scalar;

use super::binary::LANES;
use super::{Workspace, forward_backward, solve};
use crate::constraint::Constraint;
use crate::marginals::Outcome;
use crate::nfa::Nfa;

/// One bag's part of a batch.
pub(crate) struct Job<'a, T> {
    pub(crate) constraint: &'a Constraint,
    pub(crate) logits: &'a [T],
    /// Zeros, to become the posterior.
    pub(crate) rows: &'a mut [T],
    pub(crate) outcome: &'a mut Outcome,
}

impl<T: Scalar> Job<'_, T> {
    /// On its own, by the kernel for one bag.
    fn alone(self, classes: usize, workspace: &mut Workspace<T>) {
        *self.outcome = solve(self.constraint, self.logits, classes, self.rows, workspace);
    }
}

/// What one thread does in one go.
pub(crate) enum Task<'a, T> {
    /// A bag on its own.
    One(Job<'a, T>),
    /// Up to [`LANES`] bags with exact counts, neither none nor all.
    Counts(Vec<Job<'a, T>>),
    /// Up to [`LANES`] short bags with some or none of a class.
    Presence(Vec<Job<'a, T>>),
    /// Pairs of two classes, alike or not.
    Pairs(Vec<Job<'a, T>>),
    /// Up to [`automaton::LANES`] bags under one automaton.
    Automaton(&'a Arc<Nfa>, Vec<Job<'a, T>>),
}

/// Fewer bags than this leave so many lanes empty that they are faster one by one.
const FEWEST: usize = 4;

/// The largest count that lanes take: rows of more cells overflow the cache for one bag already.
const WIDEST: usize = 1 << 13;

/// Pairs of one task: enough to pay for a thread's attention.
const PAIRS: usize = 512;

/// Puts side by side what can be. The same for any number of threads.
pub(crate) fn tasks<'a, T: Scalar>(
    jobs: impl Iterator<Item = Job<'a, T>>,
    classes: usize,
) -> Vec<Task<'a, T>> {
    let mut tasks = vec![];
    let mut presence = vec![];
    let mut pairs = vec![];
    let mut counts: Vec<(usize, usize, Job<'a, T>)> = vec![];
    let mut automata: Vec<(&Arc<Nfa>, Vec<Job<'a, T>>)> = vec![];
    for job in jobs {
        let length = job.logits.len() / classes;
        match job.constraint {
            Constraint::Count { count, .. }
                if classes > 1
                    && *count > 0
                    && *count < length
                    && (*count).min(length - count) <= WIDEST =>
            {
                counts.push((length, (*count).min(length - count), job));
            }
            Constraint::Automaton(nfa) | Constraint::Paths(nfa) => match automata.last_mut() {
                Some((same, jobs)) if Arc::ptr_eq(same, nfa) => jobs.push(job),
                _ => match automata.iter_mut().find(|(same, _)| Arc::ptr_eq(same, nfa)) {
                    Some((_, jobs)) => jobs.push(job),
                    None => automata.push((nfa, vec![job])),
                },
            },
            Constraint::Present { .. } | Constraint::Absent { .. }
                if classes > 1 && length > 0 && length <= presence::LONGEST =>
            {
                presence.push(job);
            }
            Constraint::Similar | Constraint::Dissimilar if classes == 2 => {
                pairs.push(job);
                if pairs.len() == PAIRS {
                    tasks.push(Task::Pairs(std::mem::replace(
                        &mut pairs,
                        Vec::with_capacity(PAIRS),
                    )));
                }
            }
            _ => tasks.push(Task::One(job)),
        }
    }
    if !pairs.is_empty() {
        tasks.push(Task::Pairs(pairs));
    }
    grouped(presence.into_iter(), LANES, &mut tasks, |_| true, Task::Presence);
    // Alike next to alike, so that lanes end together. Stable: the order does not depend on chance.
    if counts.windows(2).any(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)) {
        counts.sort_by_key(|&(length, count, _)| std::cmp::Reverse((length, count)));
    }
    let counts = counts.into_iter().map(|(_, _, job)| job);
    grouped(counts, LANES, &mut tasks, |_| true, Task::Counts);
    for (nfa, mut jobs) in automata {
        if jobs.windows(2).any(|pair| pair[0].logits.len() < pair[1].logits.len()) {
            jobs.sort_by_key(|job| std::cmp::Reverse(job.logits.len()));
        }
        // A large table is better computed twice, which lanes do, than kept.
        let small = |job: &Job<'_, T>| {
            (job.logits.len() / classes).saturating_mul(nfa.num_states()) <= forward_backward::KEPT
        };
        let task = |jobs| Task::Automaton(nfa, jobs);
        grouped(jobs.into_iter(), automaton::LANES, &mut tasks, small, task);
    }
    tasks
}

/// Cuts into groups; when the last jobs are few, those that can are left alone.
fn grouped<'a, T: Scalar>(
    mut jobs: impl ExactSizeIterator<Item = Job<'a, T>>,
    lanes: usize,
    tasks: &mut Vec<Task<'a, T>>,
    alone: impl Fn(&Job<'a, T>) -> bool,
    task: impl Fn(Vec<Job<'a, T>>) -> Task<'a, T>,
) {
    while jobs.len() >= FEWEST {
        tasks.push(task(jobs.by_ref().take(lanes).collect()));
    }
    tasks.extend(jobs.map(|job| if alone(&job) { Task::One(job) } else { task(vec![job]) }));
}

/// Does a task; every outcome and posterior row is then written.
pub(crate) fn run<T: Scalar>(task: Task<'_, T>, classes: usize, workspace: &mut Workspace<T>) {
    match task {
        Task::One(job) => job.alone(classes, workspace),
        Task::Counts(mut jobs) => {
            let log_z = count::posteriors(
                &mut jobs,
                classes,
                &mut workspace.lanes.counts,
                &mut workspace.binary,
            );
            settle(jobs, &log_z, classes, workspace);
        }
        Task::Presence(mut jobs) => {
            let (lanes, binary) = (&mut workspace.lanes, &mut workspace.binary);
            let log_z = presence::posteriors(&mut jobs, classes, &mut lanes.presence, binary);
            settle(jobs, &log_z, classes, workspace);
        }
        Task::Pairs(mut jobs) => pairs::posteriors(&mut jobs),
        Task::Automaton(nfa, mut jobs) => {
            let log_z = automaton::posteriors(nfa, &mut jobs, &mut workspace.lanes.automaton);
            settle(jobs, &log_z, classes, workspace);
        }
    }
}

/// Writes the outcomes; what lanes could not compute is computed alone.
fn settle<T: Scalar>(
    jobs: Vec<Job<'_, T>>,
    log_z: &[Option<f64>],
    classes: usize,
    workspace: &mut Workspace<T>,
) {
    for (job, log_z) in jobs.into_iter().zip(log_z) {
        match log_z {
            Some(log_z) => *job.outcome = Outcome::Feasible { log_z: *log_z },
            None => job.alone(classes, workspace),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    pub(super) counts: count::Buffers<T>,
    pub(super) presence: presence::Buffers<T>,
    pub(super) automaton: automaton::Buffers,
}

impl<T> Buffers<T> {
    /// The memory of the large tables.
    pub(super) fn bytes(&self) -> usize {
        self.counts.bytes() + self.automaton.bytes()
    }
}
