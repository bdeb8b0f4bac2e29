use assay_array::Scalar;
use assay_array::random::{normal, stream};
use ndarray::{Array2, ArrayView2};

use crate::classifier::{Classifier, gradient, logits};
use crate::error::within;
use crate::kernel::norm;
use crate::{Error, LowerBound, Result};

/// Lower bounds on the norm of the logits' Jacobian at each sample `[n, d]`, by power iteration: the
/// largest is a lower bound on the Lipschitz constant, to hold against a certificate.
///
/// `u ↦ J v` is taken by central differences, `v ↦ Jᵀu` by the model's gradient. What is returned is
/// `‖Jᵀu‖` for a unit `u`, which never exceeds `‖J‖₂`, however rough the differences were; the margin
/// for rounding is that of the model's element type.
///
/// # Errors
/// [`Error::Parameter`] for no iterations; [`Error::Shape`]; the model's own.
pub fn jacobian_norms<T: Scalar>(
    model: &dyn Classifier<T>,
    x: ArrayView2<'_, T>,
    iterations: usize,
    seed: u64,
) -> Result<Vec<LowerBound>> {
    within("iterations", "1 to 1000000", iterations as f64, 1.0, 1e6)?;
    let (n, d) = x.dim();
    let expected = vec![n, model.input_shape().iter().product()];
    if d != expected[1] {
        let operation = "norms of Jacobians";
        return Err(Error::Shape { operation, expected, got: vec![n, d] });
    }
    let classes = model.classes();
    let mut u = Array2::zeros((n, classes));
    for (i, mut u) in u.outer_iter_mut().enumerate() {
        let mut rng = stream(seed, "jacobian", i as u64);
        u.iter_mut().for_each(|u| *u = normal(&mut rng));
        unit(&mut u.to_vec()).into_iter().zip(&mut u).for_each(|(new, u)| *u = new);
    }
    let mut best = vec![0.0_f64; n];
    for round in 0..iterations {
        let (_, g) = gradient(model, x, &mut |_| Ok(u.clone()))?;
        // The step balances the third derivative against the rounding of the logits.
        let h = T::EPSILON.to_f64().cbrt() * (1.0 + largest(x));
        let (mut above, mut below) = (x.to_owned(), x.to_owned());
        for i in 0..n {
            let mut v: Vec<f64> = g.row(i).iter().map(|g| g.to_f64()).collect();
            best[i] = best[i].max(norm(&v));
            v = unit(&mut v);
            for (j, v) in v.iter().enumerate() {
                above[[i, j]] = T::from_f64(above[[i, j]].to_f64() + h * v);
                below[[i, j]] = T::from_f64(below[[i, j]].to_f64() - h * v);
            }
        }
        if round + 1 == iterations {
            break;
        }
        let image = logits(model, above.view())? - logits(model, below.view())?;
        for (i, image) in image.outer_iter().enumerate() {
            let new = unit(&mut image.to_vec());
            if new.iter().any(|x| *x != 0.0) {
                u.row_mut(i).iter_mut().zip(new).for_each(|(u, new)| *u = new);
            }
        }
    }
    // One rounding per layer and more, on the order of √d of them in a sum: generous.
    let margin = T::EPSILON.to_f64() * (d as f64).sqrt().max(16.0);
    Ok(best.into_iter().map(|b| LowerBound::with_margin(b, margin)).collect())
}

/// `max ‖f(a) − f(b)‖/‖a − b‖` over the pairs of rows `(a_i, b_i)`, a lower bound on the Lipschitz
/// constant: feed it a sample and its adversarial example. Zero for no pair that differs.
///
/// # Errors
/// [`Error::Shape`]; the model's own.
pub fn secant_bound<T: Scalar>(
    model: &dyn Classifier<T>,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
) -> Result<LowerBound> {
    if a.dim() != b.dim() {
        let (expected, got) = (a.shape().to_vec(), b.shape().to_vec());
        return Err(Error::Shape { operation: "secant: pairs", expected, got });
    }
    let difference = logits(model, a)? - logits(model, b)?;
    let mut best = 0.0_f64;
    for ((z, a), b) in difference.outer_iter().zip(a.outer_iter()).zip(b.outer_iter()) {
        let step: Vec<f64> = a.iter().zip(b).map(|(a, b)| a.to_f64() - b.to_f64()).collect();
        let length = norm(&step);
        // A step that drowns in rounding has no slope.
        if length > T::EPSILON.to_f64().sqrt() * (1.0 + largest(a.insert_axis(ndarray::Axis(0)))) {
            best = best.max(norm(&z.to_vec()) / length);
        }
    }
    Ok(LowerBound::with_margin(best, T::EPSILON.to_f64().sqrt()))
}

fn largest<T: Scalar>(x: ArrayView2<'_, T>) -> f64 {
    x.iter().fold(0.0, |m: f64, x| m.max(x.to_f64().abs()))
}

fn unit(x: &mut [f64]) -> Vec<f64> {
    let length = norm(x);
    x.iter().map(|x| if length > 0.0 { x / length } else { 0.0 }).collect()
}
