//! Pairs with a weight for each two classes: `Z = Σ_{a,b} p_1(a) w(a,b) p_2(b)`.

use assay_array::{Scalar, numeric::log_add_exp};
use ndarray::Array2;

use super::softmax::{SMALLEST_TOTAL, log_softmax, normalise, softmax};

/// Returns `log Z`. Some weight is above 0, and `weights` is `[C, C]`.
pub(super) fn posterior<T: Scalar>(
    logits: &[T],
    weights: &Array2<f64>,
    posterior: &mut [T],
) -> f64 {
    let classes = weights.nrows();
    let (first, second) = logits.split_at(classes);
    let (mut p, mut q) = (vec![0.0; classes], vec![0.0; classes]);
    let (mut one, mut two) = (vec![0.0; classes], vec![0.0; classes]);
    softmax(first, &mut p);
    softmax(second, &mut q);
    let mut total = 0.0;
    for ((row, p), one) in weights.rows().into_iter().zip(&p).zip(&mut one) {
        for ((weight, q), two) in row.iter().zip(&q).zip(&mut two) {
            let joint = p * weight * q;
            *one += joint;
            *two += joint;
        }
        total += *one;
    }
    let log_z = if (SMALLEST_TOTAL..f64::INFINITY).contains(&total) {
        one.iter_mut().chain(&mut two).for_each(|joint| *joint /= total);
        total.ln()
    } else {
        log_softmax(first, &mut p);
        log_softmax(second, &mut q);
        one.iter_mut().chain(&mut two).for_each(|joint| *joint = f64::NEG_INFINITY);
        for ((row, p), one) in weights.rows().into_iter().zip(&p).zip(&mut one) {
            for ((weight, q), two) in row.iter().zip(&q).zip(&mut two) {
                let joint = p + weight.ln() + q;
                *one = log_add_exp(*one, joint);
                *two = log_add_exp(*two, joint);
            }
        }
        normalise(&mut two);
        normalise(&mut one)
    };
    for (gamma, joint) in posterior.iter_mut().zip(one.iter().chain(&two)) {
        *gamma = T::from_f64(*joint);
    }
    log_z
}
