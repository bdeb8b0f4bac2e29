//! The likeliest label sequences.

use std::cmp::Ordering;

use assay_array::Scalar;

use super::trellis::Rows;
use super::{Bag, MAX_CELLS, Posteriors};
use crate::error::{Error, Result};

/// A label sequence and how likely it is given what is known of the bag.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelSequence {
    /// The class of each instance.
    pub labels: Vec<usize>,
    /// The log of its weight, `ln A(Y) + Σ_i ln p_i(y_i)`: not divided by `Z`.
    pub log_weight: f64,
    /// `ln P(Y | W, X)`: the log weight minus `log Z`.
    pub log_probability: f64,
}

impl<T: Scalar> Posteriors<'_, T> {
    /// The likeliest label sequence of each bag (Viterbi 1967); `None` for an infeasible bag. Of
    /// sequences with the same weight it is the first in lexicographic order.
    ///
    /// # Errors
    /// [`Error::Ambiguous`]: the heaviest path need not belong to the likeliest sequence where a
    /// sequence has two. [`Error::TooManySteps`] when even the rows that are kept, `2 √length` × states
    /// numbers, are above 2^27.
    pub fn most_probable(&self) -> Result<Vec<Option<LabelSequence>>> {
        self.check_unambiguous("most probable sequence")?;
        self.each(|bag| match bag {
            Some(bag) => bag.most_probable(),
            None => Ok(None),
        })
    }

    /// The `k` likeliest label sequences of each bag, likeliest first; fewer where fewer are
    /// possible, none for an infeasible bag. Sequences with the same weight stand in lexicographic
    /// order, and of those that tie for the last places the first ones are kept.
    ///
    /// # Errors
    /// [`Error::Ambiguous`], and [`Error::TooManySteps`] when more than 2^25 prefixes would have to be
    /// kept: at most length × states × k.
    pub fn k_best(&self, k: usize) -> Result<Vec<Vec<LabelSequence>>> {
        self.check_unambiguous("k best sequences")?;
        self.each(|bag| match bag {
            Some(bag) if k > 0 => bag.k_best(k),
            _ => Ok(vec![]),
        })
    }
}

impl Bag<'_> {
    /// Best completions backward, then forward along them.
    ///
    /// All states from which a best completion goes on are followed at once, so that the first class
    /// in which tied sequences differ decides.
    fn most_probable(&self) -> Result<Option<LabelSequence>> {
        let states = self.nfa.num_states();
        // Row i of the table is about the last i instances.
        let step = |i: usize, after: &[f64], before: &mut [f64]| {
            for (arc, weight) in self.weighted(self.length - 1 - i) {
                before[arc.source] = before[arc.source].max(weight + after[arc.target]);
            }
        };
        let ends = self.nfa.final_log_weights();
        let mut best = Rows::new("most probable sequence", self.length, ends, step)?;
        let mut before = best.row(self.length).to_vec();
        let starts = self.nfa.initial_log_weights().iter().zip(&before);
        let starts: Vec<f64> = starts.map(|(start, best)| start + best).collect();
        let log_weight = starts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if log_weight == f64::NEG_INFINITY {
            return Ok(None);
        }
        let mut on: Vec<bool> = starts.iter().map(|&start| start == log_weight).collect();
        let mut labels = Vec::with_capacity(self.length);
        for position in 0..self.length {
            let after = best.row(self.length - 1 - position);
            let tied = |&(arc, weight): &(&crate::NfaArc, f64)| {
                let onward = weight + after[arc.target];
                on[arc.source] && onward == before[arc.source] && onward > f64::NEG_INFINITY
            };
            let class = self.weighted(position).filter(tied).map(|(arc, _)| arc.class).min();
            // cannot fail: each maximum above is that of an arc
            let Some(class) = class else { return Ok(None) };
            let mut next = vec![false; states];
            for (arc, _) in self.weighted(position).filter(tied) {
                next[arc.target] |= arc.class == class;
            }
            before.copy_from_slice(after);
            on = next;
            labels.push(class);
        }
        let log_z = self.log_z();
        Ok(Some(LabelSequence { labels, log_weight, log_probability: log_weight - log_z }))
    }

    /// Forward with the k best prefixes of every state. A prefix is a class and a pointer to a prefix
    /// one shorter; its `rank` among all prefixes of its length is that of its labels in
    /// lexicographic order, so that comparing ranks compares whole sequences.
    fn k_best(&self, k: usize) -> Result<Vec<LabelSequence>> {
        const OPERATION: &str = "k best sequences";
        let states = self.nfa.num_states();
        let mut cells = 0_usize;
        let mut trail: Vec<Vec<Prefix>> = vec![];
        let mut heads: Vec<Vec<Prefix>> = self
            .nfa
            .initial_log_weights()
            .iter()
            .map(|&log_weight| match log_weight {
                f64::NEG_INFINITY => vec![],
                log_weight => vec![Prefix { log_weight, rank: 0, class: 0, before: 0 }],
            })
            .collect();
        for position in 0..self.length {
            let mut start = vec![0_usize];
            let mut flat: Vec<Prefix> = vec![];
            for head in &heads {
                flat.extend_from_slice(head);
                start.push(flat.len());
            }
            let fan = self.nfa.arcs().iter().map(|arc| heads[arc.source].len()).sum::<usize>();
            cells = cells.saturating_add(flat.len());
            if cells.saturating_add(fan) > MAX_CELLS / 4 {
                return Err(Error::TooManySteps { operation: OPERATION, limit: MAX_CELLS / 4 });
            }
            let mut next: Vec<Vec<Prefix>> = vec![vec![]; states];
            for (arc, weight) in self.weighted(position).filter(|(_, w)| *w > f64::NEG_INFINITY) {
                for (i, prefix) in flat[start[arc.source]..start[arc.source + 1]].iter().enumerate()
                {
                    next[arc.target].push(Prefix {
                        log_weight: prefix.log_weight + weight,
                        rank: prefix.rank,
                        class: arc.class as u32,
                        before: (start[arc.source] + i) as u32,
                    });
                }
            }
            for prefixes in &mut next {
                prefixes.sort_by(Prefix::heavier_first);
                prefixes.truncate(k);
            }
            rank(&mut next);
            trail.push(flat);
            heads = next;
        }
        let mut found: Vec<Prefix> = vec![];
        for (head, &end) in heads.iter().zip(self.nfa.final_log_weights()) {
            if end > f64::NEG_INFINITY {
                found.extend(head.iter().map(|p| Prefix { log_weight: p.log_weight + end, ..*p }));
            }
        }
        // After the last step a prefix's rank is that of all its labels: the class decides nothing more.
        found.sort_by(|a, b| b.log_weight.total_cmp(&a.log_weight).then(a.rank.cmp(&b.rank)));
        found.truncate(k);
        let log_z = self.log_z();
        Ok(found
            .into_iter()
            .map(|last| {
                let mut labels = vec![0; self.length];
                let mut prefix = last;
                for (label, before) in labels.iter_mut().zip(&trail).rev() {
                    *label = prefix.class as usize;
                    prefix = before[prefix.before as usize];
                }
                let log_probability = last.log_weight - log_z;
                LabelSequence { labels, log_weight: last.log_weight, log_probability }
            })
            .collect())
    }
}

#[derive(Clone, Copy)]
struct Prefix {
    log_weight: f64,
    /// Among the prefixes one shorter until [`rank`] makes it that among its own.
    rank: u32,
    class: u32,
    before: u32,
}

impl Prefix {
    fn heavier_first(&self, other: &Self) -> Ordering {
        let order = other.log_weight.total_cmp(&self.log_weight);
        order.then((self.rank, self.class).cmp(&(other.rank, other.class)))
    }
}

/// Replaces ranks of what came before by ranks of the prefixes themselves.
fn rank(heads: &mut [Vec<Prefix>]) {
    let mut all: Vec<(u32, u32)> = heads.iter().flatten().map(|p| (p.rank, p.class)).collect();
    all.sort_unstable();
    all.dedup();
    for prefix in heads.iter_mut().flatten() {
        let place = all.partition_point(|&key| key < (prefix.rank, prefix.class));
        prefix.rank = place as u32;
    }
}
