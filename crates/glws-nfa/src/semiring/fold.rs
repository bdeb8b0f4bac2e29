//! The recursion itself.

use super::Semiring;

/// The ends of an arc, and which arc it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) source: usize,
    pub(crate) target: usize,
}

/// `⊕` over all paths of `length` steps of the `⊗` of their parts: `α_0 = λ`,
/// `α_i(q') = ⊕_{arcs (q, q')} α_{i−1}(q) ⊗ w_i(arc)`, and at the end `⊕_q α_L(q) ⊗ ρ(q)`.
///
/// `weight(i, a)` is what the arc `edges[a]` weighs at step `i`.
pub(crate) fn fold<S: Semiring>(
    semiring: &S,
    length: usize,
    initial: Vec<S::Weight>,
    edges: &[Edge],
    weight: impl Fn(usize, usize) -> S::Weight,
    accepting: &[S::Weight],
) -> S::Weight {
    let zero = semiring.zero();
    let mut alpha = initial;
    for step in 0..length {
        let mut next = vec![zero.clone(); alpha.len()];
        for (arc, edge) in edges.iter().enumerate() {
            let before = &alpha[edge.source];
            if *before != zero {
                let path = semiring.times(before, &weight(step, arc));
                next[edge.target] = semiring.plus(&next[edge.target], &path);
            }
        }
        alpha = next;
    }
    alpha
        .iter()
        .zip(accepting)
        .fold(zero, |sum, (alpha, end)| semiring.plus(&sum, &semiring.times(alpha, end)))
}
