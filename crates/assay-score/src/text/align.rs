//! Edit distance and alignment of two sequences, 64 cells at a time.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

/// Cells of bit vectors that an alignment may keep (256 MB): beyond, the sequences are halved.
const KEPT_WORDS: usize = 1 << 24;
/// Numbers below this have their masks in a table, others in a map.
const TABLE: usize = 256;

/// How many units of two sequences correspond, differ, are missing and are too many, in one alignment
/// with the fewest edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Edits {
    /// Equal units.
    pub hits: u64,
    /// Units replaced by others.
    pub substitutions: u64,
    /// Units of the reference that are missing.
    pub deletions: u64,
    /// Units that the reference does not have.
    pub insertions: u64,
}

impl Edits {
    /// The edit distance: all but the hits.
    pub fn distance(&self) -> u64 {
        self.substitutions + self.deletions + self.insertions
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
    }
}

/// The Levenshtein distance of two texts in code points, in `O(⌈m/64⌉ n)`.
///
/// ```
/// assert_eq!(assay_score::text::levenshtein("kitten", "sitting"), 3);
/// ```
pub fn levenshtein(a: &str, b: &str) -> usize {
    if a.is_ascii() && b.is_ascii() {
        let (a, b, _) = trimmed(a.as_bytes(), b.as_bytes());
        let (pattern, text) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        match pattern.len() {
            0 => return text.len(),
            1..=64 => return ascii_distance::<1>(pattern, text),
            65..=128 => return ascii_distance::<2>(pattern, text),
            129..=192 => return ascii_distance::<3>(pattern, text),
            193..=256 => return ascii_distance::<4>(pattern, text),
            _ => {}
        }
    }
    let [a, b] = [a, b].map(|text| text.chars().map(u32::from).collect::<Vec<u32>>());
    distance(&a, &b, &mut Positions::default())
}

/// The edit distance of a pattern of `64 (BLOCKS − 1) + 1` to `64 BLOCKS` ASCII characters: nothing is
/// allocated, and the columns stay in registers.
fn ascii_distance<const BLOCKS: usize>(pattern: &[u8], text: &[u8]) -> usize {
    let mut masks = [[0_u64; BLOCKS]; 128];
    for (block, part) in pattern.chunks(64).enumerate().take(BLOCKS) {
        for (index, &byte) in part.iter().enumerate() {
            masks[usize::from(byte & 127)][block] |= 1 << index;
        }
    }
    let last = (pattern.len() - 1) % 64;
    let mut columns = [Vertical::START; BLOCKS];
    let mut distance = pattern.len();
    for &byte in text {
        let masks = masks[usize::from(byte & 127)];
        let mut carry = (1, 0);
        for block in 0..BLOCKS - 1 {
            carry = columns[block].step(masks[block], carry);
        }
        let (up, down) = columns[BLOCKS - 1].step_to(masks[BLOCKS - 1], carry, last);
        distance = distance + up - down;
    }
    distance
}

/// Where each item stands in a sequence, as bits of blocks of 64.
#[derive(Debug, Default)]
pub(super) struct Positions {
    blocks: usize,
    /// Masks of the items below [`TABLE`], item after item.
    table: Vec<u64>,
    /// Which items of the table are in use.
    used: Vec<u32>,
    /// Masks of the others.
    map: HashMap<u32, usize, FxBuildHasher>,
    masks: Vec<u64>,
}

impl Positions {
    pub(super) fn read(&mut self, sequence: &[u32]) {
        let blocks = sequence.len().div_ceil(64).max(1);
        if blocks == self.blocks {
            for item in self.used.drain(..) {
                let start = item as usize * blocks;
                self.table[start..start + blocks].fill(0);
            }
        } else {
            self.blocks = blocks;
            self.table.clear();
            self.table.resize(TABLE * blocks, 0);
            self.used.clear();
        }
        self.map.clear();
        self.masks.clear();
        for (index, &item) in sequence.iter().enumerate() {
            let bit = 1 << (index % 64);
            if (item as usize) < TABLE {
                self.used.push(item);
                self.table[item as usize * blocks + index / 64] |= bit;
            } else {
                let next = self.masks.len();
                let start = *self.map.entry(item).or_insert(next);
                if start == next {
                    self.masks.resize(next + blocks, 0);
                }
                self.masks[start + index / 64] |= bit;
            }
        }
    }

    pub(super) fn block(&self, item: u32, block: usize) -> u64 {
        self.all(item).get(block).copied().unwrap_or(0)
    }

    /// The masks of an item; none where it does not occur.
    fn all(&self, item: u32) -> &[u64] {
        let item = item as usize;
        if item < TABLE {
            return &self.table[item * self.blocks..(item + 1) * self.blocks];
        }
        match self.map.get(&(item as u32)) {
            Some(&start) => &self.masks[start..start + self.blocks],
            None => &[],
        }
    }
}

/// Where a column of the table of distances rises and falls from one row to the next.
#[derive(Debug, Clone, Copy)]
struct Vertical {
    rises: u64,
    falls: u64,
}

impl Vertical {
    /// The column before any text: row `i` is `i` deletions.
    const START: Self = Self { rises: u64::MAX, falls: 0 };

    /// One more item of the text (Myers 1999, in Hyyrö's form of 2003). Horizontal differences enter
    /// at the top and leave at the bottom of the block.
    fn step(&mut self, matched: u64, above: (u64, u64)) -> (u64, u64) {
        let (up, down) = self.step_to(matched, above, 63);
        (up as u64, down as u64)
    }

    /// The same, with the horizontal differences at a row.
    fn step_to(
        &mut self,
        matched: u64,
        (up_in, down_in): (u64, u64),
        row: usize,
    ) -> (usize, usize) {
        let matched = matched | down_in;
        let diagonal =
            ((matched & self.rises).wrapping_add(self.rises) ^ self.rises) | matched | self.falls;
        let up = self.falls | !(diagonal | self.rises);
        let down = diagonal & self.rises;
        let out = ((up >> row & 1) as usize, (down >> row & 1) as usize);
        let (up, down) = (up << 1 | up_in, down << 1 | down_in);
        self.rises = down | !(diagonal | up);
        self.falls = up & diagonal;
        out
    }
}

/// The edit distance.
pub(super) fn distance(a: &[u32], b: &[u32], positions: &mut Positions) -> usize {
    let (a, b, _) = trimmed(a, b);
    let (pattern, text) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if pattern.is_empty() {
        return text.len();
    }
    positions.read(pattern);
    let blocks = pattern.len().div_ceil(64);
    let mut columns = vec![Vertical::START; blocks];
    // The bit of the last row in the last block tells how the distance changes.
    let last = (pattern.len() - 1) % 64;
    let mut distance = pattern.len();
    for &item in text {
        let masks = positions.all(item);
        let mut carry = (1, 0);
        for (block, column) in columns.iter_mut().enumerate() {
            let matched = masks.get(block).copied().unwrap_or(0);
            if block + 1 < blocks {
                carry = column.step(matched, carry);
            } else {
                let (up, down) = column.step_to(matched, carry, last);
                distance = distance + up - down;
            }
        }
    }
    distance
}

/// What two sequences have between their common beginning and end, and how much those hold.
fn trimmed<'s, T: PartialEq>(mut a: &'s [T], mut b: &'s [T]) -> (&'s [T], &'s [T], usize) {
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    (&a[..a.len() - suffix], &b[..b.len() - suffix], prefix + suffix)
}

/// The edits that make the reference from the hypothesis, or fewer than none: an alignment with the
/// fewest, and of those the one that, seen from the end, deletes where it can, else inserts where the
/// distance falls along the hypothesis, else takes the diagonal. rapidfuzz, and so jiwer, choose the
/// same one, so that substitutions, deletions and insertions agree one by one.
pub(super) fn edits(reference: &[u32], hypothesis: &[u32], positions: &mut Positions) -> Edits {
    let mut edits = Edits::default();
    let mut waiting = vec![(reference, hypothesis)];
    while let Some((reference, hypothesis)) = waiting.pop() {
        let (reference, hypothesis, common) = trimmed(reference, hypothesis);
        edits.hits += common as u64;
        if reference.is_empty() || hypothesis.is_empty() {
            edits.deletions += reference.len() as u64;
            edits.insertions += hypothesis.len() as u64;
        } else if reference.len().div_ceil(64).saturating_mul(hypothesis.len()) <= KEPT_WORDS {
            edits.add(&trace(reference, hypothesis, positions));
        } else {
            // Too large to keep: halve it where an optimal alignment crosses the middle (Hirschberg
            // 1975). Needs two rows of memory and twice the time.
            let middle = hypothesis.len() / 2;
            let (before, after) = hypothesis.split_at(middle);
            let split = crossing(reference, before, after, positions);
            let (first, second) = reference.split_at(split);
            waiting.push((first, before));
            waiting.push((second, after));
        }
    }
    edits
}

fn trace(reference: &[u32], hypothesis: &[u32], positions: &mut Positions) -> Edits {
    positions.read(reference);
    let blocks = reference.len().div_ceil(64);
    let mut kept: Vec<Vertical> = Vec::with_capacity(blocks * hypothesis.len());
    let mut columns = vec![Vertical::START; blocks];
    for &item in hypothesis {
        let masks = positions.all(item);
        let mut carry = (1, 0);
        for (block, column) in columns.iter_mut().enumerate() {
            carry = column.step(masks.get(block).copied().unwrap_or(0), carry);
        }
        kept.extend(&columns);
    }
    let (mut i, mut j) = (reference.len(), hypothesis.len());
    let mut edits = Edits::default();
    let bit = |bits: u64, row: usize| bits >> (row % 64) & 1 == 1;
    while i > 0 && j > 0 {
        let row = i - 1;
        let here = kept[(j - 1) * blocks + row / 64];
        if bit(here.rises, row) {
            edits.deletions += 1;
            i -= 1;
            continue;
        }
        j -= 1;
        let falls = j > 0 && bit(kept[(j - 1) * blocks + row / 64].falls, row);
        if falls {
            edits.insertions += 1;
            continue;
        }
        i -= 1;
        if reference[i] == hypothesis[j] {
            edits.hits += 1;
        } else {
            edits.substitutions += 1;
        }
    }
    edits.deletions += i as u64;
    edits.insertions += j as u64;
    edits
}

/// Where in the reference an optimal alignment crosses from `before` to `after`.
fn crossing(reference: &[u32], before: &[u32], after: &[u32], positions: &mut Positions) -> usize {
    let from_start = last_column(reference, before, positions);
    let backwards: Vec<u32> = reference.iter().rev().copied().collect();
    let after: Vec<u32> = after.iter().rev().copied().collect();
    let from_end = last_column(&backwards, &after, positions);
    let sums = from_start.iter().zip(from_end.iter().rev()).map(|(a, b)| a + b);
    sums.enumerate().min_by_key(|&(_, sum)| sum).map_or(0, |(index, _)| index)
}

/// The distances of every beginning of the reference from the whole text.
fn last_column(reference: &[u32], text: &[u32], positions: &mut Positions) -> Vec<usize> {
    positions.read(reference);
    let mut columns = vec![Vertical::START; reference.len().div_ceil(64)];
    for &item in text {
        let masks = positions.all(item);
        let mut carry = (1, 0);
        for (block, column) in columns.iter_mut().enumerate() {
            carry = column.step(masks.get(block).copied().unwrap_or(0), carry);
        }
    }
    let mut distances = vec![text.len()];
    let mut current = text.len();
    for row in 0..reference.len() {
        let column = columns[row / 64];
        current += (column.rises >> (row % 64) & 1) as usize;
        current -= (column.falls >> (row % 64) & 1) as usize;
        distances.push(current);
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(a: &[u32], b: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], next);
            }
        }
        row[b.len()]
    }

    #[test]
    fn ascii_texts_of_any_number_of_blocks_have_the_distance_of_the_table() {
        let mut rng = assay_array::random::stream(5, "ascii", 0);
        for round in 0..300 {
            let mut draw = |most: usize| -> String {
                let n = assay_array::random::below(&mut rng, most);
                (0..n)
                    .map(|_| char::from(b"ab \0~"[assay_array::random::below(&mut rng, 5)]))
                    .collect()
            };
            let most = [10, 70, 135, 200, 300][round % 5];
            let (a, b) = (draw(most), draw(most));
            let numbers = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
            let want = slow(&numbers(&a), &numbers(&b));
            assert_eq!(levenshtein(&a, &b), want, "{a:?} {b:?}");
            // The other way, by code points.
            assert_eq!(levenshtein(&format!("{a}é"), &format!("{b}é")), want);
        }
    }

    #[test]
    fn distances_are_those_of_the_table() {
        let mut rng = assay_array::random::stream(3, "align", 0);
        let mut positions = Positions::default();
        for round in 0..400 {
            let mut draw = || -> Vec<u32> {
                let n = assay_array::random::below(&mut rng, 300);
                // Numbers below and beyond the table.
                let kinds = if round % 2 == 0 { 3 } else { 40 };
                (0..n).map(|_| 240 + assay_array::random::below(&mut rng, kinds) as u32).collect()
            };
            let (a, b) = (draw(), draw());
            let want = slow(&a, &b);
            assert_eq!(distance(&a, &b, &mut positions), want);
            let found = edits(&a, &b, &mut positions);
            assert_eq!(found.distance() as usize, want);
            assert_eq!((found.hits + found.substitutions + found.deletions) as usize, a.len());
            assert_eq!((found.hits + found.substitutions + found.insertions) as usize, b.len());
            let split = crossing(&a, &b[..b.len() / 2], &b[b.len() / 2..], &mut positions);
            let halves =
                slow(&a[..split], &b[..b.len() / 2]) + slow(&a[split..], &b[b.len() / 2..]);
            assert_eq!(halves, want);
        }
    }
}
