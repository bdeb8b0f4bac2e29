//! k-means, which the pair baseline needs to make classes from an embedding.

use assay_array::random::{Stream, below, stream, uniform};

/// The nearest of `k` centres for each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The centres.
    pub centres: Vec<Vec<f64>>,
    /// The centre of each row.
    pub labels: Vec<usize>,
    /// The sum of the squared distances to the centres.
    pub inertia: f64,
}

/// Lloyd's iteration stops by itself; this bounds it.
const MAX_ITERATIONS: usize = 100;

/// The best of `restarts` runs of Lloyd's iteration (1982), each started as k-means++ does (Arthur and
/// Vassilvitskii 2007). Rows must be of one length; no rows or `k = 0` give an empty clustering.
pub fn kmeans(rows: &[Vec<f64>], k: usize, restarts: usize, seed: u64) -> Clustering {
    let empty = Clustering { centres: Vec::new(), labels: Vec::new(), inertia: 0.0 };
    if rows.is_empty() || k == 0 {
        return empty;
    }
    (0..restarts.max(1) as u64)
        .map(|index| lloyd(rows, plus_plus(rows, k, &mut stream(seed, "k-means", index))))
        .min_by(|a, b| a.inertia.total_cmp(&b.inertia))
        .unwrap_or(empty)
}

/// The index of the centre nearest to `row`, and the squared distance.
pub fn nearest(centres: &[Vec<f64>], row: &[f64]) -> (usize, f64) {
    let square =
        |centre: &Vec<f64>| centre.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let distances = centres.iter().map(square).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::INFINITY))
}

fn plus_plus(rows: &[Vec<f64>], k: usize, rng: &mut Stream) -> Vec<Vec<f64>> {
    let mut centres = vec![rows[below(rng, rows.len())].clone()];
    while centres.len() < k {
        let squares: Vec<f64> = rows.iter().map(|row| nearest(&centres, row).1).collect();
        let mut left = uniform(rng) * squares.iter().sum::<f64>();
        let chosen = squares.iter().position(|square| {
            left -= square;
            left < 0.0
        });
        // All rows lie on centres: any row will do.
        centres.push(rows[chosen.unwrap_or(0)].clone());
    }
    centres
}

fn lloyd(rows: &[Vec<f64>], mut centres: Vec<Vec<f64>>) -> Clustering {
    let mut labels = Vec::new();
    let mut inertia = 0.0;
    for _ in 0..MAX_ITERATIONS {
        let found: Vec<(usize, f64)> = rows.iter().map(|row| nearest(&centres, row)).collect();
        inertia = found.iter().map(|(_, square)| square).sum();
        let now: Vec<usize> = found.into_iter().map(|(label, _)| label).collect();
        if now == labels {
            break;
        }
        labels = now;
        let mut sums = vec![(vec![0.0; rows[0].len()], 0.0); centres.len()];
        for (row, &label) in rows.iter().zip(&labels) {
            let (sum, count) = &mut sums[label];
            *count += 1.0;
            sum.iter_mut().zip(row).for_each(|(total, value)| *total += value);
        }
        for (centre, (sum, count)) in centres.iter_mut().zip(sums) {
            // A centre that lost all its rows stays where it is.
            if count > 0.0 {
                *centre = sum.into_iter().map(|total| total / count).collect();
            }
        }
    }
    Clustering { centres, labels, inertia }
}

#[cfg(test)]
mod tests {
    use assay_array::random::normal;

    use super::*;

    #[test]
    fn far_apart_groups_are_found() {
        let mut rng = stream(2, "test", 0);
        let rows: Vec<Vec<f64>> = (0..90)
            .map(|i| (0..3).map(|d| 10.0 * f64::from(i % 3 == d) + normal(&mut rng)).collect())
            .collect();
        let found = kmeans(&rows, 3, 5, 1);
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(found.labels[i], found.labels[i % 3]);
            assert_eq!(nearest(&found.centres, row).0, found.labels[i]);
        }
        let distinct: std::collections::HashSet<_> = found.labels.iter().collect();
        assert_eq!(distinct.len(), 3);
        // Three dimensions of unit variance.
        assert!((found.inertia / 90.0 - 3.0).abs() < 1.0, "{}", found.inertia);
    }

    #[test]
    fn degenerate_input_is_answered() {
        assert!(kmeans(&[], 3, 1, 0).labels.is_empty());
        assert!(kmeans(&[vec![1.0]], 0, 1, 0).labels.is_empty());
        let same = kmeans(&vec![vec![1.0]; 4], 3, 2, 0);
        assert_eq!((same.inertia, same.labels.len(), same.centres.len()), (0.0, 4, 3));
    }
}
