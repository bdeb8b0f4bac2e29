//! One class against the rest.
//!
//! A constraint on one class sees every instance through one number, the log odds
//! `z = logit_c − ln Σ_{k≠c} e^{logit_k}`; given that the label is another class, the posterior
//! shares out as the prediction does: `γ(k) = γ(not c) · p(k)/(1 − p(c))`.

use assay_array::Scalar;

/// Loops run over this many numbers at a time: one or two of the widest vectors.
pub(super) const LANES: usize = 16;

/// Buffers of the kernels for one class.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    /// Log odds, filled up with `−∞` to a multiple of [`LANES`].
    pub(super) z: Vec<T>,
    /// Probabilities of the class.
    pub(super) p: Vec<T>,
}

/// Beyond this a log odds is as good as infinite, and sums and differences of such stay finite.
#[inline(always)]
fn limit<T: Scalar>() -> T {
    T::ONE / T::MIN_POSITIVE.sqrt()
}

/// Writes the log odds of `class` into `z`, and for more than two classes the share of each other
/// class among the others into `shares`.
#[inline(always)]
pub(super) fn log_odds<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    z: &mut Vec<T>,
    shares: &mut [T],
) {
    let length = logits.len() / classes;
    z.clear();
    z.resize(length.next_multiple_of(LANES), T::NEG_INFINITY);
    let limit = limit::<T>();
    if classes == 2 {
        let sign = if class == 1 { T::ONE } else { -T::ONE };
        for (z, row) in z.iter_mut().zip(logits.chunks_exact(2)) {
            *z = ((row[1] - row[0]) * sign).min(limit).max(-limit);
        }
        return;
    }
    for ((z, row), share) in
        z.iter_mut().zip(logits.chunks_exact(classes)).zip(shares.chunks_exact_mut(classes))
    {
        let mut max = T::NEG_INFINITY;
        for (k, &logit) in row.iter().enumerate() {
            max = if k == class { max } else { max.max(logit) };
        }
        for (share, &logit) in share.iter_mut().zip(row) {
            // The class itself may lie far above the others.
            *share = (logit - max).min(T::ZERO).exp_branchless();
        }
        share[class] = T::ZERO;
        let mut sum = T::ZERO;
        for &share in &*share {
            sum += share;
        }
        for share in &mut *share {
            *share /= sum;
        }
        *z = ((row[class] - max) - sum.ln()).min(limit).max(-limit);
    }
}

/// Writes the log odds of the second of two classes, or of the first, into every [`LANES`]-th cell from
/// the `k`-th on.
#[inline(always)]
pub(super) fn gather<T: Scalar>(z: &mut [T], k: usize, logits: &[T], second: bool) {
    let limit = limit::<T>();
    let sign = if second { T::ONE } else { -T::ONE };
    for (cells, row) in z.chunks_exact_mut(LANES).zip(logits.chunks_exact(2)) {
        cells[k] = ((row[1] - row[0]) * sign).min(limit).max(-limit);
    }
}

/// Writes posterior rows from the probability of `class`, `gamma(i)`, and the shares that
/// [`log_odds`] left in `posterior`.
#[inline(always)]
pub(super) fn restore<T: Scalar>(
    posterior: &mut [T],
    classes: usize,
    class: usize,
    gamma: impl Iterator<Item = T>,
) {
    if classes == 2 {
        if class == 1 {
            for (row, gamma) in posterior.chunks_exact_mut(2).zip(gamma) {
                row[1] = gamma;
                row[0] = T::ONE - gamma;
            }
        } else {
            for (row, gamma) in posterior.chunks_exact_mut(2).zip(gamma) {
                row[0] = gamma;
                row[1] = T::ONE - gamma;
            }
        }
        return;
    }
    for (row, gamma) in posterior.chunks_exact_mut(classes).zip(gamma) {
        for share in &mut *row {
            *share *= T::ONE - gamma;
        }
        row[class] = gamma;
    }
}

/// `Σ ln(1 + e^{x_i})` to full relative precision with one logarithm in all.
///
/// `ln(1 + e^x) = max(x, 0) + ln(1 + e^{−|x|})`, and the excess `E = Π(1 + e_i) − 1` grows by
/// `E ← E + e + E·e`, a sum of positive terms: it stays exact where the product would round to 1.
pub(super) struct SoftplusSum {
    linear: [f64; LANES],
    excess: [f64; LANES],
    pending: usize,
    /// Finished parts.
    total: f64,
}

/// After so many factors, each at most 2, an excess is at most 2^480.
const PENDING: usize = 480;

impl SoftplusSum {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { linear: [0.0; LANES], excess: [0.0; LANES], pending: 0, total: 0.0 }
    }

    /// Adds [`LANES`] terms: `linear[k] = max(x_k, 0)` and `e[k] = e^{−|x_k|}`.
    #[inline(always)]
    pub(super) fn add<T: Scalar>(&mut self, linear: [f64; LANES], e: [T; LANES]) {
        for k in 0..LANES {
            let e = e[k].to_f64();
            self.linear[k] += linear[k];
            self.excess[k] = self.excess[k] * e + (self.excess[k] + e);
        }
        self.pending += 1;
        if self.pending == PENDING {
            self.flush();
        }
    }

    #[inline(always)]
    fn flush(&mut self) {
        let mut product = 0.0_f64;
        for excess in &mut self.excess {
            // Both factors stay below 2^500, their product below the largest number.
            if product > 1e150 {
                self.total += product.ln_1p();
                product = 0.0;
            }
            product = product * *excess + (product + *excess);
            *excess = 0.0;
        }
        self.total += product.ln_1p();
        self.pending = 0;
    }

    #[inline(always)]
    pub(super) fn finish(mut self) -> f64 {
        self.flush();
        self.linear.iter().sum::<f64>() + self.total
    }
}

/// [`LANES`] numbers from `x` on.
#[inline(always)]
pub(super) fn lanes<T: Scalar>(x: &[T]) -> [T; LANES] {
    let mut lanes = [T::ZERO; LANES];
    lanes.copy_from_slice(&x[..LANES]);
    lanes
}
