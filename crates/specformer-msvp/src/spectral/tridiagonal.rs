//! The small eigenproblem of Lanczos: the two largest eigenvalues of a symmetric tridiagonal matrix.

/// Points that are tried at a time: their divisions do not wait for one another.
const POINTS: usize = 8;

/// Positive semidefinite, with non-negative numbers beside the diagonal.
#[derive(Default)]
pub(super) struct Tridiagonal {
    /// At least one.
    pub(super) diagonal: Vec<f64>,
    /// One less than `diagonal`.
    pub(super) beside: Vec<f64>,
}

impl Tridiagonal {
    /// The largest eigenvalue to rounding, and a number above the second by at most a thousandth of
    /// the largest.
    ///
    /// By cutting an interval at several points at a time, with the number of eigenvalues above each, which
    /// is the number of positive pivots of `T − x` (Sylvester).
    pub(super) fn top_two(&self) -> (f64, f64) {
        let high = self.largest_from(1, self.bound(), 4.0 * f64::EPSILON);
        (high, self.largest_from(2, high, 1.0 / 1024.0))
    }

    /// A number above the `rank`-th largest eigenvalue by at most `width` of `high`, which is no less.
    fn largest_from(&self, rank: usize, mut high: f64, width: f64) -> f64 {
        let (mut low, width) = (0.0, width * high);
        while high - low > width {
            let step = (high - low) / (POINTS + 1) as f64;
            let points: [f64; POINTS] = std::array::from_fn(|i| low + step * (i + 1) as f64);
            let above = self.above(points).iter().take_while(|count| **count >= rank).count();
            let (from, to) = (low, high);
            if above > 0 {
                low = points[above - 1];
            }
            if above < POINTS {
                high = points[above];
            }
            if (from, to) == (low, high) {
                break; // neighbouring numbers
            }
        }
        high
    }

    /// The unit eigenvector of the largest eigenvalue, by inverse iteration: `λ − T` just above `λ` has
    /// no negative pivot and no positive number beside its diagonal, so nothing cancels.
    pub(super) fn vector(&self, value: f64) -> Vec<f64> {
        let k = self.diagonal.len();
        let floor = value * f64::EPSILON + f64::MIN_POSITIVE;
        let mut pivots: Vec<f64> = Vec::with_capacity(k);
        for (i, d) in self.diagonal.iter().enumerate() {
            let before = i.checked_sub(1).map_or(0.0, |j| self.beside[j].powi(2) / pivots[j]);
            pivots.push((value - d - before).max(floor));
        }
        let mut x = vec![1.0; k];
        for _ in 0..3 {
            for i in 1..k {
                x[i] += self.beside[i - 1] / pivots[i - 1] * x[i - 1];
            }
            x[k - 1] /= pivots[k - 1];
            for i in (0..k - 1).rev() {
                x[i] = (x[i] + self.beside[i] * x[i + 1]) / pivots[i];
            }
            let length = crate::kernel::norm(&x);
            for x in &mut x {
                *x /= length;
            }
        }
        x
    }

    /// Gershgorin's bound on all eigenvalues.
    fn bound(&self) -> f64 {
        let at = |i: usize| self.beside.get(i).copied().unwrap_or(0.0);
        let rows = self.diagonal.iter().enumerate();
        let ends = rows.map(|(i, d)| {
            d + at(i) * f64::from(u8::from(i + 1 < self.diagonal.len()))
                + i.checked_sub(1).map_or(0.0, at)
        });
        ends.fold(0.0, f64::max) * (1.0 + 4.0 * f64::EPSILON)
    }

    /// How many eigenvalues are above each point.
    fn above(&self, points: [f64; POINTS]) -> [usize; POINTS] {
        let (mut counts, mut pivots) = ([0; POINTS], [1.0; POINTS]);
        let mut square = 0.0;
        for (i, d) in self.diagonal.iter().enumerate() {
            for ((count, pivot), x) in counts.iter_mut().zip(&mut pivots).zip(points) {
                *pivot = d - x - square / *pivot;
                // An eigenvalue at x is not above it.
                *pivot = if *pivot == 0.0 { -f64::MIN_POSITIVE } else { *pivot };
                *count += usize::from(*pivot > 0.0);
            }
            square = self.beside.get(i).map_or(0.0, |e| e * e);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use assay_array::linalg::eigh;
    use assay_array::random::{normal, stream};
    use ndarray::Array2;

    use super::*;

    #[test]
    fn the_top_is_that_of_the_full_decomposition() {
        let mut rng = stream(0, "tridiagonal", 0);
        for k in [1, 2, 3, 10, 40] {
            // BᵀB of a bidiagonal B.
            let b: Vec<[f64; 2]> =
                (0..k).map(|_| [normal(&mut rng).abs(), normal(&mut rng).abs()]).collect();
            let t = Tridiagonal {
                diagonal: (0..k)
                    .map(|i| b[i][0].powi(2) + if i > 0 { b[i - 1][1].powi(2) } else { 0.0 })
                    .collect(),
                beside: (1..k).map(|i| b[i - 1][0] * b[i - 1][1]).collect(),
            };
            let mut full = Array2::zeros((k, k));
            for i in 0..k {
                full[[i, i]] = t.diagonal[i];
                if i > 0 {
                    (full[[i, i - 1]], full[[i - 1, i]]) = (t.beside[i - 1], t.beside[i - 1]);
                }
            }
            let exact = eigh(full.view()).unwrap();
            let (value, second) = t.top_two();
            assert!((value / exact.values[k - 1] - 1.0).abs() < 1e-13, "{k}");
            if k > 1 {
                assert!(second >= exact.values[k - 2] * (1.0 - 1e-12));
                assert!(second <= exact.values[k - 2] + value / 1000.0);
            }
            for (x, e) in t.vector(value).iter().zip(exact.vectors.column(k - 1)) {
                assert!((x.abs() - e.abs()).abs() < 1e-9, "{k}: {x} {e}");
            }
        }
    }
}
