//! Exact counts, a bag in each lane: the tilted linear recursion of [`count`](super::super::count).
//!
//! `α_i(j)` of all lanes stand together, so that a cell of the table is one vector. What does not fit in
//! the cache is computed twice instead of stored: every `K`-th row of `α` is kept, and the rows between
//! two of them are computed again on the way back. With `K = √L` memory and traffic are `O(√L · m)`.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::super::binary::{self, LANES, lanes, log_odds, restore};
use super::super::count::{LARGEST_SUM, MAX_ITERATIONS, SMALLEST_TOTAL};
use super::super::lattice::NEGLIGIBLE;
use super::super::vector::{Vector, same_type};
use super::Job;

/// Tables up to this many bytes are kept whole: half of a usual second-level cache.
const KEPT_BYTES: usize = 1 << 19;

/// What the lanes work in; cells and steps are rows of [`LANES`] numbers.
#[derive(Debug, Default)]
pub(crate) struct Buffers<T> {
    /// Log odds of each step; `−∞` behind the end of a lane.
    z: Vec<T>,
    /// Tilted probabilities, then posteriors.
    p: Vec<T>,
    q: Vec<T>,
    /// Rows of `α`: all of them, or those of one segment.
    alpha: Vec<T>,
    /// Every `K`-th row of `α`.
    kept: Vec<T>,
    beta: Vec<T>,
    /// The first and one past the last cell of each row of `α` that is not negligible.
    windows: Vec<Window>,
}

impl<T> Buffers<T> {
    /// The memory of the table.
    pub(super) fn bytes(&self) -> usize {
        (self.alpha.capacity() + self.kept.capacity()) * size_of::<T>()
    }
}

/// `log Z` of each job, and its posterior; `None` for those whose tilting failed.
pub(super) fn posteriors<T: Scalar>(
    jobs: &mut [Job<'_, T>],
    classes: usize,
    buffers: &mut Buffers<T>,
    binary: &mut binary::Buffers<T>,
) -> [Option<f64>; LANES] {
    Arch::new().dispatch(Counts { jobs, classes, buffers, binary })
}

struct Counts<'j, 'a, T> {
    jobs: &'j mut [Job<'a, T>],
    classes: usize,
    buffers: &'j mut Buffers<T>,
    binary: &'j mut binary::Buffers<T>,
}

/// One lane's problem: how long, how many positives, and whether they are the rarer label's opposite.
#[derive(Clone, Copy, Default)]
struct Lane {
    length: usize,
    class: usize,
    count: usize,
    flipped: bool,
}

impl<T: Scalar> WithSimd for Counts<'_, '_, T> {
    type Output = [Option<f64>; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [Option<f64>; LANES] {
        let Self { jobs, classes, buffers, binary } = self;
        let mut of = [Lane::default(); LANES];
        for (lane, job) in of.iter_mut().zip(&*jobs) {
            let crate::Constraint::Count { class, count } = *job.constraint else { continue };
            let length = job.logits.len() / classes;
            // The rarer label is counted, so that the table is at most half as wide as the bag.
            let flipped = 2 * count > length;
            let count = if flipped { length - count } else { count };
            *lane = Lane { length, class, count, flipped };
        }
        let steps = of.iter().map(|lane| lane.length).max().unwrap_or(0);
        let z = &mut buffers.z;
        z.clear();
        z.resize(steps * LANES, T::NEG_INFINITY);
        for (k, (lane, job)) in of.iter().zip(jobs.iter_mut()).enumerate() {
            gather(z, k, *lane, job, classes, binary);
        }
        let (lambda, found) = tilt(z, &of);
        let correction = tilted(z, &lambda, &mut buffers.p, &mut buffers.q);
        let total = if let Some(buffers) = same_type::<_, Buffers<f32>>(buffers) {
            recursion(simd, steps, &of, buffers)
        } else if let Some(buffers) = same_type::<_, Buffers<f64>>(buffers) {
            recursion(simd, steps, &of, buffers)
        } else {
            return [None; LANES]; // cannot happen: `Scalar` is sealed for these two
        };
        let mut log_z = [None; LANES];
        for (k, (lane, job)) in of.iter().zip(jobs.iter_mut()).enumerate() {
            if !found[k] || total[k].is_nan() || total[k] < SMALLEST_TOTAL {
                continue;
            }
            let gamma = buffers.p[..lane.length * LANES].iter().skip(k).step_by(LANES);
            let flip = |&gamma: &T| if lane.flipped { T::ONE - gamma } else { gamma };
            restore(job.rows, classes, lane.class, gamma.map(flip));
            let tilted = lambda[k].to_f64() * lane.count as f64;
            log_z[k] = Some(total[k].ln() + correction[k] - tilted);
        }
        log_z
    }
}

/// Writes a bag's log odds into lane `k`.
#[inline(always)]
fn gather<T: Scalar>(
    z: &mut [T],
    k: usize,
    lane: Lane,
    job: &mut Job<'_, T>,
    classes: usize,
    binary: &mut binary::Buffers<T>,
) {
    if classes == 2 {
        binary::gather(z, k, job.logits, (lane.class == 1) != lane.flipped);
        return;
    }
    log_odds(job.logits, classes, lane.class, &mut binary.z, job.rows);
    let sign = if lane.flipped { -T::ONE } else { T::ONE };
    for (cell, &odds) in z.iter_mut().skip(k).step_by(LANES).zip(&binary.z[..lane.length]) {
        *cell = odds * sign;
    }
}

/// For each lane a `λ` with `Σ σ(z_i + λ) ≈ m`, and whether there is one; see
/// [`count`](super::super::count).
#[inline(always)]
fn tilt<T: Scalar>(z: &[T], of: &[Lane; LANES]) -> ([T; LANES], [bool; LANES]) {
    let mut lows = [T::INFINITY; LANES];
    let mut highs = [T::NEG_INFINITY; LANES];
    let mut sums = [0.0; LANES];
    for z in z.chunks_exact(LANES) {
        let z = lanes(z);
        for k in 0..LANES {
            let real = z[k] > T::NEG_INFINITY;
            lows[k] = if real && z[k] < lows[k] { z[k] } else { lows[k] };
            highs[k] = if z[k] > highs[k] { z[k] } else { highs[k] };
            sums[k] += if real { z[k].to_f64() } else { 0.0 };
        }
    }
    let mut found = [false; LANES];
    let mut open = [false; LANES];
    let mut lambda = [T::ZERO; LANES];
    let (mut low, mut high) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    for k in 0..LANES {
        let (length, m) = (of[k].length as f64, of[k].count as f64);
        open[k] = length > 0.0 && highs[k].max(-lows[k]).to_f64() * length <= LARGEST_SUM;
        if open[k] {
            let logit = T::from_f64((m / (length - m)).ln());
            // With all odds at the highest (lowest) one, the answer would be the lower (upper) end.
            (low[k], high[k]) = (logit - highs[k], logit - lows[k]);
            lambda[k] = logit - T::from_f64(sums[k] / length);
        }
    }
    for _ in 0..MAX_ITERATIONS {
        if !open.contains(&true) {
            break;
        }
        let (sums, variances) = moments(z, &lambda);
        for k in 0..LANES {
            if !open[k] {
                continue;
            }
            let excess = sums[k].to_f64() - of[k].count as f64;
            let variance = variances[k].to_f64();
            // One standard deviation off costs half of P(m); a quarter of an instance costs nothing.
            if excess.abs() <= variance.sqrt().max(0.25) {
                (found[k], open[k]) = (true, false);
                continue;
            }
            if excess > 0.0 {
                high[k] = lambda[k];
            } else {
                low[k] = lambda[k];
            }
            let newton = lambda[k] - T::from_f64(excess / variance);
            let half = T::from_f64(0.5);
            let inside = newton > low[k] && newton < high[k];
            lambda[k] = if inside { newton } else { low[k] * half + high[k] * half };
        }
    }
    (lambda, found)
}

/// `Σ σ(z_i + λ)` and `Σ σ(z_i + λ) σ(−z_i − λ)`.
#[inline(always)]
fn moments<T: Scalar>(z: &[T], lambda: &[T; LANES]) -> ([T; LANES], [T; LANES]) {
    let mut sums = [T::ZERO; LANES];
    let mut variances = [T::ZERO; LANES];
    for z in z.chunks_exact(LANES) {
        let z = lanes(z);
        for k in 0..LANES {
            let t = z[k] + lambda[k];
            let e = (-t.abs()).exp_branchless();
            let reciprocal = T::ONE / (T::ONE + e);
            sums[k] += if t >= T::ZERO { T::ONE } else { e } * reciprocal;
            variances[k] += e * reciprocal * reciprocal;
        }
    }
    (sums, variances)
}

/// After so many factors, each at most 2, an excess is at most 2^480.
const PENDING: usize = 480;

/// Writes `p = σ(z + λ)` and `q = 1 − p`; returns `Σ [softplus(z + λ) − softplus(z)]` of each lane.
///
/// As [`SoftplusSum`](binary::SoftplusSum), one logarithm serves hundreds of terms: the excesses
/// `Π(1 + e_i) − 1` of both sums are kept, lane by lane.
#[inline(always)]
fn tilted<T: Scalar>(z: &[T], lambda: &[T; LANES], p: &mut Vec<T>, q: &mut Vec<T>) -> [f64; LANES] {
    p.resize(z.len(), T::ZERO);
    q.resize(z.len(), T::ZERO);
    let mut sum = [0.0; LANES];
    for ((z, p), q) in z
        .chunks(PENDING * LANES)
        .zip(p.chunks_mut(PENDING * LANES))
        .zip(q.chunks_mut(PENDING * LANES))
    {
        let mut after = [0.0; LANES];
        let mut before = [0.0; LANES];
        for ((z, p), q) in
            z.chunks_exact(LANES).zip(p.chunks_exact_mut(LANES)).zip(q.chunks_exact_mut(LANES))
        {
            let z = lanes(z);
            for k in 0..LANES {
                let t = z[k] + lambda[k];
                let e = (-t.abs()).exp_branchless();
                let likely = T::ONE / (T::ONE + e);
                let unlikely = e * likely;
                p[k] = if t >= T::ZERO { likely } else { unlikely };
                q[k] = if t >= T::ZERO { unlikely } else { likely };
                let e = e.to_f64();
                after[k] = after[k] * e + (after[k] + e);
                let e = (-z[k].abs()).exp_branchless().to_f64();
                before[k] = before[k] * e + (before[k] + e);
                // In f64: thousands of large log odds nearly cancel against λ m.
                let here = z[k].to_f64();
                sum[k] += (here + lambda[k].to_f64()).max(0.0) - here.max(0.0);
            }
        }
        for k in 0..LANES {
            sum[k] += after[k].ln_1p() - before[k].ln_1p();
        }
    }
    sum
}

/// Turns probabilities into posteriors given the counts; returns the probability of each lane's count.
#[inline(always)]
fn recursion<T: Vector, S: Simd>(
    simd: S,
    steps: usize,
    of: &[Lane; LANES],
    buffers: &mut Buffers<T>,
) -> [f64; LANES] {
    let Buffers { p, q, alpha, kept, beta, windows, .. } = buffers;
    let table = Table::new(steps, of, size_of::<T>());
    table.reserve(alpha, kept, beta);
    windows.clear();
    windows.push((0, 1));
    for (cell, lane) in alpha[..LANES].iter_mut().zip(of) {
        *cell = if lane.length > 0 { T::ONE } else { T::ZERO };
    }
    for step in 0..steps {
        if step > 0 {
            let (before, after) = table.neighbours(alpha, step);
            let from = windows[step - 1];
            let mut to = table.window(simd, before, from, table.lowest(step));
            let at = (step - 1) * LANES..step * LANES;
            forward_row(simd, (from, to), before, after, &p[at.clone()], &q[at]);
            if to.0 + 1 < to.1 && negligible::<T, S>(simd, after, to.0) {
                to.0 += 1;
            }
            windows.push(to);
        }
        if step % table.segment == 0 {
            let slot = step / table.segment * table.row;
            kept[slot..slot + table.row].copy_from_slice(&alpha[..table.row]);
        }
    }
    let mut band = table.ends(beta, of);
    for first in (0..steps).step_by(table.segment).rev() {
        let end = steps.min(first + table.segment);
        // The last segment's rows are still there.
        if end < steps {
            let slot = first / table.segment * table.row;
            alpha[..table.row].copy_from_slice(&kept[slot..slot + table.row]);
            for step in first + 1..end {
                let (before, after) = table.neighbours(alpha, step);
                let window = (windows[step - 1], windows[step]);
                let at = (step - 1) * LANES..step * LANES;
                forward_row(simd, window, before, after, &p[at.clone()], &q[at]);
            }
        }
        for step in (first..end).rev() {
            let alpha = &alpha[(step - first) * table.row..][..table.row];
            let at = step * LANES..(step + 1) * LANES;
            band = narrowed(simd, band, windows[step], beta);
            backward_row(simd, band, alpha, beta, &mut p[at.clone()], &q[at]);
            if band.0 + 1 < band.1 && negligible::<T, S>(simd, beta, band.1 - 1) {
                band.1 -= 1;
            }
            // The cell above the band is not of this row.
            beta[band.1 * LANES..(band.1 + 1) * LANES].fill(T::ZERO);
        }
    }
    let mut total = [0.0; LANES];
    if band.0 == 0 && band.1 > 0 {
        for (total, beta) in total.iter_mut().zip(&beta[..LANES]) {
            *total = beta.to_f64();
        }
    }
    total
}

/// The cells of a row that matter: from the first up to, not including, the second.
type Window = (usize, usize);

/// How the rows of `α` are laid out.
struct Table {
    /// Cells of a row, `0..=m`.
    cells: usize,
    /// Numbers of a row.
    row: usize,
    /// Rows that are kept at a time.
    segment: usize,
    steps: usize,
    /// The least count of a lane, and the most negatives that one can have.
    least: usize,
    slack: usize,
}

impl Table {
    fn new(steps: usize, of: &[Lane; LANES], bytes: usize) -> Self {
        let real = || of.iter().filter(|lane| lane.length > 0);
        let most = real().map(|lane| lane.count).max().unwrap_or(0);
        let least = real().map(|lane| lane.count).min().unwrap_or(0);
        let slack = real().map(|lane| lane.length - lane.count).max().unwrap_or(0);
        let (cells, row) = (most + 1, (most + 1) * LANES);
        let whole = steps * row * bytes <= KEPT_BYTES;
        let segment = if whole { steps.max(1) } else { steps.isqrt() + 1 };
        Self { cells, row, segment, steps, least, slack }
    }

    /// A state below which even positives alone lead no lane to its count.
    fn lowest(&self, step: usize) -> usize {
        self.least.min(step.saturating_sub(self.slack))
    }

    fn reserve<T: Scalar>(&self, alpha: &mut Vec<T>, kept: &mut Vec<T>, beta: &mut Vec<T>) {
        let grow = |buffer: &mut Vec<T>, len: usize| {
            if buffer.len() < len {
                buffer.resize(len, T::ZERO);
            }
        };
        grow(alpha, self.segment * self.row);
        grow(kept, self.steps.div_ceil(self.segment) * self.row);
        grow(beta, self.row + LANES);
    }

    /// The row before a step's and its own.
    #[inline(always)]
    fn neighbours<'a, T>(&self, alpha: &'a mut [T], step: usize) -> (&'a mut [T], &'a mut [T]) {
        let slot = step % self.segment;
        if slot == 0 {
            // The first row of a segment follows the last one of the segment before.
            let (after, before) = alpha.split_at_mut((self.segment - 1) * self.row);
            (&mut before[..self.row], &mut after[..self.row])
        } else {
            let (before, after) = alpha.split_at_mut(slot * self.row);
            (&mut before[(slot - 1) * self.row..], &mut after[..self.row])
        }
    }

    /// Which cells the next row can have, if `lowest` is the least that any lane still needs.
    #[inline(always)]
    fn window<T: Vector, S: Simd>(
        &self,
        simd: S,
        before: &[T],
        from: Window,
        lowest: usize,
    ) -> Window {
        let grows = from.1 < self.cells && !negligible::<T, S>(simd, before, from.1 - 1);
        let high = if grows { from.1 + 1 } else { from.1 };
        // A row keeps a cell at least; one that no lane needs makes its total 0.
        (from.0.max(lowest).min(high - 1), high)
    }

    /// Starts `β` at the lanes' counts.
    fn ends<T: Scalar>(&self, beta: &mut [T], of: &[Lane; LANES]) -> Window {
        beta[..self.row + LANES].fill(T::ZERO);
        let mut band = (self.cells, 0);
        for (k, lane) in of.iter().enumerate().filter(|(_, lane)| lane.length > 0) {
            beta[lane.count * LANES + k] = T::ONE;
            band = (band.0.min(lane.count), band.1.max(lane.count + 1));
        }
        band
    }
}

/// Whether no lane's value of a cell matters.
#[inline(always)]
fn negligible<T: Vector, S: Simd>(simd: S, row: &[T], cell: usize) -> bool {
    let cell = T::vectors::<S>(&row[cell * LANES..(cell + 1) * LANES]);
    cell.iter().all(|&x| T::largest(simd, x) <= T::from_f64(NEGLIGIBLE))
}

/// `α_i(j) = q α_{i−1}(j) + p α_{i−1}(j−1)` for the cells of the second window from those of the first.
#[inline(always)]
fn forward_row<T: Vector, S: Simd>(
    simd: S,
    (from, to): (Window, Window),
    before: &mut [T],
    after: &mut [T],
    p: &[T],
    q: &[T],
) {
    if to.1 > from.1 {
        before[from.1 * LANES..to.1 * LANES].fill(T::ZERO);
    }
    let zero = [T::ZERO; LANES];
    let below = if to.0 > from.0 { &before[(to.0 - 1) * LANES..to.0 * LANES] } else { &zero };
    let below = T::vectors::<S>(below);
    let (p, q) = (T::vectors::<S>(p), T::vectors::<S>(q));
    let stay = T::vectors::<S>(&before[to.0 * LANES..to.1 * LANES]);
    let out = T::vectors_mut::<S>(&mut after[to.0 * LANES..to.1 * LANES]);
    let parts = p.len();
    for part in 0..parts {
        let (p, q) = (p[part], q[part]);
        let mut come = below[part];
        for (out, stay) in out.chunks_exact_mut(parts).zip(stay.chunks_exact(parts)) {
            let stay = stay[part];
            out[part] = T::times_plus(simd, stay, q, T::times(simd, come, p));
            come = stay;
        }
    }
}

/// The cells of the next row of `β`: those that lead on and that `α` reaches. What enters them from
/// below the band is made 0; above it stands a cell of the row after, or 0.
#[inline(always)]
fn narrowed<T: Vector, S: Simd>(simd: S, band: Window, window: Window, beta: &mut [T]) -> Window {
    let mut low = band.0;
    if low > window.0 && low < band.1 && !negligible::<T, S>(simd, beta, low) {
        low -= 1;
        beta[low * LANES..(low + 1) * LANES].fill(T::ZERO);
    }
    let high = band.1.min(window.1);
    (low.max(window.0).min(high), high)
}

/// `β(j) ← q β(j) + p β(j+1)` in place, and `p` becomes the posterior
/// `p Σ α(j) β(j+1) / (p Σ α(j) β(j+1) + q Σ α(j) β(j))`.
#[inline(always)]
fn backward_row<T: Vector, S: Simd>(
    simd: S,
    band: Window,
    alpha: &[T],
    beta: &mut [T],
    posterior: &mut [T],
    q: &[T],
) {
    let (first, last) = (band.0 * LANES, band.1 * LANES);
    let mut ones = [T::ZERO; LANES];
    let mut zeros = [T::ZERO; LANES];
    {
        let (p, q) = (T::vectors::<S>(&*posterior), T::vectors::<S>(q));
        let alpha = T::vectors::<S>(&alpha[first..last]);
        let beta = T::vectors_mut::<S>(&mut beta[first..last + LANES]);
        let (ones, zeros) = (T::vectors_mut::<S>(&mut ones), T::vectors_mut::<S>(&mut zeros));
        let parts = p.len();
        for part in 0..parts {
            let (p, q) = (p[part], q[part]);
            let mut one = T::splat(simd, T::ZERO);
            let mut zero = one;
            let mut here = beta[part];
            for (cell, alpha) in alpha.chunks_exact(parts).enumerate() {
                let above = beta[(cell + 1) * parts + part];
                one = T::times_plus(simd, alpha[part], above, one);
                zero = T::times_plus(simd, alpha[part], here, zero);
                beta[cell * parts + part] = T::times_plus(simd, here, q, T::times(simd, above, p));
                here = above;
            }
            (ones[part], zeros[part]) = (one, zero);
        }
    }
    for k in 0..LANES {
        let (one, zero) = (posterior[k] * ones[k], q[k] * zeros[k]);
        posterior[k] = one / (one + zero);
    }
}
