//! The small eigenproblem of Lanczos: the two largest eigenvalues of a symmetric tridiagonal matrix.

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
    /// By bisection on the number of eigenvalues above a point, which is the number of positive pivots
    /// of `T − x` (Sylvester).
    pub(super) fn top_two(&self) -> (f64, f64) {
        let bound = self.bound();
        let (mut low, mut high) = (0.0, bound);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.above(middle) >= 1 {
                low = middle;
            } else {
                high = middle;
            }
            if high - low <= f64::EPSILON * high {
                break;
            }
        }
        let (mut below, mut second) = (0.0, high);
        while second - below > high / 1024.0 {
            let middle = f64::midpoint(below, second);
            if self.above(middle) >= 2 { below = middle } else { second = middle }
        }
        (high, second)
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

    /// How many eigenvalues are above `x`.
    fn above(&self, x: f64) -> usize {
        let (mut count, mut pivot) = (0, 1.0);
        for (i, d) in self.diagonal.iter().enumerate() {
            let before = i.checked_sub(1).map_or(0.0, |j| self.beside[j].powi(2) / pivot);
            pivot = d - x - before;
            if pivot == 0.0 {
                pivot = -f64::MIN_POSITIVE; // an eigenvalue at x is not above it
            }
            count += usize::from(pivot > 0.0);
        }
        count
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
