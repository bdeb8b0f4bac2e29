//! How likely some, or all, of `k` attempts succeed, from `c` successes in `n` attempts.

/// The unbiased estimate that at least one of `k` attempts succeeds, `1 − C(n − c, k) / C(n, k)`
/// (Chen et al. 2021); `None` for `n < k`, which some harnesses return as NaN, and for `c > n`.
///
/// ```
/// use assay_score::statistics::{pass_at_k, pass_every_k};
/// assert!((pass_at_k(10, 3, 5).unwrap() - 11.0 / 12.0).abs() < 1e-12);
/// assert_eq!(pass_every_k(10, 3, 1), Some(0.3));
/// assert_eq!(pass_at_k(4, 2, 5), None);
/// ```
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    (k <= n && c <= n).then(|| 1.0 - all_drawn(n, n - c, k))
}

/// The unbiased estimate that all `k` attempts succeed, `C(c, k) / C(n, k)`; `None` as
/// [`pass_at_k`].
pub fn pass_every_k(n: u64, c: u64, k: u64) -> Option<f64> {
    (k <= n && c <= n).then(|| all_drawn(n, c, k))
}

/// The probability that all `k` drawn of `n` without replacement are among `marked`:
/// `Π_{i<k} (marked − i) / (n − i)`, equally `Π_{i<n−marked} (n − k − i) / (n − i)`; the shorter one.
fn all_drawn(n: u64, marked: u64, k: u64) -> f64 {
    if k > marked {
        return 0.0;
    }
    let (factors, lack) = if k <= n - marked { (k, n - marked) } else { (n - marked, k) };
    let mut product = 1.0;
    for i in 0..factors {
        product *= (n - i - lack) as f64 / (n - i) as f64;
        if product == 0.0 {
            break;
        }
    }
    product
}
