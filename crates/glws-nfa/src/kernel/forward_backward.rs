//! The forward-backward recursion over any automaton.
//!
//! `α_0 = λ`, `α_i(q') = Σ_{(q,c,w,q')} α_{i−1}(q) p_i(c) e^w`, `β_L = ρ` and `β` likewise from the
//! end; `Z = Σ_q α_L(q) ρ(q)` and `γ_i(c) ∝ Σ_{arcs on c} α_{i−1}(q) p_i(c) e^w β_i(q')` (Rabiner
//! 1989, eqs. 19 to 27, with the automaton's arcs as the transitions).
//!
//! Two ways to compute it, both in `f64`. The *linear* one keeps `α` summing to 1 and the largest `β`
//! at 1 by one scale a step; it is used when it can prove that nothing that underflowed matters. The
//! *logarithmic* one is right for every input and about ten times slower.

use assay_array::Scalar;

use super::softmax::{log_softmax, normalise, softmax};
use crate::nfa::{Compiled, Nfa};

/// What the linear recursion may have lost to underflow, relative to what is left.
pub(super) const LARGEST_LOSS: f64 = 1e-17;

/// Tables of up to so many numbers are kept whole, 32 MiB; of larger ones every `√L`-th row is, and the
/// rows between are computed again on the way back.
pub(super) const KEPT: usize = 1 << 22;

/// Buffers of both recursions.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    p: Vec<f64>,
    emissions: Vec<f64>,
    alpha: Vec<f64>,
    /// The first row of each segment of `α`, where not all rows are kept.
    kept: Vec<f64>,
    beta: Vec<f64>,
    next: Vec<f64>,
    mass: Vec<f64>,
    gamma: Vec<f64>,
    loss: Vec<f64>,
}

impl Buffers {
    /// The memory of the table.
    pub(super) fn bytes(&self) -> usize {
        (self.alpha.capacity() + self.kept.capacity()) * size_of::<f64>()
    }
}

/// `log Z` and the posterior, or `None` when no sequence of this length is accepted.
pub(super) fn posterior<T: Scalar>(
    nfa: &Nfa,
    logits: &[T],
    posterior: &mut [T],
    buffers: &mut Buffers,
) -> Option<f64> {
    let cells = (logits.len() / nfa.num_classes()).saturating_mul(nfa.num_states());
    let scaled = (cells <= KEPT).then(|| linear(nfa, logits, posterior, buffers)).flatten();
    scaled.or_else(|| logarithmic(nfa, logits, posterior, buffers))
}

/// A product of scales whose logarithm is taken only now and then.
struct LogProduct {
    log: f64,
    product: f64,
}

impl LogProduct {
    fn new(log: f64) -> Self {
        Self { log, product: 1.0 }
    }

    fn multiply(&mut self, factor: f64) {
        // Both operands stay within 1e±150, so that the product is a normal number.
        if !(1e-150..1e150).contains(&self.product) {
            self.log += self.product.ln();
            self.product = 1.0;
        }
        if (1e-150..1e150).contains(&factor) {
            self.product *= factor;
        } else {
            self.log += factor.ln();
        }
    }

    fn ln(&self) -> f64 {
        self.log + self.product.ln()
    }
}

/// The scaled recursion; `None` when underflow may have mattered or no sequence is accepted.
///
/// The bound: one step multiplies the total mass of `α`, and the largest `β`, by at most
/// `g = max_{q,c} Σ_{q'} e^w`, because `Σ_c p(c) = 1`. What a step loses by underflow is at most
/// `δ = (number of arcs) · g · 2^−1022` before it is scaled by `1/s`, so that the loss after it is
/// `loss' ≤ (loss · g + δ) / s`, in units of the total (`α`) or the maximum (`β`). A step's total
/// `Σ α p e^w β` has then lost at most `g (loss_α + loss_β)`, which must be below [`LARGEST_LOSS`]
/// times the total.
fn linear<T: Scalar>(
    nfa: &Nfa,
    logits: &[T],
    posterior: &mut [T],
    buffers: &mut Buffers,
) -> Option<f64> {
    let engine = &nfa.engine;
    let (states, classes) = (nfa.num_states(), nfa.num_classes());
    let length = logits.len() / classes;
    let symbols = engine.symbol_start.len() - 1;
    let delta = (nfa.arcs().len() + states) as f64 * engine.growth * f64::MIN_POSITIVE;
    let Buffers { p, emissions, alpha, beta, next, mass, gamma, loss, .. } = buffers;
    resize(gamma, classes);
    resize(p, length * classes);
    resize(emissions, length * symbols);
    resize(alpha, (length + 1) * states);
    resize(next, states);
    resize(mass, symbols);
    resize(loss, length + 1);
    for (row, p) in logits.chunks_exact(classes).zip(p.chunks_exact_mut(classes)) {
        softmax(row, p);
    }
    if symbols > 0 {
        for (p, emissions) in p.chunks_exact(classes).zip(emissions.chunks_exact_mut(symbols)) {
            for (set, emission) in engine.symbol_sets().zip(emissions) {
                *emission = set.iter().map(|&(class, weight)| p[class as usize] * weight).sum();
            }
        }
    }

    let total: f64 = engine.initial.iter().sum();
    let mut log_z = LogProduct::new(engine.log_initial_max + engine.log_accepting_max);
    log_z.multiply(total);
    for (alpha, initial) in alpha.iter_mut().zip(&engine.initial) {
        *alpha = initial / total;
    }
    loss[0] = delta;
    for step in 0..length {
        let (before, after) = alpha[step * states..(step + 2) * states].split_at_mut(states);
        let emissions = &emissions[step * symbols..(step + 1) * symbols];
        let mut total = 0.0;
        for (edges, after) in
            Compiled::by_state(&engine.incoming_start, &engine.incoming).zip(&mut *after)
        {
            *after = edges
                .iter()
                .map(|edge| before[edge.other as usize] * emissions[edge.symbol as usize])
                .sum();
            total += *after;
        }
        let scale = 1.0 / total;
        for after in after {
            *after *= scale;
        }
        log_z.multiply(total);
        loss[step + 1] = (loss[step] * engine.growth + delta) * scale;
    }

    beta.clear();
    beta.extend_from_slice(&engine.accepting);
    let end = &alpha[length * states..];
    let accepted: f64 = end.iter().zip(&*beta).map(|(alpha, beta)| alpha * beta).sum();
    let mut loss_beta = delta;
    // A NaN or an infinity fails this comparison and those below.
    let enough = |total: f64, loss: f64| loss <= LARGEST_LOSS * total;
    if !enough(accepted, loss[length] + loss_beta) {
        return None;
    }
    log_z.multiply(accepted);
    for step in (0..length).rev() {
        let before = &alpha[step * states..(step + 1) * states];
        let emissions = &emissions[step * symbols..(step + 1) * symbols];
        mass.fill(0.0);
        let mut largest = 0.0_f64;
        for ((edges, before), next) in
            Compiled::by_state(&engine.outgoing_start, &engine.outgoing).zip(before).zip(&mut *next)
        {
            let mut sum = 0.0;
            for edge in edges {
                let beta = beta[edge.other as usize];
                sum += emissions[edge.symbol as usize] * beta;
                mass[edge.symbol as usize] += before * beta;
            }
            *next = sum;
            largest = largest.max(sum);
        }
        let total: f64 = emissions.iter().zip(&*mass).map(|(e, m)| e * m).sum();
        if !enough(total, engine.growth * (loss[step] + loss_beta)) {
            return None;
        }
        let p = &p[step * classes..(step + 1) * classes];
        let row = &mut posterior[step * classes..(step + 1) * classes];
        write_row(engine, p, mass, gamma, row);
        let scale = 1.0 / largest;
        for next in &mut *next {
            *next *= scale;
        }
        std::mem::swap(beta, next);
        loss_beta = (loss_beta * engine.growth + delta) * scale;
    }
    Some(log_z.ln())
}

/// `γ(c) ∝ p(c) Σ_s w_s(c) mass_s`.
fn write_row<T: Scalar>(
    engine: &Compiled,
    p: &[f64],
    mass: &[f64],
    gamma: &mut [f64],
    row: &mut [T],
) {
    gamma.fill(0.0);
    for (set, mass) in engine.symbol_sets().zip(mass) {
        for &(class, weight) in set {
            gamma[class as usize] += weight * mass;
        }
    }
    let mut total = 0.0;
    for (gamma, p) in gamma.iter_mut().zip(p) {
        *gamma *= p;
        total += *gamma;
    }
    for (row, gamma) in row.iter_mut().zip(gamma) {
        *row = T::from_f64(*gamma / total);
    }
}

/// The recursion on logarithms, arc by arc; `None` when no sequence is accepted.
fn logarithmic<T: Scalar>(
    nfa: &Nfa,
    logits: &[T],
    posterior: &mut [T],
    buffers: &mut Buffers,
) -> Option<f64> {
    let (states, classes) = (nfa.num_states(), nfa.num_classes());
    let length = logits.len() / classes;
    let Buffers { p: log_p, alpha, kept, beta, next, mass, .. } = buffers;
    let whole = length.saturating_mul(states) <= KEPT;
    let segment = if whole { length.max(1) } else { length.isqrt() + 1 };
    resize(log_p, length * classes);
    resize(alpha, segment * states);
    resize(kept, length.div_ceil(segment) * states);
    resize(next, states);
    resize(mass, classes);
    for (row, log_p) in logits.chunks_exact(classes).zip(log_p.chunks_exact_mut(classes)) {
        log_softmax(row, log_p);
    }
    let mut end = nfa.initial_log_weights().to_vec();
    for step in 0..length {
        let slot = step % segment * states;
        let before = &mut alpha[slot..slot + states];
        before.copy_from_slice(&end);
        if step % segment == 0 {
            let slot = step / segment * states;
            kept[slot..slot + states].copy_from_slice(before);
        }
        log_step(nfa, before, &mut end, &log_p[step * classes..(step + 1) * classes]);
    }
    beta.clear();
    beta.extend_from_slice(nfa.final_log_weights());
    let log_z = end
        .iter()
        .zip(&*beta)
        .fold(f64::NEG_INFINITY, |sum, (alpha, beta)| log_add(sum, alpha + beta));
    if log_z == f64::NEG_INFINITY {
        posterior.fill(T::ZERO);
        return None;
    }
    for first in (0..length).step_by(segment).rev() {
        let end = length.min(first + segment);
        // The last segment's rows are still there.
        if end < length {
            let slot = first / segment * states;
            alpha[..states].copy_from_slice(&kept[slot..slot + states]);
            for step in first..end - 1 {
                let (before, after) = alpha.split_at_mut((step - first + 1) * states);
                let before = &before[(step - first) * states..];
                let log_p = &log_p[step * classes..(step + 1) * classes];
                log_step(nfa, before, &mut after[..states], log_p);
            }
        }
        for step in (first..end).rev() {
            let before = &alpha[(step - first) * states..][..states];
            let log_p = &log_p[step * classes..(step + 1) * classes];
            next.fill(f64::NEG_INFINITY);
            mass.fill(f64::NEG_INFINITY);
            for arc in nfa.arcs() {
                let onward = log_p[arc.class] + arc.log_weight + beta[arc.target];
                next[arc.source] = log_add(next[arc.source], onward);
                mass[arc.class] = log_add(mass[arc.class], before[arc.source] + onward);
            }
            // The sum is Z up to rounding; dividing by it makes the row sum to 1.
            normalise(mass);
            for (gamma, &mass) in posterior[step * classes..].iter_mut().zip(&*mass) {
                *gamma = T::from_f64(mass);
            }
            std::mem::swap(beta, next);
        }
    }
    Some(log_z)
}

/// The next row of `α` on logarithms.
fn log_step(nfa: &Nfa, before: &[f64], after: &mut [f64], log_p: &[f64]) {
    after.fill(f64::NEG_INFINITY);
    for arc in nfa.arcs() {
        let path = before[arc.source] + log_p[arc.class] + arc.log_weight;
        after[arc.target] = log_add(after[arc.target], path);
    }
}

/// `ln(e^a + e^b)`, where both may be `−∞` but neither NaN.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Makes room without caring for what stands there.
fn resize(buffer: &mut Vec<f64>, len: usize) {
    buffer.resize(len, 0.0);
}

#[cfg(test)]
mod tests {
    use assay_array::random::{normal, stream};
    use assay_array::testing::assert_close;

    use super::*;

    fn logits(length: usize, scale: f64, shift: f64) -> Vec<f64> {
        let mut rng = stream(4, "forward-backward", 0);
        (0..2 * length).map(|i| scale * normal(&mut rng) + shift * (i % 2) as f64).collect()
    }

    type LogZAndPosterior = (f64, Vec<f64>);

    fn both(nfa: &Nfa, logits: &[f64]) -> (Option<LogZAndPosterior>, LogZAndPosterior) {
        let mut buffers = Buffers::default();
        let mut gamma = vec![0.0; logits.len()];
        let fast =
            linear(nfa, logits, &mut gamma, &mut buffers).map(|log_z| (log_z, gamma.clone()));
        let log_z = logarithmic(nfa, logits, &mut gamma, &mut buffers);
        (fast, (log_z.expect("a path"), gamma))
    }

    #[test]
    fn the_linear_recursion_is_the_logarithmic_one() {
        for (length, count) in [(1, 1), (30, 7), (300, 150), (1000, 480)] {
            for scale in [0.5, 3.0, 20.0] {
                let nfa = Nfa::count(2, 1, count).expect("a count");
                let (fast, slow) = both(&nfa, &logits(length, scale, 0.0));
                let fast = fast.expect("likely counts do not underflow");
                assert_close(&[fast.0], &[slow.0], 1e-11, 1e-11);
                assert_close(&fast.1, &slow.1, 1e-8, 1e-11);
            }
        }
    }

    #[test]
    fn the_linear_recursion_refuses_what_it_cannot_represent() {
        // The filter's mass sits at a count near 0; the wanted one is e^−4000 of it.
        let nfa = Nfa::count(2, 1, 80).expect("a count");
        let logits = logits(100, 1.0, -50.0);
        let (fast, slow) = both(&nfa, &logits);
        assert_eq!(fast, None);
        let expected: f64 = slow.1.iter().skip(1).step_by(2).sum();
        assert_close(&[expected], &[80.0], 1e-11, 0.0);
        assert!((-5000.0..-3000.0).contains(&slow.0), "{}", slow.0);
    }
}
