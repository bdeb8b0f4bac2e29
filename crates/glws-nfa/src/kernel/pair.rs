//! Pairs in closed form.
//!
//! Similar: `Z = Σ_c p_1(c) p_2(c)`, `γ(c) ∝ p_1(c) p_2(c)` for both. Dissimilar:
//! `γ_1(c) ∝ p_1(c) Σ_{k≠c} p_2(k)`, and likewise for the other.
//! Pairs of two classes, of which there are usually many, have a kernel of their own, [`lanes`](super::lanes).

use assay_array::{Scalar, numeric::log_sum_exp};

use super::softmax::{LOWEST_LOG_PROBABILITY, SMALLEST_TOTAL, log_softmax, normalise, softmax};

/// Pairs of up to so many classes need no memory.
const ON_STACK: usize = 32;

/// Runs `f` on two rows of `classes` numbers.
fn with_rows<R>(classes: usize, f: impl FnOnce(&mut [f64], &mut [f64]) -> R) -> R {
    if classes <= ON_STACK {
        let (mut a, mut b) = ([0.0; ON_STACK], [0.0; ON_STACK]);
        f(&mut a[..classes], &mut b[..classes])
    } else {
        f(&mut vec![0.0; classes], &mut vec![0.0; classes])
    }
}

/// Both instances of one class: returns `log Z`.
pub(super) fn similar<T: Scalar>(logits: &[T], classes: usize, posterior: &mut [T]) -> f64 {
    let (first, second) = logits.split_at(classes);
    with_rows(classes, |a, b| {
        softmax(first, a);
        softmax(second, b);
        let total: f64 = a.iter().zip(&*b).map(|(a, b)| a * b).sum();
        let log_z = if total > SMALLEST_TOTAL {
            for (a, b) in a.iter_mut().zip(&*b) {
                *a *= b / total;
            }
            total.ln()
        } else {
            log_softmax(first, a);
            log_softmax(second, b);
            for (a, b) in a.iter_mut().zip(&*b) {
                *a += b;
            }
            normalise(a)
        };
        let (one, two) = posterior.split_at_mut(classes);
        for ((one, two), a) in one.iter_mut().zip(two).zip(&*a) {
            *one = T::from_f64(*a);
            *two = *one;
        }
        log_z
    })
}

/// The two instances of different classes: returns `log Z`.
pub(super) fn dissimilar<T: Scalar>(logits: &[T], classes: usize, posterior: &mut [T]) -> f64 {
    let (first, second) = logits.split_at(classes);
    let (one, two) = posterior.split_at_mut(classes);
    with_rows(classes, |a, b| {
        softmax(first, a);
        softmax(second, b);
        // `1 − p(c)` as the sum of the others keeps its digits when p(c) is nearly 1.
        let total = against_others(a, b, one);
        if total > SMALLEST_TOTAL {
            against_others(b, a, two);
            total.ln()
        } else {
            log_softmax(first, a);
            log_softmax(second, b);
            let log_z = log_against_others(a, b, one);
            log_against_others(b, a, two);
            log_z
        }
    })
}

/// Writes `γ(c) = p(c) Σ_{k≠c} q(k) / Z` and returns `Z`.
fn against_others<T: Scalar>(p: &[f64], q: &[f64], gamma: &mut [T]) -> f64 {
    with_rows(p.len(), |above, joint| {
        let mut sum = 0.0;
        for (above, q) in above.iter_mut().zip(q).rev() {
            *above = sum;
            sum += q;
        }
        let mut below = 0.0;
        let mut total = 0.0;
        for (((joint, above), p), q) in joint.iter_mut().zip(above).zip(p).zip(q) {
            *joint = p * (below + *above);
            total += *joint;
            below += q;
        }
        for (gamma, joint) in gamma.iter_mut().zip(joint) {
            *gamma = T::from_f64(*joint / total);
        }
        total
    })
}

/// The same from logarithms, class by class; returns `log Z`.
fn log_against_others<T: Scalar>(log_p: &[f64], log_q: &[f64], gamma: &mut [T]) -> f64 {
    with_rows(log_p.len(), |joint, others| {
        for (c, joint) in joint.iter_mut().enumerate() {
            others.copy_from_slice(log_q);
            others[c] = f64::NEG_INFINITY;
            *joint = log_p[c] + log_sum_exp(others).max(LOWEST_LOG_PROBABILITY);
        }
        let log_z = normalise(joint);
        for (gamma, joint) in gamma.iter_mut().zip(joint) {
            *gamma = T::from_f64(*joint);
        }
        log_z
    })
}
