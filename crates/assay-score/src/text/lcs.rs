//! The longest common subsequence of two sequences of numbers.

use super::align::Positions;

/// Its length, 64 cells at a time (Crochemore et al. 2001; Hyyrö 2004): a bit is zero where the length
/// of the common subsequence grows.
pub(super) fn lcs_length(a: &[u32], b: &[u32], positions: &mut Positions) -> usize {
    // The shorter one makes the bits.
    let (pattern, text) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if pattern.is_empty() {
        return 0;
    }
    positions.read(pattern);
    let blocks = pattern.len().div_ceil(64);
    if blocks == 1 {
        let mut row = u64::MAX;
        for &item in text {
            let matched = row & positions.block(item, 0);
            row = row.wrapping_add(matched) | (row - matched);
        }
        return (!row & low_bits(pattern.len())).count_ones() as usize;
    }
    let mut rows = vec![u64::MAX; blocks];
    for &item in text {
        let mut carry = false;
        for (block, row) in rows.iter_mut().enumerate() {
            let matched = *row & positions.block(item, block);
            let (sum, over) = row.overflowing_add(matched);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            carry = over || again;
            *row = sum | (*row - matched);
        }
    }
    let last = low_bits(pattern.len() - 64 * (blocks - 1));
    let masks = std::iter::repeat_n(u64::MAX, blocks - 1).chain([last]);
    rows.iter().zip(masks).map(|(row, mask)| (!row & mask).count_ones() as usize).sum()
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The indices in `reference` of a longest common subsequence: of the several there may be, the one
/// that is found from the ends when a mismatch steps back in the candidate only where that loses
/// nothing that stepping back in the reference keeps. ROUGE-Lsum depends on this choice.
pub(super) fn lcs_indices(reference: &[u32], candidate: &[u32]) -> Vec<usize> {
    let (rows, columns) = (reference.len(), candidate.len());
    // One bit a cell says whether to step back in the candidate; two rows of lengths suffice.
    let width = columns.div_ceil(64);
    let mut back = vec![0_u64; rows * width];
    let (mut above, mut row) = (vec![0_u32; columns + 1], vec![0_u32; columns + 1]);
    for (i, r) in reference.iter().enumerate() {
        for (j, c) in candidate.iter().enumerate() {
            row[j + 1] = if r == c {
                above[j] + 1
            } else {
                if row[j] > above[j + 1] {
                    back[i * width + j / 64] |= 1 << (j % 64);
                }
                row[j].max(above[j + 1])
            };
        }
        std::mem::swap(&mut above, &mut row);
    }
    let mut indices = Vec::new();
    let (mut i, mut j) = (rows, columns);
    while i > 0 && j > 0 {
        if reference[i - 1] == candidate[j - 1] {
            indices.push(i - 1);
            i -= 1;
            j -= 1;
        } else if back[(i - 1) * width + (j - 1) / 64] >> ((j - 1) % 64) & 1 == 1 {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_table() {
        let mut rng = assay_array::random::stream(2, "lcs", 0);
        let mut positions = Positions::default();
        for _ in 0..300 {
            let mut draw = |most: usize| -> Vec<u32> {
                let n = assay_array::random::below(&mut rng, most);
                (0..n).map(|_| assay_array::random::below(&mut rng, 5) as u32).collect()
            };
            let (a, b) = (draw(200), draw(90));
            let indices = lcs_indices(&a, &b);
            assert_eq!(lcs_length(&a, &b, &mut positions), indices.len());
            // They are a subsequence of both.
            let mut rest = b.iter();
            assert!(indices.iter().all(|&i| rest.any(|item| *item == a[i])));
            assert!(indices.is_sorted_by(|a, b| a < b));
        }
    }
}
