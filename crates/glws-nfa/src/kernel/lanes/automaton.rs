//! The scaled forward-backward recursion of [`forward_backward`](super::super::forward_backward), with
//! a bag in each lane.
//!
//! All lanes walk the same edges, so that an edge costs one vector operation and its indices are read
//! once for all bags. A lane whose underflow may have mattered gives up, and its bag runs alone.

use assay_array::Scalar;
use pulp::{Arch, Simd, WithSimd};

use super::super::forward_backward::LARGEST_LOSS;
use super::Job;
use crate::nfa::{Compiled, Nfa};

/// Bags side by side: one of the widest vectors of `f64`.
pub(super) const LANES: usize = 8;

type Lanes = [f64; LANES];
const ZERO: Lanes = [0.0; LANES];
const ONE: Lanes = [1.0; LANES];

/// What the lanes work in.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// `p_i(c)`, instance by instance.
    p: Vec<Lanes>,
    /// Rows of `α`: all of them, or those of one segment.
    alpha: Vec<Lanes>,
    /// The first row of each segment.
    kept: Vec<Lanes>,
    beta: Vec<Lanes>,
    next: Vec<Lanes>,
    emissions: Vec<Lanes>,
    mass: Vec<Lanes>,
    gamma: Vec<Lanes>,
    /// What underflow may have cost each row of `α`.
    loss: Vec<Lanes>,
}

impl Buffers {
    /// The memory of the table.
    pub(super) fn bytes(&self) -> usize {
        (self.alpha.capacity() + self.kept.capacity()) * size_of::<Lanes>()
    }

    fn reserve(&mut self, shape: &Shape) {
        let Shape { states, classes, symbols, steps, segment, .. } = *shape;
        for (buffer, len) in [
            (&mut self.alpha, segment * states),
            (&mut self.kept, steps.div_ceil(segment) * states),
            (&mut self.beta, states),
            (&mut self.next, states),
            (&mut self.emissions, symbols),
            (&mut self.mass, symbols),
            (&mut self.gamma, classes),
            (&mut self.loss, steps + 1),
        ] {
            buffer.resize(len, ZERO);
        }
    }
}

/// Tables of `α` up to this many bytes are kept whole; of larger ones every `√L`-th row is, and the
/// others are computed again on the way back.
const KEPT_BYTES: usize = 1 << 21;

/// `log Z` of each job, and its posterior; `None` for those that must run alone. Longest bag first.
pub(super) fn posteriors<T: Scalar>(
    nfa: &Nfa,
    jobs: &mut [Job<'_, T>],
    buffers: &mut Buffers,
) -> [Option<f64>; LANES] {
    Arch::new().dispatch(ForwardBackward { nfa, jobs, buffers })
}

struct ForwardBackward<'j, 'a, T> {
    nfa: &'j Nfa,
    jobs: &'j mut [Job<'a, T>],
    buffers: &'j mut Buffers,
}

impl<T: Scalar> WithSimd for ForwardBackward<'_, '_, T> {
    type Output = [Option<f64>; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> [Option<f64>; LANES] {
        let Self { nfa, jobs, buffers } = self;
        let shape = Shape::new(nfa, jobs);
        buffers.reserve(&shape);
        probabilities(&mut buffers.p, jobs, &shape);
        let mut row = vec![ZERO; shape.states];
        let mut log_z = forward_pass(nfa, &shape, &mut row, buffers);
        let (accepted, sound) = backward_pass(nfa, &shape, &row, jobs, buffers);
        log_z.multiply(accepted);
        let log_z = log_z.ln();
        std::array::from_fn(|k| sound[k].then_some(log_z[k]))
    }
}

/// Leaves `α_L` in `row` and what it takes to go back in the buffers; returns the product of the scales.
#[inline(always)]
fn forward_pass(nfa: &Nfa, shape: &Shape, row: &mut [Lanes], buffers: &mut Buffers) -> LogProducts {
    let engine = &nfa.engine;
    let Shape { states, classes, steps, segment, lengths, delta, .. } = *shape;
    let Buffers { p, alpha, kept, emissions, loss, .. } = buffers;
    let total: f64 = engine.initial.iter().sum();
    let mut log_z = LogProducts::new(engine.log_initial_max + engine.log_accepting_max);
    log_z.multiply([total; LANES]);
    for (cell, initial) in row.iter_mut().zip(&engine.initial) {
        *cell = [initial / total; LANES];
    }
    loss[0] = [delta; LANES];
    for step in 0..steps {
        if step % segment == 0 {
            let slot = step / segment * states;
            kept[slot..slot + states].copy_from_slice(row);
        }
        let slot = step % segment * states;
        let before = &mut alpha[slot..slot + states];
        before.copy_from_slice(row);
        emit(engine, &p[step * classes..(step + 1) * classes], emissions);
        let total = forward(engine, before, emissions, row);
        let mut factor = ONE;
        for k in 0..LANES {
            let lost = (loss[step][k] * engine.growth + delta) * (1.0 / total[k]);
            let stands = step >= lengths[k];
            loss[step + 1][k] = if stands { loss[step][k] } else { lost };
            factor[k] = if stands { 1.0 } else { total[k] };
        }
        shape.rescale(step, before, row, total);
        log_z.multiply(factor);
    }
    log_z
}

/// Writes the posteriors; returns what `α_L` and the final weights make, and which lanes can be trusted.
#[inline(always)]
fn backward_pass<T: Scalar>(
    nfa: &Nfa,
    shape: &Shape,
    row: &[Lanes],
    jobs: &mut [Job<'_, T>],
    buffers: &mut Buffers,
) -> (Lanes, [bool; LANES]) {
    let engine = &nfa.engine;
    let Shape { states, classes, steps, segment, lengths, delta, .. } = *shape;
    let Buffers { p, alpha, kept, beta, next, emissions, mass, gamma, loss } = buffers;
    let mut accepted = ZERO;
    for ((beta, accepting), alpha) in beta.iter_mut().zip(&engine.accepting).zip(row) {
        *beta = [*accepting; LANES];
        for k in 0..LANES {
            accepted[k] += alpha[k] * beta[k];
        }
    }
    let mut loss_beta = [delta; LANES];
    let mut sound = [true; LANES];
    for k in 0..LANES {
        // A NaN or an infinity fails this comparison and those below.
        sound[k] = loss[steps][k] + delta <= LARGEST_LOSS * accepted[k];
    }
    for first in (0..steps).step_by(segment).rev() {
        let end = steps.min(first + segment);
        // The last segment's rows are still there.
        if end < steps {
            let slot = first / segment * states;
            alpha[..states].copy_from_slice(&kept[slot..slot + states]);
            for step in first..end - 1 {
                let (before, after) = alpha.split_at_mut((step - first + 1) * states);
                let (before, after) = (&before[(step - first) * states..], &mut after[..states]);
                emit(engine, &p[step * classes..(step + 1) * classes], emissions);
                let total = forward(engine, before, emissions, after);
                shape.rescale(step, before, after, total);
            }
        }
        for step in (first..end).rev() {
            let p = &p[step * classes..(step + 1) * classes];
            emit(engine, p, emissions);
            let before = &alpha[(step - first) * states..][..states];
            let largest = backward(engine, before, emissions, beta, next, mass);
            let mut total = ZERO;
            for (e, m) in emissions.iter().zip(&*mass) {
                for k in 0..LANES {
                    total[k] += e[k] * m[k];
                }
            }
            for k in 0..LANES {
                let lost = engine.growth * (loss[step][k] + loss_beta[k]);
                sound[k] &= step >= lengths[k] || lost <= LARGEST_LOSS * total[k];
                let lost = (loss_beta[k] * engine.growth + delta) * (1.0 / largest[k]);
                loss_beta[k] = if step >= lengths[k] { loss_beta[k] } else { lost };
            }
            share(engine, p, mass, gamma);
            for (job, k) in jobs.iter_mut().zip(0..LANES) {
                if let Some(out) = job.rows.get_mut(step * classes..(step + 1) * classes) {
                    for (out, gamma) in out.iter_mut().zip(&*gamma) {
                        *out = T::from_f64(gamma[k]);
                    }
                }
            }
            shape.rescale(step, beta, next, largest);
            std::mem::swap(beta, next);
        }
    }
    (accepted, sound)
}

/// The sizes of a group.
struct Shape {
    states: usize,
    classes: usize,
    symbols: usize,
    steps: usize,
    segment: usize,
    /// Of each lane; those without a bag are as long as the longest.
    lengths: [usize; LANES],
    shortest: usize,
    /// What underflow may cost a step before it is scaled; see
    /// [`forward_backward`](super::super::forward_backward).
    delta: f64,
}

impl Shape {
    fn new<T: Scalar>(nfa: &Nfa, jobs: &[Job<'_, T>]) -> Self {
        let (states, classes) = (nfa.num_states(), nfa.num_classes());
        let length = |job: &Job<'_, T>| job.logits.len() / classes;
        let steps = jobs.iter().map(length).max().unwrap_or(0);
        let mut lengths = [steps; LANES];
        for (lane, job) in lengths.iter_mut().zip(jobs) {
            *lane = length(job);
        }
        let shortest = lengths.iter().copied().min().unwrap_or(0);
        let whole = steps * states * size_of::<Lanes>() <= KEPT_BYTES;
        let segment = if whole { steps.max(1) } else { steps.isqrt() + 1 };
        let symbols = nfa.engine.symbol_start.len() - 1;
        let delta = (nfa.arcs().len() + states) as f64 * nfa.engine.growth * f64::MIN_POSITIVE;
        Self { states, classes, symbols, steps, segment, lengths, shortest, delta }
    }

    /// Divides a new row by `total`; lanes that have ended keep the old one.
    #[inline(always)]
    fn rescale(&self, step: usize, old: &[Lanes], new: &mut [Lanes], total: Lanes) {
        let mut scale = ZERO;
        for k in 0..LANES {
            scale[k] = 1.0 / total[k];
        }
        if step < self.shortest {
            for new in new {
                for k in 0..LANES {
                    new[k] *= scale[k];
                }
            }
            return;
        }
        for (new, old) in new.iter_mut().zip(old) {
            for k in 0..LANES {
                let scaled = new[k] * scale[k];
                new[k] = if step >= self.lengths[k] { old[k] } else { scaled };
            }
        }
    }
}

/// Writes every lane's softmax; uniform behind its end.
#[inline(always)]
fn probabilities<T: Scalar>(p: &mut Vec<Lanes>, jobs: &[Job<'_, T>], shape: &Shape) {
    let classes = shape.classes;
    p.clear();
    p.resize(shape.steps * classes, ZERO);
    for (k, job) in jobs.iter().enumerate() {
        for (cell, logit) in p.iter_mut().zip(job.logits) {
            cell[k] = logit.to_f64();
        }
    }
    for row in p.chunks_exact_mut(classes) {
        let mut max = [f64::NEG_INFINITY; LANES];
        for cell in &*row {
            for k in 0..LANES {
                max[k] = if cell[k] > max[k] { cell[k] } else { max[k] };
            }
        }
        let mut sum = ZERO;
        for cell in &mut *row {
            for k in 0..LANES {
                cell[k] = (cell[k] - max[k]).exp_branchless();
                sum[k] += cell[k];
            }
        }
        let mut scale = ZERO;
        for k in 0..LANES {
            scale[k] = 1.0 / sum[k];
        }
        for cell in row {
            for k in 0..LANES {
                cell[k] *= scale[k];
            }
        }
    }
}

/// What each symbol class emits: `Σ_c p(c) e^w`.
#[inline(always)]
fn emit(engine: &Compiled, p: &[Lanes], emissions: &mut [Lanes]) {
    for (set, emission) in engine.symbol_sets().zip(emissions) {
        let mut sum = ZERO;
        for &(class, weight) in set {
            let p = &p[class as usize];
            for k in 0..LANES {
                sum[k] += p[k] * weight;
            }
        }
        *emission = sum;
    }
}

/// A row of `α` from the one before, and its total.
#[inline(always)]
fn forward(engine: &Compiled, before: &[Lanes], emissions: &[Lanes], after: &mut [Lanes]) -> Lanes {
    let mut total = ZERO;
    for (edges, after) in Compiled::by_state(&engine.incoming_start, &engine.incoming).zip(after) {
        let mut sum = ZERO;
        for edge in edges {
            let (before, emission) =
                (&before[edge.other as usize], &emissions[edge.symbol as usize]);
            for k in 0..LANES {
                sum[k] += before[k] * emission[k];
            }
        }
        for k in 0..LANES {
            total[k] += sum[k];
        }
        *after = sum;
    }
    total
}

/// A row of `β` from the one after, its largest cell, and `Σ α β` over the edges of each symbol class.
#[inline(always)]
fn backward(
    engine: &Compiled,
    before: &[Lanes],
    emissions: &[Lanes],
    beta: &[Lanes],
    next: &mut [Lanes],
    mass: &mut [Lanes],
) -> Lanes {
    mass.fill(ZERO);
    let mut largest = ZERO;
    for ((edges, before), next) in
        Compiled::by_state(&engine.outgoing_start, &engine.outgoing).zip(before).zip(next)
    {
        let mut sum = ZERO;
        for edge in edges {
            let beta = &beta[edge.other as usize];
            let emission = &emissions[edge.symbol as usize];
            let mass = &mut mass[edge.symbol as usize];
            for k in 0..LANES {
                sum[k] += emission[k] * beta[k];
                mass[k] += before[k] * beta[k];
            }
        }
        for k in 0..LANES {
            largest[k] = if sum[k] > largest[k] { sum[k] } else { largest[k] };
        }
        *next = sum;
    }
    largest
}

/// `γ(c) ∝ p(c) Σ_s w_s(c) mass_s`.
#[inline(always)]
fn share(engine: &Compiled, p: &[Lanes], mass: &[Lanes], gamma: &mut [Lanes]) {
    gamma.fill(ZERO);
    for (set, mass) in engine.symbol_sets().zip(mass) {
        for &(class, weight) in set {
            let gamma = &mut gamma[class as usize];
            for k in 0..LANES {
                gamma[k] += weight * mass[k];
            }
        }
    }
    let mut total = ZERO;
    for (gamma, p) in gamma.iter_mut().zip(p) {
        for k in 0..LANES {
            gamma[k] *= p[k];
            total[k] += gamma[k];
        }
    }
    let mut scale = ZERO;
    for k in 0..LANES {
        scale[k] = 1.0 / total[k];
    }
    for gamma in gamma {
        for k in 0..LANES {
            gamma[k] *= scale[k];
        }
    }
}

/// A product of scales in each lane, whose logarithms are taken only now and then.
struct LogProducts {
    log: Lanes,
    product: Lanes,
}

/// Both operands of a product stay within these, so that it is a normal number.
const TAME: std::ops::Range<f64> = 1e-150..1e150;

impl LogProducts {
    fn new(log: f64) -> Self {
        Self { log: [log; LANES], product: ONE }
    }

    #[inline(always)]
    fn multiply(&mut self, factor: Lanes) {
        let mut tame = true;
        for k in 0..LANES {
            tame &= (factor[k] >= TAME.start) & (factor[k] < TAME.end);
            tame &= (self.product[k] >= TAME.start) & (self.product[k] < TAME.end);
        }
        if tame {
            for k in 0..LANES {
                self.product[k] *= factor[k];
            }
        } else {
            self.wild(factor);
        }
    }

    #[cold]
    fn wild(&mut self, factor: Lanes) {
        for k in 0..LANES {
            self.log[k] += self.product[k].ln();
            self.product[k] = 1.0;
            if TAME.contains(&factor[k]) {
                self.product[k] = factor[k];
            } else {
                self.log[k] += factor[k].ln();
            }
        }
    }

    fn ln(&self) -> Lanes {
        std::array::from_fn(|k| self.log[k] + self.product[k].ln())
    }
}
