//! Clipped counts of n-grams that sequences share.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

/// Marks "no shorter n-gram before" in a key, and "no match" in a chain.
const NONE: u32 = u32::MAX;

/// Counts the n-grams of a sequence, all orders at once, and then those of other sequences that it
/// shares.
///
/// An n-gram is the number of its first `n − 1` items' n-gram and its last item, so that one table of
/// 64-bit keys serves any order, and a longer n-gram is only looked for where the shorter one was
/// found. The table is used again and again: slots of earlier sequences are told by a stamp.
#[derive(Debug, Default)]
pub(super) struct Ngrams {
    slots: Vec<Slot>,
    stamp: u32,
    entries: Vec<Entry>,
    /// For each start, the n-gram of the order at hand.
    chain: Vec<u32>,
    /// Entries that the sequence compared last has in common.
    touched: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    entry: u32,
    stamp: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    order: u32,
    count: u32,
    /// How often the sequence compared at the moment has it.
    other: u32,
    /// The most that one compared sequence had, up to `count`.
    shared: u32,
}

impl Ngrams {
    /// Counts the n-grams of a sequence up to an order, forgetting the one before.
    pub(super) fn count(&mut self, sequence: &[u32], orders: usize) {
        self.entries.clear();
        let needed = (2 * sequence.len() * orders).next_power_of_two().max(64);
        if self.slots.len() < needed {
            self.slots = vec![Slot::default(); needed];
            self.stamp = 0;
        }
        if self.stamp == u32::MAX {
            self.slots.fill(Slot::default());
            self.stamp = 0;
        }
        self.stamp += 1;
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        chain.resize(sequence.len(), NONE);
        for order in 0..orders {
            let ends = sequence.get(order..).unwrap_or_default();
            for (link, &item) in chain.iter_mut().zip(ends) {
                *link = self.insert(*link, item, order as u32);
            }
        }
        self.chain = chain;
    }

    /// Adds to each order's entry of `shared` how many n-grams another sequence has in common,
    /// counting each at most as often as the first has it.
    pub(super) fn shared_with(&mut self, sequence: &[u32], shared: &mut [u64]) {
        self.compare(sequence, shared.len());
        for &touched in &self.touched {
            let entry = &mut self.entries[touched as usize];
            shared[entry.order as usize] += u64::from(entry.other.min(entry.count));
            entry.other = 0;
        }
    }

    /// As [`shared_with`](Self::shared_with), for the n-grams that any of several sequences has.
    pub(super) fn shared_with_any<'s>(
        &mut self,
        sequences: impl Iterator<Item = &'s [u32]>,
        shared: &mut [u64],
    ) {
        for sequence in sequences {
            self.compare(sequence, shared.len());
            for &touched in &self.touched {
                let entry = &mut self.entries[touched as usize];
                entry.shared = entry.shared.max(entry.other.min(entry.count));
                entry.other = 0;
            }
        }
        for entry in &self.entries {
            shared[entry.order as usize] += u64::from(entry.shared);
        }
    }

    fn compare(&mut self, sequence: &[u32], orders: usize) {
        self.touched.clear();
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        chain.resize(sequence.len(), NONE);
        for order in 0..orders {
            let ends = sequence.get(order..).unwrap_or_default();
            for (link, &item) in chain.iter_mut().zip(ends) {
                if order > 0 && *link == NONE {
                    continue;
                }
                *link = self.find(*link, item);
                if *link != NONE {
                    let entry = &mut self.entries[*link as usize];
                    if entry.other == 0 {
                        self.touched.push(*link);
                    }
                    entry.other += 1;
                }
            }
        }
        self.chain = chain;
    }

    fn insert(&mut self, before: u32, item: u32, order: u32) -> u32 {
        let key = u64::from(before) << 32 | u64::from(item);
        let mask = self.slots.len() - 1;
        let mut place = hash(key) as usize & mask;
        loop {
            let slot = &mut self.slots[place];
            if slot.stamp != self.stamp {
                let entry = self.entries.len() as u32;
                *slot = Slot { key, entry, stamp: self.stamp };
                self.entries.push(Entry { order, count: 1, other: 0, shared: 0 });
                return entry;
            }
            if slot.key == key {
                self.entries[slot.entry as usize].count += 1;
                return slot.entry;
            }
            place = (place + 1) & mask;
        }
    }

    fn find(&self, before: u32, item: u32) -> u32 {
        let key = u64::from(before) << 32 | u64::from(item);
        let mask = self.slots.len() - 1;
        let mut place = hash(key) as usize & mask;
        loop {
            let slot = &self.slots[place];
            if slot.stamp != self.stamp {
                return NONE;
            }
            if slot.key == key {
                return slot.entry;
            }
            place = (place + 1) & mask;
        }
    }
}

/// Counts the n-grams of many sequences and tells of each sequence which of its own any other has.
///
/// Of every n-gram are kept the most that one sequence has, which one that is, and the most of the
/// others; a sequence that owns an n-gram is compared with the second number, any other with the
/// first.
#[derive(Debug)]
pub(super) struct SharedNgrams {
    orders: usize,
    /// The number of an n-gram by the number of its first items and its last one.
    numbers: HashMap<u64, u32, FxBuildHasher>,
    grams: Vec<Most>,
    /// The n-grams of all sequences in turn, order by order.
    all: Vec<u32>,
    lengths: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Most {
    first: u32,
    owner: u32,
    second: u32,
    /// How often the sequence at hand has it.
    own: u32,
}

impl SharedNgrams {
    pub(super) fn new(orders: usize) -> Self {
        Self {
            orders,
            numbers: HashMap::default(),
            grams: Vec::new(),
            all: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Counts the n-grams of a sequence.
    pub(super) fn add(&mut self, sequence: &[u32]) {
        let (index, from) = (self.lengths.len() as u32, self.all.len());
        self.lengths.push(sequence.len());
        let mut before = vec![NONE; sequence.len()];
        for order in 0..self.orders {
            let ends = sequence.get(order..).unwrap_or_default();
            for (link, &item) in before.iter_mut().zip(ends) {
                let key = u64::from(*link) << 32 | u64::from(item);
                let next = self.grams.len() as u32;
                let number = *self.numbers.entry(key).or_insert(next);
                if number == next {
                    self.grams.push(Most::default());
                }
                self.grams[number as usize].own += 1;
                self.all.push(number);
                *link = number;
            }
        }
        for &number in &self.all[from..] {
            let gram = &mut self.grams[number as usize];
            let own = std::mem::take(&mut gram.own);
            if own > gram.first {
                gram.second = gram.first;
                (gram.first, gram.owner) = (own, index);
            } else {
                // A second sight of the same n-gram in this sequence comes with an own of zero.
                gram.second = gram.second.max(own);
            }
        }
    }

    /// Calls `each` with the length of every sequence and, of each order, how many of its n-grams
    /// another has, each counted at most as often as there.
    pub(super) fn each(&mut self, mut each: impl FnMut(usize, &[u64])) {
        let mut shared = vec![0; self.orders];
        let mut rest = &self.all[..];
        for (index, &length) in self.lengths.iter().enumerate() {
            for (order, shared) in shared.iter_mut().enumerate() {
                let (own, further) = rest.split_at(ngrams(length, order) as usize);
                rest = further;
                *shared = 0;
                for &number in own {
                    let gram = &mut self.grams[number as usize];
                    let limit = if gram.owner as usize == index { gram.second } else { gram.first };
                    gram.own += 1;
                    *shared += u64::from(gram.own <= limit);
                }
                for &number in own {
                    self.grams[number as usize].own = 0;
                }
            }
            each(length, &shared);
        }
    }
}

/// Fibonacci hashing: the upper bits of a product with the golden ratio.
fn hash(key: u64) -> u64 {
    let product = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 32)
}

/// How many n-grams of an order (from zero) a sequence of some length has.
pub(super) fn ngrams(length: usize, order: usize) -> u64 {
    length.saturating_sub(order) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(a: &[u32], others: &[&[u32]], n: usize) -> u64 {
        let count = |s: &[u32]| {
            let mut counts = HashMap::new();
            s.windows(n).for_each(|gram| *counts.entry(gram.to_vec()).or_insert(0_u64) += 1);
            counts
        };
        let others: Vec<_> = others.iter().map(|s| count(s)).collect();
        let most =
            |gram: &Vec<u32>| others.iter().filter_map(|c| c.get(gram)).max().copied().unwrap_or(0);
        count(a).iter().map(|(gram, &n)| n.min(most(gram))).sum()
    }

    #[test]
    fn counts_are_those_of_maps() {
        let mut rng = assay_array::random::stream(1, "ngrams", 0);
        let mut table = Ngrams::default();
        for _ in 0..300 {
            let mut draw = || -> Vec<u32> {
                let n = assay_array::random::below(&mut rng, 40);
                (0..n).map(|_| assay_array::random::below(&mut rng, 4) as u32).collect()
            };
            let (a, b, c) = (draw(), draw(), draw());
            table.count(&a, 5);
            let (mut one, mut any) = ([0; 5], [0; 5]);
            table.shared_with(&b, &mut one);
            table.shared_with_any([&b[..], &c[..]].into_iter(), &mut any);
            for n in 1..=5 {
                assert_eq!(one[n - 1], slow(&a, &[&b], n));
                assert_eq!(any[n - 1], slow(&a, &[&b, &c], n));
            }
            let all = [&a[..], &b, &c];
            let mut shared = SharedNgrams::new(5);
            for sequence in all {
                shared.add(sequence);
            }
            let mut index = 0;
            shared.each(|length, found| {
                let others: Vec<_> = (0..3).filter(|j| *j != index).map(|j| all[j]).collect();
                assert_eq!(length, all[index].len());
                (1..=5).for_each(|n| assert_eq!(found[n - 1], slow(all[index], &others, n)));
                index += 1;
            });
        }
    }
}
