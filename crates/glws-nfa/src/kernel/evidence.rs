//! Instances that are known one by one: `Z = Π_i Σ_c p_i(c) e(c)`, `γ_i(c) ∝ p_i(c) e(c)`.

use assay_array::Scalar;

use super::softmax::{SMALLEST_TOTAL, log_softmax, normalise, softmax};

/// The same evidence for each instance: returns `log Z`. Some entry of `evidence` is above 0.
pub(super) fn posterior<T: Scalar>(logits: &[T], evidence: &[f64], posterior: &mut [T]) -> f64 {
    let classes = evidence.len();
    let mut joint = vec![0.0; classes];
    let mut log_z = 0.0;
    for (row, gamma) in logits.chunks_exact(classes).zip(posterior.chunks_exact_mut(classes)) {
        softmax(row, &mut joint);
        let mut total = 0.0;
        for (joint, evidence) in joint.iter_mut().zip(evidence) {
            *joint *= evidence;
            total += *joint;
        }
        if (SMALLEST_TOTAL..f64::INFINITY).contains(&total) {
            log_z += total.ln();
            for joint in &mut joint {
                *joint /= total;
            }
        } else {
            log_softmax(row, &mut joint);
            for (joint, evidence) in joint.iter_mut().zip(evidence) {
                *joint += evidence.ln();
            }
            log_z += normalise(&mut joint);
        }
        for (gamma, joint) in gamma.iter_mut().zip(&joint) {
            *gamma = T::from_f64(*joint);
        }
    }
    log_z
}

/// No evidence at all: `γ = p`.
pub(super) fn unknown<T: Scalar>(logits: &[T], classes: usize, posterior: &mut [T]) {
    let mut p = vec![0.0; classes];
    for (row, gamma) in logits.chunks_exact(classes).zip(posterior.chunks_exact_mut(classes)) {
        softmax(row, &mut p);
        for (gamma, p) in gamma.iter_mut().zip(&p) {
            *gamma = T::from_f64(*p);
        }
    }
}
