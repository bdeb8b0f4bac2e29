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
use super::{Workspace, presence};

/// Buffers of the recursion.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    /// `1 − p`; `p` is with the log odds.
    q: Vec<T>,
    /// One row of `α` for each step; see [`Lattice`].
    alpha: Vec<T>,
    beta: Vec<T>,
    /// The first and the last chunk of each row of `α`.
    windows: Vec<(u32, u32)>,
}

/// Cells with less than this chance of being visited are left out. The wanted count has a chance of
/// about `1/L` after tilting, and there are `L` rows with two ends each: what is left out changes a
/// posterior by about `1e-30 L²`.
const NEGLIGIBLE: f64 = 1e-30;

/// A tilted probability of the wanted count below this means that tilting failed.
const SMALLEST_TOTAL: f64 = 1e-12;

/// Exactly `count` of class `class`: returns `log Z`, or `None` when tilting fails, for log odds that
/// span more than the element type resolves. Here `count ≤ L`.
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
    Arch::new().dispatch(Count { logits, classes, class, count, posterior, workspace })
}

struct Count<'a, T> {
    logits: &'a [T],
    classes: usize,
    class: usize,
    count: usize,
    posterior: &'a mut [T],
    workspace: &'a mut Workspace<T>,
}

impl<T: Scalar> WithSimd for Count<'_, T> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Option<f64> {
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
        let p = &mut workspace.binary.p;
        let Buffers { q, alpha, beta, windows } = &mut workspace.count;
        let correction = tilted(z, lambda, p, q);
        let mut lattice = Lattice::new(length, count, alpha, beta, windows);
        let total = if S::IS_SCALAR {
            lattice.run::<false>(&mut p[..length], &q[..length])
        } else {
            lattice.run::<true>(&mut p[..length], &q[..length])
        };
        if total.is_nan() || total < SMALLEST_TOTAL {
            return None;
        }
        let gamma = p[..length].iter().map(|&gamma| if flipped { T::ONE - gamma } else { gamma });
        restore(posterior, classes, class, gamma);
        Some(total.ln() + correction - lambda.to_f64() * count as f64)
    }
}

/// Iterations before tilting is given up. Newton's method takes 3 to 6; bisection from the widest
/// bracket of `f64` takes about 1000 in the worst case.
const MAX_ITERATIONS: usize = 1100;

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

/// The recursion's table. A row of `α` holds the states `0..=m` in chunks of [`LANES`] and before
/// them one chunk that stands for the state −1. Only the cells in a row's window are
/// computed: those that can reach `m`, and of these those that are not negligible.
struct Lattice<'a, T> {
    length: usize,
    count: usize,
    stride: usize,
    alpha: &'a mut Vec<T>,
    beta: &'a mut Vec<T>,
    windows: &'a mut Vec<(u32, u32)>,
}

/// `a·b + c`. The fused instruction is only used where the processor has it; elsewhere it would be a
/// call.
#[inline(always)]
fn mul_add<T: Scalar, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

impl<'a, T: Scalar> Lattice<'a, T> {
    #[inline(always)]
    fn new(
        length: usize,
        count: usize,
        alpha: &'a mut Vec<T>,
        beta: &'a mut Vec<T>,
        windows: &'a mut Vec<(u32, u32)>,
    ) -> Self {
        let stride = LANES + (count + 1).next_multiple_of(LANES);
        if alpha.len() < length * stride {
            alpha.resize(length * stride, T::ZERO);
        }
        beta.clear();
        beta.resize(stride, T::ZERO);
        windows.clear();
        windows.reserve(length);
        Self { length, count, stride, alpha, beta, windows }
    }

    /// Turns `p` into the posterior; returns `P_λ(m)`, 0 when tilting failed.
    #[inline(always)]
    fn run<const FUSED: bool>(&mut self, p: &mut [T], q: &[T]) -> f64 {
        if self.forward::<FUSED>(p, q) { self.backward::<FUSED>(p, q) } else { 0.0 }
    }

    /// Fills the rows `α_0` to `α_{L−1}`; `false` when a row has no cell left, because tilting failed.
    #[inline(always)]
    fn forward<const FUSED: bool>(&mut self, p: &[T], q: &[T]) -> bool {
        let negligible = T::from_f64(NEGLIGIBLE);
        let end = (self.stride / LANES - 1) as u32;
        let row = &mut self.alpha[..self.stride];
        row[..2 * LANES].fill(T::ZERO);
        row[LANES] = T::ONE;
        let mut window = (0_u32, 1_u32);
        self.windows.push(window);
        for step in 1..self.length {
            let (before, after) = self.alpha[(step - 1) * self.stride..(step + 1) * self.stride]
                .split_at_mut(self.stride);
            let (p, q) = (p[step - 1], q[step - 1]);
            // The next chunk gets its first mass from the last cell of this one.
            if window.1 < end && before[LANES * (window.1 as usize + 1) - 1] > negligible {
                let fresh = LANES * (window.1 as usize + 1);
                before[fresh..fresh + LANES].fill(T::ZERO);
                window.1 += 1;
            }
            // Below this state even positives alone do not lead to m.
            let lowest = (self.count + step).saturating_sub(self.length);
            window.0 = window.0.max((lowest / LANES) as u32);
            if window.0 >= window.1 {
                return false;
            }
            let (first, last) = (LANES * (window.0 as usize + 1), LANES * (window.1 as usize + 1));
            let (stay, come) = (&before[first..last], &before[first - 1..last - 1]);
            let out = &mut after[first..last];
            for ((out, &stay), &come) in out.iter_mut().zip(stay).zip(come) {
                *out = mul_add::<T, FUSED>(stay, q, come * p);
            }
            // What a lower window left unwritten.
            after[first - 1] = T::ZERO;
            if window.0 + 1 < window.1 && is_negligible(&after[first..first + LANES], negligible) {
                window.0 += 1;
                // Later rows read the cell below their window; in this row it is there.
            }
            self.windows.push(window);
        }
        true
    }

    /// Goes back through the rows, turning `p` into the posterior; returns `P_λ(m) = β_0(0)`.
    #[inline(always)]
    fn backward<const FUSED: bool>(&mut self, p: &mut [T], q: &[T]) -> f64 {
        let negligible = T::from_f64(NEGLIGIBLE);
        let beta = &mut self.beta[..];
        // β_L in the layout of `α` without the chunk in front; one chunk of zeros behind.
        beta[self.count] = T::ONE;
        let mut low = (self.count / LANES) as u32;
        let mut high = low + 1;
        for step in (0..self.length).rev() {
            if low > 0 && beta[LANES * low as usize] > negligible {
                low -= 1;
            }
            let window = self.windows[step];
            let first = low.max(window.0) as usize * LANES;
            let last = high.min(window.1) as usize * LANES;
            let row = &self.alpha[step * self.stride + LANES..(step + 1) * self.stride];
            let (positive, negative) = (p[step], q[step]);
            let mut one = [T::ZERO; LANES];
            let mut zero = [T::ZERO; LANES];
            let mut j = first;
            while j < last {
                let alpha = lanes(&row[j..]);
                let here = lanes(&beta[j..]);
                let above = lanes(&beta[j + 1..]);
                let mut out = [T::ZERO; LANES];
                for k in 0..LANES {
                    one[k] = mul_add::<T, FUSED>(alpha[k], above[k], one[k]);
                    zero[k] = mul_add::<T, FUSED>(alpha[k], here[k], zero[k]);
                    out[k] = mul_add::<T, FUSED>(here[k], negative, above[k] * positive);
                }
                beta[j..j + LANES].copy_from_slice(&out);
                j += LANES;
            }
            let one = one.iter().map(|x| x.to_f64()).sum::<f64>() * positive.to_f64();
            let zero = zero.iter().map(|x| x.to_f64()).sum::<f64>() * negative.to_f64();
            p[step] = T::from_f64(one / (one + zero));
            if low + 1 < high {
                let top = LANES * (high as usize - 1);
                if is_negligible(&beta[top..top + LANES], negligible) {
                    high -= 1;
                }
            }
        }
        beta[0].to_f64()
    }
}

/// Whether every cell of a chunk is below the bound.
#[inline(always)]
fn is_negligible<T: Scalar>(chunk: &[T], bound: T) -> bool {
    let chunk = lanes(chunk);
    let mut max = T::ZERO;
    for x in chunk {
        max = if x > max { x } else { max };
    }
    max <= bound
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
