//! The best one-to-one matching of clusters and classes.

use assay_array::ndarray::ArrayView2;

/// For each row of a square table the column it is matched with, so that the sum of the matched
/// entries is as large as it can be; `None` when the table is not square or has more than 16 rows.
///
/// Exact, by dynamic programming over sets of columns (Bellman 1962; Held and Karp 1962): `best[set]` is
/// the largest sum when the first `|set|` rows take exactly the columns in `set`. That is `2^n·n` steps,
/// ten thousand for ten digits.
pub fn best_matching(table: ArrayView2<'_, usize>) -> Option<Vec<usize>> {
    let n = table.nrows();
    if n > 16 || table.ncols() != n {
        return None;
    }
    // Sum and last column. Sets are visited after their subsets, which are smaller numbers.
    let mut best = vec![(0, 0); 1 << n];
    for set in 1_usize..1 << n {
        let row = set.count_ones() as usize - 1;
        best[set] = (0..n)
            .filter(|column| set & 1 << column != 0)
            .map(|column| (best[set ^ 1 << column].0 + table[(row, column)], column))
            .max()?;
    }
    let mut set = (1 << n) - 1;
    let mut matching = vec![0; n];
    for row in (0..n).rev() {
        matching[row] = best[set].1;
        set ^= 1 << matching[row];
    }
    Some(matching)
}

#[cfg(test)]
mod tests {
    use assay_array::ndarray::Array2;
    use assay_array::random::{below, stream};

    use super::*;

    fn sum(table: &Array2<usize>, matching: &[usize]) -> usize {
        matching.iter().enumerate().map(|(row, &column)| table[(row, column)]).sum()
    }

    /// Every order of the columns (Heap 1963).
    fn permutations(n: usize, items: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
        if n <= 1 {
            return visit(items);
        }
        for i in 0..n {
            permutations(n - 1, items, visit);
            items.swap(if n.is_multiple_of(2) { i } else { 0 }, n - 1);
        }
    }

    #[test]
    fn no_permutation_is_better() {
        for n in 0..7 {
            for trial in 0..20 {
                let mut rng = stream(1, "assignment", (n * 100 + trial) as u64);
                let table = Array2::from_shape_fn((n, n), |_| below(&mut rng, 50));
                let matching = best_matching(table.view()).unwrap();
                let mut sorted = matching.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..n).collect::<Vec<_>>());
                let mut best = 0;
                permutations(n, &mut (0..n).collect(), &mut |p| best = best.max(sum(&table, p)));
                assert_eq!(sum(&table, &matching), best);
            }
        }
    }

    #[test]
    fn other_tables_are_refused() {
        assert_eq!(best_matching(Array2::zeros((1, 2)).view()), None);
        assert_eq!(best_matching(Array2::zeros((17, 17)).view()), None);
    }
}
