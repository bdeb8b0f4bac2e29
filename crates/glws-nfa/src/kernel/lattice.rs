//! The table of the count recursion, `α_i(j) = q_i α_{i−1}(j) + p_i α_{i−1}(j−1)`.

use pulp::Simd;

use super::binary::LANES;
use super::vector::Vector;

/// What the recursion works on and in.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    /// In: the probability of each instance. Out: its posterior.
    pub(super) p: Vec<T>,
    /// `1 − p`.
    pub(super) q: Vec<T>,
    /// A row for each step: the states `0..=m` in chunks of [`LANES`], and before them a chunk whose
    /// last cell stands for the state −1.
    alpha: Vec<T>,
    /// The first row of each segment of `α`.
    kept: Vec<T>,
    /// The row of `β` that is read and the one that is written, without a chunk in front but with one
    /// behind.
    beta: Vec<T>,
    /// The first chunk of each row of `α` and the one after its last.
    windows: Vec<(usize, usize)>,
}

impl<T> Buffers<T> {
    /// The memory of the table.
    pub(super) fn bytes(&self) -> usize {
        (self.alpha.capacity() + self.kept.capacity()) * size_of::<T>()
    }
}

/// Cells with less than this chance of being visited are left out. The wanted count has a chance of
/// about `1/L` after tilting, and there are `L` rows with two ends each: what is left out changes a
/// posterior by about `1e-30 L²`.
pub(super) const NEGLIGIBLE: f64 = 1e-30;

/// Turns the probabilities of `length` instances into posteriors given that `count` are positive;
/// returns the probability of that, or 0 when every path was negligible.
///
/// Only the cells of a row's window are computed: those that can reach `m`, and of these those that
/// are not negligible. A table of more than [`KEPT_BYTES`] is not kept: every `√L`-th row is, and the
/// rows between are computed again on the way back.
#[inline(always)]
pub(super) fn run<T: Vector, S: Simd>(
    simd: S,
    length: usize,
    count: usize,
    buffers: &mut Buffers<T>,
) -> f64 {
    let Buffers { p, q, alpha, kept, beta, windows } = buffers;
    let (p, q) = (&mut p[..length], &q[..length]);
    let table = Table::new(length, count, KEPT_BYTES / size_of::<T>());
    for (buffer, len) in [
        (&mut *alpha, table.segment * table.stride),
        (&mut *kept, length.div_ceil(table.segment) * table.stride),
        (&mut *beta, 2 * table.stride),
    ] {
        if buffer.len() < len {
            buffer.resize(len, T::ZERO);
        }
    }
    windows.clear();
    if !forward(simd, &table, p, q, (alpha, kept), windows) {
        return 0.0;
    }
    let (here, next) = beta[..2 * table.stride].split_at_mut(table.stride);
    backward(simd, &table, p, q, (alpha, kept), (here, next), windows)
}

/// Tables up to this size are kept whole.
const KEPT_BYTES: usize = 1 << 25;

/// How the rows of `α` are laid out.
struct Table {
    length: usize,
    count: usize,
    /// Numbers of a row.
    stride: usize,
    /// Rows kept at a time.
    segment: usize,
}

impl Table {
    fn new(length: usize, count: usize, most: usize) -> Self {
        let stride = LANES + (count + 1).next_multiple_of(LANES);
        let whole = length.saturating_mul(stride) <= most;
        let segment = if whole { length } else { length.isqrt() + 1 };
        Self { length, count, stride, segment }
    }

    /// The row before a step's and its own.
    #[inline(always)]
    fn neighbours<'a, T>(&self, alpha: &'a mut [T], step: usize) -> (&'a mut [T], &'a mut [T]) {
        let slot = step % self.segment;
        if slot == 0 {
            // The first row of a segment follows the last one of the segment before.
            let (after, before) = alpha.split_at_mut((self.segment - 1) * self.stride);
            (&mut before[..self.stride], &mut after[..self.stride])
        } else {
            let (before, after) = alpha.split_at_mut(slot * self.stride);
            (&mut before[(slot - 1) * self.stride..], &mut after[..self.stride])
        }
    }
}

/// Fills the rows `α_0` to `α_{L−1}`; `false` when a row has no cell left.
#[inline(always)]
fn forward<T: Vector, S: Simd>(
    simd: S,
    table: &Table,
    p: &[T],
    q: &[T],
    (alpha, kept): (&mut [T], &mut [T]),
    windows: &mut Vec<(usize, usize)>,
) -> bool {
    let stride = table.stride;
    let negligible = T::from_f64(NEGLIGIBLE);
    let chunks = stride / LANES - 1;
    alpha[..2 * LANES].fill(T::ZERO);
    alpha[LANES] = T::ONE;
    kept[..stride].copy_from_slice(&alpha[..stride]);
    let (mut low, mut high) = (0, 1);
    windows.push((low, high));
    for step in 1..table.length {
        let (before, after) = table.neighbours(alpha, step);
        let from = (low, high);
        // The next chunk gets its first mass from the last cell of this one.
        if high < chunks && before[LANES * (high + 1) - 1] > negligible {
            high += 1;
        }
        // Below this state even positives alone do not lead to m.
        low = low.max((table.count + step).saturating_sub(table.length) / LANES);
        if low >= high {
            return false;
        }
        let lowest = next_row(simd, (from, (low, high)), before, after, p[step - 1], q[step - 1]);
        if low + 1 < high && lowest <= negligible {
            low += 1;
        }
        windows.push((low, high));
        if step % table.segment == 0 {
            let slot = step / table.segment * stride;
            kept[slot..slot + stride].copy_from_slice(&alpha[..stride]);
        }
    }
    true
}

/// The chunks of the second window from those of the first; returns the largest value of the first chunk.
#[inline(always)]
fn next_row<T: Vector, S: Simd>(
    simd: S,
    (from, to): ((usize, usize), (usize, usize)),
    before: &mut [T],
    after: &mut [T],
    p: T,
    q: T,
) -> T {
    if to.1 > from.1 {
        before[LANES * (from.1 + 1)..LANES * (to.1 + 1)].fill(T::ZERO);
    }
    let (first, last) = (LANES * (to.0 + 1), LANES * (to.1 + 1));
    let lowest = forward_row(simd, &before[first - 1..last], &mut after[first..last], p, q);
    // Stands for what lies below the window, when the next row's starts there too.
    after[first - 1] = T::ZERO;
    lowest
}

/// One row from the one before, which starts one cell earlier; returns the largest value of its first
/// chunk.
#[inline(always)]
fn forward_row<T: Vector, S: Simd>(simd: S, before: &[T], after: &mut [T], p: T, q: T) -> T {
    let (p, q) = (T::splat(simd, p), T::splat(simd, q));
    let come = T::vectors::<S>(&before[..after.len()]);
    let stay = T::vectors::<S>(&before[1..]);
    for ((out, &stay), &come) in T::vectors_mut::<S>(after).iter_mut().zip(stay).zip(come) {
        *out = T::times_plus(simd, stay, q, T::times(simd, come, p));
    }
    largest(simd, &after[..LANES])
}

/// Goes back through the rows; returns `β_0(0)`.
#[inline(always)]
fn backward<T: Vector, S: Simd>(
    simd: S,
    table: &Table,
    p: &mut [T],
    q: &[T],
    (alpha, kept): (&mut [T], &[T]),
    (mut beta, mut next): (&mut [T], &mut [T]),
    windows: &[(usize, usize)],
) -> f64 {
    let (count, stride) = (table.count, table.stride);
    let negligible = T::from_f64(NEGLIGIBLE);
    let (mut low, mut high) = (count / LANES, count / LANES + 1);
    beta[low * LANES..(high + 1) * LANES].fill(T::ZERO);
    beta[count] = T::ONE;
    for first_step in (0..table.length).step_by(table.segment).rev() {
        let end = table.length.min(first_step + table.segment);
        // The last segment's rows are still there.
        if end < table.length {
            let slot = first_step / table.segment * stride;
            alpha[..stride].copy_from_slice(&kept[slot..slot + stride]);
            for step in first_step + 1..end {
                let (before, after) = table.neighbours(alpha, step);
                let window = (windows[step - 1], windows[step]);
                next_row(simd, window, before, after, p[step - 1], q[step - 1]);
            }
        }
        for step in (first_step..end).rev() {
            let window = windows[step];
            // The chunk below gets its first mass from the first cell of this one.
            if low > window.0 && beta[LANES * low] > negligible {
                low -= 1;
                beta[LANES * low..LANES * (low + 1)].fill(T::ZERO);
            }
            low = low.max(window.0);
            high = high.min(window.1);
            if low >= high {
                return 0.0;
            }
            let (first, last) = (LANES * low, LANES * high);
            let alpha = &alpha[(step - first_step) * stride + LANES..][first..last];
            let (positive, negative) = (p[step], q[step]);
            let (one, zero) = backward_row(
                simd,
                alpha,
                &beta[first..=last],
                &mut next[first..last],
                positive,
                negative,
            );
            // What lies above the window does not matter, but must not be left from another row.
            next[last] = T::ZERO;
            let (one, zero) = (one * positive.to_f64(), zero * negative.to_f64());
            p[step] = T::from_f64(one / (one + zero));
            if low + 1 < high && largest(simd, &next[last - LANES..last]) <= negligible {
                high -= 1;
            }
            std::mem::swap(&mut beta, &mut next);
        }
    }
    beta[0].to_f64()
}

/// One row of `β` from the one after; returns `Σ α(j) β(j+1)` and `Σ α(j) β(j)`.
#[inline(always)]
fn backward_row<T: Vector, S: Simd>(
    simd: S,
    alpha: &[T],
    beta: &[T],
    next: &mut [T],
    p: T,
    q: T,
) -> (f64, f64) {
    let (p, q) = (T::splat(simd, p), T::splat(simd, q));
    let mut one = T::splat(simd, T::ZERO);
    let mut zero = one;
    let here = T::vectors::<S>(&beta[..alpha.len()]);
    let above = T::vectors::<S>(&beta[1..]);
    let out = T::vectors_mut::<S>(next);
    for (((&alpha, &here), &above), out) in
        T::vectors::<S>(alpha).iter().zip(here).zip(above).zip(out)
    {
        one = T::times_plus(simd, alpha, above, one);
        zero = T::times_plus(simd, alpha, here, zero);
        *out = T::times_plus(simd, here, q, T::times(simd, above, p));
    }
    (T::total(simd, one).to_f64(), T::total(simd, zero).to_f64())
}

/// The largest of one chunk's cells.
#[inline(always)]
fn largest<T: Vector, S: Simd>(simd: S, chunk: &[T]) -> T {
    T::vectors::<S>(chunk).iter().fold(T::ZERO, |max, &x| max.max(T::largest(simd, x)))
}
