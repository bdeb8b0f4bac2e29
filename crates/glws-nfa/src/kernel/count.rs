//! Exact counts: exponential tilting and a banded linear recursion.
//!
//! The number of positives is Poisson-binomial. Its recursion `α_i(j) = q_i α_{i−1}(j) +
//! p_i α_{i−1}(j−1)` loses the wanted state to underflow when the count is unlikely. Adding a
//! constant `λ` to every log odds multiplies each sequence with `m` positives by the same `e^{λm}`
//! and so leaves the posterior alone; with `λ` such that `Σ σ(z_i + λ) ≈ m` the wanted count is
//! the likeliest, `P_λ(m) ≥ 1/(L + 1)` or nearly so, and
//!
//! `ln P(m) = ln P_λ(m) − λ m + Σ_i [softplus(z_i + λ) − softplus(z_i)]`.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::binary::{LANES, SoftplusSum, lanes, log_odds, restore};
use super::vector::same_type;
use super::{Workspace, lattice, presence};

/// A tilted probability of the wanted count below this means that tilting failed.
pub(super) const SMALLEST_TOTAL: f64 = 1e-12;

/// Exactly `count` of class `class`: returns `log Z`, or `None` when tilting fails, for log odds so
/// large that their sums lose digits. Here `count ≤ L`.
pub(super) fn posterior<T: Scalar>(
    logits: &[T],
    classes: usize,
    class: usize,
    count: usize,
    posterior: &mut [T],
    workspace: &mut Workspace<T>,
) -> Option<f64> {
    if count == 0 {
        return Some(presence::absent(logits, classes, class, posterior, &mut workspace.binary));
    }
    if count == logits.len() / classes {
        return Some(presence::all(logits, classes, class, posterior, &mut workspace.binary));
    }
    Arch::new().dispatch(ExactCount { logits, classes, class, count, posterior, workspace })
}

struct ExactCount<'a, T> {
    logits: &'a [T],
    classes: usize,
    class: usize,
    count: usize,
    posterior: &'a mut [T],
    workspace: &'a mut Workspace<T>,
}

impl<T: Scalar> WithSimd for ExactCount<'_, T> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Option<f64> {
        let Self { logits, classes, class, count, posterior, workspace } = self;
        let length = logits.len() / classes;
        let z = &mut workspace.binary.z;
        log_odds(logits, classes, class, z, posterior);
        // The rarer label is counted, so that the band is at most half the bag.
        let flipped = 2 * count > length;
        let count = if flipped { length - count } else { count };
        if flipped {
            for z in &mut z[..length] {
                *z = -*z;
            }
        }
        let lambda = tilt(z, length, count)?;
        let buffers = &mut workspace.lattice;
        let correction = tilted(z, lambda, &mut buffers.p, &mut buffers.q);
        let total = if let Some(buffers) = same_type::<_, lattice::Buffers<f32>>(buffers) {
            lattice::run(simd, length, count, buffers)
        } else if let Some(buffers) = same_type::<_, lattice::Buffers<f64>>(buffers) {
            lattice::run(simd, length, count, buffers)
        } else {
            return None; // cannot happen: `Scalar` is sealed for these two
        };
        if total.is_nan() || total < SMALLEST_TOTAL {
            return None;
        }
        let gamma = workspace.lattice.p[..length]
            .iter()
            .map(|&gamma| if flipped { T::ONE - gamma } else { gamma });
        restore(posterior, classes, class, gamma);
        Some(total.ln() + correction - lambda.to_f64() * count as f64)
    }
}

/// Iterations before tilting is given up. Newton's method takes 3 to 6; bisection from the widest
/// bracket allowed to neighbouring `f64` takes about 90.
pub(super) const MAX_ITERATIONS: usize = 200;

/// `log Z` is a difference of sums of log odds: with sums above this it would lose more than 1e-7.
pub(super) const LARGEST_SUM: f64 = 1e9;

/// The `λ` with `Σ σ(z_i + λ) ≈ m`, by Newton's method that a bracket safeguards. It need not be
/// exact: any `λ` gives the right result, a good one keeps it away from underflow.
#[inline(always)]
fn tilt<T: Scalar>(z: &[T], length: usize, count: usize) -> Option<T> {
    let mut lows = [T::INFINITY; LANES];
    let mut highs = [T::NEG_INFINITY; LANES];
    let mut sums = [T::ZERO; LANES];
    for (chunk, z) in z.chunks_exact(LANES).enumerate() {
        let z = lanes(z);
        for k in 0..LANES {
            let real = chunk * LANES + k < length;
            lows[k] = if real && z[k] < lows[k] { z[k] } else { lows[k] };
            highs[k] = if real && z[k] > highs[k] { z[k] } else { highs[k] };
            sums[k] += if real { z[k] } else { T::ZERO };
        }
    }
    let lowest = lows.iter().fold(T::INFINITY, |a, &b| a.min(b));
    let highest = highs.iter().fold(T::NEG_INFINITY, |a, &b| a.max(b));
    if highest.max(-lowest).to_f64() * length as f64 > LARGEST_SUM {
        return None;
    }
    let mean = T::from_f64(sums.iter().map(|s| s.to_f64()).sum::<f64>() / length as f64);
    let (m, rest) = (count as f64, (length - count) as f64);
    let logit = T::from_f64((m / rest).ln());
    // With all odds at the highest (lowest) one, the answer would be the lower (upper) end.
    let (mut low, mut high) = (logit - highest, logit - lowest);
    let mut lambda = logit - mean;
    for _ in 0..MAX_ITERATIONS {
        let mut sums = [T::ZERO; LANES];
        let mut variances = [T::ZERO; LANES];
        for z in z.chunks_exact(LANES) {
            let z = lanes(z);
            for k in 0..LANES {
                let t = z[k] + lambda;
                let e = (-t.abs()).exp_branchless();
                let reciprocal = T::ONE / (T::ONE + e);
                sums[k] += if t >= T::ZERO { T::ONE } else { e } * reciprocal;
                variances[k] += e * reciprocal * reciprocal;
            }
        }
        let excess = sums.iter().map(|s| s.to_f64()).sum::<f64>() - m;
        let variance = variances.iter().map(|v| v.to_f64()).sum::<f64>();
        // A quarter of a standard deviation off costs 3 % of P(m).
        if excess.abs() <= 0.25 * variance.sqrt().max(1.0) {
            return Some(lambda);
        }
        if excess > 0.0 {
            high = lambda;
        } else {
            low = lambda;
        }
        let newton = lambda - T::from_f64(excess / variance);
        let half = T::from_f64(0.5);
        lambda = if newton > low && newton < high { newton } else { low * half + high * half };
    }
    None
}

/// Writes `p = σ(z + λ)` and `q = 1 − p`; returns `Σ [softplus(z + λ) − softplus(z)]`.
#[inline(always)]
fn tilted<T: Scalar>(z: &[T], lambda: T, p: &mut Vec<T>, q: &mut Vec<T>) -> f64 {
    p.resize(z.len(), T::ZERO);
    q.resize(z.len(), T::ZERO);
    let mut after = SoftplusSum::new();
    for ((z, p), q) in
        z.chunks_exact(LANES).zip(p.chunks_exact_mut(LANES)).zip(q.chunks_exact_mut(LANES))
    {
        let z = lanes(z);
        let mut e = [T::ZERO; LANES];
        let mut linear = [0.0; LANES];
        for k in 0..LANES {
            let t = z[k] + lambda;
            e[k] = (-t.abs()).exp_branchless();
            let likely = T::ONE / (T::ONE + e[k]);
            let unlikely = e[k] * likely;
            p[k] = if t >= T::ZERO { likely } else { unlikely };
            q[k] = if t >= T::ZERO { unlikely } else { likely };
            // In f64: thousands of large log odds nearly cancel against λ m.
            linear[k] = (z[k].to_f64() + lambda.to_f64()).max(0.0);
        }
        after.add(linear, e);
    }
    after.finish() - presence::softplus_sum(z)
}

/// `P(k of L)` for `k = 0..=L` from the log odds of each instance, in `O(L²)`.
pub(crate) fn distribution<T: Scalar>(logits: &[T], classes: usize, class: usize) -> Vec<f64> {
    let length = logits.len() / classes;
    let mut p = vec![0.0; classes];
    let mut distribution = Vec::with_capacity(length + 1);
    distribution.push(1.0);
    for row in logits.chunks_exact(classes) {
        super::softmax::softmax(row, &mut p);
        let yes = p[class];
        let no: f64 = p.iter().enumerate().filter(|(k, _)| *k != class).map(|(_, p)| p).sum();
        let mut below = 0.0;
        for cell in &mut distribution {
            let here = *cell;
            *cell = here * no + below * yes;
            below = here;
        }
        distribution.push(below * yes);
    }
    distribution
}
